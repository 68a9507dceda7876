// Front ends: from sound to what a network takes in, chosen by its settings (bnet.sound.pictures.front_end). Follows logmel.mjs.

/** {sr, hop (samples from frame to frame), hear(y, frames), fit(y, n)}: `hear` makes {frames, bands, data, peak} of a
 *  window; `fit` gives n samples, of a sound that may have fewer. */
function makeFrontEnd(settings, filters) { return { sr: settings.sr, ...frontEnds[settings.kind || "log-mel"](settings, makeLogMel(settings, filters)) }; }

const frontEnds = {
  /** bnet.sound.log_mel.FeatureSettings: the log-mel itself; zeros where the sound has ended. */
  "log-mel"(settings, logMel) {
    return {
      hop: settings.hop_length,
      hear: (y) => logMel(y),
      fit(y, n) { const whole = new Float32Array(n); whole.set(y.subarray(0, n)); return whole; },
    };
  },
  /** bnet.sound.pictures.PictureSettings: what a picture of the log-mel would hold; a sound that ends is repeated. */
  picture(settings, logMel) {
    return {
      hop: (settings.sr * settings.seconds) / settings.columns,
      hear: (y, frames) => pictured(logMel(y), frames, settings),
      fit: (y, n) => Float32Array.from({ length: n }, (_, i) => y[i % y.length]),
    };
  },
};

/** Columns at the middles of a log-mel, in levels from its own minimum to its maximum, as dB from -range to 0. */
function pictured({ frames: all, bands, data }, frames, { top_db: range, levels }) {
  let low = Infinity, high = -Infinity;
  for (const value of data) { low = Math.min(low, value); high = Math.max(high, value); }
  const span = Math.fround(high - low), seen = new Float32Array(frames * bands);
  for (let c = 0; c < frames; c++) {
    const from = Math.floor(((2 * c + 1) * all) / (2 * frames)) * bands;
    for (let m = 0; m < bands; m++) {
      const part = span ? Math.fround(Math.fround(Math.fround(data[from + m] - high) / span) + 1) : 0; // float32, as NumPy
      const level = Math.max(0, Math.min(levels - 1, Math.floor(part * levels)));
      seen[c * bands + m] = ((level + 0.5) / levels - 1) * range;
    }
  }
  return { frames, bands, data: seen, peak: 0 };
}
