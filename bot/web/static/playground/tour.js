// The three-minute introduction: every step fills the composer, sending stays with the reader.

import { $, h } from "./dom.js";

const KEY = "qingqun-tour";
const read = () => { try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; } };

const STEPS = [
  { id: "rollcall", title: "发一条要大家回“收到”的通知", text: "群里会出现一张卡片，不用再刷屏。", room: "run",
    fill: "明天上午9点在镇政府三楼开会，请大家收到回复。" },
  { id: "press", title: "换个身份，点一下“已阅”", text: "点上面的“换个身份”，可开新窗口。卡片只有人数，没有名单。", room: "run" },
  { id: "demand", title: "发一条给基层添负担的要求", text: "只有您自己会收到提示，群里其他人看不到。", room: "run",
    fill: "各村每天报一次进度日报，按完成进度全镇排名通报。" },
  { id: "draft", title: "发之前先检查", text: "私聊发“检查 ……”，不留底稿。", room: "private", fill: "检查 所有人必须下载安装政务通，按安装率排名通报。" },
  { id: "mine", title: "看看我还有什么没确认", text: "跨群汇总，一点就清。", room: "private", fill: "我的待确认" },
  { id: "report", title: "看看哪些群该清理", text: "群主、管理员看自己的群，机制办看全部。", room: "private", fill: "清理报告" },
];

// Outside the demonstration only what stays between the reader and the bot is tried out.
export function drawTour(rooms, go, demo) {
  const tour = $("tour");
  const done = read();
  const run = rooms.find((room) => ["owner", "admin", "office"].includes(room.role) && !room.dissolved);
  tour.hidden = false;
  if (!tour.dataset.drawn) tour.open = !done.folded && innerWidth > 760;
  tour.dataset.drawn = "yes";
  tour.replaceChildren(h("summary", {}, "三分钟看懂轻群"), h("ol", {}, STEPS.filter((step) => demo || step.room === "private").map((step) => drawStep(step, done, run, go))));
  tour.ontoggle = () => mark("folded", !tour.open);
}

function drawStep(step, done, run, go) {
  const lacks = step.room === "run" && !run;
  const act = step.fill && !lacks && h("button", { type: "button", on: { click: () => go(step.room === "run" ? run.id : null, step.fill) } }, "试试");
  const words = h("span", {}, h("b", {}, step.title), lacks ? "（请换成群主身份再试）" : step.text);
  return h("li", { class: done[step.id] ? "done" : null }, words, act);
}

export function mark(step, value = true) {
  try { localStorage.setItem(KEY, JSON.stringify({ ...read(), [step]: value })); } catch { /* a page without storage works as well */ }
}

// What a sent text or a press shows of the tour.
export function noteSent(text, isPrivate) {
  for (const step of STEPS) {
    if (step.fill && (step.room === "private") === isPrivate && text.slice(0, 2) === step.fill.slice(0, 2)) mark(step.id);
  }
}
