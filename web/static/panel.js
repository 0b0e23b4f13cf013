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

  const address = document.body.dataset.live;
  if (address && window.EventSource) {
    let position = null;
    const line = new EventSource(address);
    line.addEventListener("change", (event) => {
      const now = event.data;
      if (position !== null && now !== position) ask();
      position = now;
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted) ask(); });
    setInterval(ask, 60000); /* "14 min ago" grows older by itself */
    window.addEventListener("pagehide", () => line.close());
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

  const PAGES = { o: "/", r: "/review", c: "/cases" };
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
    else if ("aert/".includes(key)) {
      const target = all("[data-key]").find((part) => part.dataset.key === key);
      if (!target) return;
      goTo(target);
    } else return;
    event.preventDefault();
  });
})();
