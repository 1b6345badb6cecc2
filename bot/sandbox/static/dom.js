// The little that all parts of the page share. Text is only ever set as text.

/** Make an element: el("p", {class: "x", onclick: f}, "text", child). */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Ask the sandbox to do something; what goes wrong is shown. */
export async function act(deed) {
  try {
    const response = await fetch("/sandbox/deeds", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(deed),
    });
    const answer = await response.json();
    if (!answer.ok && answer.error) toast(answer.error, true);
    return answer;
  } catch {
    toast("The sandbox does not answer.", true);
    return { ok: false };
  }
}

/** Say something for a few seconds. */
export function toast(text, bad = false) {
  const note = el("p", { class: bad ? "toast bad" : "toast" }, text);
  const all = document.getElementById("toasts");
  all.append(note);
  if (all.children.length > 3) all.firstChild.remove();
  setTimeout(() => note.remove(), bad ? 6000 : 3500);
}

/** Show items in a log: unchanged ones keep their element, and the end stays in sight unless one scrolled up. */
export function fill(log, items, key, draw) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const kept = (log.kept ??= new Map());
  const wanted = new Set();
  let fresh = null;
  let previous = null;
  for (const item of items) {
    const name = String(key(item));
    const looks = JSON.stringify(item);
    wanted.add(name);
    let entry = kept.get(name);
    if (!entry || entry.looks !== looks) {
      const node = draw(item);
      if (entry) entry.node.replaceWith(node);
      else fresh = node;
      entry = { node, looks };
      kept.set(name, entry);
    }
    const place = previous ? previous.nextSibling : log.firstChild;
    if (place !== entry.node) log.insertBefore(entry.node, place);
    previous = entry.node;
  }
  for (const [name, entry] of kept) {
    if (!wanted.has(name)) {
      entry.node.remove();
      kept.delete(name);
    }
  }
  // Who is writing in the log itself is not carried away from it.
  if (!atEnd && (!fresh || log.contains(document.activeElement))) return;
  const below = fresh ? [...log.children].indexOf(fresh) : log.children.length;
  if (below < log.children.length - 2) fresh.scrollIntoView({ block: "nearest" });
  else log.scrollTop = log.scrollHeight;
}
