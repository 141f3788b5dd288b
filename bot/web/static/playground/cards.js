// One message of a conversation as elements.

import { fileAddress } from "./api.js";
import { botFace, clock, face, h, plain } from "./dom.js";

const KIND = { image: "图片", file: "文件", sticker: "表情", link: "链接" };
const LONG = 220;

export function drawMessage(message, room, acts) {
  if (message.recalled) {
    const who = message.mine ? "您" : plain(message.sender?.name);
    return h("p", { class: "taken daymark", data: { id: message.id } }, `${who}撤回了一条消息`);
  }
  const by = message.sender ? plain(message.sender.name) : room.bot;
  return h("article", { class: message.mine ? "said mine" : "said", data: { id: message.id }, "aria-label": `${by} ${clock(message.at)}` },
    message.sender ? face(message.sender.name) : botFace(),
    h("div", { class: "body" },
      h("p", { class: "by" }, message.mine ? clock(message.at) : `${by} · ${clock(message.at)}`),
      message.card ? drawCard(message, room, acts) : drawBubble(message),
      message.pending && h("span", { class: "waiting" }, "已保存，系统稍后处理"),
      drawTools(message, acts)));
}

function drawTools(message, acts) {
  const buttons = [];
  if (message.sender && !message.card) {
    buttons.push(h("button", { type: "button", on: { click: () => acts.quote(message) } }, "引用"));
  }
  if (message.mine) buttons.push(h("button", { type: "button", on: { click: () => acts.recall(message) } }, "撤回"));
  return buttons.length ? h("div", { class: "tools" }, buttons) : null;
}

function drawBubble(message) {
  const quoted = message.quotes && h("div", { class: "quoted" },
    message.quotes.text ? `${plain(message.quotes.name)}：${plain(message.quotes.text)}` : "原消息已撤回");
  if (message.kind === "text") return h("div", { class: "bubble" }, quoted, plain(message.text));
  const name = plain(message.file || message.text);
  const shown = message.file ? h("a", { href: fileAddress(message.id), download: name }, name) : h("span", {}, name);
  return h("div", { class: "bubble" }, quoted, h("div", { class: "attached" }, h("i", {}, KIND[message.kind] || message.kind), shown));
}

export function drawCard(message, room, acts) {
  const card = message.card;
  return h("div", { class: `card card-${card.tone}` },
    room.private && card.tone === "flag" && h("span", { class: "only-you" }, "仅您可见"),
    h("h3", {}, plain(card.title)),
    card.text && h("p", { class: card.text.length > LONG ? "text long" : "text", tabindex: card.text.length > LONG ? "0" : null }, plain(card.text)),
    card.lines.length > 0 && h("ul", {}, card.lines.map((line) => h("li", {}, plain(line)))),
    card.details.length > 0 && h("dl", {}, card.details.flatMap(([name, value]) => [h("dt", {}, plain(name)), h("dd", {}, plain(value))])),
    drawProgress(card.progress),
    drawPresses(message, room, acts),
    card.note && h("p", { class: "small" }, plain(card.note)));
}

function drawProgress(progress) {
  if (!progress) return null;
  const [done, all] = progress;
  return h("div", {}, h("p", { class: "count" }, `已确认 ${done} 人，共 ${all} 人`),
    h("progress", { max: all, value: done, "aria-label": "确认进度" }));
}

function drawPresses(message, room, acts) {
  const { card, receipts = {} } = message;
  const shown = card.buttons.flatMap((button) => drawButton(message, button, receipts[button.subject], acts));
  const links = card.links.filter((link) => link.url).map((link) =>
    h("a", { class: "button plain", href: link.url, target: "_blank", rel: "noopener" }, plain(link.label)));
  const first = card.buttons.find((button) => button.action === "ack");
  const deputy = first && !room.private && h("button", { type: "button", class: "plain", on: { click: () => acts.standIn(message, first) } }, "代人确认");
  return shown.length || links.length ? h("div", { class: "presses" }, shown, links, deputy) : null;
}

// A press that has had its effect shows as done; what one may take back shows only while one may.
function drawButton(message, button, receipt, acts) {
  const draw = (label, style) => h("button", { type: "button", class: style === "primary" ? "primary" : null,
    data: { action: button.action }, on: { click: (event) => acts.press(message, button, event.currentTarget) } }, plain(label));
  if (button.action === "ack" && receipt?.state === "acknowledged") {
    return [h("span", { class: "acked" }, `✓ 您已于 ${clock(receipt.at)} 确认`)];
  }
  if (button.action === "ack" && receipt?.state === "sender") return [h("span", { class: "acked" }, "您发起的通知")];
  if (button.action === "undo") return receipt?.undo_until && Date.parse(receipt.undo_until) > Date.now() ? [draw(button.label, "plain")] : [];
  return [draw(button.label, button.style)];
}
