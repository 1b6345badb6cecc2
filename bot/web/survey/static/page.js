/*
 * Takes the answer that an e-mail's link brought along without a press, as soon as a person moves, touches or types:
 * programs that look through mail open links too, for as long as they like, and what they open must count for nobody.
 *
 * Everything else on the page works without this script.
 */
(() => {
  "use strict";

  const CHOOSING = 500; // milliseconds: whoever moves may be about to press another answer
  // Not "scroll": a script that scrolls makes trusted ones.
  const SIGNS = ["pointermove", "pointerdown", "touchstart", "keydown", "wheel"];

  const form = document.querySelector("form[data-by-itself]");
  const status = document.getElementById("status");
  if (!form || !status) return;

  let over = false;
  const say = (text) => {
    status.hidden = false;
    status.textContent = text;
  };

  const end = () => {
    over = true;
    for (const sign of SIGNS) removeEventListener(sign, noticed);
  };

  const send = async () => {
    if (over) return;
    end();
    say(status.dataset.noting);
    const body = new URLSearchParams(new FormData(form));
    body.set("token", form.dataset.byItself);
    body.set("by", "script");
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.querySelector("main");
      if (!answer.ok || !main) throw new Error(answer.status);
      document.documentElement.lang = page.documentElement.lang;
      document.documentElement.dir = page.documentElement.dir;
      const said = main.querySelector("#status");
      const text = said ? said.textContent : "";
      if (said) said.replaceWith(status);
      document.querySelector("main").replaceWith(main);
      history.replaceState(null, "", answer.url);
      say(text);
      status.hidden = !text;
    } catch {
      say(status.dataset.press);
    }
  };

  const noticed = (event) => {
    if (!event.isTrusted) return;
    for (const sign of SIGNS) removeEventListener(sign, noticed);
    setTimeout(send, CHOOSING);
  };

  say(status.dataset.chosen);
  form.addEventListener("submit", end);
  for (const sign of SIGNS) addEventListener(sign, noticed, { passive: true });
})();
