// The page: what the reader chooses, what is shown and said. The heavy work is done by worker.mjs.
"use strict";

const bnetListen = (() => {
  const base = new URL(".", document.currentScript.src).href;
  const root = document.getElementById("bnet-listen");
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const { settings, networks, clips } = JSON.parse(part("data").textContent);
  const { sr, hop_length: hop, n_mels: bands, top_db: range } = settings.features;
  class Sentence extends Error {} // its message is for the reader
  const state = { job: 0 }; // what is on show: name, label, url, seconds, frames, mel, peak, windows by network, times

  // ---- loading, on the first click only
  const arrivals = new Map(), loading = new Map();
  const arrived = (name, content) => arrivals.set(name, content);

  /** What the script `name` hands over. It is kept once: by the worker, or not at all. */
  function load(name, what) {
    if (!loading.has(name)) {
      loading.set(name, new Promise((done, fail) => {
        const script = document.createElement("script");
        const wrong = () => { loading.delete(name); fail(new Sentence(`${what} could not be loaded (${name}.mjs is missing or damaged); load the page anew, or tell who put it up.`)); };
        script.src = `${base}${name}.mjs`;
        script.onerror = wrong;
        script.onload = () => { script.remove(); if (!arrivals.has(name)) return wrong(); done(arrivals.get(name)); arrivals.delete(name); };
        document.head.append(script);
      }));
    }
    return loading.get(name);
  }

  let worker, engine;
  const waiting = new Map();
  let asked = 0;

  /** Ask the worker; what it says on the way goes to `heard`. */
  function ask(action, content, { transfer = [], heard = () => {}, supersedes = false } = {}) {
    const job = ++asked;
    if (supersedes) state.job = job;
    return new Promise((done, fail) => {
      waiting.set(job, { done, fail, heard });
      worker.postMessage({ action, job, supersedes, ...content }, transfer);
    });
  }

  function onSaid({ data }) {
    const { job, kind } = data, from = waiting.get(job);
    if (!from) return;
    if (kind === "done") { waiting.delete(job); from.done(data); }
    else if (kind === "failed") { waiting.delete(job); from.fail(data.refused ? new Sentence(data.message) : new Error(data.message)); }
    else from.heard(data);
  }

  function start() {
    engine ??= (async () => {
      if (typeof WebAssembly !== "object") throw new Sentence("This browser has WebAssembly switched off, in which the networks run; switch it on, or use another browser.");
      if (typeof DecompressionStream !== "function" || typeof Worker !== "function") throw new Sentence("This browser is too old for this page; it needs one of 2023 or later.");
      const { worker: text, ...content } = await load("engine", "The runtime");
      worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
      worker.onmessage = onSaid;
      worker.onerror = (event) => { for (const { fail } of waiting.values()) fail(new Error(event.message || "the worker stopped")); waiting.clear(); };
      await ask("engine", { ...content, settings });
      loading.delete("engine");
    })().catch((error) => { engine = null; loading.delete("engine"); throw error; });
    return engine;
  }

  const opened = new Map();
  function open(network) {
    if (!opened.has(network.id)) {
      opened.set(network.id, (async () => {
        const onnx = await load(`network-${network.id}`, `The network ${network.title}`).catch((error) => { throw error; });
        loading.delete(`network-${network.id}`);
        await start();
        await ask("network", { id: network.id, title: network.title, onnx });
      })().catch((error) => { opened.delete(network.id); throw error; }));
    }
    return opened.get(network.id);
  }

  // ---- from a file to samples
  const HEAD = 4 << 20, TAIL = 1 << 17, UNKNOWN = 64 << 20;

  /** Channels at the file's own rate, at most `settings.longest` s of it, and a note where that is not all. */
  async function decode(blob) {
    if (!blob.size) throw new Sentence("This file is empty (0 bytes); choose a sound file.");
    const head = await blob.slice(0, HEAD).arrayBuffer(), tail = await blob.slice(-TAIL).arrayBuffer();
    const known = bnetHeaders.about(head, tail, blob.size);
    const long = known && known.seconds > settings.longest;
    if ((!known || !known.seconds) && blob.size > UNKNOWN) throw new Sentence(`This file of ${Math.round(blob.size / 1e6)} MB doesn't tell how long it is; convert its first minutes to WAV, FLAC, MP3 or OGG.`);
    const bytes = long ? Math.ceil((blob.size * (settings.longest + 5)) / known.seconds) : blob.size;
    const buffer = await (bytes <= head.byteLength ? Promise.resolve(head.slice(0, bytes)) : blob.slice(0, bytes).arrayBuffer());
    if (long && known.format === "WAV") bnetHeaders.shortened(buffer, known);
    let decoded;
    try {
      decoded = await context((known && known.rate) || 44100).decodeAudioData(buffer);
    } catch (error) {
      if (known) throw new Sentence(`This browser could not decode this ${known.format} file: it lacks the codec, or the file is damaged; convert it to WAV, FLAC or MP3.`);
      throw new Sentence("This is no sound file that this browser knows; choose WAV, FLAC, MP3, OGG or the like.");
    }
    const rate = decoded.sampleRate, n = Math.min(decoded.length, Math.round(settings.longest * rate));
    const channels = Array.from({ length: decoded.numberOfChannels }, (_, c) => sixteenBits(decoded.getChannelData(c).slice(0, n)));
    const cut = long || n < decoded.length, minutes = ((known && known.seconds) || decoded.duration) / 60;
    return { channels, rate, note: cut ? `This sound lasts about ${Math.round(minutes)} minutes: only the first ${settings.longest / 60} are listened to. ` : "" };
  }

  /** Chromium divides 16-bit samples by 32768 below zero and by 32767 above: above zero this is undone, where it was done. */
  function sixteenBits(x) {
    const whole = (value) => Math.abs(value - Math.round(value)) < 0.003; // float32 has 24 bits
    if (!x.every((value) => whole(value > 0 ? value * 32767 : value * 32768)) || x.every((value) => whole(value * 32768))) return x;
    return x.map((value) => (value > 0 ? Math.round(value * 32767) / 32768 : value));
  }

  function context(rate) {
    try { return new OfflineAudioContext(1, 1, rate); } catch (error) { return new OfflineAudioContext(1, 1, 44100); }
  }

  // ---- listening
  /** Listen to a sound: show it, let every chosen network hear it. `label` is its true class, where that is known. */
  async function listen(blob, name, { label = "", about = "", clock = performance.now() } = {}) {
    quiet();
    const chosen = networks.filter((network) => root.querySelector(`input[value="${CSS.escape(network.id)}"]`).checked);
    const turn = (listen.turn = (listen.turn || 0) + 1);
    if (!chosen.length) throw new Sentence("No network is chosen; tick at least one.");
    say("Decoding the sound and starting the networks …");
    const started = Promise.all(chosen.map(open));
    started.catch(() => {});
    const { channels, rate, note } = await decode(blob), decoded = performance.now() - clock;
    await Promise.all([start(), started]);
    if (turn !== listen.turn) return;
    if (state.url) URL.revokeObjectURL(state.url);
    Object.assign(state, {
      blob, name, label, about, networks: chosen, url: URL.createObjectURL(blob), mel: null, peak: -Infinity, shown: 0, rate, note,
      windows: Object.fromEntries(chosen.map((network) => [network.id, []])), done: false, times: { decoded, ready: performance.now() - clock, mel: 0 },
    });
    prepare();
    await ask("sound", { channels, rate, networks: chosen.map(({ id, seconds }) => ({ id, seconds })) }, {
      supersedes: true, transfer: channels.map((channel) => channel.buffer), heard: (data) => { if (turn === listen.turn) heard[data.kind](data, clock); },
    });
    if (turn !== listen.turn) return;
    state.done = true;
    finish();
  }

  const heard = {
    length({ seconds, frames }) {
      Object.assign(state, { seconds, frames, mel: new Float32Array(frames * bands) });
      const canvas = part("mel");
      canvas.width = frames;
      canvas.height = bands;
      canvas.setAttribute("aria-label", `Log-mel spectrogram of ${state.name}: ${seconds.toFixed(1)} s, ${frames} frames of ${bands} bands.`);
    },
    mel({ first, frames, data, peak, ms }) {
      state.mel.set(data, first * bands);
      state.times.mel += ms;
      const louder = peak > state.peak;
      state.peak = Math.max(peak, state.peak);
      state.shown = first + frames;
      bnetPictures.logMel(part("mel"), state.mel, bands, louder ? 0 : first, state.shown, state.peak, range);
    },
    window({ id, index, of, start, probabilities, ms }, clock) {
      state.windows[id][index] = { start, probabilities, ms };
      state.times.first ??= performance.now() - clock;
      state.times.window = { ...state.times.window, [id]: ms };
      say(`${state.note}Listening: window ${index + 1} of ${of} …`);
      follow();
    },
  };

  const mean = (rows) => rows[0].map((_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
  const best = (values) => values.indexOf(Math.max(...values));
  const percent = (value) => `${Math.round(100 * value)}\u00a0%`;
  const clockTime = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made[name] = value; else if (value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  }

  const cards = new Map();

  function prepare() {
    part("result").hidden = false;
    part("truth").hidden = true;
    part("name").textContent = state.name;
    part("player").src = state.url;
    cards.clear();
    part("cards").replaceChildren(...state.networks.map((network) => {
      const rows = network.labels.map((label) => {
        const bar = element("span"), now = element("td", { class: "bl-number" }), whole = element("td", { class: "bl-number" }, "");
        return { bar, now, whole, row: element("tr", {}, element("th", { scope: "row" }, label), element("td", { class: "bl-bar", "aria-hidden": "true" }, bar), now, whole) };
      });
      const caption = element("p"), confused = element("div"), saliency = element("div", { class: "bl-saliency" });
      const button = element("button", { type: "button", disabled: true, onclick: guarded(() => explain(network)) }, "What did it hear?");
      cards.set(network.id, { rows, caption, confused, saliency, button });
      return element("article", { class: "bl-card", "aria-label": network.title },
        element("h3", {}, network.title),
        element("p", { class: "bl-hint" }, `Right on ${percent(network.accuracy)} of ${network.tested} test clips of ${network.corpus} (run ${network.run}).`),
        caption,
        element("table", {}, element("thead", {}, element("tr", {}, ...[["Class", ""], ["", ""], ["here", "bl-number"], ["average", "bl-number"]].map(([text, c]) => element("th", { scope: "col", class: c }, text)))),
          element("tbody", {}, ...rows.map(({ row }) => row))),
        confused, button, saliency);
    }));
    part("cards").querySelectorAll("thead th:nth-child(2)").forEach((cell) => cell.setAttribute("aria-hidden", "true"));
    follow();
  }

  /** The window whose middle is nearest to `time`, of those that there are. */
  function windowAt(network, time) {
    const all = state.windows[network.id].filter(Boolean);
    return all.reduce((near, one) => (near && Math.abs(near.start + network.seconds / 2 - time) <= Math.abs(one.start + network.seconds / 2 - time) ? near : one), null);
  }

  function follow() {
    const time = part("player").currentTime || 0, length = state.seconds || 1;
    part("head").style.left = `${(100 * Math.min(time, length)) / length}%`;
    for (const network of state.networks || []) {
      const shown = windowAt(network, time), card = cards.get(network.id);
      if (!shown || card.shown === shown) continue;
      card.shown = shown;
      const first = best(shown.probabilities), end = Math.min(shown.start + network.seconds, length);
      card.caption.textContent = `${clockTime(shown.start)} to ${clockTime(end)}: ${network.labels[first]}, ${percent(shown.probabilities[first])}`;
      shown.probabilities.forEach((p, c) => {
        card.rows[c].bar.style.width = `${100 * p}%`;
        card.rows[c].now.textContent = percent(p);
        card.rows[c].row.className = c === first ? "bl-first" : "";
      });
      const frame = part("window").style;
      frame.left = `${(100 * shown.start) / length}%`;
      frame.width = `${(100 * (end - shown.start)) / length}%`;
    }
  }

  function finish() {
    const said = state.networks.map((network) => {
      const average = mean(state.windows[network.id].map((one) => one.probabilities)), first = best(average), card = cards.get(network.id);
      average.forEach((p, c) => { card.rows[c].whole.textContent = percent(p); });
      card.button.disabled = false;
      card.confused.replaceChildren(element("p", {}, neighbours(network, first)));
      return `${network.title}: ${network.labels[first]} (${percent(average[first])} on average)`;
    });
    say(`${state.note}${said.join("; ")}.`);
    if (state.label) {
      part("truth").textContent = `It is: ${state.about || state.label}. Class: ${state.label}.`;
      part("truth").hidden = false;
    }
    const { decoded, ready, mel, first, window: each } = state.times;
    const rows = [
      ["Decoded after", `${Math.round(decoded)} ms`], ["Runtime and networks ready after", `${Math.round(ready)} ms`],
      ["First probabilities after", `${Math.round(first)} ms`], ["Log-mel of the whole", `${Math.round(mel)} ms`],
      ...state.networks.map((network) => [`A window of ${network.seconds} s, ${network.title}`, `${Math.round(each[network.id])} ms`]),
    ];
    part("times").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  }

  /** What the record says of the class that was named: the row and the column of the confusion matrix. */
  function neighbours({ labels, confusion }, c) {
    const row = confusion[c], of = row.reduce((a, b) => a + b, 0), parts = (values) => labels
      .map((label, i) => [values[i], label, i]).filter(([count, , i]) => count && i !== c).sort((a, b) => b[0] - a[0]).map(([count, label]) => `${label} ${count}`).join(", ");
    const lost = parts(row), taken = parts(confusion.map((other) => other[c]));
    return `Of ${of} test clips that are ${labels[c]}, it named ${row[c]} so${lost ? `; it took the others for ${lost}` : ""}. ${taken ? `What else it took for ${labels[c]}: ${taken}.` : `It took nothing else for ${labels[c]}.`}`;
  }

  // ---- what did it hear
  async function explain(network) {
    const card = cards.get(network.id), shown = card.shown, label = best(shown.probabilities), turn = listen.turn;
    const from = Math.round((shown.start * sr) / hop), frames = Math.min(1 + Math.floor((network.seconds * sr) / hop), state.frames - from);
    const bar = element("progress", { max: 1, value: 0, "aria-label": "Patches covered" });
    const canvas = element("canvas", { role: "img", width: frames, height: bands, "aria-label": "Saliency map, in the making" });
    const text = element("p", { class: "bl-hint" }, "Each patch of the spectrogram is covered in turn, and the network asked again …");
    bnetPictures.logMel(canvas, state.mel.subarray(from * bands), bands, 0, frames, state.peak, range);
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "saturation";
    context.fillStyle = "#000";
    context.fillRect(0, 0, frames, bands);
    context.globalCompositeOperation = "source-over";
    const plain = context.getImageData(0, 0, frames, bands), patches = [];
    card.saliency.replaceChildren(bar, canvas, text);
    say(`${network.title}: looking for what matters …`);
    for (const other of cards.values()) other.button.disabled = true;
    try {
      const result = await ask("saliency", { id: network.id, start: shown.start, seconds: network.seconds, label }, {
        supersedes: true,
        heard: (data) => {
          patches.push(data);
          bar.value = data.done / data.of;
          context.putImageData(plain, 0, 0);
          const strongest = Math.max(1e-6, ...patches.map((one) => Math.abs(one.drop)));
          for (const one of patches) bnetPictures.patch(canvas, one, strongest, bands);
        },
      });
      if (turn !== listen.turn || !result.frames) return;
      const top = patches.reduce((a, b) => (b.drop > a.drop ? b : a)), seconds = (frame) => (shown.start + (frame * hop) / sr).toFixed(1);
      const worth = top.drop > 0
        ? `Most matters what sounds from ${seconds(top.frame)} to ${seconds(top.frame + top.wide)} s in bands ${top.band + 1} to ${Math.min(top.band + top.high, bands)}: without it the probability falls by ${(100 * top.drop).toFixed(1)} percentage points.`
        : "No single patch speaks for it.";
      canvas.setAttribute("aria-label", `Saliency map for ${network.labels[label]}. ${worth}`);
      text.textContent = `Orange speaks for ${network.labels[label]}, blue against it. ${worth}`;
      bar.remove();
      if (result.frames.length) {
        if (card.url) URL.revokeObjectURL(card.url);
        card.url = URL.createObjectURL(bnetHeaders.toWav(result.y, sr));
        card.saliency.append(element("p", {}, "The third of the frames that matters most, alone:"), element("audio", { controls: true, src: card.url, "aria-label": `The frames that matter most to ${network.title}` }));
      }
      card.patches = patches;
      say(`${network.title}: ${worth}`);
    } finally {
      for (const other of cards.values()) other.button.disabled = !state.done;
    }
  }

  // ---- the microphone
  const LIMIT = 20;
  let recorder;
  async function record() {
    if (recorder) return recorder.stop();
    if (!navigator.mediaDevices || typeof MediaRecorder !== "function") throw new Sentence("This browser gives this page no microphone (it takes https, or a page on this machine); choose a file instead.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      throw new Sentence(error.name === "NotFoundError" ? "No microphone was found; connect one, or choose a file instead." : "The microphone was not allowed; allow it in the browser's settings of this page, or choose a file instead.");
    }
    const button = part("record"), pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    let left = LIMIT;
    const show = () => { button.textContent = `Stop (${left} s left)`; };
    const timer = setInterval(() => { left -= 1; show(); if (left <= 0 && recorder) recorder.stop(); }, 1000);
    recorder.onstop = guarded(async () => {
      clearInterval(timer);
      const type = recorder.mimeType;
      recorder = null;
      stream.getTracks().forEach((track) => track.stop());
      button.setAttribute("aria-pressed", "false");
      button.textContent = "Record from the microphone";
      await own(new File(pieces, "Your recording", { type }));
    });
    recorder.start();
    button.setAttribute("aria-pressed", "true");
    show();
    say("Recording …");
  }

  // ---- what the reader does, and what can go wrong
  const say = (text) => { part("status").textContent = text; };
  const quiet = () => { part("error").hidden = true; part("error").textContent = ""; };

  function guarded(action) {
    return async (...given) => {
      quiet();
      try {
        await action(...given);
      } catch (error) {
        say("");
        part("error").textContent = error instanceof Sentence ? error.message : `Something went wrong that this page doesn't know (${error && error.message}); load the page anew, and choose another sound.`;
        part("error").hidden = false;
      }
    };
  }

  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const choose = async (clip) => {
    const clock = performance.now(), sound = await load(clip.id, clip.title);
    for (const button of part("clips").children) button.setAttribute("aria-pressed", String(button.dataset.id === clip.id));
    loading.delete(clip.id);
    await listen(new Blob([bytes(sound)], { type: "audio/flac" }), clip.title, { label: clip.label, about: clip.about, clock });
  };
  const own = (file) => {
    for (const button of part("clips").children) button.setAttribute("aria-pressed", "false");
    return listen(file, file.name);
  };

  part("clips").append(...clips.map((clip) => element("button", { type: "button", "data-id": clip.id, "aria-pressed": "false", onclick: guarded(() => choose(clip)) }, clip.title)));
  part("choices").append(...networks.map((network) => element("label", {}, element("input", {
    type: "checkbox", value: network.id, checked: true, onchange: guarded(() => state.blob && listen(state.blob, state.name, state)),
  }), network.title)));
  part("file").onchange = guarded(async ({ target }) => { const file = target.files[0]; target.value = ""; if (file) await own(file); });
  part("record").onclick = guarded(record);
  const drop = part("drop");
  drop.ondragover = (event) => { event.preventDefault(); drop.classList.add("bl-over"); };
  drop.ondragleave = () => drop.classList.remove("bl-over");
  drop.ondrop = guarded(async (event) => {
    event.preventDefault();
    drop.classList.remove("bl-over");
    const file = event.dataTransfer.files[0];
    if (!file) throw new Sentence("What was dropped is no file; drop a sound file.");
    await own(file);
  });
  const player = part("player"), calm = matchMedia("(prefers-reduced-motion: reduce)");
  const run = () => { follow(); if (!player.paused && !player.ended && !calm.matches) requestAnimationFrame(run); };
  player.onplay = run;
  player.ontimeupdate = player.onseeked = follow;
  player.onerror = () => { if (player.getAttribute("src")) say(`${part("status").textContent} This browser can't play this file aloud.`); };

  return { arrived, state, cards };
})();
