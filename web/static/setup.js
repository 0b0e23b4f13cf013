/* The page works without this file. While something is being tried, its steps are fetched again until that has ended. */
"use strict";
(() => {
  const list = document.getElementById("steps");
  if (!list) return;

  async function look() {
    const answer = await fetch("/setup", { headers: { "x-live": "1", accept: "text/html" } });
    if (!answer.ok) { location.reload(); return; }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("steps");
    if (!fresh) { location.reload(); return; }
    for (const step of list.querySelectorAll("li[id]")) {
      const next = fresh.querySelector(`#${step.id}`);
      if (step.dataset.watched === undefined || !next || next.innerHTML === step.innerHTML) continue;
      step.replaceWith(document.importNode(next, true));
    }
    if (list.querySelector("[data-watched]")) setTimeout(again, 1000); else location.reload();
  }
  const again = () => look().catch(() => setTimeout(again, 3000));
  if (list.querySelector("[data-watched]")) setTimeout(again, 1000);

  /* A server may take some seconds to answer: the button says that it was heard. */
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.dataset.busy || event.defaultPrevented) return;
    button.textContent = button.dataset.busy;
    setTimeout(() => { button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  /* The usual port of a kind of line. */
  document.addEventListener("change", (event) => {
    const choice = event.target.closest("select[data-port]");
    if (choice) document.getElementById(choice.dataset.port).value = choice.selectedOptions[0].dataset.usual;
  });
})();
