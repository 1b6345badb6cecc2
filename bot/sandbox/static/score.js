// The score strip: whatever figures the app reports.
import { el } from "./dom.js";

const strip = document.getElementById("score");
let before = new Map();

export async function followScore() {
  for (;;) {
    await showScore();
    await new Promise((wake) => setTimeout(wake, document.hidden ? 5000 : 1500));
  }
}

async function showScore() {
  let answer = { ok: false };
  try {
    answer = await (await fetch("/sandbox/report")).json();
  } catch {
    // shown below as an app that is not there
  }
  if (!answer.ok) {
    strip.replaceChildren(el("p", { class: "none" }, "The score shows here as soon as the app answers."));
    return;
  }
  const rows = answer.rows.filter((row) => row && row.current !== false && !/ mean$/.test(row.metric ?? ""));
  if (rows.length === 0) {
    strip.replaceChildren(el("p", { class: "none" }, "No flow with a rating yet."));
    return;
  }
  const looks = JSON.stringify(rows);
  if (strip.dataset.looks === looks) return;
  strip.dataset.looks = looks;
  strip.replaceChildren(...rows.map(card));
  before = new Map(rows.map((row) => [key(row), row.n]));
}

const key = (row) => [row.flow, row.structure, row.question, row.metric].join("/");

function card(row) {
  const changed = before.has(key(row)) && before.get(key(row)) !== row.n;
  const value = figure(row);
  return el(
    "article",
    { class: changed ? "figure changed" : "figure" },
    el("p", { class: "name" }, el("strong", {}, String(row.metric ?? "score").toUpperCase()), ` ${row.title ?? row.flow ?? ""}`),
    el(
      "p",
      { class: "value" },
      el("span", { class: value ? "" : "dim" }, value ?? (row.n ? "too few to say" : "no answers")),
      el("small", {}, `n=${row.n ?? 0}${interval(row)}`),
    ),
    bars(row.distribution),
  );
}

/** The value as the app rounds it: what stands before the interval in its text. */
function figure(row) {
  const text = typeof row.display === "string" ? row.display : (row.display?.value ?? "");
  const first = String(text).split(/\s|\[/)[0];
  return /^n=|^no$|^$/.test(first) ? null : first;
}

function interval(row) {
  const found = typeof row.display === "string" ? /\[[^\]]+\]/.exec(row.display) : null;
  const tag = /low base/.test(String(row.display)) ? ", low base" : "";
  return (found ? ` ${found[0]}` : "") + tag;
}

function bars(distribution) {
  if (!Array.isArray(distribution) || distribution.length === 0) return null;
  const most = Math.max(1, ...distribution.map(([, many]) => many));
  const said = distribution.map(([score, many]) => `${score}: ${many}`).join(", ");
  return el(
    "div",
    { class: "bars", role: "img", "aria-label": `Answers per score: ${said}`, title: said },
    ...distribution.map(([, many]) => {
      const bar = el("span", { class: many ? "some" : "" });
      bar.style.height = `${Math.max(8, (100 * many) / most)}%`;
      return bar;
    }),
  );
}
