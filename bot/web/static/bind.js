// The page behind a group's card: asks for its code, waits until the code was sent, and acknowledges what only has to
// be read. Everything works without it, by pressing the buttons.
"use strict";

const first = document.querySelector("form[data-auto]");
const toAcknowledge = document.querySelector("[data-acknowledge]");
const code = document.getElementById("code");
const copy = document.querySelector("[data-copy]");

if (document.visibilityState === "visible") {
  begin();
} else {
  document.addEventListener("visibilitychange", begin, { once: true });
}

function begin() {
  if (toAcknowledge) {
    const form = document.querySelector(`form[action="${toAcknowledge.dataset.acknowledge}"]`);
    if (form) form.requestSubmit();
  } else if (first && navigator.cookieEnabled) {
    first.requestSubmit();
  }
}

if (code) setTimeout(look, 2000);

async function look() {
  try {
    const answer = await fetch(code.dataset.state, { headers: { accept: "application/json" } });
    if ((await answer.json()).state !== "waiting") {
      location.replace(location.pathname);
      return;
    }
  } catch {
    // The next look may go better.
  }
  setTimeout(look, 2000);
}

if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.textContent = "已复制，请到微信里粘贴发送";
  });
}
