// What the parts of the page share: its elements, its data, and what is on show.

const root = document.getElementById("bnet-listen");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const { settings, networks, clips } = JSON.parse(part("data").textContent);
const { n_mels: bands, top_db: range } = settings.features; // of the spectrogram on show; a network has its own
const state = { turn: 0 }; // wish: what `listen` was last asked for; of what is on show name, label, url, seconds, frames, mel, peak, times, and by network windows and how many silent ones have no vote
