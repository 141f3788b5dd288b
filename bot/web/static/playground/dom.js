// Elements from data: text is always text, never markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const $ = (id) => document.getElementById(id);

// Invisible characters that could turn the text after them around.
const BIDI = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
export const plain = (text) => String(text ?? "").replace(BIDI, "");

const shanghai = (options) => new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", ...options });
const dayFormat = shanghai({ year: "numeric", month: "numeric", day: "numeric" });
const shortDay = shanghai({ month: "numeric", day: "numeric" });
const longDay = shanghai({ month: "long", day: "numeric", weekday: "short" });
const clockFormat = shanghai({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const dayOf = (at) => dayFormat.format(new Date(at));
export const clock = (at) => clockFormat.format(new Date(at));
export const dayLabel = (at) => (dayOf(at) === dayOf(Date.now()) ? "今天" : longDay.format(new Date(at)));
export const shortTime = (at) => (dayOf(at) === dayOf(Date.now()) ? clock(at) : shortDay.format(new Date(at)));
export const token = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export function face(name) {
  return h("span", { class: "face", "aria-hidden": "true" }, plain(name).slice(-1) || "·");
}

export function botFace() {
  return h("span", { class: "face bot", "aria-hidden": "true" }, h("img", { src: "/static/icon.svg", alt: "" }));
}
