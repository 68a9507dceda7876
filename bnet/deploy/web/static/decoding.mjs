// From a file to samples, by the browser's own decoder, at the file's own rate.

const HEAD = 4 << 20, TAIL = 1 << 17; // bytes in which the length is looked for
const UNKNOWN = 16 << 20; // a larger file must tell its length, for it would be decoded whole

/** Channels at the file's rate, at most `settings.longest` s of them, what is known of the file, and a note where that
 *  is not all of it. */
async function decode(blob) {
  if (!blob.size) throw new Sentence("This file is empty (0 bytes); choose a sound file.");
  if (typeof OfflineAudioContext !== "function") throw new Sentence("This browser can't decode sound (it has no Web Audio, or it is switched off); switch it on, or use another browser.");
  const head = await blob.slice(0, HEAD).arrayBuffer(), tail = await blob.slice(-TAIL).arrayBuffer();
  const known = headerOf(head, tail, blob.size), long = known && known.seconds > settings.longest;
  if (!(known && known.seconds) && blob.size > UNKNOWN) throw new Sentence(`This file of ${Math.round(blob.size / 1e6)} MB doesn't tell how long it is; convert its first minutes to WAV, FLAC, MP3 or OGG.`);
  const bytes = long ? Math.ceil((blob.size * (settings.longest + 5)) / known.seconds) : blob.size;
  const buffer = bytes <= head.byteLength ? head.slice(0, bytes) : await blob.slice(0, bytes).arrayBuffer();
  if (long) shorten(buffer, known);
  let decoded;
  try {
    decoded = await context((known && known.rate) || 44100).decodeAudioData(buffer);
  } catch (error) {
    if (known) throw new Sentence(`This browser could not decode this ${known.format} file: it lacks the codec, or the file is damaged; convert it to WAV, FLAC or MP3.`);
    throw new Sentence("This is no sound file that this browser knows; choose WAV, FLAC, MP3, OGG or the like.");
  }
  const rate = decoded.sampleRate, n = Math.min(decoded.length, Math.round(settings.longest * rate));
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, c) => decoded.getChannelData(c).slice(0, n));
  const minutes = ((known && known.seconds) || decoded.duration) / 60;
  const note = long || n < decoded.length ? `This sound lasts about ${minutes < 10 ? minutes.toFixed(1) : Math.round(minutes)} minutes: only the first ${settings.longest / 60} are listened to. ` : "";
  return { channels, rate, note, format: known ? known.format : "" };
}

function context(rate) {
  try { return new OfflineAudioContext(1, 1, rate); } catch (error) { return new OfflineAudioContext(1, 1, 44100); } // out of its range
}
