// Recording from the microphone: until the reader stops it, at most `LIMIT` s.

const LIMIT = 20;
let recorder, asking = false; // the one that records, if any; whether the reader is asked for permission

const REFUSALS = {
  NotFoundError: "No microphone was found; connect one, or choose a file instead.",
  NotAllowedError: "The microphone was not allowed; allow it in the browser's settings of this page, or choose a file instead.",
  NotReadableError: "The microphone is there but gives no sound: another program may hold it; close that, or choose a file instead.",
};

async function record() {
  if (recorder) return recorder.stop();
  if (!navigator.mediaDevices || typeof MediaRecorder !== "function") throw new Sentence("This browser gives this page no microphone (it takes https, or a page on this machine); choose a file instead.");
  if (asking) return;
  let stream;
  asking = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  } catch (error) {
    throw new Sentence(REFUSALS[error.name] || `The microphone could not be opened (${error.name}); choose a file instead.`);
  } finally {
    asking = false;
  }
  const button = part("record"), left = part("left"), pieces = [], began = performance.now();
  const own = (recorder = new MediaRecorder(stream));
  const show = () => {
    const seconds = Math.ceil(LIMIT - (performance.now() - began) / 1000);
    left.textContent = `${Math.max(0, seconds)} s left`;
    if (seconds <= 0 && own.state === "recording") own.stop();
  };
  const timer = setInterval(show, 250);
  own.ondataavailable = ({ data }) => pieces.push(data);
  own.onstop = guarded(async () => {
    clearInterval(timer);
    recorder = null;
    stream.getTracks().forEach((track) => track.stop());
    button.textContent = "Record from the microphone";
    left.textContent = "";
    if (!own.discarded) await listenToOwn(new File(pieces, "Your recording", { type: own.mimeType }));
  });
  own.start();
  button.textContent = "Stop recording";
  show();
  say("Recording …");
}

/** End a recording that nobody waits for any more. */
function discardRecording() {
  if (recorder) { recorder.discarded = true; recorder.stop(); }
}
