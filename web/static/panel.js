/* The panel works without this file. It adds keys and keeps open pages fresh. */
"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  /* Fresh pages: when the server says that something changed, this page is fetched again and the marked parts that differ
     are put in their place. What a person is touching or has written into is left alone. */
  const LEAST_PAUSE = 2000;
  let due = 0, last = 0, wanted = false;

  const touched = (part) => part.contains(document.activeElement) && document.activeElement !== document.body;

  async function refresh() {
    due = 0;
    if (document.hidden) { wanted = true; return; }
    wanted = false;
    last = Date.now();
    const answer = await fetch(location.href, { headers: { "x-live": "1", accept: "text/html" } });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of all("[data-refresh][id]")) {
      const next = fresh.getElementById(part.id);
      if (!next && part.dataset.refresh === "whole") { location.reload(); return; }
      if (next && !touched(part) && next.outerHTML !== part.outerHTML) part.replaceWith(document.importNode(next, true));
    }
    document.title = fresh.title;
  }

  function ask() {
    if (!due) due = setTimeout(() => refresh().catch(() => {}), Math.max(250, LEAST_PAUSE - (Date.now() - last)));
  }

  /* The live line. A browser opens it again by itself after a cut, but not once it was refused: while the daemon starts, say. */
  const address = document.body.dataset.live, lost = one("#line");
  const AGAIN = 5000, SILENT = 3000;
  let position = null, line = null, silent = 0, again = 0;

  function warn(what) { /* "lost", "unsent", or "" when all is well */
    if (!lost) return;
    lost.hidden = !what;
    lost.dataset.shown = what;
    lost.lastElementChild.textContent = lost.dataset[what] || "";
  }

  function heard() {
    clearTimeout(silent);
    silent = 0;
    if (lost && lost.dataset.shown === "lost") warn(""); /* what was not sent is said until it is */
  }

  function cut() {
    if (lost && lost.hidden) warn("lost");
  }

  function listen() {
    clearTimeout(again);
    if (line) line.close();
    line = new EventSource(address);
    line.addEventListener("open", heard);
    line.addEventListener("change", (event) => {
      heard();
      const now = event.data;
      if (position !== null && now !== position) ask();
      position = now;
    });
    line.addEventListener("error", () => {
      if (!silent) silent = setTimeout(cut, SILENT);
      if (line.readyState !== EventSource.CLOSED) return;
      ask(); /* refused: signed out elsewhere, or not there yet */
      again = setTimeout(listen, AGAIN);
    });
  }

  if (address && window.EventSource) {
    listen();
    document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted) ask(); });
    setInterval(ask, 60000); /* "14 min ago" grows older by itself */
    const looked = Date.now();
    setInterval(() => { /* a part that no event tells of says how often, in seconds, it wants to be looked at */
      const wish = Math.min(...all("[data-soon]").map((part) => Number(part.dataset.soon)), Infinity);
      if (Date.now() - Math.max(last, looked) >= wish * 1000) ask();
    }, 1000);
    setInterval(() => { /* how long a code is still good for */
      for (const part of all("[data-left]")) {
        part.dataset.left = String(Math.max(0, Number(part.dataset.left) - 1));
        part.textContent = `${part.dataset.left} s`;
      }
    }, 1000);
    window.addEventListener("pagehide", () => { clearTimeout(silent); clearTimeout(again); line.close(); });
    window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
    window.addEventListener("offline", cut);
    window.addEventListener("online", () => { listen(); ask(); });
  }

  /* What was written into a case is kept in this window until its decision has stood: refused or undone, it is there again. */
  const SENT = "tandem-sent", of = (id) => `tandem-reply-${id}`;
  const inWindow = (name, value) => {
    try {
      if (value === null) sessionStorage.removeItem(name);
      else if (value !== undefined) sessionStorage.setItem(name, value);
      return sessionStorage.getItem(name);
    } catch { return null; }
  };
  const sent = (form) => { if (form.action.endsWith("/decide")) inWindow(SENT, form.action.split("/").at(-2)); };

  /* A form is sent only when somebody is there to take it: what a browser shows instead of a page has lost what was written. */
  const WAITS = 8000;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !lost) return;
    if (form.dataset.asked === "yes") { sent(form); return; }
    event.preventDefault();
    if (form.dataset.asked === "asking") return;
    form.dataset.asked = "asking";
    warn("");
    fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(WAITS) }).then(
      () => { form.dataset.asked = "yes"; form.requestSubmit(event.submitter); form.dataset.asked = ""; },
      () => { form.dataset.asked = ""; warn("unsent"); },
    );
  });

  document.documentElement.classList.add("scripted");

  /* A decision can be taken back for some seconds: the bar counts them down, and goes when they are over. */
  const bar = one(".undo");
  if (bar) {
    const words = bar.firstElementChild, said = words.textContent, from = Date.now();
    const seconds = Number((said.match(/\d+/) || ["10"])[0]);
    const tick = setInterval(() => {
      const left = seconds - Math.floor((Date.now() - from) / 1000);
      words.textContent = said.replace(/\d+/, String(Math.max(left, 0)));
      if (left <= 0) { bar.hidden = true; clearInterval(tick); forget(); }
    }, 250);
  }

  /* A ready-made answer goes where the cursor is. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-insert]");
    const field = button && document.getElementById(button.dataset.insert);
    if (!field) return;
    const fold = field.closest("details");
    if (fold) fold.open = true;
    const text = button.parentElement.querySelector(".words").textContent;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  /* Who is writing: we say it while the answer is being edited, and hear who else is. */
  const there = one("#presence"), reply = one("#reply");
  const gone = inWindow(SENT);
  const forget = () => { inWindow(of(gone), null); inWindow(SENT, null); };
  if (gone && there && there.dataset.case === gone && reply) inWindow(SENT, null); /* it is back: undone, or refused */
  else if (gone && !bar) forget();
  if (there && reply) {
    const keep = of(there.dataset.case), before = reply.value;
    const store = (value) => inWindow(keep, value);
    const kept = store();
    if (kept !== null && kept !== before) {
      reply.value = kept;
      const fold = reply.closest("details");
      if (fold) fold.open = true;
    }
    let writing = false;
    const tell = async (what) => {
      const answer = await fetch(`/api/v1/cases/${there.dataset.case}/presence`, {
        method: "PUT", keepalive: what === "gone",
        headers: { "content-type": "application/json", "x-csrf-token": there.dataset.csrf },
        body: JSON.stringify({ what }),
      });
      if (!answer.ok) return;
      const names = (await answer.json()).names;
      there.hidden = !names.length;
      if (names.length) there.lastElementChild.textContent = there.dataset.words.replace("{names}", names.join(", "));
    };
    const say = (what) => tell(what).catch(() => {});
    reply.addEventListener("input", () => { store(reply.value === before ? null : reply.value); if (!writing) { writing = true; say("editing"); } });
    setInterval(() => { if (!document.hidden) say(writing ? "editing" : "looking"); }, 12000);
    window.addEventListener("pagehide", () => { if (writing) say("gone"); });
    say("looking");
  }

  /* The list shows the open case; the page itself stays where it is. */
  const chosen = one("#queue [aria-current]");
  const list = chosen && chosen.closest(".split-list");
  if (list && list.scrollHeight > list.clientHeight) {
    const hidden = chosen.getBoundingClientRect().bottom - Math.min(list.getBoundingClientRect().bottom, window.innerHeight);
    if (hidden > 0) list.scrollTop += hidden + chosen.offsetHeight;
  }

  /* Keys. They can be turned off, and they never decide: "a" goes to the button, and Enter there presses it. */
  const KEPT = "tandem-keys-off";
  const tick = one("#keys-on");
  const kept = (value) => {
    try {
      if (value !== undefined) localStorage.setItem(KEPT, value);
      return localStorage.getItem(KEPT) === "1";
    } catch { return false; }
  };
  if (tick) {
    tick.checked = !kept();
    tick.addEventListener("change", () => kept(tick.checked ? "0" : "1"));
  }

  function step(by) {
    const rows = all("[data-row]");
    if (!rows.length) return;
    const here = rows.findIndex((row) => row === document.activeElement);
    const open = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
    const to = Math.min(rows.length - 1, Math.max(0, (here >= 0 ? here : open) + by));
    rows[to].focus();
    rows[to].scrollIntoView({ block: "nearest" });
  }

  function goTo(target) {
    const fold = target.closest("details");
    if (fold && target.tagName === "SUMMARY") fold.open = true;
    const then = target.dataset.then && document.getElementById(target.dataset.then);
    (then || target).focus();
    (then || target).scrollIntoView({ block: "center" });
  }

  if (location.hash === "#text" && one("#text")) one("#text").focus();

  const PAGES = { o: "/", r: "/review", c: "/cases", k: "/knowledge" };
  let leading = 0;
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest && event.target.closest("input, textarea, select, dialog");
    if (event.key === "Escape" && field && field.tagName !== "DIALOG") { event.target.blur(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || kept()) return;
    const key = event.key;
    if (Date.now() - leading < 1200 && PAGES[key]) { location.href = PAGES[key]; event.preventDefault(); return; }
    leading = key === "g" ? Date.now() : 0;
    if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
    else if (key === "?") one("#keys").showModal();
    else if ("aemrtsinu/".includes(key)) {
      const target = all("[data-key]").find((part) => part.dataset.key === key);
      if (!target && key === "/") location.href = "/cases#text"; /* cases are searched from every page */
      else if (!target) return;
      else goTo(target);
    } else return;
    event.preventDefault();
  });
})();
