// The page: people, languages, the end of a support chat, faults, and the live stream of what there is to see.
import { followAsking, setVisitor, showEmail } from "./asking.js";
import { act, el, toast } from "./dom.js";
import { followScore } from "./score.js";
import { followSettings } from "./settings.js";
import { queueOf, setAgent, setPeople, showSlack } from "./slack.js";
import { showTelegram, telegramMenu } from "./telegram.js";

const NAMES = { en: "English", vi: "Tiếng Việt", it: "Italiano", pl: "Polski" };
const shop = document.getElementById("shop");
const languages = {};
let visitor = "";
let agentName = "";

const setting = await (await fetch("/sandbox/setting")).json();
const sections = { web: "web", telegram: "telegram", slack: "direct" };

for (const [chat, section] of Object.entries(sections)) prepare(chat, document.getElementById(section));
prepareDesk();
prepareCommands();
prepareBanner();
prepareFaults();
reloadShop(languages.web);
listen();
followScore();
followSettings();
followAsking(setting, () => ({ agent: agentName, languages }));

function prepare(chat, section) {
  const customer = setting.customers[chat];
  languages[chat] = customer.language;
  section.querySelector("h2").textContent = customer.name;
  section.querySelector(".face").textContent = customer.name.slice(0, 1);
  const flow = el(
    "select",
    { "aria-label": `Flow for ${customer.name}`, "data-flows": "" },
    ...(setting.flows.length === 0 ? [el("option", { value: "" }, "the app's choice")] : []),
    ...setting.flows.map((one) => el("option", { value: one.id }, one.title)),
  );
  const language = el(
    "select",
    { class: "language", "aria-label": `Language of ${customer.name}` },
    ...setting.languages.map((one) => el("option", { value: one, title: NAMES[one] }, one.toUpperCase())),
  );
  language.value = customer.language;
  language.addEventListener("change", () => speak(chat, language.value));
  const end = el("button", { type: "button", class: "primary end" }, "End the support chat");
  end.addEventListener("click", () => endChat(chat, customer, flow.value, end));
  section.querySelector(".deeds").append(end, el("div", { class: "picks" }, flow, language, chat === "telegram" && telegramMenu()));
}

/** What customers may say at any time, one click away. */
function prepareCommands() {
  for (const [section, deed] of [
    ["telegram", { do: "telegram.send" }],
    ["direct", { do: "slack.send", as: setting.customers.slack.key, channel: "direct" }],
  ]) {
    const button = document.querySelector(`#${section} .command`);
    button.textContent = setting.command;
    button.title = "Give feedback at any time";
    button.addEventListener("click", () => act({ ...deed, text: setting.command }));
  }
}

async function endChat(chat, customer, flow, button) {
  button.disabled = true;
  const key = chat === "web" ? visitor || customer.key : undefined;
  const answer = await act({ do: "chat.end", chat, key, flow, language: languages[chat], agent: agentName });
  button.disabled = false;
  if (!answer.ok) return;
  const decision = answer.answer?.decision;
  const rule = answer.answer?.rule;
  const asked = !decision || decision === "asked";
  toast(asked ? `The chat with ${customer.name} is over; the app was told.` : `The app decided: ${decision}${rule ? ` (${rule})` : ""}`);
}

async function speak(chat, language) {
  languages[chat] = language;
  await act({ do: "chat.language", chat, language });
  if (chat === "web") reloadShop(language);
  showEmail();
}

function reloadShop(language) {
  shop.src = `/shop?language=${encodeURIComponent(language)}`;
}

window.addEventListener("message", (event) => {
  if (event.origin !== location.origin || typeof event.data?.visitor !== "string") return;
  visitor = event.data.visitor;
  setVisitor(visitor);
});

function prepareDesk() {
  const section = document.getElementById("desk");
  const group = section.querySelector(".agents");
  const input = section.querySelector("form input");
  const choose = (one) => {
    agentName = one.name;
    input.placeholder = `Message to the channel as ${one.name}`;
    document.getElementById("queue").href = queueOf(one.id);
    setAgent(one.id);
  };
  setPeople(setting.customers.slack.key, setting.agents, setting.app);
  for (const [place, one] of setting.agents.entries()) {
    const radio = el("input", { type: "radio", name: "agent", value: one.id, onchange: () => choose(one) });
    radio.checked = place === 0;
    group.append(el("label", {}, radio, el("span", {}, one.name)));
  }
  choose(setting.agents[0]);
}

function prepareBanner() {
  const box = document.getElementById("shortened");
  box.hidden = setting.shortened.length === 0;
  if (setting.real) box.querySelector("summary").textContent = "What differs here";
  const rows = setting.shortened.map((one) =>
    el("tr", {}, el("th", { scope: "row" }, one.what), el("td", {}, one.normal), el("td", {}, one.here)),
  );
  box.querySelector("tbody").append(...rows);
  document.addEventListener("click", (event) => {
    for (const pop of document.querySelectorAll("details.pop[open]")) if (!pop.contains(event.target)) pop.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const pop of document.querySelectorAll("details.pop[open]")) pop.open = false;
  });
}

function prepareFaults() {
  const box = document.getElementById("misbehave");
  const service = () => box.querySelector("input[name=service]:checked").value;
  for (const button of box.querySelectorAll("[data-fault]")) {
    button.addEventListener("click", () => act({ do: "fault.next", service: service(), fault: button.dataset.fault }));
  }
  document.getElementById("behave").addEventListener("click", async () => {
    await act({ do: "fault.clear", service: "telegram" });
    await act({ do: "fault.clear", service: "slack" });
  });
}

function showFaults(faults) {
  const list = document.getElementById("pending");
  list.replaceChildren(...faults.map((one) => el("li", {}, `${one.where}: the next ${one.method} meets ${one.fault}`)));
  document.getElementById("misbehave").classList.toggle("armed", faults.length > 0);
}

function listen() {
  const line = document.getElementById("line");
  const source = new EventSource("/sandbox/events");
  source.addEventListener("open", () => {
    line.textContent = "live";
    line.className = "line live";
  });
  source.addEventListener("error", () => {
    line.textContent = "reconnecting";
    line.className = "line";
  });
  source.addEventListener("message", (event) => {
    const state = JSON.parse(event.data);
    showTelegram(state.telegram);
    showSlack(state.slack);
    showFaults(state.faults);
    const block = document.querySelector("#telegram .picks button");
    block.textContent = state.telegram.blocked ? "Unblock" : "Block";
  });
}
