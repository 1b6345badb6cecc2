// Slack's texts, blocks and form fields.
import { el } from "./dom.js";

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

/** Draw blocks; `use(element, value)` is told of a click, `fields` collects inputs by block id in a view. */
export function blocks(list, use, fields = null, errors = {}) {
  return list.map((block) => {
    const draw = DRAW[block.type];
    return draw ? draw(block, use, fields, errors) : el("p", { class: "unknown" }, `[${block.type}]`);
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
        el(one.type === "rich_text_quote" ? "blockquote" : "p", { dir: "auto" }, richText(one)),
      ),
    ),
  markdown: (block) => el("p", { dir: "auto" }, block.text ?? ""),
  input: (block, _use, fields, errors) => input(block, fields, errors),
};

function richText(node) {
  return (node.elements ?? []).map((one) => one.text ?? richText(one)).join("");
}

function element(one, use) {
  if (one.type === "button") {
    const node = el("button", { type: "button", class: `slack-button ${one.style ?? ""}` }, one.text.text);
    node.addEventListener("click", () => use(one));
    return node;
  }
  if (one.options) {
    const options = one.options.map((option) => el("option", { value: option.value }, option.text.text));
    const first = el("option", { value: "" }, one.placeholder?.text ?? "Choose");
    const node = el("select", { "aria-label": one.placeholder?.text ?? "Choose" }, first, ...options);
    node.addEventListener("change", () => node.value && use(one, node.value));
    return node;
  }
  return el("span", { class: "unknown" }, `[${one.type}]`);
}

function input(block, fields, errors) {
  const error = errors[block.block_id];
  const id = `field-${block.block_id}`;
  const { node, read } = control(block.element, id);
  fields?.set(block.block_id, read);
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

function control(one, id) {
  if (one.type === "radio_buttons" || one.type === "checkboxes" || one.type === "multi_static_select") {
    const several = one.type !== "radio_buttons";
    const initial = new Set([...(one.initial_options ?? []), one.initial_option].filter(Boolean).map((each) => each.value));
    const boxes = one.options.map((option) => {
      const box = el("input", { type: several ? "checkbox" : "radio", name: id, value: option.value });
      box.checked = initial.has(option.value);
      return { box, label: el("label", {}, box, ` ${option.text.text}`) };
    });
    const chosen = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
    const node = el("fieldset", { "aria-labelledby": id }, ...boxes.map(({ label }) => label));
    return { node, read: () => (several ? chosen() : (chosen()[0] ?? null)) };
  }
  if (one.options) {
    const options = one.options.map((option) => el("option", { value: option.value }, option.text.text));
    const node = el("select", { id }, el("option", { value: "" }, one.placeholder?.text ?? "Choose"), ...options);
    node.value = one.initial_option?.value ?? "";
    return { node, read: () => node.value || null };
  }
  const types = { email_text_input: "email", number_input: "number", url_text_input: "url", datepicker: "date", timepicker: "time" };
  const shared = { id, placeholder: one.placeholder?.text, maxlength: one.max_length };
  const node = one.multiline ? el("textarea", { ...shared, rows: 4 }) : el("input", { ...shared, type: types[one.type] ?? "text" });
  node.value = one.initial_value ?? one.initial_date ?? one.initial_time ?? "";
  return { node, read: () => node.value || null };
}
