// Pictures on a canvas: one pixel a frame and band, low bands at the bottom.

// dark blue to orange to pale: brightness rises all the way, so that it reads in grey and for colour-blind readers
const STOPS = [[6, 10, 28], [17, 42, 82], [22, 86, 128], [74, 122, 140], [168, 130, 100], [232, 146, 62], [250, 190, 110], [255, 240, 205]];
const COLOURS = Array.from({ length: 256 }, (_, i) => {
  const x = (i / 255) * (STOPS.length - 1), k = Math.min(Math.floor(x), STOPS.length - 2);
  return STOPS[k].map((value, c) => Math.round(value + (x - k) * (STOPS[k + 1][c] - value)));
});

const GREYS = COLOURS.map(([r, g, b]) => Array(3).fill(0.3 * r + 0.59 * g + 0.11 * b));

/** Draw frames `from` to `to` of a log-mel whose loudest value is `peak`, down to `range` dB below it. */
function drawLogMel(canvas, data, bands, from, to, peak, range, colours = COLOURS) {
  if (to <= from) return;
  const context = canvas.getContext("2d"), image = context.createImageData(to - from, bands), pixels = image.data;
  for (let t = from; t < to; t++) {
    for (let m = 0; m < bands; m++) {
      const level = Math.round((255 * (data[t * bands + m] - peak + range)) / range);
      const colour = colours[Math.max(0, Math.min(255, level))], at = 4 * ((bands - 1 - m) * (to - from) + t - from);
      pixels[at] = colour[0]; pixels[at + 1] = colour[1]; pixels[at + 2] = colour[2]; pixels[at + 3] = 255;
    }
  }
  context.putImageData(image, from, 0);
}

/** Lay patches over a grey log-mel: orange where covering makes the class less probable, blue where more. */
function drawPatches(canvas, plain, patches, bands) {
  const context = canvas.getContext("2d"), strongest = Math.max(1e-6, ...patches.map(({ drop }) => Math.abs(drop)));
  context.putImageData(plain, 0, 0);
  for (const { frame, band, wide, high, drop } of patches) {
    const alpha = (0.85 * Math.abs(drop)) / strongest;
    context.fillStyle = drop > 0 ? `rgba(255, 140, 20, ${alpha})` : `rgba(40, 150, 255, ${alpha})`;
    context.fillRect(frame, bands - band - high, wide, high);
  }
}
