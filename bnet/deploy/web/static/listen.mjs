// The page: what the reader chooses, what is shown and said. The heavy work is done by worker.mjs.

/** Listen to a sound (a blob, or the promise of one): show it, let every chosen network hear it. `label` is its true
 *  class, where that is known. The last call wins, however late the sounds of others come. */
async function listen(sound, name, { label = "", about = "" } = {}) {
  state.wish = [sound, name, { label, about }];
  quiet();
  discardRecording();
  const chosen = networks.filter((network) => root.querySelector(`input[value="${CSS.escape(network.id)}"]`).checked);
  const turn = (state.turn += 1), first = !engine, clock = performance.now();
  if (!chosen.length) throw new Sentence("No network is chosen; tick at least one.");
  say(`Decoding ${name} and starting the networks …`);
  progress(null);
  try {
    const started = Promise.all([start(), ...chosen.map(open)]);
    started.catch(() => {});
    const blob = await sound, { channels, rate, note, format } = await decode(blob);
    await started;
    if (turn !== state.turn) return;
    if (state.url) URL.revokeObjectURL(state.url);
    Object.assign(state, {
      name, label, about, rate, note, format, networks: chosen, url: URL.createObjectURL(blob), mel: null, peak: -Infinity, seconds: 0, done: false,
      windows: Object.fromEntries(chosen.map((network) => [network.id, []])), silent: {}, times: { cold: first },
    });
    prepare();
    say(`${note}Listening to ${name} …`);
    await ask("sound", { channels, rate, networks: chosen.map(({ id, seconds }) => ({ id, seconds })) }, {
      supersedes: true, transfer: channels.map((channel) => channel.buffer), heard: (data) => { if (turn === state.turn) heard[data.kind](data, clock); },
    });
    if (turn !== state.turn) return;
    const deaf = chosen.find(({ id }) => !state.windows[id].length);
    if (deaf) throw new Sentence(`All windows of this sound are silent for the network ${deaf.title}; choose another sound, or another network.`);
    state.done = true;
    finish();
  } catch (error) {
    if (turn === state.turn) throw error; // else nobody waits for it any more
  }
}

const heard = {
  length({ seconds, frames }) {
    Object.assign(state, { seconds, frames, mel: new Float32Array(frames * bands) });
    const canvas = part("mel");
    canvas.width = frames;
    canvas.height = bands;
    canvas.setAttribute("aria-label", `Log-mel spectrogram of ${state.name}: ${seconds.toFixed(1)} s, ${frames} frames of ${bands} bands.`);
    part("name").textContent = `${state.name}: ${seconds.toFixed(1)} s${state.format && `, ${state.format} at ${(state.rate / 1000).toFixed(2).replace(/0$/, "")} kHz`}`;
    part("end").textContent = clockTime(seconds);
  },
  mel({ first, frames, data, peak }) {
    state.mel.set(data, first * bands);
    const louder = peak > state.peak;
    state.peak = Math.max(peak, state.peak);
    drawLogMel(part("mel"), state.mel, bands, louder ? 0 : first, first + frames, state.peak, range);
  },
  window({ id, index, of, start, probabilities }, clock) {
    progress((index + 1) / of);
    if (!probabilities) { state.silent[id] = (state.silent[id] || 0) + 1; return; }
    state.windows[id].push({ start, probabilities });
    if (!state.times.first) {
      state.times.first = performance.now() - clock;
      part("speed").textContent = `First result ${(state.times.first / 1000).toFixed(1)} s after your choice${state.times.cold ? ", runtime and networks loaded" : ""}.`;
    }
    follow();
  },
};

function prepare() {
  part("result").hidden = false;
  part("truth").hidden = true;
  part("name").textContent = state.name;
  part("speed").textContent = "";
  part("player").src = state.url;
  prepareCards();
  follow();
}

function finish() {
  const answers = finishCards(), silent = ({ id }) => (state.silent[id] ? `; silent windows without a vote: ${state.silent[id]}` : "");
  const said = [...answers].map(([network, { label, average }]) => `${network.title}: ${label} (${percent(average)} on average${silent(network)})`);
  progress();
  if (state.label) {
    const verdicts = [...answers].filter(([{ labels }]) => labels.includes(state.label)).map(([{ title }, { label }]) => `${title} is ${label === state.label ? "right" : "wrong"}`);
    part("truth").textContent = `Its true class is ${state.label}: ${state.about || state.name}. ${verdicts.join(", ")}.`;
    part("truth").hidden = false;
  }
  say(`${state.note}${said.join("; ")}.${state.label ? ` Its true class is ${state.label}.` : ""}`);
}

// ---- what is said
const say = (text) => { part("status").textContent = text; };
const quiet = () => { part("error").hidden = true; part("error").textContent = ""; };

/** Show how far it is, from 0 to 1; null: unknown; nothing given: no progress to show. */
function progress(done) {
  const bar = part("progress");
  bar.hidden = done === undefined;
  if (done) bar.value = done; else bar.removeAttribute("value");
}

function guarded(action) {
  return async (...given) => {
    quiet();
    try {
      await action(...given);
    } catch (error) {
      say("");
      progress();
      part("error").textContent = error instanceof Sentence ? error.message : `Something went wrong that this page doesn't know (${error && error.message}); load the page anew, and choose another sound.`;
      part("error").hidden = false;
    }
  };
}

// ---- what the reader does
function press(clip) {
  for (const button of part("clips").children) button.setAttribute("aria-pressed", String(Boolean(clip) && button.dataset.id === clip.id));
}

async function choose(clip) {
  press(clip);
  const blob = load(clip.id, clip.title).then((text) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: "audio/flac" }));
  await listen(blob, clip.title, clip);
}

async function listenToOwn(file) {
  press(null);
  await listen(file, file.name);
}

part("clips").append(...clips.map((clip) => element("button", { type: "button", "data-id": clip.id, "aria-pressed": "false", onclick: guarded(() => choose(clip)) }, clip.title)));
part("choices").append(...networks.map((network) => element("label", {}, element("input", {
  type: "checkbox", value: network.id, checked: true, onchange: guarded(async () => { if (state.wish) await listen(...state.wish); }),
}), network.title)));
part("networks").hidden = networks.length === 1;
part("file").onchange = guarded(async ({ target }) => {
  const file = target.files[0];
  target.value = "";
  if (file) await listenToOwn(file);
});
part("record").onclick = guarded(record);

// a file may be dropped anywhere on the page; else the browser would open it in the page's place
const carriesFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
const over = (on) => part("drop").classList.toggle("bl-over", on);
document.addEventListener("dragover", (event) => { if (carriesFile(event)) { event.preventDefault(); over(true); } });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
document.addEventListener("drop", (event) => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  over(false);
  guarded(listenToOwn)(event.dataTransfer.files[0]);
});

const player = part("player"), calm = matchMedia("(prefers-reduced-motion: reduce)");
const run = () => { follow(); if (!player.paused && !player.ended && !calm.matches) requestAnimationFrame(run); };
player.onplay = run;
player.ontimeupdate = player.onseeked = follow;
player.onerror = () => { if (player.getAttribute("src")) say(`${part("status").textContent} This browser can't play this file aloud.`); };
