/*
 * Afterchat's chat widget: one file, no dependencies, no build step.
 *
 *   <script src="https://feedback.example/widget.js" data-channel="web" data-language="vi" async></script>
 *
 *   data-channel    the name of the web chat in the configuration ("web")
 *   data-language   an IETF language tag; else the page's language, else the browser's
 *   data-customer   a reference of whoever is signed in: people who share a browser then have a chat each
 *   nonce           for pages whose Content-Security-Policy asks for one where constructed style sheets are missing
 *
 * window.Afterchat: open(), close(), feedback(), human(), session() -> Promise of the session id, which is the customer's address
 * in this channel. The page's window gets the event "afterchat:session" with {detail: {session}}.
 *
 * Whatever customers or the server wrote reaches the page as text nodes only.
 */
(() => {
  "use strict";
  if (window.Afterchat) return;

  const script = document.currentScript || document.querySelector('script[data-channel][src*="widget.js"]');
  const base = script.src.replace(/\/widget\.js.*$/, "");
  const channel = encodeURIComponent(script.dataset.channel || "web");
  const around = script.dataset.language || document.documentElement.lang || navigator.language || "en";
  const language = () => state.language || around; // what the customer chose goes before the page's
  const endpoint = `${base}/channels/${channel}`;
  const memory = `afterchat:${endpoint}:${script.dataset.customer || ""}`;

  const STALLED = 45000; // the server gives a sign of life every 15 seconds
  const HIDDEN = 60000; // a tab that nobody looks at gives its connection back
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const backoff = (tries) => Math.min(30000, 500 * 2 ** tries) * (0.5 + Math.random());
  const chance = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => (n % 36).toString(36)).join("");

  // ---- what outlives a reload: the session of the browser, and what this tab has not sent yet -------------

  const kept = (storage, fallback) => {
    try {
      return JSON.parse(window[storage].getItem(memory)) || fallback;
    } catch {
      return fallback;
    }
  };
  const keep = (storage, value) => {
    try {
      window[storage].setItem(memory, JSON.stringify(value));
    } catch {
      // Storage is full or forbidden: the chat lives as long as the page.
    }
  };
  let state = kept("localStorage", {}); // {session, token, opened: ms, seen: the newest id that was shown, language}
  let unsent = kept("sessionStorage", []); // [{id, text}]
  const save = () => keep("localStorage", state);
  const saveUnsent = (words) => keep("sessionStorage", (unsent = words));

  // ---- elements ------------------------------------------------------------------------------------------

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== undefined && value !== null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  };
  // Text fonts of some systems hold black and white faces, which would be taken before the colourful ones.
  const faced = (text) => text.split(/(\p{Emoji_Presentation}+)/u).map((part, n) => (n % 2 ? make("span", { class: "face" }, part) : part));
  const icon = (path) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    svg.firstChild.setAttribute("d", path);
    return svg;
  };
  const ICONS = {
    chat: "M21 12a8 8 0 0 1-8 8H4l2.2-2.9A8 8 0 1 1 21 12zM9 12h.01M13 12h.01M17 12h.01",
    close: "M6 6l12 12M18 6L6 18",
    send: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
    check: "M5 12.5l4.5 4.5L19 7.5",
  };

  const STYLE = `
:host{all:initial;--us:#f1f3f6;--ink:#17202c;--soft:#5a6675;--line:#d5dbe3;--paper:#fff;--tint:color-mix(in srgb,var(--brand) 9%,var(--paper));
--edge:color-mix(in srgb,var(--brand) 72%,var(--ink));color-scheme:light dark;font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;color:var(--ink)}
@media (prefers-color-scheme:dark){:host{--us:#2a323d;--ink:#eef2f6;--soft:#a5b1bf;--line:#3c4755;--paper:#1a2029;
--tint:color-mix(in srgb,var(--brand) 24%,var(--paper));--edge:color-mix(in srgb,var(--brand) 50%,#fff)}}
*{box-sizing:border-box;margin:0}
[hidden]{display:none!important}
button,textarea{font:inherit;color:inherit}
button{cursor:pointer}
svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;display:block}
:focus{outline:none}
:focus-visible{outline:3px solid var(--edge);outline-offset:2px}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.launcher,.panel,.teaser{position:fixed;z-index:2147483000;inset-inline-end:max(20px,env(safe-area-inset-right))}
.launcher{inset-block-end:max(20px,env(safe-area-inset-bottom));width:58px;height:58px;border:0;border-radius:50%;display:grid;place-items:center;
background:var(--brand);color:var(--on-brand);box-shadow:0 6px 22px rgb(15 23 42/.28);transition:transform .15s}
.launcher:hover{transform:translateY(-2px)}
.badge{position:absolute;inset-block-start:-3px;inset-inline-end:-3px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;border:2px solid #fff;
background:#c81e3c;color:#fff;font-size:12px;font-weight:700;line-height:18px;text-align:center}
.teaser{inset-block-end:92px;max-width:min(300px,calc(100vw - 40px));padding:12px 16px;border:1px solid var(--line);border-radius:16px;border-end-end-radius:5px;
background:var(--paper);color:var(--ink);text-align:start;box-shadow:0 8px 26px rgb(15 23 42/.18);overflow-wrap:anywhere}
.panel{inset-block-end:20px;width:392px;max-width:calc(100vw - 40px);height:min(660px,calc(100vh - 40px));height:min(660px,calc(100dvh - 40px));display:flex;flex-direction:column;
border:1px solid var(--line);border-radius:18px;overflow:hidden;background:var(--paper);color:var(--ink);box-shadow:0 18px 56px rgb(15 23 42/.3)}
.panel:focus-visible{outline:none}
.log:focus-visible{outline-offset:-4px}
header{display:flex;align-items:center;gap:12px;padding:14px 18px;background:var(--brand);color:var(--on-brand)}
h2{flex:1;font-size:17px;font-weight:650;line-height:1.3;overflow-wrap:anywhere}
header button{width:36px;height:36px;margin:-4px;border:0;border-radius:50%;display:grid;place-items:center;background:none}
header button:hover{background:rgb(128 128 128/.28)}
header :focus-visible{outline-color:currentColor;outline-offset:0}
header svg{width:20px;height:20px}
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:18px 16px;display:flex;flex-direction:column;gap:10px}
.log>:first-child{margin-block-start:auto}
.line{max-width:100%;display:flex;flex-direction:column;align-items:flex-start}
.line.customer{align-items:flex-end}
.bubble{max-width:88%;padding:10px 14px;border-radius:18px;border-end-start-radius:5px;background:var(--us);white-space:pre-wrap;overflow-wrap:anywhere;max-height:60vh;overflow-y:auto}
.customer .bubble{background:var(--brand);color:var(--on-brand);border-radius:18px;border-end-end-radius:5px}
.sending .bubble{opacity:.6}
.failed .bubble{opacity:1;outline:2px solid #c81e3c}
.answers{width:100%;margin-block-start:8px;display:flex;flex-wrap:wrap;gap:8px}
.scale{width:100%;display:grid;gap:5px}
.answers button{min-height:42px;padding:8px 16px;border:1.5px solid var(--line);border-radius:21px;background:var(--paper);overflow-wrap:anywhere;text-align:start;transition:background .12s,border-color .12s,transform .12s}
.answers .scale button{padding:0;min-width:0;border-radius:11px;text-align:center;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.face{font-family:"Apple Color Emoji","Segoe UI Emoji","Noto Color Emoji",system-ui,sans-serif}
.answers .scale.emoji button{font-size:27px;line-height:1;min-height:54px;border-color:transparent;background:var(--us);border-radius:15px}
.answers button:hover:not([aria-disabled]){border-color:var(--edge);background:var(--tint)}
.answers .emoji button:hover:not([aria-disabled]){transform:translateY(-2px) scale(1.06)}
.answers button[aria-pressed=true],.answers .scale.emoji button[aria-pressed=true]{background:var(--tint);border-color:var(--edge);box-shadow:inset 0 0 0 1px var(--edge)}
.answers [aria-disabled]:not([aria-pressed=true]){opacity:.5;cursor:default}
.answers svg{width:16px;height:16px;stroke-width:3;display:inline-block;vertical-align:-2px;margin-inline-end:6px}
.answers .done{background:var(--brand);border-color:var(--brand);color:var(--on-brand);font-weight:600}
.answers .done:hover:not([aria-disabled]){background:var(--brand);filter:brightness(1.08)}
.answers .quiet,.answers .quiet:hover:not([aria-disabled]){border-color:transparent;background:none;color:var(--soft);text-decoration:underline;text-underline-offset:3px;padding-inline:4px}
.refusals{column-gap:18px;margin-block-start:4px}
.answers.refusals button{min-height:34px;padding-block:4px;font-size:13.5px}
.ends{width:100%;display:flex;justify-content:space-between;gap:16px;margin-block-start:-2px;font-size:13px;color:var(--soft)}
.ends :last-child{text-align:end}
.chosen{display:inline-flex;align-items:center;gap:8px;margin-block-start:8px;padding:7px 14px;border-radius:19px;border:1.5px solid var(--edge);background:var(--tint);font-weight:600;overflow-wrap:anywhere}
.chosen svg{flex:none;width:17px;height:17px;stroke-width:3;color:var(--edge)}
.after{display:flex;flex-wrap:wrap;align-items:center;column-gap:10px;margin-block-start:8px}
.after>*{margin-block-start:0;width:auto}
.out{display:inline-block;margin-block-start:8px;padding:9px 18px;border:1.5px solid var(--edge);border-radius:20px;color:inherit;font-weight:600;text-decoration:none;overflow-wrap:anywhere}
.out:hover{background:var(--tint)}
.start{align-self:center;min-height:40px;padding:8px 18px;border:1.5px solid var(--edge);border-radius:20px;background:none;font-weight:600}
.start:hover{background:var(--tint)}
.note{padding:8px 18px;font-size:13.5px;background:var(--tint);border-block-start:1px solid var(--line);overflow-wrap:anywhere}
.note:empty{display:none}
form{display:flex;align-items:flex-end;gap:8px;padding:10px 12px;border-block-start:1px solid var(--line)}
textarea{flex:1;min-width:0;min-height:42px;max-height:132px;padding:9px 14px;border:1.5px solid var(--line);border-radius:21px;background:var(--paper);resize:none;line-height:1.45;overflow-y:auto}
textarea::placeholder{color:var(--soft);opacity:1}
textarea:focus-visible{outline-offset:-1px;outline-width:2px}
form button{flex:none;width:42px;height:42px;border:0;border-radius:50%;display:grid;place-items:center;background:var(--brand);color:var(--on-brand)}
form svg{width:20px;height:20px;stroke-width:2.4}
@media (max-width:480px){.panel{inset:0;width:auto;max-width:none;height:100vh;height:100dvh;border:0;border-radius:0}.scale{gap:3px}}
@media (max-width:340px){.log{padding-inline:10px}}
@media (prefers-reduced-motion:no-preference){.panel,.teaser{animation:rise .18s ease-out}.line.fresh{animation:rise .2s ease-out}@keyframes rise{from{opacity:0;transform:translateY(8px)}}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}.launcher:hover,.emoji button:hover{transform:none!important}}
@media (forced-colors:active){.answers button[aria-pressed=true]{outline:3px solid Highlight}.bubble,.launcher{border:1px solid}}
@media print{:host{display:none}}`;

  const host = make("afterchat-widget");
  const root = host.attachShadow({ mode: "open" });
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = make("style", { nonce: script.nonce || undefined });
    style.textContent = STYLE;
    root.append(style);
  }
  // The page's own keyboard shortcuts do not get what is typed into the chat.
  for (const type of ["keydown", "keyup", "keypress"]) root.addEventListener(type, (event) => event.stopPropagation());

  const badge = make("span", { class: "badge", "aria-hidden": "true", hidden: "" });
  const launcher = make("button", { class: "launcher", type: "button", "aria-expanded": "false", click: () => open() }, icon(ICONS.chat), badge);
  const teaser = make("button", { class: "teaser", type: "button", dir: "auto", hidden: "", click: () => open() });
  const title = make("h2", { id: "title" });
  const closer = make("button", { type: "button", click: () => close() }, icon(ICONS.close));
  const log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-labelledby": "title", tabindex: "0" });
  const starter = make("button", { class: "start", type: "button", click: () => feedback() });
  const caller = make("button", { class: "start", type: "button", click: () => human() });
  const offline = make("div", { class: "note", role: "status" });
  const notice = make("div", { class: "note", role: "status", dir: "auto" });
  const field = make("textarea", { rows: "1", dir: "auto", enterkeyhint: "send" });
  const sender = make("button", { type: "submit" }, icon(ICONS.send));
  const form = make("form", {}, field, sender);
  const panel = make("section", { class: "panel", role: "dialog", "aria-labelledby": "title", tabindex: "-1", hidden: "" },
    make("header", {}, title, closer), log, offline, notice, form);
  root.append(launcher, teaser, panel);

  // ---- words and colours -----------------------------------------------------------------------------------

  let texts = {};
  const dress = (settings) => {
    texts = settings.texts;
    host.lang = settings.locale;
    host.dir = settings.dir;
    host.style.setProperty("--brand", settings.colour);
    host.style.setProperty("--on-brand", settings.on_colour);
    title.textContent = settings.title;
    closer.setAttribute("aria-label", texts.close);
    sender.setAttribute("aria-label", texts.send);
    field.setAttribute("aria-label", texts.write);
    field.placeholder = texts.write;
    field.maxLength = settings.longest;
    starter.textContent = texts.feedback;
    caller.textContent = texts.human;
    count();
  };

  // ---- the log of lines --------------------------------------------------------------------------------------

  const lines = new Map();
  let lastId = 0;
  let unread = 0;

  const isOpen = () => !panel.hidden;
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const toEnd = () => { log.scrollTop = log.scrollHeight; };

  const draw = (line, logged) => {
    const key = `${line.author}/${line.slot}`;
    const old = lines.get(key);
    const follow = atEnd() || line.author === "customer";
    const focused = old && root.activeElement && old.contains(root.activeElement) ? root.activeElement : null;
    // What the log has may still wait to be handled: it counts as sent when the server says so.
    const waits = unsent.some((each) => line.slot === `customer/${each.id}`);
    const element = make("div", { class: `line ${line.author} ${waits ? "sending" : ""} ${old ? "" : "fresh"}` });
    element.logged = logged;
    element.append(make("span", { class: "sr" }, `${line.author === "us" ? texts.from_us : texts.from_you}: `));
    element.append(...(line.content.type === "card" ? card(line.content, key, element) : [bubble(line.content), ...opened(line.content.links)]));
    element.waiting = line.content.type === "card" && line.content.chosen === null && (line.content.typing || line.content.buttons.length > 0);
    // What was over and is asked once more is a new message: a reminder.
    const anew = old?.over && element.waiting;
    element.over = line.content.type === "card" && line.content.chosen === null && !element.waiting;
    if (old?.logged && !anew) old.replaceWith(element);
    else {
      // Words that waited for a connection stand where the log has them.
      old?.remove();
      lines.delete(key);
      log.append(element);
    }
    lines.set(key, element);
    if (focused) refocus(element, focused);
    placeStarter();
    if (follow) toEnd();
    return old === undefined || anew;
  };
  const bubble = (content, id) => {
    return make("div", { class: "bubble", dir: "auto", lang: content.locale || undefined, id }, ...faced(content.text));
  };
  // Pages to open; whatever is no address of one is left out.
  const opened = (links) => (links || [])
    .filter((link) => /^https?:\/\//i.test(link.url))
    .map((link) => make("a", { class: "out", href: link.url, target: "_blank", rel: "noopener noreferrer", dir: "auto" }, link.label));
  // Whoever answers by keyboard stays where they are when the card changes under their fingers.
  const refocus = (element, focused) => {
    const same = [...element.querySelectorAll("button")].find((each) => each.textContent === focused.textContent);
    if (!same) element.tabIndex = -1;
    (same || element).focus({ preventScroll: true });
  };
  // Feedback can be started whenever no question waits for an answer.
  const placeStarter = () => {
    const last = [...lines.values()].pop();
    if (last?.waiting) starter.remove(), caller.remove();
    else if (log.lastChild !== caller) log.append(starter, caller);
  };

  const card = (content, key, element) => {
    const id = `q${lines.size}-${chance()}`;
    const question = bubble(content, id);
    const rows = content.buttons || [];
    if (typeof content.chosen === "string") {
      const chosen = make("span", { class: "chosen" }, icon(ICONS.check), make("span", { dir: "auto" }, ...faced(content.chosen)));
      return [question, make("div", { class: "after" }, chosen, answers(rows, id, element, content))];
    }
    const parts = rows.length ? [question, answers(rows, id, element, content)] : [question];
    return content.decline?.length ? [...parts, refusals(content.decline, id, element)] : parts;
  };
  const valueOf = (button) => button.token.split(".").slice(3).join(".");
  const answers = (rows, id, element, content) => {
    const box = make("div", { class: "answers", role: "group", dir: towards(content.locale), "aria-labelledby": id, keydown: arrows });
    for (const row of rows) {
      const isScale = row.length > 1 && row.every((each) => [...each.label].length < 5);
      const buttons = row.map((each, index) => answer(each, element, isScale && name(each, index, row, content)));
      if (!isScale) {
        box.append(...buttons);
        continue;
      }
      const emoji = row.every((each) => /\p{Extended_Pictographic}/u.test(each.label) && !/[0-9]/.test(each.label));
      const scale = make("div", { class: emoji ? "scale emoji" : "scale" }, ...buttons);
      scale.style.setProperty("grid-template-columns", `repeat(${row.length},minmax(0,1fr))`);
      box.append(scale);
      if (content.low || content.high) {
        // Read out as part of the end buttons' names.
        box.append(make("div", { class: "ends", "aria-hidden": "true" }, make("span", { dir: "auto" }, content.low || ""), make("span", { dir: "auto" }, content.high || "")));
      }
    }
    return box;
  };
  // A customer may choose another language than the page's: a scale then begins where that one's lines do, as its ends do.
  const towards = (language) => {
    try {
      const known = new Intl.Locale(language);
      return (known.getTextInfo?.() ?? known.textInfo).direction;
    } catch {
      return undefined; // no tag, or a browser that cannot tell: as the widget
    }
  };
  // Ways to say no to the whole survey: below the answers, and quieter.
  const refusals = (buttons, id, element) =>
    make("div", { class: "answers refusals", role: "group", "aria-labelledby": id, keydown: arrows }, ...buttons.map((each) => answer(each, element)));
  // "0: Not at all likely", "3/5 😐": a face or a bare number alone tells a listener too little.
  const name = (button, index, row, content) => {
    const end = index === 0 ? content.low : index === row.length - 1 ? content.high : "";
    const score = /^[0-9]+$/.test(valueOf(button)) && !/[0-9]/.test(button.label) ? `${index + 1}/${row.length} ` : "";
    return `${score}${button.label}${end ? `: ${end}` : ""}`;
  };
  const answer = (button, element, label) => {
    const value = valueOf(button);
    const tickable = /^[+-]/.test(value);
    const kind = value === "~done" ? "done" : /^~(?!speak)/.test(value) ? "quiet" : undefined;
    const pressed = tickable ? String(button.selected === true) : undefined;
    const made = make("button", { type: "button", class: kind, "aria-label": label || undefined, "aria-pressed": pressed, click: () => tap(made, button.token, element) });
    made.dir = "auto";
    if (button.selected) made.append(icon(ICONS.check));
    made.append(...faced(button.label));
    return made;
  };
  const arrows = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step && event.key !== "Home" && event.key !== "End") return;
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const fromRight = getComputedStyle(event.currentTarget).direction === "rtl";
    const mirrored = fromRight && /Left|Right/.test(event.key) ? -1 : 1;
    const to = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : buttons.indexOf(root.activeElement) + step * mirrored;
    buttons[Math.max(0, Math.min(buttons.length - 1, to))].focus();
    event.preventDefault();
  };

  const count = () => {
    badge.textContent = unread > 9 ? "9+" : String(unread);
    badge.hidden = !unread || isOpen();
    launcher.setAttribute("aria-label", unread ? `${texts.open}. ${texts.new_message}: ${unread}` : texts.open);
    teaser.hidden = !unread || isOpen() || !teaser.textContent;
  };
  const sawAll = () => {
    unread = 0;
    teaser.textContent = "";
    if (lastId > (state.seen || 0)) {
      state.seen = lastId;
      save();
    }
    count();
  };

  // ---- the session and what we send ------------------------------------------------------------------------

  const headers = (more) => ({ Authorization: `Bearer ${state.token}`, ...more });
  let opening = null;
  const session = () => {
    if (state.token) return Promise.resolve(state.session);
    opening ||= alone(async () => {
      for (let tries = 0; ; tries++) {
        const early = kept("localStorage", {});
        const reply = early.token ? {} : await request({ do: "open", language: language() }, {});
        // Another tab may have opened one in the meantime: the browser has one session.
        const stored = kept("localStorage", {});
        if (reply.ok || stored.token) {
          state = stored.token ? stored : { session: reply.body.session, token: reply.body.token, opened: Date.now() };
          save();
          announce();
          return state.session;
        }
        offline.textContent = reply.final ? reply.message : texts.reconnecting;
        await sleep(reply.wait || backoff(tries));
      }
    }).finally(() => { opening = null; });
    return opening;
  };
  // Tabs take turns, yet storage reaches other tabs late: two may have a session each, until they settle it.
  const alone = (open) => (navigator.locks ? navigator.locks.request(memory, open) : open());
  const settle = (other) => {
    if (!other.token || other.token === state.token) return;
    const apart = (other.opened || 0) - (state.opened || 0);
    // Side by side the earlier one stays; else the server forgot it.
    const theirs = Math.abs(apart) > 30000 ? apart > 0 : (apart || (other.token < state.token ? -1 : 1)) < 0;
    if (state.token && !theirs) return save();
    replace(other);
    announce();
  };
  const announce = () => window.dispatchEvent(new CustomEvent("afterchat:session", { detail: { session: state.session } }));
  // The server no longer knows a token: take what another tab opened since.
  const forget = (token) => {
    if (state.token !== token) return;
    const stored = kept("localStorage", {});
    replace(stored.token === token ? {} : stored);
  };
  const replace = (session) => {
    state = session;
    save();
    lastId = unread = 0;
    lines.clear();
    log.replaceChildren();
    disconnect();
    revive();
  };

  // One request: {ok, body}, or what to do about it: {final, message} or {wait}.
  const request = async (command, authorization) => {
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: { ...authorization, "Content-Type": "application/json" },
        body: JSON.stringify(command),
        signal: AbortSignal.timeout?.(20000),
      });
      const body = await response.json().catch(() => ({}));
      if (response.ok) return { ok: true, body };
      if (response.status === 401) return { lost: true };
      const message = body.error?.message || texts.error;
      const wait = 1000 * (response.headers.get("Retry-After") || 0);
      // The wait may be longer than anyone looks at a chat: the customer is told, and decides.
      if (body.error?.code === "too_often") return { final: true, message, wait };
      if (response.status === 429 || response.status >= 500 || response.status === 408) return { wait };
      return { final: true, message };
    } catch {
      return {};
    }
  };
  // Commands leave one after the other and keep their id in each attempt, so that each counts once.
  let queue = Promise.resolve();
  const send = (command, attempts = Infinity) => {
    const sent = queue.then(async () => {
      for (let tries = 0; tries < attempts; tries++) {
        await session();
        const token = state.token;
        const reply = await request({ ...command, language: language() }, headers());
        if (reply.ok || reply.final) return reply;
        if (reply.lost) forget(token);
        else await Promise.race([sleep(reply.wait || backoff(tries)), back()]);
      }
      return { final: true, message: texts.error };
    });
    queue = sent.catch(() => {});
    return sent;
  };
  const back = () => new Promise((resolve) => window.addEventListener("online", resolve, { once: true }));
  const say = (text) => { notice.textContent = text || ""; };
  const hear = (reply) => {
    say(reply.ok ? reply.body.notice : reply.message);
    if (reply.ok && reply.body.language) speak(reply.body.language);
    revive();
  };
  // Where the words do not come, the next visit has them.
  const speak = (chosen) => {
    state.language = chosen;
    save();
    return fitted().catch(() => {});
  };

  const tap = async (button, token, element) => {
    if (element.busy) return;
    element.busy = true;
    const was = button.getAttribute("aria-pressed");
    button.setAttribute("aria-pressed", was === "true" ? "false" : "true");
    for (const each of element.querySelectorAll("button")) each.setAttribute("aria-disabled", "true");
    say("");
    const reply = await send({ do: "tap", id: chance(), token }, 4);
    hear(reply);
    // Where an answer counted, the edited card is on its way and replaces this one.
    await sleep(reply.ok && ["taken", "ticked", "changing", "declined", "opted_out"].includes(reply.body.said) ? 8000 : 0);
    element.busy = false;
    for (const each of element.querySelectorAll("button")) each.removeAttribute("aria-disabled");
    if (was === null) button.removeAttribute("aria-pressed");
    else button.setAttribute("aria-pressed", was);
  };
  const deliver = async ({ id, text }) => {
    const line = { author: "customer", slot: `customer/${id}`, content: { type: "text", text } };
    const key = `${line.author}/${line.slot}`;
    draw(line, false);
    const reply = await send({ do: "write", id, text });
    saveUnsent(unsent.filter((each) => each.id !== id));
    lines.get(key)?.classList.remove("sending");
    if (!reply.ok) lines.get(key)?.classList.add("failed");
    hear(reply);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    const words = { id: chance(), text };
    saveUnsent([...unsent, words]);
    field.value = "";
    grow();
    say("");
    deliver(words);
  });
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 3}px`;
  };
  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    // Enter also ends a composition, such as a Vietnamese or Japanese input method's.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });

  // ---- the live stream -------------------------------------------------------------------------------------

  let stream = null;
  let tries = 0;
  let again = 0;
  let lostAt = 0;

  const connect = async () => {
    clearTimeout(again);
    if (stream || !state.token || document.hidden) return;
    const controller = (stream = new AbortController());
    const token = state.token;
    const began = Date.now();
    let stalled = setTimeout(() => controller.abort(), STALLED);
    try {
      const response = await fetch(`${endpoint}/events`, {
        headers: headers(lastId ? { "Last-Event-ID": String(lastId) } : {}),
        cache: "no-store",
        signal: controller.signal,
      });
      if (response.status === 401) {
        forget(token);
        if (isOpen()) session().then(revive);
      }
      if (!response.ok) throw new Error(response.status);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let pending = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(stalled);
        stalled = setTimeout(() => controller.abort(), STALLED);
        standing(true);
        const blocks = (pending + value).split("\n\n");
        pending = blocks.pop();
        blocks.forEach(take);
      }
    } catch {
      // Gone, refused or stalled: all mean to come back later.
    } finally {
      clearTimeout(stalled);
    }
    if (stream !== controller) return;
    stream = null;
    standing(false);
    tries = Date.now() - began > 5000 ? 0 : tries + 1;
    again = setTimeout(connect, backoff(tries));
  };
  const revive = () => {
    if (!stream) connect();
  };
  const disconnect = () => {
    clearTimeout(again);
    const controller = stream;
    stream = null;
    controller?.abort();
  };
  // A short gap is not worth a word.
  const standing = (is) => {
    if (is) {
      lostAt = 0;
      offline.textContent = "";
      return;
    }
    const at = (lostAt ||= Date.now());
    setTimeout(() => { if (lostAt === at && !document.hidden) offline.textContent = texts.reconnecting; }, 2500);
  };
  const take = (block) => {
    const id = Number(/^id: (\d+)$/m.exec(block)?.[1]);
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (!id || !data || id <= lastId) return;
    lastId = id;
    const line = JSON.parse(data);
    const isNew = draw(line, true);
    if (isOpen()) return sawAll();
    if (line.author === "us" && isNew && id > (state.seen || 0)) {
      unread += 1;
      teaser.textContent = line.content.text.length > 140 ? `${line.content.text.slice(0, 139)}…` : line.content.text;
      count();
    }
  };

  // ---- what the page may call --------------------------------------------------------------------------------

  const open = () => {
    if (isOpen()) return;
    panel.hidden = false;
    launcher.hidden = true;
    launcher.setAttribute("aria-expanded", "true");
    placeStarter();
    sawAll();
    toEnd();
    panel.focus({ preventScroll: true });
    session().then(revive);
  };
  const close = () => {
    if (!isOpen()) return;
    panel.hidden = true;
    launcher.hidden = false;
    launcher.setAttribute("aria-expanded", "false");
    say("");
    count();
    launcher.focus({ preventScroll: true });
  };
  const order = async (command) => {
    open();
    say("");
    hear(await send({ do: "command", id: chance(), command }, 4));
  };
  const feedback = () => order("feedback"), human = () => order("human");
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) close();
  });

  let idle = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(idle);
    if (document.hidden) idle = setTimeout(disconnect, HIDDEN);
    else revive();
  });
  window.addEventListener("online", () => { tries = 0; revive(); });
  window.addEventListener("offline", () => standing(false));
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", (event) => { if (event.persisted) revive(); });
  window.addEventListener("storage", (event) => {
    if (event.key === memory && event.newValue) settle(JSON.parse(event.newValue));
  });

  window.Afterchat = { open, close, feedback, human, session: () => session().then((id) => { revive(); return id; }) };

  const fitted = async () => {
    const response = await fetch(`${base}/widget/${channel}/settings?language=${encodeURIComponent(language())}`);
    if (!response.ok) throw new Error(response.status);
    dress(await response.json());
  };
  const start = async () => {
    for (let attempt = 0; ; attempt++) {
      try {
        await fitted();
        break;
      } catch {
        await sleep(backoff(attempt + 1));
      }
    }
    document.body.append(host);
    if (state.token) announce();
    unsent.forEach(deliver);
    connect();
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
