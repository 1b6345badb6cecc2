// The Slack-like direct messages, the agents' channel, and modals in front of whoever is played.
import { blocks, spans } from "./blocks.js";
import { act, clock, el, fill } from "./dom.js";

const modal = document.getElementById("modal");
const direct = pane("direct");
const desk = pane("desk");
let people = {};
let customer = null;
let agent = null;
let thread = null;
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
    const deed = { do: "slack.send", as: name === "desk" ? agent : customer, channel: name, text };
    act(name === "desk" && thread ? { ...deed, thread } : deed);
  });
  return { name, log: section.querySelector(".log"), form };
}

export function setPeople(who, first) {
  customer = who;
  agent = first;
}

export function setAgent(id) {
  agent = id;
  if (latest) showSlack(latest);
}

export function showSlack(slack) {
  latest = slack;
  people = slack.people;
  document.getElementById("desk-name").textContent = slack.desk.name;
  show(direct, slack.direct, slack.private[customer] ?? [], customer);
  show(desk, slack.desk, slack.private[agent] ?? [], agent);
  if (thread && !slack.desk.posts.some((post) => post.ts === thread)) replyTo(null);
  const whose = slack.views[agent] ? agent : customer;
  showView(slack.views[whose], whose);
}

function show(place, channel, ofMine, me) {
  const mine = ofMine.filter((post) => (post.trouble ? place.name === "direct" || me === agent : post.channel === channel.id));
  const tops = [...channel.posts.filter((post) => !post.thread), ...mine];
  tops.sort((one, other) => Number(one.ts) - Number(other.ts));
  const items = tops.flatMap((post) => [
    { post, me, only: mine.includes(post) },
    ...channel.posts.filter((reply) => reply.thread === post.ts).map((reply) => ({ post: reply, me, only: false })),
  ]);
  fill(place.log, items, (item) => item.post.ts, (item) => draw(place, item));
}

function draw(place, { post, me, only }) {
  if (post.trouble) return el("p", { class: "trouble" }, post.trouble);
  const use = (element, value) =>
    act({ do: "slack.click", as: me, channel: place.name, ts: post.ts, action: element.action_id, value });
  const name = people[post.user] ?? post.user;
  const body = post.blocks.length > 0 ? blocks(post.blocks, use) : [el("p", { dir: "auto" }, ...spans(post.spans))];
  const reactions = post.reactions.map((one) => el("span", { class: "reaction" }, `:${one.name}: ${one.count}`));
  const replies = place.name === "desk" && !only && !post.thread;
  return el(
    "article",
    { class: `post${post.thread ? " reply" : ""}${only ? " only" : ""}` },
    el("span", { class: post.bot ? "avatar app" : "avatar", "aria-hidden": "true" }, post.bot ? "" : name.slice(0, 1)),
    el(
      "div",
      { class: "post-body" },
      only && el("p", { class: "only-you" }, "Only visible to you"),
      el(
        "p",
        { class: "by" },
        el("strong", {}, name),
        post.bot && el("span", { class: "app-tag" }, "APP"),
        el("time", {}, clock(Number(post.ts))),
        post.edited && el("span", { class: "edited" }, "(edited)"),
        replies && el("button", { type: "button", class: "thread-link", onclick: () => replyTo(post.ts, name) }, "Reply in thread"),
      ),
      ...body,
      ...reactions,
    ),
  );
}

function replyTo(ts, name) {
  thread = ts;
  const chip = desk.form.querySelector(".in-thread");
  chip.hidden = !ts;
  chip.textContent = ts ? `In the thread of ${name} ×` : "";
  chip.onclick = () => replyTo(null);
  if (ts) desk.form.elements.text.focus();
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
  const fields = new Map();
  const use = (element, value) =>
    act({ do: "slack.click_view", as: whose, view: view.id, action: element.action_id, value });
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
    el("div", { class: "view-body" }, ...blocks(view.blocks, use, fields, view.errors)),
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
    const values = {};
    for (const [block, read] of fields) {
      const value = read();
      if (value !== null && value.length > 0) values[block] = value;
    }
    act({ do: "slack.submit", as: whose, view: view.id, values });
  });
  modal.oncancel = (event) => {
    event.preventDefault();
    close();
  };
  modal.replaceChildren(form);
  if (!modal.open) modal.showModal();
  form.querySelector("textarea, input, select")?.focus();
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
