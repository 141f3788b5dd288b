// What the page asks the house; a refusal is an Error with the house's own sentence.

const as = new URLSearchParams(location.search).get("as");
const own = as ? `as=${encodeURIComponent(as)}` : "";

export async function ask(path, body) {
  const address = `/playground/api/${path}${own ? (path.includes("?") ? "&" : "?") + own : ""}`;
  const options = { headers: { accept: "application/json" } };
  if (body) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("网络不通，没有发出。请检查网络后再试。");
  }
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error || "没有成功，请稍后再试。");
  return data;
}

export const fileAddress = (id) => `/playground/files/${id}${own ? `?${own}` : ""}`;

// Calls `heard` with every piece of news and `changed` with true or false as the line opens and breaks.
export function listen(heard, changed) {
  let pause = 500;
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/playground/live${own ? `?${own}` : ""}`);
    socket.addEventListener("message", (event) => {
      pause = 500;
      heard(JSON.parse(event.data));
    });
    socket.addEventListener("open", () => changed(true));
    socket.addEventListener("close", () => {
      changed(false);
      setTimeout(open, pause);
      pause = Math.min(pause * 2, 10000);
    });
  };
  open();
}
