// The Slack-like direct messages, the agents' channel, and modals in front of whoever is played.
import { blocks, setAround, spans } from "./blocks.js";
import { act, clock, el, fill } from "./dom.js";

const modal = document.getElementById("modal");
const direct = pane("direct");
const desk = pane("desk");
let people = {};
let customer = null;
let agent = null;
let app = "";
let open = { id: null, hash: null, errors: "" };
let latest = null;

function pane(name) {
  const section = document.getElementById(name);
  const form = section.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = form.elements.text.value;
    if (!text.trim()) return;
    form.reset();
    act({ do: "slack.send", as: name === "desk" ? agent : customer, channel: name, text });
  });
  return { name, log: section.querySelector(".log"), form };
}

export function setPeople(who, agents, appUrl) {
  customer = who;
  agent = agents[0].id;
  app = appUrl;
  setAround(Object.fromEntries(agents.map((one) => [one.id, one.name])), destination);
}

/** The app's own pages are opened signed in as the agent whom one plays. */
function destination(url) {
  if (!url.startsWith(`${app}/cases`)) return url;
  return queueOf(agent, url.slice(app.length));
}

export function queueOf(who, page = "/cases") {
  return `/sandbox/queue?${new URLSearchParams({ as: who, to: page })}`;
}

export function setAgent(id) {
  agent = id;
  if (latest) showSlack(latest);
}

export function showSlack(slack) {
  latest = slack;
  people = slack.people;
  document.getElementById("desk-name").textContent = slack.desk.name;
  // what an agent is told about the customer's words stands where those words are
  const told = (slack.private[agent] ?? []).filter((post) => !post.trouble && post.channel === slack.direct.id);
  show(direct, slack.direct, [...(slack.private[customer] ?? []), ...told.map((post) => ({ ...post, of: agent }))], customer);
  show(desk, slack.desk, slack.private[agent] ?? [], agent);
  const whose = slack.views[agent] ? agent : customer;
  showView(slack.views[whose], whose);
}

function show(place, channel, ofMine, me) {
  const mine = ofMine.filter((post) => (post.trouble ? place.name === "direct" || me === agent : post.channel === channel.id));
  const tops = [...channel.posts.filter((post) => !post.thread), ...mine];
  tops.sort((one, other) => Number(one.ts) - Number(other.ts));
  const items = tops.flatMap((post) => {
    const replies = channel.posts.filter((reply) => reply.thread === post.ts);
    const told = place.name === "desk" && post.bot && !mine.includes(post);
    return [
      { post, me, only: mine.includes(post) },
      ...replies.map((reply) => ({ post: reply, me, only: false })),
      ...(told ? [{ thread: post.ts }] : []),
    ];
  });
  fill(place.log, items, (item) => (item.thread ? `in ${item.thread}` : item.post.ts), (item) => (item.thread ? writeIn(item.thread) : draw(place, item)));
}

/** The field under an alert: what is written there reaches the customer, unless it is marked as internal. */
function writeIn(thread) {
  const input = el("input", {
    name: "text",
    autocomplete: "off",
    placeholder: "Reply to the customer, or // to colleagues",
    "aria-label": "Reply in the thread",
  });
  const form = el("form", { class: "in-thread" }, input, el("button", { class: "send small", "aria-label": "Send in the thread" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value;
    if (!text.trim()) return;
    form.reset();
    form.classList.remove("internal");
    act({ do: "slack.send", as: agent, channel: "desk", thread, text });
  });
  input.addEventListener("input", () => form.classList.toggle("internal", input.value.trimStart().startsWith("//")));
  return form;
}

function draw(place, { post, me, only }) {
  if (post.trouble) return el("p", { class: "trouble" }, post.trouble);
  const use = (element, value) =>
    act({ do: "slack.click", as: me, channel: place.name, ts: post.ts, action: element.action_id, value });
  const name = people[post.user] ?? post.user;
  const body = post.blocks.length > 0 ? blocks(post.blocks, use) : [el("p", { dir: "auto" }, ...spans(post.spans))];
  const reactions = post.reactions.map((one) => el("span", { class: "reaction" }, `:${one.name}: ${one.count}`));
  const files = (post.files ?? []).map((one) => el("p", { class: "file" }, `📎 ${one.name}`));
  const internal = place.name === "desk" && post.thread && !post.bot && post.spans.map((one) => one.text).join("").trimStart().startsWith("//");
  return el(
    "article",
    { class: `post${post.thread ? " reply" : ""}${only ? " only" : ""}${internal ? " internal" : ""}` },
    el("span", { class: post.bot ? "avatar app" : "avatar", "aria-hidden": "true" }, post.bot ? "" : name.slice(0, 1)),
    el(
      "div",
      { class: "post-body" },
      only && el("p", { class: "only-you" }, post.of ? `Only visible to ${people[post.of]}` : "Only visible to you"),
      el(
        "p",
        { class: "by" },
        el("strong", {}, name),
        post.bot && el("span", { class: "app-tag" }, "APP"),
        el("time", {}, clock(Number(post.ts))),
        post.edited && el("span", { class: "edited" }, "(edited)"),
        internal && el("span", { class: "edited" }, "not sent to the customer"),
        place.name === "direct" && post.user === customer && !post.bot && moreOf(post),
      ),
      ...body,
      ...files,
      ...reactions,
    ),
  );
}

/** What an agent can do with a customer's words: the app's message shortcut. */
function moreOf(post) {
  const menu = el("details", { class: "more" }, el("summary", { "aria-label": "More actions", title: "More actions" }, "⋯"));
  const ask = el("button", { type: "button" }, "Ask for a rating");
  ask.title = "Slack's message shortcut, as the agent whom you are";
  ask.addEventListener("click", () => {
    menu.open = false;
    act({ do: "slack.ask", as: agent, ts: post.ts });
  });
  menu.append(ask);
  return menu;
}

function showView(view, whose) {
  if (!view) {
    if (open.id && modal.open) modal.close();
    open = { id: null, hash: null, errors: "" };
    return;
  }
  const errors = JSON.stringify(view.errors);
  if (open.id === view.id && open.hash === view.hash) {
    if (open.errors === errors) return;
    open.errors = errors;
    markWrong(view.errors);
    return;
  }
  open = { id: view.id, hash: view.hash, errors };
  drawView(view, whose);
}

function drawView(view, whose) {
  const drawn = { errors: view.errors, values: view.values ?? {}, fields: new Map() };
  const entered = () => {
    const read = [...drawn.fields].map(([block, field]) => [block, field()]);
    return Object.fromEntries(read.filter(([, value]) => value !== null));
  };
  const use = (element, value) =>
    act({ do: "slack.click_view", as: whose, view: view.id, action: element.action_id, value, values: entered() });
  const close = () => act({ do: "slack.close", as: whose, view: view.id });
  const form = el(
    "form",
    {},
    el(
      "header",
      {},
      el("h3", {}, view.title),
      el("span", { class: "as" }, `as ${people[whose] ?? whose}`),
      el("button", { type: "button", class: "x", "aria-label": "Close", onclick: close }, "×"),
    ),
    el("div", { class: "view-body" }, ...blocks(view.blocks, use, drawn)),
    el(
      "footer",
      {},
      el("button", { type: "button", onclick: close }, view.close),
      view.submit && el("button", { class: "primary" }, view.submit),
    ),
  );
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act({ do: "slack.submit", as: whose, view: view.id, values: entered() });
  });
  modal.oncancel = (event) => {
    event.preventDefault();
    close();
  };
  const focused = modal.open ? document.activeElement?.id : "";
  modal.replaceChildren(form);
  if (!modal.open) modal.showModal();
  const first = (focused && document.getElementById(focused)) || form.querySelector("textarea, input, select");
  first?.focus();
}

/** Show what is wrong without losing what was typed. */
function markWrong(errors) {
  for (const old of modal.querySelectorAll(".error")) old.remove();
  for (const field of modal.querySelectorAll(".field")) {
    const control = field.querySelector("[id^=field-]");
    const error = errors[control?.id.replace("field-", "")];
    field.classList.toggle("wrong", Boolean(error));
    if (error) field.append(el("p", { class: "error", role: "alert" }, error));
  }
}
