/* A call is recorded here: what was said so far is heard while somebody still speaks, and the whole clip is taken in at the end.
   Without this file a clip can be chosen and sent all the same. */
"use strict";
(() => {
  const box = document.getElementById("recorder"), form = document.getElementById("clip-form");
  if (!box || !form) return;
  const part = (id) => document.getElementById(id);
  const button = part("record"), words = part("record-words"), state = part("record-state"), meter = part("record-meter");
  const level = part("level"), time = part("record-time"), clip = part("clip"), take = part("take"), same = part("same"), again = part("again");
  const EVERY = 2000, WAITS = 30000, TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
  const csrf = form.elements.csrf.value;
  let recorder = null, stream = null, sound = null, pieces = [], asking = false, began = 0, ticks = [], saving = false;

  const say = (what, tone = "") => { state.textContent = box.dataset[what] || what; state.dataset.tone = tone; };
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  /* While it records */
  async function hear() {
    if (asking || !pieces.length) return;
    asking = true;
    try {
      const language = encodeURIComponent(form.elements.language.value);
      const answer = await fetch(`${box.dataset.live}?language=${language}`, {
        method: "POST", headers: { "content-type": "application/octet-stream", "x-csrf-token": csrf, accept: "application/json" },
        body: new Blob(pieces, { type: recorder ? recorder.mimeType : "" }), signal: AbortSignal.timeout(WAITS),
      });
      if (answer.ok) show(await answer.json());
    } catch { /* the recording goes on; the next look may go well */ }
    asking = false;
  }

  function show(told) {
    const text = part("live-text"), trouble = part("live-trouble"), list = part("live-cues");
    if (told.text) { text.textContent = told.text; text.scrollTop = text.scrollHeight; }
    trouble.hidden = !told.trouble;
    trouble.textContent = told.trouble;
    for (const cue of told.cues) {
      if ([...list.children].some((one) => one.dataset.title === cue.title)) continue;
      const row = document.createElement("li"), title = document.createElement("p"), point = document.createElement("p");
      row.dataset.title = cue.title;
      title.className = "point-title";
      title.textContent = cue.title;
      point.className = "words";
      point.textContent = cue.text;
      row.append(title, point);
      list.append(row);
    }
    part("live-none").hidden = list.children.length > 0;
  }

  function listenToLevel() {
    const context = new AudioContext(), watcher = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(watcher);
    const values = new Uint8Array(watcher.fftSize);
    sound = context;
    ticks.push(setInterval(() => {
      watcher.getByteTimeDomainData(values);
      level.value = Math.min(1, Math.max(...values.map((value) => Math.abs(value - 128))) / 64);
    }, 120));
  }

  async function start() {
    if (!navigator.mediaDevices || !window.MediaRecorder) { say(window.isSecureContext ? "none" : "insecure", "act"); return; }
    say("asking");
    button.disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
    } catch (error) {
      say(error.name === "NotAllowedError" ? "denied" : error.name === "NotReadableError" ? "busy" : "none", "act");
      return;
    } finally { button.disabled = false; }
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    recorder = new MediaRecorder(stream, type ? { mimeType: type, audioBitsPerSecond: 32000 } : {});
    pieces = [];
    recorder.addEventListener("dataavailable", (event) => { if (event.data.size) pieces.push(event.data); });
    recorder.addEventListener("stop", keep);
    recorder.start(1000);
    began = Date.now();
    listenToLevel();
    ticks.push(setInterval(() => { time.textContent = clock((Date.now() - began) / 1000); }, 250), setInterval(hear, EVERY));
    part("live-text").textContent = "";
    part("live-cues").replaceChildren();
    part("live-none").hidden = false;
    shown(true);
    say("recording", "on");
  }

  function shown(on) {
    box.classList.toggle("recording", on);
    button.setAttribute("aria-pressed", String(on));
    words.textContent = on ? button.dataset.stop : button.dataset.start;
    meter.hidden = !on;
    if (on) part("live").hidden = false;
  }

  function stop() {
    ticks.forEach(clearInterval);
    ticks = [];
    if (recorder && recorder.state !== "inactive") recorder.stop();
    if (stream) stream.getTracks().forEach((track) => track.stop());
    if (sound) sound.close();
    stream = sound = null;
    shown(false);
  }

  /* When it has stopped, the clip lies in the form like one that was chosen, and is sent like it. */
  function keep() {
    const type = recorder.mimeType || "audio/webm", ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
    const name = `call-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}.${ending}`;
    const files = new DataTransfer();
    files.items.add(new File(pieces, name, { type }));
    recorder = null;
    clip.files = files.files;
    form.requestSubmit();
  }

  async function save() {
    saving = true;
    take.disabled = button.disabled = true;
    say("saving");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { accept: "application/json" } });
      const told = await answer.json().catch(() => ({}));
      if (answer.ok) {
        say("saved", "good");
        form.reset(); /* who comes back finds an empty form, and sends nothing twice */
        saving = false;
        location.assign(`/call/${told.case}`);
        return;
      }
      if (told.code === "same_audio") {
        same.hidden = false;
        part("same-link").href = `/call/${told.earlier}`;
        say("same", "look");
        again.focus();
      } else say(told.error ? `${told.error.message} ${told.error.remedy}` : "unsent", "act");
    } catch { say("unsent", "act"); }
    saving = false;
    take.disabled = button.disabled = false;
  }

  button.addEventListener("click", () => (recorder ? stop() : start()));
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!saving) save(); });
  clip.addEventListener("change", () => { same.hidden = true; again.checked = false; say("ready"); });
  window.addEventListener("beforeunload", (event) => { if (recorder) event.preventDefault(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { take.disabled = button.disabled = false; say("ready"); } });
})();
