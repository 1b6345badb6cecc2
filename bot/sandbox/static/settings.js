// What came of the last edit of the config file: whoever saves it sees here that it is live, or what is wrong.
import { clock, el } from "./dom.js";

const SECONDS = 1;
const box = document.getElementById("settings-news");
let shown = "";

export function followSettings() {
  look();
  setInterval(look, SECONDS * 1000);
}

async function look() {
  if (document.hidden) return;
  let now;
  try {
    now = await (await fetch("/sandbox/settings")).json();
  } catch {
    return;
  }
  const looks = JSON.stringify(now);
  if (looks === shown) return;
  shown = looks;
  show(now);
  for (const select of document.querySelectorAll("select[data-flows]")) offer(select, now.flows);
}

function show(now) {
  const broken = now.problems.length > 0;
  box.hidden = !broken && !now.changed;
  box.className = broken ? "news bad" : "news";
  const since = clock(broken ? now.broken_since : now.changed_at || 0);
  const title = broken
    ? `${now.file} cannot be used since ${since}; all goes on as it was before.`
    : `New settings of ${now.file} are live since ${since}:`;
  const lines = broken ? now.problems : now.changed.split("; ");
  box.replaceChildren(
    el("p", {}, el("strong", {}, title)),
    el("ul", {}, ...lines.map((line) => el("li", {}, line))),
    el("button", { type: "button", "aria-label": "Close", onclick: () => (box.hidden = true) }, "×"),
  );
}

/** The flows as they are now; whatever was chosen stays so if it is still there. */
function offer(select, flows) {
  if (flows.length === 0) return;
  const chosen = select.value;
  select.replaceChildren(...flows.map((one) => el("option", { value: one.id }, one.title)));
  if (flows.some((one) => one.id === chosen)) select.value = chosen;
}
