// What each network says of the sound on show: a card with its probabilities.

const mean = (rows) => rows[0].map((_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
const best = (values) => values.indexOf(Math.max(...values));
const percent = (value) => `${Math.round(100 * value)}\u00a0%`;
const clockTime = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const cards = new Map();

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made[name] = value; else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** An empty card for each chosen network. */
function prepareCards() {
  for (const { url } of cards.values()) if (url) URL.revokeObjectURL(url);
  cards.clear();
  part("cards").replaceChildren(...state.networks.map((network) => {
    const rows = network.labels.map((label) => {
      const bar = element("span"), now = element("td", { class: "bl-number" }), whole = element("td", { class: "bl-number" });
      return { bar, now, whole, row: element("tr", {}, element("th", { scope: "row" }, label), element("td", { class: "bl-bar", "aria-hidden": "true" }, bar), now, whole) };
    });
    const caption = element("p", { class: "bl-answer" }), saliency = element("div", { class: "bl-saliency" });
    const button = element("button", { type: "button", disabled: true, "aria-label": `What did it hear? ${network.title}`, onclick: guarded(() => explain(network)) }, "What did it hear?");
    const name = `bl-${network.id}`;
    const head = (name) => element("th", { scope: "col", class: name === "Class" ? "" : "bl-number" }, name);
    const shown = element("table", {}, element("caption", {}, "Probabilities: of the window shown, and on average over all"),
      element("thead", {}, element("tr", {}, head("Class"), element("td", { "aria-hidden": "true" }), head("here"), head("average"))),
      element("tbody", {}, ...rows.map(({ row }) => row)));
    cards.set(network.id, { rows, caption, saliency, button });
    return element("article", { class: "bl-card", "aria-labelledby": name },
      element("h3", { id: name }, network.title),
      element("p", { class: "bl-hint" }, `Right on ${percent(network.accuracy)} of ${network.tested} test clips of ${network.corpus}.`),
      caption, shown, button, saliency);
  }));
}

/** The window whose middle is nearest to `time`, of those that there are. */
function windowAt(network, time) {
  const away = (one) => Math.abs(one.start + network.seconds / 2 - time);
  return state.windows[network.id].reduce((near, one) => (near && away(near) <= away(one) ? near : one), null);
}

/** Show what belongs to the place that the player is at. */
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

/** Averages over the piece. Returns the class that each network names, and how surely, by network. */
function finishCards() {
  return new Map(state.networks.map((network) => {
    const average = mean(state.windows[network.id].map((one) => one.probabilities)), first = best(average), card = cards.get(network.id);
    average.forEach((p, c) => { card.rows[c].whole.textContent = percent(p); });
    card.button.disabled = false;
    return [network, { label: network.labels[first], average: average[first] }];
  }));
}
