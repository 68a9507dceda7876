// Another sample rate by the filter of soxr's HQ, librosa's default, which bnet.web.kernels measured.
"use strict";

/** An object that resamples `x` from `rate` to `sr` piece by piece: `fill(end)` makes y[0 .. end).
 *
 *  The filter is a symmetric, band-limited function of time; `kernels` hold one half of it at two points per sample of
 *  the lower rate, and all other points follow by interpolation. Sample j of y lies at input position j * rate / sr. */
function makeResampler(x, rate, sr, kernels) {
  if (rate === sr) return { y: x, fill() {} };
  const divisor = gcd(rate, sr), up = sr / divisor, down = rate / divisor;
  const y = new Float32Array(Math.ceil((x.length * sr) / rate));
  const octaves = Math.log2(rate / sr);
  const kernel = kernels[rate] || kernels[Number.isInteger(octaves) ? 2 * sr : 48000];
  const { taps, half } = phases(kernel, up, down);
  const width = 2 * half + 1;
  let done = 0;
  function fill(end) {
    for (const stop = Math.min(Math.ceil(end), y.length); done < stop; done++) {
      const from = Math.floor((done * down) / up) - half, row = ((done % up) * width);
      const low = Math.max(0, -from), high = Math.min(width, x.length - from);
      let sum = 0;
      for (let i = low; i < high; i++) sum += taps[row + i] * x[from + i];
      y[done] = sum;
    }
  }
  return { y, fill };
}

/** Filter taps [up x (2 half + 1)], one row for each position of an output sample between two input samples. */
function phases(kernel, up, down) {
  const lower = Math.min(up, down), reach = (kernel.length - 1) / 2; // in samples of the lower rate
  const half = Math.ceil((reach * down) / lower) + 1, width = 2 * half + 1, gain = lower / down;
  const taps = new Float64Array(up * width), weights = new Map();
  for (let p = 0; p < up; p++) {
    const whole = Math.floor((p * down) / up);
    for (let i = 0; i < width; i++) {
      // 2 u = 2 (p down - (whole + i - half) up) / larger rate: exact in integers
      const numerator = 2 * (p * down - (whole + i - half) * up), larger = Math.max(up, down);
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
