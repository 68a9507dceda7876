// What is loaded, on the first click only, and the worker that it is handed to.

class Sentence extends Error {} // its message is for the reader

const base = new URL(".", document.currentScript.src).href;
const arrivals = new Map(), loading = new Map(), opened = new Map(), waiting = new Map();
const arrived = (name, content) => arrivals.set(name, content);
let worker, engine, asked = 0;

/** What the script `name` hands over. It is kept once: by the worker, or not at all. */
function load(name, what) {
  if (!loading.has(name)) {
    loading.set(name, new Promise((done, fail) => {
      const script = document.createElement("script");
      script.src = `${base}${name}.mjs`;
      script.onload = script.onerror = () => {
        script.remove();
        loading.delete(name);
        if (arrivals.has(name)) done(arrivals.get(name));
        else fail(new Sentence(`${what} could not be loaded (${name}.mjs is missing or damaged); load the page anew, or tell who put it up.`));
        arrivals.delete(name);
      };
      document.head.append(script);
    }));
  }
  return loading.get(name);
}

/** Ask the worker; what it says on the way goes to `heard`. A job that `supersedes` ends those before it. */
function ask(action, content, { transfer = [], heard = () => {}, supersedes = false } = {}) {
  const job = ++asked;
  return new Promise((done, fail) => {
    waiting.set(job, { done, fail, heard });
    worker.postMessage({ action, job, supersedes, ...content }, transfer);
  });
}

function onSaid({ data }) {
  const { job, kind } = data, from = waiting.get(job);
  if (!from) return;
  if (kind === "done" || kind === "failed") waiting.delete(job);
  if (kind === "done") from.done(data);
  else if (kind === "failed") from.fail(data.refused ? new Sentence(data.message) : new Error(data.message));
  else from.heard(data);
}

/** Load and start the runtime, once. */
function start() {
  engine ??= (async () => {
    if (typeof WebAssembly !== "object") throw new Sentence("This browser has WebAssembly switched off, in which the networks run; switch it on, or use another browser.");
    if (typeof DecompressionStream !== "function" || typeof Worker !== "function") throw new Sentence("This browser is too old for this page; it needs one of 2023 or later.");
    const { worker: text, ...content } = await load("engine", "The runtime");
    worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    worker.onmessage = onSaid;
    worker.onerror = (event) => { for (const { fail } of waiting.values()) fail(new Error(event.message || "the worker stopped")); waiting.clear(); };
    await ask("engine", { ...content, settings });
  })().catch((error) => { engine = null; throw error; });
  return engine;
}

/** Load and open a network, once. */
function open(network) {
  if (!opened.has(network.id)) {
    opened.set(network.id, (async () => {
      const [[onnx, filters]] = await Promise.all([load(`network-${network.id}`, `The network ${network.title}`), start()]);
      await ask("network", { ...network, onnx, filters });
    })().catch((error) => { opened.delete(network.id); throw error; }));
  }
  return opened.get(network.id);
}
