// The Telegram-like chat.
import { act, clock, el, fill, toast } from "./dom.js";

const section = document.getElementById("telegram");
const log = section.querySelector(".log");
const form = section.querySelector("form");
let answered = null;
let state = null;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.elements.text.value;
  if (!text.trim()) return;
  form.reset();
  act({ do: "telegram.send", text });
});

export function showTelegram(telegram) {
  state = telegram;
  fill(log, telegram.messages, (message) => message.id, draw);
  form.elements.text.disabled = telegram.blocked;
  form.elements.text.placeholder = telegram.blocked ? "You blocked this bot" : "Message";
  if (answered !== null && telegram.answered > answered) {
    for (const busy of log.querySelectorAll(".busy")) busy.classList.remove("busy");
    if (telegram.toast) telegram.toast.alert ? alertBox(telegram.toast.text) : toast(telegram.toast.text);
  }
  answered = telegram.answered;
}

export function telegramMenu() {
  return el(
    "button",
    {
      type: "button",
      class: "quiet",
      title: "What the customer can do to the bot",
      onclick: () => act({ do: state?.blocked ? "telegram.unblock" : "telegram.block" }),
    },
    "Block",
  );
}

function draw(message) {
  const text = el("span", { class: "text", dir: "auto" }, message.text || "(no text)");
  const time = el("time", {}, (message.edited ? "edited " : "") + clock(message.at));
  const rows = message.buttons.map((row) => el("div", { class: "row" }, ...row.map((one) => button(message, one))));
  return el(
    "div",
    { class: message.mine ? "bubble mine" : "bubble" },
    el("p", {}, text, time),
    rows.length > 0 && el("div", { class: "keyboard" }, ...rows),
  );
}

function button(message, one) {
  if (one.url) return el("a", { href: /^https?:/.test(one.url) ? one.url : "#", target: "_blank", rel: "noreferrer" }, one.text);
  const node = el("button", { type: "button" }, one.text);
  node.addEventListener("click", () => {
    node.classList.add("busy");
    setTimeout(() => node.classList.remove("busy"), 4000);
    act({ do: "telegram.tap", message: message.id, data: one.data });
  });
  return node;
}

function alertBox(text) {
  const box = document.getElementById("alert");
  const close = el("button", { type: "button", class: "primary", onclick: () => box.close() }, "OK");
  box.replaceChildren(el("p", {}, text), close);
  box.showModal();
}
