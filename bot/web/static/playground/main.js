// The playground page: a list of rooms, one conversation, news over a WebSocket.

import { ask, listen } from "./api.js";
import { drawMessage } from "./cards.js";
import * as dialogs from "./dialogs.js";
import { $, botFace, dayLabel, dayOf, face, h, plain, shortTime, token } from "./dom.js";
import { drawTour, mark, noteSent } from "./tour.js";

const { me, demo, bot } = $("side").dataset;
const state = { overview: null, room: null, talk: null, quote: null, sending: null, drafts: {} };

// Rooms ---------------------------------------------------------------------------------------------------------------
async function loadOverview() {
  state.overview = await ask("overview");
  drawRooms();
  drawTour(state.overview.rooms, go, demo);
  $("new-group").hidden = false;
}

function drawRooms() {
  const { rooms, private: own } = state.overview;
  $("private").replaceChildren(roomLine({ ...own, name: bot }, botFace(), "只有您和轻群看得到"));
  $("rooms").replaceChildren(...rooms.map((room) => roomLine(room, face((room.kind || "群")[0]), "还没有消息")));
  const unseen = own.unseen + rooms.reduce((sum, room) => sum + room.unseen, 0);
  document.title = `${unseen ? `（${unseen}）` : ""}试用台 · ${bot}${demo ? "（演示数据）" : ""}`;
}

function lastLine(last, empty) {
  if (!last) return empty;
  if (last.recalled) return "撤回了一条消息";
  const who = last.bot ? bot : plain(last.name);
  return `${who}：${last.kind === "image" ? "[图片] " : last.kind === "file" ? "[文件] " : ""}${plain(last.text)}`;
}

function roomLine(room, picture, empty) {
  const open = () => { location.hash = `#/${encodeURIComponent(room.id)}`; };
  const line = h("button", { type: "button", on: { click: open }, data: { room: room.id } }, picture,
    h("span", { class: "line" }, h("b", {}, plain(room.name)), h("span", {}, room.dissolved ? "已解散" : lastLine(room.last, empty))),
    h("span", { class: "aside" }, room.last && shortTime(room.last.at), room.unseen > 0 && h("span", { class: "badge", "aria-label": `${room.unseen} 条新消息` }, room.unseen > 99 ? "99+" : room.unseen)));
  if (room.id === state.room) line.setAttribute("aria-current", "true");
  return h("li", {}, line);
}

// Conversation --------------------------------------------------------------------------------------------------------
async function openRoom(id) {
  if (state.room) state.drafts[state.room] = $("text").value;
  state.room = id;
  state.quote = null;
  document.querySelector(".chat").classList.toggle("in-room", Boolean(id));
  if (!id) { $("composer").hidden = true; drawRooms(); return; }
  $("text").value = state.drafts[id] || "";
  grow();
  await loadTalk();
  await loadOverview();
}

async function loadTalk() {
  const id = state.room;
  try {
    const talk = await ask(`rooms/${encodeURIComponent(id)}`);
    if (id !== state.room) return;
    state.talk = talk;
    drawTalk(true);
  } catch (error) {
    $("log").replaceChildren(h("p", { class: "empty" }, error.message));
    $("composer").hidden = true;
  }
}

function roomFacts() {
  const isPrivate = state.room.startsWith("@");
  return { private: isPrivate, bot, role: state.overview?.rooms.find((room) => room.id === state.room)?.role };
}

function drawTalk(toEnd) {
  const { facts, members, messages, more } = state.talk;
  const room = roomFacts();
  $("room-name").textContent = facts ? plain(facts.name) : bot;
  $("room-facts").textContent = facts ? `${members.length} 人${facts.dissolved ? " · 已解散" : ""}` : "私聊：只有您和轻群看得到";
  $("about").hidden = !facts;
  $("composer").hidden = Boolean(facts?.dissolved);
  $("attach").hidden = room.private;
  drawChips(room.private);
  const log = $("log");
  const atEnd = toEnd || log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  const drawn = more ? [h("button", { type: "button", class: "older", on: { click: loadOlder } }, "更早的消息")] : [];
  let day = "";
  for (const message of messages) {
    if (dayOf(message.at) !== day) { day = dayOf(message.at); drawn.push(h("p", { class: "daymark" }, dayLabel(message.at))); }
    drawn.push(drawMessage(message, room, acts));
  }
  if (!messages.length) drawn.push(h("p", { class: "empty" }, room.private ? "向轻群发“检查 ……”“我的待确认”或“清理报告”试试。" : "还没有消息。"));
  log.replaceChildren(...drawn);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

async function loadOlder() {
  const log = $("log");
  const height = log.scrollHeight;
  const older = await ask(`rooms/${encodeURIComponent(state.room)}?before=${state.talk.messages[0].id}`);
  state.talk.messages.unshift(...older.messages);
  state.talk.more = older.more;
  drawTalk(false);
  log.scrollTop = log.scrollHeight - height;
}

function take(message) {
  if (state.talk && message.room === state.room) {
    const { messages } = state.talk;
    const place = messages.findIndex((one) => one.id === message.id);
    if (place >= 0) { if (message.version >= messages[place].version) messages[place] = message; }
    else if (message.kind !== "recall" && (!messages.length || message.id > messages[0].id)) messages.push(message);
    messages.sort((a, b) => a.id - b.id);
    drawTalk(message.mine);
    ask(`rooms/${encodeURIComponent(state.room)}/seen`, { message: message.id }).then(loadOverview, () => {});
    return;
  }
  if (message.room.startsWith("@") && !message.version && !message.mine) toast(message);
  loadOverview();
}

function toast(message) {
  const title = plain(message.card?.title || message.file || message.text);
  const box = h("div", { class: "toast" }, botFace(), h("span", { class: "line" }, h("b", {}, title), h("span", {}, `${bot}私信，只有您看得到`)),
    h("button", { type: "button", class: "primary", on: { click: () => { box.remove(); location.hash = `#/${encodeURIComponent(message.room)}`; } } }, "查看"),
    h("button", { type: "button", class: "plain", "aria-label": "关闭", on: { click: () => box.remove() } }, "×"));
  $("toast").replaceChildren(box);
}

// What one does with a message ----------------------------------------------------------------------------------------
const acts = {
  quote(message) {
    state.quote = message;
    $("reply").hidden = false;
    $("reply").querySelector("span").textContent = `引用 ${plain(message.sender?.name)}：${plain(message.text)}`;
    $("text").focus();
  },
  async recall(message) {
    await guarded(async () => {
      const { text } = await ask(`messages/${message.id}/recall`, {});
      if (message.kind === "text" && !$("text").value) fill(text);
    });
  },
  async press(message, button, element, standsFor = "") {
    const share = button.action === "misjudged" ? await dialogs.askToShare() : false;
    if (share === null) return;
    if (element) element.disabled = true;
    await guarded(async () => {
      const press = { action: button.action, subject: button.subject, press: token(), share, stands_for: standsFor };
      const answer = await ask(`messages/${message.id}/press`, press);
      if (button.action === "ack") mark("press");
      if (answer.room) { await rewrite(answer); return; }
      await loadTalk();
    });
    if (element) element.disabled = false;
  },
  async standIn(message, button) {
    const whom = await dialogs.askWhom(state.talk.members, me);
    if (whom) await acts.press(message, button, null, whom);
  },
};

async function rewrite({ room, text }) {
  state.drafts[room] = text;
  location.hash = `#/${encodeURIComponent(room)}`;
}

async function guarded(work) {
  $("problem").hidden = true;
  try { await work(); } catch (error) {
    $("problem").hidden = false;
    $("problem").textContent = error.message;
  }
}

// Composer ------------------------------------------------------------------------------------------------------------
function fill(text) {
  $("text").value = text;
  grow();
  $("text").focus();
}

function grow() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
}

function drawChips(isPrivate) {
  const words = isPrivate ? ["检查 ", "我的待确认", "清理报告"] : [];
  $("chips").hidden = !words.length;
  $("chips").replaceChildren(...words.map((word) => h("button", { type: "button", on: { click: () => fill(word) } }, word.trim() === "检查" ? "检查 ……" : word)));
}

async function send(kind, text) {
  const { room } = state;
  if (!text.trim()) return;
  const same = state.sending && state.sending.text === text && state.sending.room === room;
  state.sending = same ? state.sending : { room, text, name: token() };
  $("send").disabled = true;
  await guarded(async () => {
    const body = { kind, text, said_as: state.sending.name, quotes: state.quote?.id };
    const message = await ask(`rooms/${encodeURIComponent(room)}/messages`, body);
    state.sending = null;
    noteSent(text, room.startsWith("@"));
    clearQuote();
    if (kind === "text" && $("text").value === text) fill("");
    take(message);
  });
  $("send").disabled = false;
}

function clearQuote() {
  state.quote = null;
  $("reply").hidden = true;
}

function go(room, text) {
  const id = room || state.overview.private.id;
  if (id === state.room) { fill(text); return; }
  state.drafts[id] = text;
  location.hash = `#/${encodeURIComponent(id)}`;
}

$("composer").addEventListener("submit", (event) => { event.preventDefault(); send("text", $("text").value); });
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && innerWidth > 760) { event.preventDefault(); send("text", $("text").value); }
});
$("reply").querySelector("button").addEventListener("click", clearQuote);
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  // Only the name is sent: the playground keeps no pictures.
  if (file) send(file.type.startsWith("image/") ? "image" : "file", file.name);
  $("file").value = "";
});
$("back").addEventListener("click", () => { location.hash = ""; });
$("about").addEventListener("click", () => {
  const { facts, members } = state.talk;
  const inside = new Set(members.map((one) => one.id));
  const everybody = (state.overview.people || []).filter((one) => !inside.has(one.id));
  dialogs.aboutRoom({ ...facts, role: roomFacts().role, members, everybody }, me, () => { location.hash = ""; loadOverview(); });
});
$("new-group").addEventListener("click", () => dialogs.newGroup(state.overview.people || [], me, (room) => { location.hash = `#/${encodeURIComponent(room)}`; }));

// Start ---------------------------------------------------------------------------------------------------------------
const here = () => decodeURIComponent(location.hash.replace(/^#\//, "").replace(/^#/, ""));
addEventListener("hashchange", () => openRoom(here()));

async function begin() {
  await guarded(async () => {
    await loadOverview();
    if (here() !== state.room) await openRoom(here());
    else if (state.room) await loadTalk();
    const [first] = state.overview.rooms;
    if (!here() && innerWidth > 760) location.hash = `#/${encodeURIComponent((first || state.overview.private).id)}`;
  });
}

let broken = null;
listen((news) => {
  if (news.type === "message") take(news.message);
  else if (news.type === "rooms") loadOverview();
  else begin();
}, (open) => {
  clearTimeout(broken);
  if (open) $("strip").hidden = true;
  else broken = setTimeout(() => { $("strip").hidden = false; }, 800);
});
