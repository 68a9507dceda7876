// What the parts of the page share: its elements, its data, and what is on show.

const root = document.getElementById("bnet-listen");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const { settings, networks, clips } = JSON.parse(part("data").textContent);
const { sr, hop_length: hop, n_mels: bands, top_db: range } = settings.features;
const state = { turn: 0 }; // name, label, url, seconds, frames, mel, peak, windows by network, times of what is on show
