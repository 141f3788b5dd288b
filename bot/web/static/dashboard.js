// Draws the dashboard's curves from the JSON at the end of the page. Without it every figure stands in a table; with it
// those tables fold away under their charts.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const INK = color("quiet");
  const LINE = color("line");
  const GREEN = color("green-strong");
  const AMBER = "#b7791f";
  const RED = color("red");
  const BLUE = color("blue");
  const GREY = "#9aa69f";

  const line = (name, values, shade, more) => ({
    name, type: "line", data: values, symbol: "circle", symbolSize: 5, showSymbol: values.length < 30,
    lineStyle: { width: 2 }, itemStyle: { color: shade }, emphasis: { disabled: true }, ...more,
  });
  const bars = (name, values, shade) => ({
    name, type: "bar", data: values, barMaxWidth: 22, itemStyle: { color: shade }, emphasis: { disabled: true },
  });
  // A rebound stands on the groups' line in the week in which it was first seen.
  const marks = data.groups.map((number, place) => (data.back[place] ? number : null));

  const PICTURES = {
    groups: (narrow) => [
      line("工作群", data.groups, GREEN),
      line("疑似僵尸", data.zombies, AMBER),
      ...(data.back.some(Boolean)
        ? [line("反弹", marks, RED, { symbol: "triangle", symbolSize: narrow ? 11 : 13, showSymbol: true, lineStyle: { width: 0 }, z: 5 })]
        : []),
    ],
    load: () => [
      line("工作消息", data.work, GREEN),
      line("全部消息", data.all, GREY, { lineStyle: { width: 2, type: "dashed" } }),
      bars("通知", data.notices, BLUE),
    ],
    saved: () => [bars("少打的“收到”", data.saved, GREEN)],
    flags: () => [bars("提示处数", data.flags, AMBER)],
  };

  function told(points) {
    const place = points[0].dataIndex;
    const lines = points.map((one) => {
      const value = one.seriesName === "反弹" ? data.back[place] : one.value;
      return value === null || value === undefined || value === "" ? "" : `${one.seriesName}　${value.toLocaleString("zh-CN")}`;
    });
    return [`${data.weeks[place]}（至 ${data.days[place]}）`, ...lines].filter(Boolean).join("\n");
  }

  function picture(kind, width) {
    const series = PICTURES[kind](width < 420);
    const words = { fontFamily: style.getPropertyValue("--font"), color: INK, fontSize: 12 };
    return {
      animation: false,
      textStyle: words,
      grid: { left: 4, right: 14, top: series.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
      legend: series.length > 1
        ? { top: 0, left: 0, itemWidth: 16, itemHeight: 9, itemGap: 14, textStyle: words, selectedMode: false }
        : { show: false },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, formatter: told, backgroundColor: "#fff",
        borderColor: LINE, borderWidth: 1, padding: [8, 10], textStyle: { ...words, color: color("ink"), lineHeight: 19 },
        axisPointer: { type: "line", lineStyle: { color: GREY } },
      },
      xAxis: {
        type: "category", data: data.days, axisTick: { show: false }, axisLine: { lineStyle: { color: GREY } },
        axisLabel: { ...words, hideOverlap: true, showMaxLabel: true },
      },
      yAxis: {
        type: "value", min: 0, minInterval: kind === "load" ? 0 : 1, splitNumber: 4, splitLine: { lineStyle: { color: LINE } },
        axisLabel: words,
      },
      series,
    };
  }

  function draw(place) {
    place.hidden = false;
    const chart = echarts.init(place, null, { renderer: "svg" });
    // On paper the picture is scaled as it is, for which it must know its own size.
    chart.on("finished", () => {
      place.querySelector("svg").setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
    });
    chart.setOption(picture(place.dataset.chart, place.clientWidth));
    new ResizeObserver(() => {
      const same = !place.clientWidth || place.clientWidth === chart.getWidth();
      if (!same && !matchMedia("print").matches) chart.resize();
    }).observe(place);
    place.parentElement.querySelector("details").open = false;
  }

  const button = document.querySelector("[data-print]");
  button.hidden = false;
  button.addEventListener("click", () => print());

  if (window.echarts && data.weeks.length > 1) document.querySelectorAll("[data-chart]").forEach(draw);
})();
