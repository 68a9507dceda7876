// 'What did it hear?': which patches of the log-mel the answer hangs on, and the sound of the frames that matter most.

/** Cover patch after patch of the window on show, draw what that does to the answer, and let the best frames be heard. */
async function explain(network) {
  const card = cards.get(network.id), shown = card.shown, label = best(shown.probabilities), gone = () => cards.get(network.id) !== card;
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Patches covered" });
  const canvas = element("canvas", { role: "img", width: network.frames, height: bands, "aria-label": "Saliency map, in the making" });
  const text = element("p", { class: "bl-hint" }, "Each patch of the spectrogram is covered in turn, and the network asked again …");
  const patches = [];
  let plain;
  card.saliency.replaceChildren(bar, canvas, text);
  say(`${network.title}: looking for what matters …`);
  for (const other of cards.values()) other.button.disabled = true;
  try {
    const result = await ask("saliency", { id: network.id, start: shown.start, label }, {
      supersedes: true,
      heard: (data) => {
        if (data.kind === "input") {
          drawLogMel(canvas, data.data, bands, 0, data.frames, data.peak, network.features.top_db, GREYS);
          plain = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return;
        }
        patches.push(data);
        bar.value = data.done / data.of;
        drawPatches(canvas, plain, patches, bands);
      },
    });
    if (gone()) return;
    const worth = inWords(network, patches, shown.start);
    canvas.setAttribute("aria-label", `Saliency map for ${network.labels[label]}. ${worth}`);
    text.textContent = `Orange speaks for ${network.labels[label]}, blue against it, the stronger the more. ${worth}`;
    bar.remove();
    if (result.y) {
      if (card.url) URL.revokeObjectURL(card.url);
      card.url = URL.createObjectURL(toWav(result.y, network.features.sr));
      card.saliency.append(element("p", {}, "The third of the frames that matters most, the rest muted:"), element("audio", { controls: true, src: card.url, "aria-label": `The frames that matter most to ${network.title}` }));
    }
    card.patches = patches;
    say(`${network.title}: ${worth}`);
  } finally {
    if (!gone()) {
      for (const other of cards.values()) other.button.disabled = false;
      if (document.activeElement === document.body) card.button.focus({ preventScroll: true }); // a disabled button had lost it
    }
  }
}

/** Where the patch lies that matters most, and how much. */
function inWords({ frame_rate: rate, hertz: all }, patches, start) {
  const top = patches.reduce((a, b) => (b.drop > a.drop ? b : a));
  if (!(top.drop > 0)) return "No single patch speaks for it.";
  const seconds = (frame) => (start + frame / rate).toFixed(1), hertz = (band) => all[Math.min(band, bands) - 1];
  return `What matters most sounds from ${seconds(top.frame)} to ${seconds(top.frame + top.wide)} s, at ${hertz(top.band + 1)} to ${hertz(top.band + top.high)} Hz: without it the probability falls by ${(100 * top.drop).toFixed(1)} percentage points.`;
}
