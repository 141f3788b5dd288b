// Lists of what is to be cleaned up: counts what is picked, and puts the bar's buttons on the keyboard.
// Everything works without it, by checking the boxes and pressing the buttons.
"use strict";

const picks = [...document.querySelectorAll("[data-pick]")];
const boxes = picks.map((pick) => pick.querySelector(".pick-box")).filter(Boolean);
const bar = document.getElementById("many");
const all = bar?.querySelector("[data-all]");

function count() {
  const picked = boxes.filter((box) => box.checked).length;
  bar.querySelector("[data-count]").textContent = String(picked);
  all.checked = picked > 0 && picked === boxes.length;
  return picked;
}

function pickAll(checked) {
  for (const box of boxes) box.checked = checked;
  count();
}

function move(step) {
  const at = picks.indexOf(document.activeElement?.closest("[data-pick]"));
  const next = picks[Math.min(Math.max(at + step, 0), picks.length - 1)];
  next?.focus();
}

// Nothing picked: the one that the keyboard stands on is meant.
function pickCurrent() {
  if (count() > 0) return true;
  const box = document.activeElement?.closest("[data-pick]")?.querySelector(".pick-box");
  if (box) box.checked = true;
  return count() > 0;
}

function act(key) {
  const found = bar?.querySelector(`[data-key="${key}"]`);
  if (!found || !pickCurrent()) return false;
  if (found instanceof HTMLDetailsElement) {
    found.open = true;
    found.querySelector("input, select").focus();
  } else {
    bar.requestSubmit(found);
  }
  return true;
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => { const box = document.activeElement?.closest("[data-pick]")?.querySelector(".pick-box"); if (box) { box.checked = !box.checked; count(); } },
  a: () => bar && pickAll(!all.checked),
  o: () => document.activeElement?.closest("[data-pick]")?.querySelector("[data-open]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("#many details[open]")) open.open = false;
    return;
  }
  if (event.key === "Enter" && event.target.matches(".bar .drop input, .bar .drop select")) {
    event.preventDefault();
    bar.requestSubmit(event.target.closest(".drop").querySelector("button"));
    return;
  }
  if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  if (KEYS[event.key]) {
    KEYS[event.key]();
    event.preventDefault();
  } else if (act(event.key)) {
    event.preventDefault();
  }
});

if (bar) {
  all.addEventListener("change", () => pickAll(all.checked));
  for (const box of boxes) box.addEventListener("change", count);
  bar.addEventListener("submit", (event) => {
    const picked = count();
    const what = event.submitter?.dataset.sure;
    if (picked > 1 && what && !window.confirm(`对选中的 ${picked} 项：${what}？`)) event.preventDefault();
  });
  count();
}

for (const field of document.querySelectorAll("[data-go]")) field.addEventListener("change", () => field.form.requestSubmit());
for (const button of document.querySelectorAll(".go")) button.hidden = true;
