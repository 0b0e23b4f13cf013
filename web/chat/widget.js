/* The customers' chat on any web page: <script src="https://desk.example.com/widget.js" async data-language="fi"></script>
   It lives in a shadow root, so neither page's style reaches the other. No cookie: the conversation's secret stays in this tab.
   data-language: fi, sv or en; else the page's own language. data-full: fill the element #tandem-chat instead of floating.
   data-also: where the other machine of a pair serves the chat; the conversation goes on there when this one falls silent. A page may
   have a script element for each of the two: whichever comes first shows the chat. */
"use strict";
(() => {
  const script = document.currentScript;
  if (window.tandemChat) return; /* the other machine's script was faster */
  window.tandemChat = true;
  const served = /* served */ {};
  const bases = [...new Set([new URL(".", script.src).href, script.dataset.also && new URL(script.dataset.also.replace(/\/?$/, "/"), location.href).href])]
    .filter((base) => /^https?:/.test(base || ""));
  const language = [script.dataset.language, document.documentElement.lang, navigator.language, "en"]
    .map((tag) => (tag || "").slice(0, 2).toLowerCase()).find((tag) => served.words[tag]);
  const words = served.words[language];
  const full = script.hasAttribute("data-full");
  const narrow = matchMedia("(max-width: 480px)");
  const text = (key, gaps = {}) => (words[key] || "").replace(/\{(\w+)\}/g, (_, gap) => gaps[gap] || "");

  const two = bases.length > 1;
  const TRIES = two ? 12 : 5, SILENCE = two ? 20000 : 40000, PATIENCE = two ? 6000 : 15000, LONGEST_PAUSE = two ? 4000 : 30000;

  // What is kept in this tab over a reload: the secret, whether the window is open, what has not been sent yet.

  const place = `tandem-chat ${[...bases].sort().join(" ")}`;
  const kept = (() => {
    try { return JSON.parse(sessionStorage.getItem(place)) || {}; } catch { return {}; }
  })();
  const keep = () => {
    try { sessionStorage.setItem(place, JSON.stringify({ secret: state.secret, open: state.open, unsent: state.unsent, at: state.at })); } catch { /* private mode */ }
  };
  const state = { secret: kept.secret || "", open: full || Boolean(kept.open), unsent: kept.unsent || [], at: bases.includes(kept.at) ? kept.at : bases[0], talk: null, lost: false, notice: "", unread: 0 };

  // Elements

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };
  const drawn = (path) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    picture.setAttribute("viewBox", "0 0 24 24");
    picture.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    picture.append(line);
    return picture;
  };

  const host = make("div", { lang: language, "data-full": full });
  const root = host.attachShadow({ mode: "open" });
  const badge = make("span", { class: "badge", hidden: true });
  const launch = make("button", { class: "launch", type: "button", "aria-expanded": "false", onclick: () => toggle(true) },
    drawn("M4 5h16v11H9l-5 4z"), make("span", {}, text("open")), badge);
  const leave = make("button", { class: "icon", type: "button", "aria-label": text("minimise"), onclick: () => toggle(false) }, drawn("M6 6l12 12M18 6L6 18"));
  const title = served.company ? text("title", { company: served.company }) : text("title_plain");
  const log = make("div", { class: "log", role: "log", "aria-label": text("log"), tabindex: "0" }, make("p", { class: "intro" }, text("intro")));
  const unsent = make("div", { class: "unsent" });
  const status = make("p", { class: "status", role: "status" });
  const notice = make("p", { class: "notice", role: "status" });
  const field = make("textarea", { id: "message", rows: "2", maxlength: String(served.characters), placeholder: text("placeholder"), enterkeyhint: "send" });
  const write = make("form", { class: "write", onsubmit: (event) => { event.preventDefault(); send(); } },
    make("label", { for: "message", class: "unseen" }, text("message")), field, make("button", { class: "send", type: "submit" }, text("send")));
  const address = make("input", { id: "address", type: "email", autocomplete: "email", required: true, maxlength: "254" });
  const addressWrong = make("p", { class: "wrong", role: "alert" });
  const addressForm = make("form", { class: "address", novalidate: true, hidden: true, onsubmit: (event) => { event.preventDefault(); leaveAddress(); } },
    make("p", {}, text("address_ask")), make("label", { for: "address" }, text("address")),
    make("div", { class: "row" }, address, make("button", { class: "plain", type: "submit" }, text("address_leave"))), addressWrong);
  const person = make("button", { class: "link", type: "button", onclick: () => ask("chat/person") }, text("talk_to_person"));
  const end = make("button", { class: "link", type: "button", hidden: true, onclick: () => ask("chat/end") }, text("end"));
  const begin = make("button", { class: "plain", type: "button", hidden: true, onclick: () => beginAnew() }, text("begin"));
  const dialog = make("section", { class: full ? "dialog full" : "dialog", role: full ? "region" : "dialog", "aria-label": title, hidden: true },
    ...(full ? [] : [make("header", {}, make("h2", {}, title), leave)]), log, unsent, status, notice, addressForm, begin, write, make("footer", {}, person, end));
  root.append(...(full ? [dialog] : [launch, dialog]));

  // Opening and closing

  const isModal = () => !full && narrow.matches;
  function toggle(open) {
    state.open = open;
    state.unread = 0;
    keep();
    show();
    if (open) { listen(); field.focus(); log.scrollTop = log.scrollHeight; } else launch.focus();
  }
  function show() {
    dialog.hidden = !state.open;
    launch.hidden = state.open;
    launch.setAttribute("aria-expanded", String(state.open));
    if (!full) dialog.setAttribute("aria-modal", String(isModal()));
    badge.hidden = !state.unread;
    badge.textContent = state.unread || "";
  }
  narrow.addEventListener("change", show);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !full) toggle(false);
    if (event.key === "Tab" && isModal()) stayInside(event);
  });
  function stayInside(event) {
    const stops = [...dialog.querySelectorAll("button, textarea, input, [tabindex='0']")].filter((one) => one.getClientRects().length);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (root.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  }
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });

  // Showing. Entries are only ever added, so that a screen reader reads what is new and nothing twice.

  const shown = new Set();
  function render() {
    const talk = state.talk;
    for (const entry of talk ? talk.entries : []) {
      if (!shown.has(entry.id)) {
        shown.add(entry.id);
        log.append(bubble(entry));
        if (!state.open && entry.who !== "customer") state.unread += 1;
      }
    }
    unsent.replaceChildren(...state.unsent.map(waiting));
    const ended = Boolean(talk && talk.closed);
    const waits = Boolean(talk && talk.state === "person" && !ended);
    const lines = [ended ? text("ended") : state.unsent.length ? "" : talk ? text(`state.${talk.state}`) : ""];
    if (waits) lines.push(talk.wants_person ? text("person_asked") : "", talk.opens, talk.has_address ? text("address_kept") : "");
    say(status, lines.filter(Boolean).join(". ").replace(/\.\. /g, ". "));
    status.classList.toggle("busy", Boolean(talk && ["received", "reading", "checking"].includes(talk.state)));
    say(notice, state.lost ? text("offline") : state.notice);
    notice.classList.toggle("lost", state.lost);
    addressForm.hidden = !(waits && talk.case && !talk.has_address);
    person.hidden = !talk || ended || talk.wants_person;
    end.hidden = !talk || ended;
    begin.hidden = !ended;
    write.hidden = ended;
    show();
    log.scrollTop = log.scrollHeight;
  }
  const say = (element, line) => { if (element.textContent !== line) element.textContent = line; };
  function bubble(entry) {
    const who = { customer: text("you"), desk: text("desk"), person: text("person") }[entry.who];
    const parts = [make("span", { class: "who" }, who), make("p", { class: "words" }, entry.text)];
    if (entry.sources.length) parts.push(make("p", { class: "sources" }, text("sources", { names: entry.sources.join(", ") })));
    return make("article", { class: `entry ${entry.who}` }, ...parts);
  }
  function waiting(one) {
    const parts = [make("p", { class: "words" }, one.text)];
    if (one.failed) {
      const again = () => { one.failed = false; one.tries = 0; render(); post(one); };
      parts.push(make("p", { class: "wrong" }, `${one.failed} `, make("button", { class: "link", type: "button", onclick: again }, text("retry"))));
    }
    return make("article", { class: "entry customer pending" }, ...parts);
  }

  // Talking to the desk

  const pause = (tries) => Math.min(LONGEST_PAUSE, 1000 * 2 ** tries) * (0.75 + Math.random() / 2);
  const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));
  const newKey = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // Whoever does not answer, or cannot do it now, is left for the other one, and nobody goes back by themselves.
  let hearing = null;
  function turn(from) {
    if (!two || state.at !== from) return;
    state.at = bases.find((one) => one !== from);
    keep();
    if (hearing) hearing.abort();
  }
  const NOBODY_LEADS = ["nobody_leads", "leader_lost"]; // while the lead changes hands; the same id said again is the same message
  const beyond = (error) => !error.status || error.status >= 500 || NOBODY_LEADS.includes(error.code);
  async function call(path, body) {
    const at = state.at;
    try {
      return await post_to(at, path, body);
    } catch (error) {
      if (!beyond(error)) throw error;
      turn(at);
      if (state.at === at) throw error;
      return post_to(state.at, path, body);
    }
  }
  async function post_to(at, path, body) {
    const headers = { "content-type": "application/json" };
    if (state.secret) headers.authorization = `Bearer ${state.secret}`;
    const response = await fetch(`${at}${path}?language=${language}`, {
      method: "POST", headers, body: body && JSON.stringify(body), credentials: "omit", signal: AbortSignal.timeout(PATIENCE),
    });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.error.code), { code: answer.error.code, status: response.status });
    return answer;
  }
  function take(talk) {
    if (talk.secret) state.secret = talk.secret;
    else if (state.talk && state.talk.session === talk.session && talk.position < state.talk.position) return; // it was overtaken on the way
    state.talk = talk;
    state.notice = "";
    keep();
    render();
  }
  function send() {
    const words = field.value.trim();
    if (!words) return;
    const one = { id: newKey(), text: words, failed: "", tries: 0 };
    state.unsent.push(one);
    field.value = "";
    keep();
    render();
    post(one);
  }
  // One after the other: the first message begins the conversation that the others belong to. The same id is the same message.
  let posting = Promise.resolve();
  const post = (one) => { posting = posting.then(() => deliver(one)); };
  async function deliver(one) {
    for (;;) {
      try {
        const talk = await call("api/ai/chat", { message: one.text, id: one.id, language });
        state.unsent = state.unsent.filter((other) => other !== one);
        state.lost = false;
        take(talk);
        listen();
        return;
      } catch (error) {
        if (error.code === "conversation" && state.secret) { forget(); continue; }
        if (!beyond(error)) return give_up(one, text(`problem.${error.code}.text`) || text("failed"));
        one.tries += 1;
        if (one.tries >= TRIES) return give_up(one, text("unsent"));
        state.lost = true;
        render();
        await sleep(pause(one.tries - 1));
      }
    }
  }
  function give_up(one, why) {
    one.failed = why;
    keep();
    render();
  }
  async function ask(path, body) {
    try {
      take(await call(path, body));
      field.focus();
    } catch (error) {
      state.notice = text(error.code ? `problem.${error.code}.text` : "") || text("failed");
      render();
    }
  }
  function leaveAddress() {
    const fine = address.value.trim() && address.checkValidity();
    say(addressWrong, fine ? "" : text("address_wrong"));
    address.setAttribute("aria-invalid", String(!fine));
    if (fine) ask("chat/address", { address: address.value.trim() }); else address.focus();
  }
  function forget() {
    state.secret = "";
    state.talk = null;
    keep();
  }
  function beginAnew() {
    forget();
    shown.clear();
    log.querySelectorAll(".entry").forEach((one) => one.remove());
    render();
    field.focus();
  }

  // Listening: the whole conversation comes at each change, so after a cut there is nothing to catch up with.

  let listening = false;
  async function listen() {
    if (listening || !state.secret) return;
    listening = true;
    for (let tries = 0; state.secret; ) {
      const secret = state.secret, at = state.at;
      try {
        await hear(at, secret, () => {
          if (state.lost) { state.lost = false; state.notice = text("back"); render(); setTimeout(() => { state.notice = ""; render(); }, 4000); }
          tries = 0;
        });
      } catch (error) {
        if (error.status === 401) { if (secret === state.secret) finished(); break; }
      }
      if (state.talk && state.talk.closed) break;
      if (tries) { state.lost = true; render(); }
      turn(at);
      await sleep(pause(two ? tries - 1 : tries));
      tries += 1;
    }
    listening = false;
  }
  function finished() {
    if (state.talk) state.talk = { ...state.talk, closed: true };
    else forget();
    render();
  }
  async function hear(at, secret, alive) {
    const cut = new AbortController();
    hearing = cut;
    let watchdog = setTimeout(() => cut.abort(), SILENCE);
    try {
      const response = await fetch(`${at}chat/events?language=${language}`, {
        headers: { authorization: `Bearer ${secret}` }, credentials: "omit", cache: "no-store", signal: cut.signal,
      });
      if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
      alive();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => cut.abort(), SILENCE);
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const data = event.split("\n").find((line) => line.startsWith("data: "));
          if (data && secret === state.secret) take(JSON.parse(data.slice(6)));
        }
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  // Beginning: looks first, so that nothing flashes unstyled; what was not sent before a reload goes now.

  async function start() {
    const sheet = new CSSStyleSheet();
    const looks = (at) => fetch(`${at}widget.css`, { credentials: "omit", signal: AbortSignal.timeout(PATIENCE) }).then((answer) => answer.text());
    sheet.replaceSync(await looks(state.at).catch(() => looks(bases.find((one) => one !== state.at) || state.at)));
    root.adoptedStyleSheets = [sheet];
    const target = full ? document.getElementById("tandem-chat") : document.body;
    if (full) target.replaceChildren(host); else target.append(host);
    render();
    for (const one of state.unsent) { one.tries = 0; one.failed = ""; post(one); }
    listen();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
