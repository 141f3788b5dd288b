// Questions in a dialog: share a text, stand in for somebody, make or change a group.

import { ask } from "./api.js";
import { $, h, plain } from "./dom.js";

const dialog = $("dialog");
const KINDS = ["综合", "业务", "临时", "议事协调机构"];

function show(title, ...children) {
  dialog.replaceChildren(h("h2", { id: "dialog-title" }, title), ...children);
  dialog.showModal();
}

export const close = () => dialog.close();

function row(...buttons) {
  return h("div", { class: "actions" }, buttons, h("button", { type: "button", on: { click: close } }, "取消"));
}

const does = (label, act, style = "") => h("button", { type: "button", class: style, on: { click: act } }, label);

// Appeal: may the office read this one message? Resolves to true, false, or null when it is called off.
export function askToShare() {
  return new Promise((resolve) => {
    const choose = (value) => () => { resolve(value); close(); };
    show("标为误判",
      h("p", {}, "机制办会复核这条提示。默认只看到被提示的词句，看不到整条消息。"),
      h("p", {}, "愿意附上这条消息的原文吗？用于这次复核；复核后去掉姓名，留作检验规则的案例。"),
      h("div", { class: "actions" }, does("附上原文", choose(true), "primary"), does("不附原文", choose(false)), does("取消", choose(null))));
    dialog.addEventListener("close", () => resolve(null), { once: true });
  });
}

export function askWhom(members, me) {
  return new Promise((resolve) => {
    const select = h("select", { "aria-label": "替谁确认" }, members.filter((one) => one.id !== me).map((one) => h("option", { value: one.id }, plain(one.name))));
    show("代人确认", h("p", {}, "已当面或电话告知本人的，可以代为确认。会记下是您代办的。"),
      h("div", { class: "field" }, select), row(does("代为确认", () => { resolve(select.value); close(); }, "primary")));
    dialog.addEventListener("close", () => resolve(null), { once: true });
  });
}

export function aboutRoom(room, me, refresh) {
  const runs = ["owner", "admin", "office"].includes(room.role) && !room.dissolved;
  const problem = h("p", { class: "error-line", role: "alert", hidden: true });
  const change = (what, person) => async () => {
    try {
      await ask(`rooms/${encodeURIComponent(room.id)}/members`, { change: what, person });
      close();
      refresh();
    } catch (error) { problem.hidden = false; problem.textContent = error.message; }
  };
  const line = (one) => h("li", {}, h("span", {}, plain(one.name)), h("span", { class: "quiet small" }, plain(`${one.unit} ${one.post}`)),
    one.id === room.owner && h("span", { class: "tag" }, "群主"), one.here === "admin" && one.id !== room.owner && h("span", { class: "tag" }, "管理员"));
  const others = h("select", { "aria-label": "成员" }, room.members.filter((one) => one.id !== me).map((one) => h("option", { value: one.id }, plain(one.name))));
  const newcomers = h("select", { "aria-label": "要加入的人" }, room.everybody.map((one) => h("option", { value: one.id }, plain(`${one.name}（${one.unit}）`))));
  show(plain(room.name), problem, h("p", { class: "quiet" }, plain([room.unit, room.kind, `${room.members.length} 人`].filter(Boolean).join(" · "))),
    h("ul", { class: "people" }, room.members.map(line)),
    runs && h("fieldset", {}, h("legend", {}, "管理"),
      room.everybody.length > 0 && h("div", { class: "field" }, newcomers, h("div", { class: "actions" }, does("请进群", () => change("join", newcomers.value)()))),
      h("div", { class: "field" }, others, h("div", { class: "actions" },
        does("移出", () => change("leave", others.value)()), does("设为群主", () => change("owner", others.value)()))),
      does("解散本群", change("dissolve"), "danger")),
    h("div", { class: "actions" }, !room.dissolved && does("退出本群", change("leave", me), "danger"), does("关闭", close)));
}

export function newGroup(people, me, opened) {
  const problem = h("p", { class: "error-line", role: "alert", hidden: true });
  const name = h("input", { type: "text", id: "group-name", maxlength: "60" });
  const kind = h("select", { id: "group-kind" }, KINDS.map((one) => h("option", {}, one)));
  const boxes = people.filter((one) => one.id !== me).map((one) => [one.id, h("input", { type: "checkbox" }), plain(`${one.name} · ${one.unit}`)]);
  const make = async () => {
    const members = boxes.filter(([, box]) => box.checked).map(([id]) => id);
    try {
      const made = await ask("groups", { name: name.value, kind: kind.value, members });
      close();
      opened(made.room);
    } catch (error) { problem.hidden = false; problem.textContent = error.message; }
  };
  show("新建群", problem, h("p", { class: "warn-line" }, "同一工作不要重复建群；临时群在任务完成后请及时解散。"),
    h("div", { class: "field" }, h("label", { for: "group-name" }, "群名称"), name),
    h("div", { class: "field" }, h("label", { for: "group-kind" }, "类别"), kind),
    h("fieldset", { class: "choices" }, h("legend", {}, "成员"), boxes.map(([, box, label]) => h("label", { class: "choice" }, box, label))),
    row(does("建群", make, "primary")));
}
