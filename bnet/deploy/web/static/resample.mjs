// Another sample rate by the filter of soxr's HQ, librosa's default, which bnet.deploy.web.kernels measured.

/** An object that resamples `x` from `rate` to `sr` piece by piece: `fill(end)` makes y[0 .. end).
 *
 *  The filter is a symmetric, band-limited function of time; `kernels` hold one half of it at a few points per sample of
 *  the lower rate, and all other points follow by interpolation. Sample j of y lies at input position j * rate / sr. */
function makeResampler(x, rate, sr, kernels) {
  if (rate === sr) return { y: x, fill() {} };
  const divisor = gcd(rate, sr), up = sr / divisor, down = rate / divisor;
  const y = new Float32Array(Math.ceil(x.length * (sr / rate))); // librosa's length, to its rounding
  const measured = Object.keys(kernels).map(Number);
  const nearest = measured.reduce((a, b) => (Math.abs(Math.log(b / rate)) < Math.abs(Math.log(a / rate)) ? b : a));
  const { taps, half } = phases(kernels[nearest], up, down);
  const early = nearest === rate ? beginning(x, kernels[rate].start) : [];
  const width = taps.length / up, padded = new Float32Array(x.length + 2 * width);
  padded.set(x, width);
  let done = 0;
  function fill(end) {
    for (const stop = Math.min(Math.ceil(end), y.length); done < stop; done++) {
      const at = Math.floor((done * down) / up) - half + width, row = (done % up) * width;
      let a = early[done] || 0, b = 0, c = 0, d = 0; // four sums, for speed
      for (let i = 0; i < width; i += 4) {
        a += taps[row + i] * padded[at + i];
        b += taps[row + i + 1] * padded[at + i + 1];
        c += taps[row + i + 2] * padded[at + i + 2];
        d += taps[row + i + 3] * padded[at + i + 3];
      }
      y[done] = a + b + c + d;
    }
  }
  return { y, fill };
}

/** What soxr's first samples have beyond the filter's: the sum over all pairs of out * (into . x). */
function beginning(x, pairs) {
  const extra = [];
  for (const [out, into] of pairs) {
    let sum = 0;
    for (let i = 0; i < into.length && i < x.length; i++) sum += into[i] * x[i];
    out.forEach((value, j) => { extra[j] = (extra[j] || 0) + value * sum; });
  }
  return extra;
}

/** Filter taps [up x width], one row for each position of an output sample between two input samples; its tap
 *  number `half` belongs to the sample before. */
function phases({ half: kernel, points }, up, down) {
  const lower = Math.min(up, down), reach = (kernel.length - 1) / points; // in samples of the lower rate
  const half = Math.ceil((reach * down) / lower) + 1, width = 4 * Math.ceil((2 * half + 1) / 4), gain = lower / down;
  const taps = new Float64Array(up * width), weights = new Map();
  for (let p = 0; p < up; p++) {
    const whole = Math.floor((p * down) / up);
    for (let i = 0; i < width; i++) {
      // its place on the grid: points (p down - (whole + i - half) up) / larger rate, exact in integers
      const numerator = points * (p * down - (whole + i - half) * up), larger = Math.max(up, down);
      const base = Math.floor(numerator / larger), rest = numerator - base * larger;
      if (!weights.has(rest)) weights.set(rest, sincWeights(rest / larger));
      taps[p * width + i] = gain * between(kernel, base, weights.get(rest));
    }
  }
  return { taps, half };
}

const SINC = 32; // points on each side

function sincWeights(fraction) {
  return Float64Array.from({ length: 2 * SINC }, (_, i) => {
    const d = fraction - (i - SINC + 1);
    return (d ? Math.sin(Math.PI * d) / (Math.PI * d) : 1) * bessel(12 * Math.sqrt(Math.max(0, 1 - (d / SINC) ** 2))) / bessel(12);
  });
}

function between(kernel, base, weights) {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    const at = Math.abs(base + i - SINC + 1);
    if (at < kernel.length) sum += weights[i] * kernel[at];
  }
  return sum;
}

function bessel(x) { // modified, first kind, order 0
  let sum = 1, term = 1;
  for (let k = 1; term > 1e-17 * sum; k++) { term *= (x / (2 * k)) ** 2; sum += term; }
  return sum;
}

function gcd(a, b) { return b ? gcd(b, a % b) : a; }
