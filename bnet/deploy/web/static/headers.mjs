// Headers of sound files: what the first bytes of one tell, its format, its sample rate (at which it is decoded, for the browser's own
// resampling is not librosa's) and about how long it lasts; and the writing of a WAV file.

const characters = (view, at, n) => { let s = ""; for (let i = 0; i < n && at + i < view.byteLength; i++) s += String.fromCharCode(view.getUint8(at + i)); return s; };

/** {format, rate, seconds} of a file from its first bytes, its last bytes and its size; null if it is no sound known
 *  here. `seconds` is undefined where it is not told. */
function headerOf(head, tail, size) {
  const view = new DataView(head), start = characters(view, 0, 4);
  const found = readers.find(([fits]) => fits(view, start));
  if (!found) return null;
  try { return { rate: 44100, ...found[1](view, new DataView(tail), size) }; } catch (error) { return { format: found[2], rate: 44100 }; }
}

const readers = [
  [(v, s) => /^(RIFF|RF64)$/.test(s) && characters(v, 8, 4) === "WAVE", wav, "WAV"],
  [(v, s) => s === "fLaC", flac, "FLAC"],
  [(v, s) => s === "OggS", ogg, "OGG"],
  [(v, s) => s === "\x1aE\xdf\xa3", () => ({ format: "WebM", rate: 48000 }), "WebM"],
  [(v, s) => s === "FORM" && /^AIF/.test(characters(v, 8, 4)), () => ({ format: "AIFF" }), "AIFF"],
  [(v) => characters(v, 4, 4) === "ftyp", () => ({ format: "M4A" }), "M4A"],
  [(v, s) => s === "caff", () => ({ format: "CAF" }), "CAF"],
  [(v, s) => /^ID3/.test(s) || frame(v, 0), mp3, "MP3"],
];

function wav(view, tail, size) {
  let rate, perSecond, at = 12;
  while (at + 8 <= view.byteLength) {
    const id = characters(view, at, 4), length = view.getUint32(at + 4, true);
    if (id === "fmt ") { rate = view.getUint32(at + 12, true); perSecond = view.getUint32(at + 16, true); }
    if (id === "data") return { format: "WAV", rate, seconds: Math.min(length, size - at - 8) / perSecond, dataAt: at };
    at += 8 + length + (length & 1);
  }
  return { format: "WAV", rate };
}

function flac(view) {
  const rate = (view.getUint32(18) >>> 12), samples = (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22);
  return { format: "FLAC", rate, seconds: samples ? samples / rate : undefined };
}

function ogg(view, tail) {
  const first = characters(view, 28, 8);
  const rate = first === "OpusHead" ? 48000 : first.slice(1, 7) === "vorbis" ? view.getUint32(40, true) : 44100;
  for (let at = tail.byteLength - 27; at >= 0; at--) {
    if (tail.getUint32(at) === 0x4f676753) {
      return { format: "OGG", rate, seconds: (tail.getUint32(at + 6, true) + tail.getUint32(at + 10, true) * 2 ** 32) / rate };
    }
  }
  return { format: "OGG", rate };
}

const KBPS = { 1: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320], 2: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160] };

/** A layer III frame (ISO 11172-3, 2.4.1.3): {rate, kbps, samples, side}, or null. */
function frame(view, at) {
  if (at + 4 > view.byteLength) return null;
  const word = view.getUint32(at), version = (word >>> 19) & 3, bitrate = (word >>> 12) & 15, rate = (word >>> 10) & 3;
  if (word >>> 21 !== 0x7ff || version === 1 || ((word >>> 17) & 3) !== 1 || !bitrate || bitrate === 15 || rate === 3) return null;
  const one = version === 3, mono = ((word >>> 6) & 3) === 3;
  return {
    rate: [44100, 48000, 32000][rate] / { 3: 1, 2: 2, 0: 4 }[version],
    kbps: KBPS[one ? 1 : 2][bitrate - 1], samples: one ? 1152 : 576, side: one ? (mono ? 17 : 32) : mono ? 9 : 17,
  };
}

function mp3(view, tail, size) {
  let at = 0;
  if (characters(view, 0, 3) === "ID3") at = 10 + [6, 7, 8, 9].reduce((sum, i) => sum * 128 + (view.getUint8(i) & 127), 0);
  let found = null;
  for (const stop = Math.min(view.byteLength - 4, at + 65536); at < stop && !(found = frame(view, at)); at++);
  if (!found) return { format: "MP3" };
  const tag = at + 4 + found.side, counted = /^(Xing|Info)$/.test(characters(view, tag, 4)) && view.getUint8(tag + 7) & 1;
  const seconds = counted ? (view.getUint32(tag + 8) * found.samples) / found.rate : ((size - at) * 8) / (found.kbps * 1000);
  return { format: "MP3", rate: found.rate, seconds };
}

/** Make a WAV file's header promise no more than the bytes that are there; others are decoded as far as they go. */
function shorten(buffer, known) {
  if (known.dataAt !== undefined) new DataView(buffer).setUint32(known.dataAt + 4, buffer.byteLength - known.dataAt - 8, true);
}

/** Mono samples as a 16-bit WAV file. */
function toWav(y, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * y.length)), put = (at, s) => [...s].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  put(0, "RIFF"); view.setUint32(4, 36 + 2 * y.length, true); put(8, "WAVEfmt ");
  [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, rate, 4], [28, 2 * rate, 4], [32, 2, 2], [34, 16, 2], [40, 2 * y.length, 4]]
    .forEach(([at, value, width]) => (width === 4 ? view.setUint32(at, value, true) : view.setUint16(at, value, true)));
  put(36, "data");
  for (let i = 0; i < y.length; i++) view.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, y[i])) * 32767, true);
  return new Blob([view], { type: "audio/wav" });
}
