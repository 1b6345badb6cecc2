// Keeps a page of the queue fresh without touching what somebody types, and puts ready answers into the text field.
// All of it works without this script too, by reloading and by a button.
(() => {
  "use strict";
  const SECONDS = 4;
  const main = document.querySelector("main[data-source]");
  const live = document.getElementById("live");
  document.documentElement.classList.add("scripted");

  const template = document.getElementById("template");
  const text = document.getElementById("text");
  if (template && text) {
    let before = text.value;
    let put = "";
    template.addEventListener("change", () => {
      // What was put there before goes, unless somebody has changed it since.
      if (put && text.value === before + put) text.value = before;
      before = text.value.trim() ? `${text.value.trimEnd()}\n\n` : "";
      put = template.selectedOptions[0].dataset.text || "";
      if (put) text.value = before + put;
      else text.value = before.trimEnd();
    });
  }

  if (!main || !live) return;

  /** What a part shows, without the marks that each drawing of a form has anew. */
  const looks = (part) => {
    const copy = part.cloneNode(true);
    for (const once of copy.querySelectorAll("[name=once]")) once.remove();
    return copy.innerHTML;
  };

  const say = (words) => {
    live.textContent = words;
    clearTimeout(live.timer);
    live.timer = setTimeout(() => (live.textContent = ""), 6000);
  };

  const patch = (fresh) => {
    let changed = false;
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!other || looks(part) === looks(other)) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
      part.replaceChildren(...other.childNodes);
      if (focused) (document.getElementById(focused) || document.getElementById("content")).focus();
      changed = true;
    }
    for (const form of document.querySelectorAll("[data-may]")) {
      const other = fresh.querySelector(`[data-may="${form.dataset.may}"]`);
      // Words that somebody is writing stay in sight; the server tells if they come too late.
      if (other && !(other.hidden && form.querySelector("textarea")?.value.trim())) form.hidden = other.hidden;
    }
    if (changed && document.querySelector("[data-may]")) say(live.dataset.changed);
  };

  const look = async () => {
    if (document.hidden) return;
    try {
      const response = await fetch(main.dataset.source, { redirect: "manual", credentials: "same-origin" });
      if (response.type === "opaqueredirect") {
        live.textContent = live.dataset.signedOut;
        clearInterval(again);
      } else if (response.ok) {
        patch(new DOMParser().parseFromString(await response.text(), "text/html"));
      }
    } catch {
      // The server is away; the next look may find it.
    }
  };
  const again = setInterval(look, SECONDS * 1000);
  document.addEventListener("visibilitychange", look);
})();
