// The heavy work, off the page's thread: resampling, log-mel, the networks, and what they heard. Follows logmel.mjs,
// frontends.mjs and resample.mjs in one script. Every answer carries the number of the job, so that the page can drop what is out of date.

let settings, logMel, runtime, sound;
const opened = new Map(); // by a network's id, its session, front end, and window in s and frames
let current = 0; // the newest job; older ones stop at their next pause

const breath = () => new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); });
const bytes = (base64) => { const text = atob(base64), all = new Uint8Array(text.length); for (let i = 0; i < all.length; i++) all[i] = text.charCodeAt(i); return all; };
const unpack = async (base64) => new Uint8Array(await new Response(new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
const asModule = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
class Refused extends Error {} // its message is a sentence for the reader

const actions = {
  /** Start the runtime: its two scripts as text, its WebAssembly gzipped, in base64; and take the filters. */
  async engine({ scripts, wasm, kernels, filters, settings: given }) {
    settings = { ...given, kernels };
    logMel = makeLogMel(settings.features, filters);
    importScripts(asModule(scripts.ort));
    runtime = self.ort;
    runtime.env.wasm.numThreads = 1;
    runtime.env.wasm.wasmPaths = { mjs: asModule(scripts.glue) };
    try {
      runtime.env.wasm.wasmBinary = (await unpack(wasm)).buffer;
    } catch (error) {
      throw new Refused("The file of the runtime (engine.mjs) is damaged; load the page anew, or tell who put it up.");
    }
    return {};
  },

  /** Open a network: gzipped ONNX in base64; gzip's checksum notices damage. */
  async network({ id, onnx, filters, title, features, seconds, frames }) {
    if (!opened.has(id)) {
      try {
        const session = await runtime.InferenceSession.create(await unpack(onnx), { executionProviders: ["wasm"] });
        opened.set(id, { session, frontEnd: makeFrontEnd(features, filters), seconds, frames });
      } catch (error) {
        if (/no available backend/.test(error.message)) throw new Refused("WebAssembly, in which the networks run, could not be started in this browser (it may be forbidden here, or memory is short); close other pages, or use another browser.");
        throw new Refused(`The file of the network ${title} is damaged and could not be opened; load the page anew, or choose another network.`);
      }
    }
    return {};
  },

  /** Check a sound (channels at `rate`), and answer with pieces of log-mel and with probabilities, window by window. */
  async sound({ job, channels, rate, networks }) {
    const x = mono(channels);
    check(x, channels, rate);
    sound = { x, rate, at: new Map() };
    const { sr, hop_length: hop } = settings.features, { y, fill } = soundAt(sr);
    const frames = 1 + Math.floor(y.length / hop), seconds = y.length / sr;
    const longest = Math.max(...networks.map((network) => network.seconds));
    say(job, "length", { seconds, frames });
    let shown = 0;
    const starts = new Map(networks.map((network) => [network.id, windowStarts(network.id)]));
    const last = Math.max(...[...starts.values()].map((all) => all.length));
    for (let k = 0; k < last; k++) {
      const until = k === last - 1 ? y.length : (k * settings.hop + longest) * sr;
      fill(until);
      const ready = until >= y.length ? frames : Math.floor((until - settings.features.n_fft / 2) / hop);
      if (ready > shown) {
        const mel = logMel(y, { floor: false, first: shown, frames: ready - shown });
        say(job, "mel", { first: shown, frames: mel.frames, data: mel.data, peak: mel.peak }, [mel.data.buffer]);
        shown = ready;
      }
      for (const network of networks) {
        const start = starts.get(network.id)[k];
        if (start === undefined) continue;
        const mel = window(network.id, start), probabilities = mel && (await ask(network.id, mel));
        say(job, "window", { id: network.id, index: k, of: starts.get(network.id).length, start, probabilities });
        await breath();
        if (job !== current) return {};
      }
    }
    return { seconds };
  },

  /** Occlusion: how much the probability of class `label` falls when a patch of the log-mel is covered by the mean of
   *  its bands (bnet.audit.probes.inside), patch by patch; then the window with the frames that matter most, alone. */
  async saliency({ job, id, start, label }) {
    const mel = window(id, start), [wide, high] = settings.patch;
    say(job, "input", mel);
    const mean = new Float64Array(mel.bands);
    mel.data.forEach((value, i) => { mean[i % mel.bands] += value / mel.frames; });
    const before = (await ask(id, mel))[label];
    const columns = Math.ceil(mel.frames / wide), rows = Math.ceil(mel.bands / high), matter = new Float64Array(columns);
    for (let k = 0; k < columns * rows; k++) {
      const frame = Math.floor(k / rows) * wide, band = (k % rows) * high, data = mel.data.slice();
      for (let t = frame; t < Math.min(frame + wide, mel.frames); t++) {
        for (let m = band; m < Math.min(band + high, mel.bands); m++) data[t * mel.bands + m] = mean[m];
      }
      const drop = before - (await ask(id, { ...mel, data }))[label];
      matter[Math.floor(k / rows)] += Math.max(0, drop);
      say(job, "patch", { frame, band, wide, high, drop, done: k + 1, of: columns * rows });
      await breath();
      if (job !== current) return {};
    }
    const best = [...matter.keys()].filter((c) => matter[c] > 0).sort((a, b) => matter[b] - matter[a]).slice(0, Math.ceil(columns / 3));
    return { y: best.length ? onlyFrames(cut(id, start), best, wide, opened.get(id).frontEnd) : null };
  },
};

/** The mean of all channels, as librosa takes it. */
function mono(given) {
  const channels = given.map(sixteenBits), x = new Float32Array(channels[0].length);
  for (let i = 0; i < x.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    x[i] = sum / channels.length;
  }
  return x;
}

/** Chromium divides 16-bit samples by 32768 below zero and by 32767 above: above zero this is undone, where it was done. */
function sixteenBits(x) {
  const whole = (value) => Math.abs(value - Math.round(value)) < 0.003; // float32 has 24 bits
  if (!x.every((value) => whole(value > 0 ? value * 32767 : value * 32768)) || x.every((value) => whole(value * 32768))) return x;
  return x.map((value) => (value > 0 ? Math.round(value * 32767) / 32768 : value));
}

/** Refuse samples, and their mean `x`, that bnet.sound.decode refuses. */
function check(x, channels, rate) {
  let peak = 0;
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i])) throw new Refused("This sound holds numbers that are not finite; export it again from the program that made it.");
    peak = Math.max(peak, Math.abs(x[i]));
  }
  const seconds = x.length / rate;
  if (x.length < Math.floor(settings.min_seconds * rate)) throw new Refused(`This sound is too short: it lasts ${seconds.toFixed(2)} s, and at least ${settings.min_seconds} s are needed.`);
  const energy = (y) => y.reduce((sum, value) => sum + value * value, 0), each = channels.reduce((sum, y) => sum + energy(y), 0) / channels.length;
  if (energy(x) < settings.cancelled * each && each > settings.silence ** 2) throw new Refused("The channels of this sound cancel: each has sound, their mean is silent (one is the other upside down); export one of them alone, or both in phase.");
  if (peak < settings.silence) throw new Refused("This sound is silent: no sample reaches -80 dB of full scale; choose another.");
}

/** The sound on show at the rate `sr`, made once for all networks that take it. */
function soundAt(sr) {
  if (!sound.at.has(sr)) sound.at.set(sr, makeResampler(sound.x, sound.rate, sr, settings.kernels[sr]));
  return sound.at.get(sr);
}

/** Starts of a network's windows in s: one every settings.hop, all within the sound (bnet.deploy.predict.predict_files). */
function windowStarts(id) {
  const { frontEnd: { sr }, seconds: length } = opened.get(id), seconds = soundAt(sr).y.length / sr, starts = [];
  for (let k = 0; k * settings.hop < Math.max(seconds - length, 0) + 1e-9; k++) starts.push(k * settings.hop);
  return starts;
}

/** The window of a network from `start` on, lengthened by its front end where the sound has ended. */
function cut(id, start) {
  const { frontEnd, seconds } = opened.get(id), { y, fill } = soundAt(frontEnd.sr);
  const from = Math.round(start * frontEnd.sr), n = Math.round(seconds * frontEnd.sr);
  fill(from + n);
  return frontEnd.fit(y.subarray(from, from + n), n);
}

/** What a network takes in of a window; null of a silent one, which has no vote (bnet.deploy.predict.windows). */
function window(id, start) {
  const { frontEnd, frames } = opened.get(id), y = cut(id, start);
  return y.some((value) => Math.abs(value) >= settings.silence) ? frontEnd.hear(y, frames) : null;
}

async function ask(id, mel) {
  const { session } = opened.get(id), input = new runtime.Tensor("float32", mel.data, [1, mel.frames, mel.bands, 1]);
  const output = await session.run({ [session.inputNames[0]]: input });
  return Array.from(output[session.outputNames[0]].data);
}

/** The sound with all but some columns of frames muted, faded in and out within 20 ms. */
function onlyFrames(y, columns, wide, { sr, hop }) {
  const fade = Math.round(0.02 * sr), result = new Float32Array(y.length);
  const kept = new Set(columns);
  for (const c of columns) {
    const from = Math.round(c * wide * hop), to = Math.min(Math.round((c + 1) * wide * hop), y.length);
    for (let i = from; i < to; i++) {
      const rise = kept.has(c - 1) ? 1 : Math.min(1, (i - from) / fade), fall = kept.has(c + 1) ? 1 : Math.min(1, (to - i) / fade);
      result[i] = y[i] * Math.min(rise, fall);
    }
  }
  return result;
}

function say(job, kind, content, transfer = []) { self.postMessage({ job, kind, ...content }, transfer); }

self.onmessage = async ({ data }) => {
  const { action, job, supersedes } = data;
  if (supersedes) current = job;
  try {
    say(job, "done", await actions[action](data));
  } catch (error) {
    say(job, "failed", { refused: error instanceof Refused, message: error instanceof Refused ? error.message : String((error && error.message) || error) });
  }
};
