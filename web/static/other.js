/* When this Mini falls silent, the page goes on at the other one. Loaded only where another one is known; its address stands in a
   meta element, and the page's policy allows to ask that one address whether it lives, and nothing else. */
"use strict";
(() => {
  const meta = document.querySelector("meta[name=tandem-other]"), bar = document.getElementById("away");
  if (!meta || !bar) return;
  const other = meta.content;
  const LOOK = 2000, WAITS = 3000, SILENT = 3000, GOES_IN = 6;
  const words = bar.querySelector("p"), link = bar.querySelector("a"), stay = bar.querySelector("button");
  let silentSince = 0, left = 0, counting = 0, stays = false, looking = false;

  /* A page that both machines have: the same case stands under the same address there. */
  const there = () => other + location.pathname + location.search;
  const tell = (what, n = "") => {
    const said = bar.dataset[what].replace("{other}", bar.dataset.name).replace("{n}", n);
    if (words.textContent !== said) words.textContent = said;
    bar.hidden = false;
    link.href = there();
    stay.hidden = what !== "going";
    link.hidden = what === "nobody";
    const line = document.getElementById("line");
    if (line) line.hidden = true; /* it says the same, and knows less */
  };

  /* What was written and not sent does not come along: nobody is taken away from it. */
  const typed = () => [...document.querySelectorAll("textarea, input:not([type=hidden], [type=checkbox], [type=search])")]
    .some((field) => field.value !== field.defaultValue);

  const lives = (address, options) => fetch(`${address}/livez`, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(WAITS), ...options })
    .then(() => true, () => false);

  function stop() {
    clearInterval(counting);
    counting = 0;
  }

  function count() {
    if (counting) return;
    left = GOES_IN;
    tell("going", left);
    counting = setInterval(() => {
      if (typed()) { stop(); tell("typed"); return; }
      left -= 1;
      tell("going", Math.max(left, 0));
      if (left <= 0) { stop(); location.assign(there()); }
    }, 1000);
  }

  async function look() {
    if (looking || document.hidden) return;
    looking = true;
    const asked = Date.now(), here = await lives("", {});
    if (here) {
      silentSince = 0;
      stays = false;
      stop();
      bar.hidden = true;
    } else {
      silentSince = silentSince || asked;
      if (Date.now() - silentSince >= SILENT) {
        const answers = await lives(other, { mode: "no-cors" }); /* we only want to know whether, not what */
        if (!answers) { stop(); tell("nobody"); }
        else if (stays) tell("staying");
        else if (typed()) tell("typed");
        else count();
      }
    }
    looking = false;
  }

  stay.addEventListener("click", () => { stays = true; stop(); tell("staying"); });
  setInterval(look, LOOK);
  window.addEventListener("pagehide", stop);
  document.addEventListener("visibilitychange", look);
})();
