// Log-mel spectrogram, equal to bnet.sound.log_mel.log_mel (and so to librosa): time first, dB re 1.0 of power.

/** A function from mono samples to {frames, bands, data: Float32Array [frames x bands], peak}; `floor` false leaves out
 *  top_db, which needs the loudest value of the whole piece. The settings are those of bnet.sound.log_mel.FeatureSettings;
 *  `filters` are librosa's, each [first bin, weights]. */
function makeLogMel({ n_fft: n, hop_length: hop, n_mels: bands, top_db: range }, filters) {
  const { hann, fft } = makeTransform(n);
  const rows = filters.map(([from, weights]) => ({ from, weights: Float64Array.from(weights, Math.fround) })); // librosa keeps float32
  return function logMel(y, { floor = true, first = 0, frames = 1 + Math.floor(y.length / hop) - first } = {}) {
    const data = new Float32Array(frames * bands);
    const re = new Float64Array(n), im = new Float64Array(n), power = new Float64Array(n / 2 + 1);
    let peak = -Infinity;
    for (let t = 0; t < frames; t++) {
      const start = (first + t) * hop - n / 2; // centred, zeros beyond the ends
      for (let i = 0, j = start; i < n; i++, j++) { re[i] = j >= 0 && j < y.length ? y[j] * hann[i] : 0; im[i] = 0; }
      fft(re, im);
      for (let k = 0; k <= n / 2; k++) power[k] = re[k] * re[k] + im[k] * im[k];
      for (let m = 0; m < bands; m++) {
        const { from, weights } = rows[m];
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * power[from + k];
        const decibel = 10 * Math.log10(Math.max(1e-10, sum));
        data[t * bands + m] = decibel;
        if (decibel > peak) peak = decibel;
      }
    }
    if (floor) for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i], peak - range);
    return { frames, bands, data, peak };
  };
}

/** Periodic Hann window of length n (a power of 2), and an in-place complex Fourier transform in double precision. */
function makeTransform(n) {
  const turn = Array.from({ length: n }, (_, i) => (2 * Math.PI * i) / n);
  const hann = Float64Array.from(turn, (a) => 0.5 - 0.5 * Math.cos(a));
  const cos = Float64Array.from(turn, Math.cos), sin = Float64Array.from(turn, Math.sin);
  const bits = Math.log2(n), reversed = new Uint32Array(n);
  for (let i = 0; i < n; i++) for (let b = 0; b < bits; b++) if ((i >> b) & 1) reversed[i] |= 1 << (bits - 1 - b);
  function fft(re, im) {
    for (let i = 0; i < n; i++) {
      const j = reversed[i];
      if (j > i) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
    }
    for (let size = 2; size <= n; size *= 2) {
      const half = size / 2, step = n / size;
      for (let start = 0; start < n; start += size) {
        for (let k = 0, w = 0; k < half; k++, w += step) {
          const a = start + k, b = a + half;
          const x = re[b] * cos[w] + im[b] * sin[w], y = im[b] * cos[w] - re[b] * sin[w];
          re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
        }
      }
    }
  }
  return { hann, fft };
}
