// Slack's texts, blocks and form fields.
import { el } from "./dom.js";

let people = {};
let destination = (url) => url;

/** Who can be chosen from a menu of people: names by id; and where a link really leads. */
export function setAround(names, leads) {
  people = names;
  destination = leads;
}

const TAGS = { bold: "strong", italic: "em", strike: "s", code: "code", pre: "pre", quote: "blockquote" };

export function spans(list) {
  return (list ?? []).map((span) => {
    if (span.kind === "text") return span.text;
    if (span.kind === "link" || span.kind === "autolink") {
      const href = /^(https?|mailto):/.test(span.target) ? span.target : "#";
      return el("a", { href, target: "_blank", rel: "noreferrer" }, span.text);
    }
    if (TAGS[span.kind]) return el(TAGS[span.kind], {}, span.text);
    return el("span", { class: `mention ${span.kind}` }, span.text);
  });
}

const text = (object) => (object?.spans ? spans(object.spans) : [object?.text ?? ""]);

/** Draw blocks; `use(element, value)` is told of a click. In a view `form` has its errors and what is in its fields by
 * block id, and its `fields` collect how to read them. */
export function blocks(list, use, form = null) {
  return list.map((block) => {
    const draw = DRAW[block.type];
    return draw ? draw(block, use, form) : el("p", { class: "unknown" }, `[${block.type}]`);
  });
}

const DRAW = {
  divider: () => el("hr"),
  header: (block) => el("h4", { class: "block-header", dir: "auto" }, block.text.text),
  section: (block, use) =>
    el(
      "div",
      { class: "section" },
      el(
        "div",
        { class: "section-text" },
        block.text && el("p", { dir: "auto" }, ...text(block.text)),
        block.fields && el("div", { class: "fields" }, ...block.fields.map((one) => el("p", {}, ...text(one)))),
      ),
      block.accessory && element(block.accessory, use),
    ),
  context: (block) =>
    el(
      "p",
      { class: "context", dir: "auto" },
      ...block.elements.flatMap((one) => (one.type === "image" ? [] : [el("span", {}, ...text(one))])),
    ),
  actions: (block, use) => el("div", { class: "actions" }, ...block.elements.map((one) => element(one, use))),
  image: (block) => el("p", { class: "context" }, block.alt_text ?? "image"),
  rich_text: (block) =>
    el(
      "div",
      {},
      ...block.elements.map((one) =>
        el(one.type === "rich_text_quote" ? "blockquote" : "p", { dir: "auto" }, ...richText(one)),
      ),
    ),
  markdown: (block) => el("p", { dir: "auto" }, block.text ?? ""),
  input: (block, use, form) => input(block, use, form),
};

function richText(node) {
  return (node.elements ?? []).flatMap((one) => {
    if (one.type === "link") return [anchor(one.url, one.text ?? one.url, "")];
    if (one.type === "user") return [el("span", { class: "mention" }, `@${people[one.user_id] ?? one.user_id}`)];
    if (one.text === undefined) return richText(one);
    return [one.style?.bold ? el("strong", {}, one.text) : one.text];
  });
}

function anchor(url, label, look) {
  const node = el("a", { class: look, target: "_blank", rel: "noreferrer" }, label);
  // Where it leads may depend on who one is at the moment of the click.
  const aim = () => (node.href = /^https?:/.test(url) ? destination(url) : "#");
  for (const event of ["pointerdown", "focus", "click"]) node.addEventListener(event, aim);
  aim();
  return node;
}

function element(one, use) {
  if (one.type === "button") {
    const look = `slack-button ${one.style ?? ""}`;
    const node = one.url ? anchor(one.url, one.text.text, look) : el("button", { type: "button", class: look }, one.text.text);
    node.addEventListener("click", () => use(one));
    return node;
  }
  if (choosable(one)) {
    const node = menu(one, { "aria-label": one.placeholder?.text ?? "Choose" });
    node.addEventListener("change", () => {
      const chosen = node.value;
      node.value = "";
      if (chosen) use(one, chosen);
    });
    return node;
  }
  return el("span", { class: "unknown" }, `[${one.type}]`);
}

const choosable = (one) => Boolean(one.options || one.option_groups || one.type === "users_select");

function menu(one, attributes) {
  const option = (each) => el("option", { value: each.value }, each.text.text);
  const groups = (one.option_groups ?? []).map((group) => el("optgroup", { label: group.label.text }, ...group.options.map(option)));
  const persons = one.type === "users_select" ? Object.entries(people).map(([id, name]) => el("option", { value: id }, name)) : [];
  const first = el("option", { value: "" }, one.placeholder?.text ?? "Choose");
  return el("select", attributes, first, ...(one.options ?? []).map(option), ...groups, ...persons);
}

function input(block, use, form) {
  const error = form?.errors[block.block_id];
  const id = `field-${block.block_id}`;
  const { node, read } = control(block.element, id, form?.values[block.block_id]?.[block.element.action_id] ?? {});
  form?.fields.set(block.block_id, read);
  if (block.dispatch_action) node.addEventListener("change", () => read() && use(block.element, read()));
  const optional = block.optional ? el("span", { class: "optional" }, " (optional)") : null;
  const grouped = node.tagName === "FIELDSET";
  return el(
    "div",
    { class: error ? "field wrong" : "field" },
    grouped ? el("p", { id, class: "label" }, block.label.text, optional) : el("label", { for: id }, block.label.text, optional),
    node,
    block.hint && el("p", { class: "hint" }, block.hint.text),
    error && el("p", { class: "error", role: "alert" }, error),
  );
}

const TYPES = {
  email_text_input: "email",
  number_input: "number",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
};

/** A field and how to read it; `held` is what is in it, as an app would be told. A field that reads null is left out. */
function control(one, id, held) {
  if (one.type === "radio_buttons" || one.type === "checkboxes" || one.type === "multi_static_select") {
    const several = one.type !== "radio_buttons";
    const chosenBefore = new Set([...(held.selected_options ?? []), held.selected_option].filter(Boolean).map((each) => each.value));
    const boxes = one.options.map((option) => {
      const box = el("input", { type: several ? "checkbox" : "radio", name: id, value: option.value });
      box.checked = chosenBefore.has(option.value);
      return { box, label: el("label", {}, box, ` ${option.text.text}`) };
    });
    const chosen = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
    const node = el("fieldset", { "aria-labelledby": id }, ...boxes.map(({ label }) => label));
    return { node, read: () => (several ? chosen() : (chosen()[0] ?? null)) };
  }
  if (choosable(one)) {
    const node = menu(one, { id });
    node.value = held.selected_option?.value ?? held.selected_user ?? "";
    return { node, read: () => node.value || null };
  }
  const shared = { id, placeholder: one.placeholder?.text, maxlength: one.max_length };
  const node = one.multiline ? el("textarea", { ...shared, rows: 6 }) : el("input", { ...shared, type: TYPES[one.type] ?? "text" });
  if (one.type === "datetimepicker") {
    node.value = held.selected_date_time ? onClock(held.selected_date_time) : "";
    return { node, read: () => (node.value ? String(Math.floor(new Date(node.value).getTime() / 1000)) : null) };
  }
  node.value = held.value ?? held.selected_date ?? held.selected_time ?? "";
  return { node, read: () => node.value };
}

/** Seconds since 1970 as a field for date and time shows them. */
function onClock(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
