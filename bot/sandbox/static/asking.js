// When to ask: a chat of any kind ends, and the ledger says what became of it and why; the app's clock beside it.
import { act, el, toast } from "./dom.js";

const box = document.getElementById("asking");
const opener = document.getElementById("asking-opener");
const form = document.getElementById("ask");
const ledger = document.getElementById("ledger");
const VERDICTS = { asked: "asked", deferred: "later", "not asked": "not asked" };
const DONE = {
  end: "The app was told that the chat is over.",
  again: "Told again, word for word.",
  writes: "The app was told that the customer wrote again.",
  opens: "The app was told that the chat was opened again.",
  now: "The agent asked for it: at once, without the delay.",
};
const rows = new Map();
let setting = null;
let around = () => ({});
let visitor = "";
let told = { now: 0, at: 0 };

export function setVisitor(key) {
  visitor = key;
}

/** Draw the panel and follow the ledger; `people` tells the agent and the languages that the page has now. */
export async function followAsking(all, people) {
  setting = all;
  around = people;
  document.body.classList.toggle("fast", setting.speed !== 1);
  prepareFields();
  prepareOutcomes();
  prepareClock();
  opener.addEventListener("click", () => {
    show(box.hidden);
    // where the page is longer than the screen, it stands at the end
    if (!box.hidden) box.scrollIntoView({ block: "nearest" });
    look();
  });
  show(setting.real);
  for (;;) {
    if (!box.hidden) await look();
    await new Promise((wake) => setTimeout(wake, document.hidden ? 4000 : 600));
  }
}

function show(open) {
  box.hidden = !open;
  opener.setAttribute("aria-expanded", String(open));
  document.body.classList.toggle("is-asking", open);
  if (open) showEmail();
}

function prepareFields() {
  const options = Object.entries(setting.customers).map(([chat, who]) =>
    el("option", { value: chat }, chat === "stranger" ? `${who.name}, who never wrote to the Telegram bot` : who.name),
  );
  form.elements.chat.append(...options);
  form.elements.chat.value = "telegram";
  form.elements.flow.dataset.flows = "";
  form.elements.flow.append(...setting.flows.map((one) => el("option", { value: one.id }, one.title)));
  form.elements.chat.addEventListener("change", showEmail);
  form.elements.flow.addEventListener("change", showEmail);
  form.elements.sample.addEventListener("change", () => act({ do: "ask.sample", chat: "telegram", part: form.elements.sample.value }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const verb = event.submitter?.value || "end";
    const answer = await act({ do: `ask.${verb}`, ...fields() });
    if (answer.ok) toast(DONE[verb]);
    look();
  });
}

/** What the fields say; what is "not told" is left out. */
function fields() {
  const value = (name) => form.elements[name].value;
  const chat = value("chat");
  return {
    chat,
    key: chat === "web" ? visitor : undefined,
    flow: value("flow"),
    messages: value("messages") === "" ? undefined : Number(value("messages")),
    human: value("human") === "" ? undefined : value("human") === "true",
    began: value("began") || undefined,
    ago: Number(value("ago")),
    tags: value("tags").split(",").map((tag) => tag.trim()).filter(Boolean),
    vip: form.elements.vip.checked,
    agent: around().agent,
    language: around().languages[chat],
  };
}

function fillIn(outcome) {
  const said = (value) => (value === null ? "" : String(value));
  form.elements.chat.value = outcome.chat;
  if (outcome.flow) form.elements.flow.value = outcome.flow;
  for (const name of ["messages", "human", "began", "ago"]) form.elements[name].value = said(outcome[name]);
  form.elements.tags.value = outcome.tags.join(", ");
  form.elements.vip.checked = outcome.vip;
}

function prepareOutcomes() {
  const items = setting.outcomes.map((outcome) => {
    const tooSlow = outcome.real && !setting.real;
    const button = el("button", { type: "button", disabled: tooSlow, "data-outcome": outcome.id }, "Play it");
    if (tooSlow) button.title = "Shortened away here; afterchat demo --speed 3600 has it";
    button.setAttribute("aria-label", `Play it: ${outcome.title}`);
    button.addEventListener("click", () => play(outcome, button));
    return el("li", { class: tooSlow ? "away" : null }, button, el("span", {}, outcome.title));
  });
  document.getElementById("outcomes").append(...items);
}

async function play(outcome, button) {
  fillIn(outcome);
  // a play moves the clock, which would ruin another one
  const others = [...document.querySelectorAll("#outcomes button:enabled")];
  for (const each of others) each.disabled = true;
  button.classList.add("busy");
  const { agent, languages } = around();
  const answer = await act({ do: "ask.play", outcome: outcome.id, agent, language: languages[outcome.chat] });
  for (const each of others) each.disabled = false;
  button.classList.remove("busy");
  if (answer.ok) ledger.scrollTop = 0;
  look();
}

function prepareClock() {
  const pace = setting.speed === 1 ? "as fast as yours" : `${setting.speed.toLocaleString("en")} times as fast as yours`;
  document.getElementById("clock-speed").textContent = setting.speed === 3600 ? "an hour a second" : pace;
  document.getElementById("settings-here").textContent = setting.real
    ? "The real settings of the example: nothing is shortened."
    : "Shortened settings. afterchat demo --speed 3600 runs the real ones, an hour a second.";
  for (const button of box.querySelectorAll(".skips button")) {
    const { hour, days } = button.dataset;
    button.addEventListener("click", async () => {
      await act({ do: "ask.skip", chat: form.elements.chat.value, ...(days ? { days: Number(days) } : { hour: Number(hour) }) });
      look();
    });
  }
  setInterval(tick, setting.speed === 1 ? 1000 : 100);
}

function tick() {
  if (box.hidden || !told.at) return;
  const now = new Date((told.now + ((performance.now() - told.at) / 1000) * setting.speed) * 1000);
  const who = setting.customers[form.elements.chat.value];
  const parts = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  const date = now.toLocaleString("en-GB", { ...parts, year: "numeric", timeZone: "UTC" });
  const local = now.toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone: who.zone });
  document.getElementById("clock-time").textContent = `${date} UTC`;
  document.getElementById("clock-local").textContent = `where ${who.name.split(" ")[0]} is: ${local}`;
}

async function look() {
  let answer;
  try {
    answer = await (await fetch("/sandbox/when")).json();
  } catch {
    return;
  }
  told = { now: answer.now, at: performance.now() };
  const { sample } = form.elements;
  if (document.activeElement !== sample) sample.value = String(answer.sample);
  tick();
  draw(answer.ledger);
}

/** Newest first; what has not changed keeps its element, and what a reader opened stays open. */
function draw(decisions) {
  const wanted = new Set(decisions.map((one) => one.key));
  for (const [key, row] of rows) {
    if (!wanted.has(key)) {
      row.node.remove();
      rows.delete(key);
    }
  }
  let place = ledger.firstChild;
  for (const one of decisions) {
    const looks = JSON.stringify(one);
    let row = rows.get(one.key);
    if (!row || row.looks !== looks) {
      const node = decided(one, row?.node.querySelector("details").open);
      if (row) {
        if (place === row.node) place = node;
        row.node.replaceWith(node);
      }
      row = { node, looks };
      rows.set(one.key, row);
    }
    if (place === row.node) place = place.nextSibling;
    else ledger.insertBefore(row.node, place);
  }
}

function decided(one, open) {
  const at = new Date(one.at * 1000).toLocaleString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: one.zone,
  });
  return el(
    "li",
    { class: `decision ${one.verdict.replace(" ", "-")}`, "data-rule": one.rule, "data-reference": one.reference },
    el(
      "details",
      { open },
      el(
        "summary",
        {},
        el("span", { class: "verdict" }, VERDICTS[one.verdict] ?? one.verdict),
        el("strong", {}, one.customer || "nobody known"),
        el("time", { title: one.zone }, at),
        one.repeats > 0 && el("span", { class: "repeats" }, `told ${one.repeats + 1} times`),
        el("span", { class: "sentence" }, one.sentence),
      ),
      el("p", { class: "story-of" }, one.story),
    ),
  );
}

/** The e-mail to the customer of the fields, in the language that they speak now. */
export function showEmail() {
  if (box.hidden) return;
  const chat = form.elements.chat.value;
  const language = around().languages?.[chat] ?? "en";
  const frame = document.getElementById("email");
  const src = `/email?${new URLSearchParams({ chat, flow: form.elements.flow.value, language })}`;
  if (frame.getAttribute("src") !== src) frame.src = src;
}
