/* The cockpit works without this file, page by page. With it a button changes only the parts that it is about: the place on the page
   and what is being typed stay where they are. */
"use strict";
(() => {
  const form = document.getElementById("call-form"), toast = document.getElementById("toast");
  const LEAVES = ["send", "done"], KEEPS_AFTER = 4000, TOAST = 4000;
  let timer = 0, fading = 0, busy = false;
  const draft = () => document.getElementById("call-draft");
  let before = draft() ? draft().value : "";

  function tell(text) {
    if (!toast || !text) return;
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => { toast.hidden = true; }, TOAST);
  }

  function refuse(page) {
    const bar = document.getElementById("call-refused"), card = page.querySelector(".card h1");
    if (!bar) return;
    const remedy = card && card.nextElementSibling;
    bar.lastElementChild.textContent = card ? `${card.textContent} ${remedy ? remedy.textContent : ""}` : "";
    bar.hidden = false;
    bar.scrollIntoView({ block: "nearest" });
  }

  function put(page, only) {
    const focused = document.activeElement, name = focused && focused.name, value = focused && focused.value, id = focused && focused.id;
    const kept = draft(), top = kept ? kept.scrollTop : 0;
    for (const part of document.querySelectorAll(only ? `#${only}` : ".cockpit-grid [data-part][id]")) {
      const next = page.getElementById(part.id);
      if (next) part.replaceWith(document.importNode(next, true));
    }
    if (!only) before = draft() ? draft().value : "";
    if (draft() && only === undefined) draft().scrollTop = draft().value.length > (kept ? kept.value.length : 0) ? draft().scrollHeight : top;
    const again = (id && document.getElementById(id)) || (name && [...document.getElementsByName(name)].find((one) => one.value === value));
    if (again) again.focus({ preventScroll: true });
  }

  async function press(what, body) {
    const answer = await fetch(what, { method: "POST", body, headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) { refuse(page); return null; }
    const bar = document.getElementById("call-refused");
    if (bar) bar.hidden = true;
    return page;
  }

  const filled = (of, submitter) => new URLSearchParams(new FormData(of, submitter));

  document.addEventListener("submit", async (event) => {
    const of = event.target, button = event.submitter;
    if (of.dataset.part) { /* a snapshot of the pipeline */
      event.preventDefault();
      const page = await press(of.action, filled(of)).catch(() => null);
      if (page) { put(page, of.dataset.part); tell(of.dataset.toast); }
      return;
    }
    if (of !== form || !button || LEAVES.includes(button.value)) { clearTimeout(timer); return; }
    event.preventDefault();
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    const page = await press(form.action, filled(form, button)).catch(() => null);
    if (page) { put(page); tell(button.value === "keep" ? form.dataset.kept : ""); }
    busy = false;
  }, true);

  if (!form) return;

  /* Enter in a field presses the button that belongs to it. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.form !== form || ["TEXTAREA", "BUTTON"].includes(event.target.tagName)) return;
    const button = [...document.querySelectorAll("[data-enter]")].find((one) => one.dataset.enter.split(" ").includes(event.target.id));
    if (!button) return;
    event.preventDefault();
    button.click();
  });

  /* What is written is kept by itself after a pause, and when the page is left. */
  const note = (text) => { const line = document.getElementById("kept"); if (line) line.textContent = text; };
  async function keep(leaving) {
    if (!draft() || draft().value === before || busy) return;
    const written = draft().value, body = filled(form);
    body.set("do", "keep");
    note(form.dataset.keeps);
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" }, redirect: "manual", keepalive: leaving })
      .catch(() => null);
    if (!answer || (answer.status && !answer.ok)) { note(""); return; }
    before = written;
    const was = document.getElementById("call-draft-was");
    if (was) was.value = written;
    note(form.dataset.kept);
  }
  document.addEventListener("input", (event) => {
    if (event.target !== draft()) return;
    clearTimeout(timer);
    timer = setTimeout(() => keep(false), KEEPS_AFTER);
  });
  window.addEventListener("pagehide", () => { clearTimeout(timer); keep(true); });
})();
