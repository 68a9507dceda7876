"""A visit to the page by a program: sounds in many formats, what the page makes of them, and how far Python is from it.

The pages of `bnet.chromium` (Playwright's) and of `bnet.firefox` will do alike.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile

from bnet import audio, predict
from bnet.audio import SR
from bnet.errors import BnetError
from bnet.records import Record

FORMATS = {
    "wav": {"format": "WAV", "subtype": "FLOAT"},
    "16-bit.wav": {"format": "WAV", "subtype": "PCM_16"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "mp3": {"format": "MP3"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
}
"""End of a file's name -> how soundfile writes it."""

RATES = (22_050, 44_100, 48_000)
LATER = (1, 2, 5)
"""By how many steps a sound is delayed to see what librosa's own rounding amounts to."""

NEAR = 50.0
"""dB below the loudest band within which a difference of 1e-4 dB is asked for."""

PATIENCE = 120.0
"""Seconds within which the page has to answer."""


@dataclass(frozen=True)
class Difference:
    """How far the page is from Python, for one file.

    Parameters
    ----------
    kind, rate
        One of `FORMATS`, and Hz.
    most, near, mean, last
        Of the log-mel in dB, all frames but the last: the largest difference, that of bands at most `NEAR` dB below the
        loudest, and the mean. Then the largest of the last frame: decoders differ about where an MP3 ends.
    own
        The largest difference, in dB, between librosa's log-mel and librosa's log-mel of the same samples begun later.
    probability
        Largest difference of a probability to `bnet.predict.predict_file`, over windows, classes and networks.
    """

    kind: str
    rate: int
    most: float
    near: float
    mean: float
    last: float
    own: float
    probability: float


def write_sound(path: Path, y: np.ndarray, rate: int, kind: str) -> Path:
    """Write mono sound `y`, at `SR`, at another rate and in stereo, its channels different."""
    z = audio.resample(y, SR, rate) if rate != SR else y
    soundfile.write(path, np.stack([0.7 * z, 0.4 * np.roll(z, 30)], axis=1), rate, **FORMATS[kind])
    return path


def wait(page: Any, condition: str) -> None:
    """Wait until a JavaScript condition holds, by asking again: the page's policy forbids Playwright's own waiting."""
    until = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        if time.monotonic() > until:
            raise BnetError(f"the page doesn't come to {condition} within {PATIENCE:.0f} s; it says {said(page)!r}")
        time.sleep(0.02)


def said(page: Any) -> str:
    """The error and the status that the page shows."""
    return page.evaluate(
        "['error', 'status'].map(n => document.querySelector(`[data-part=${n}]`).textContent).join(' ')"
    )


def give(page: Any, path: Path) -> str:
    """Choose a file, wait, and return the error that the page shows, or '' once all networks have heard it."""
    page.evaluate("(bnetListen.state.done = false, document.querySelector('[data-part=error]').hidden = true)")
    page.set_input_files("[data-part=file]", path)
    wait(page, "bnetListen.state.done || !document.querySelector('[data-part=error]').hidden")
    return page.evaluate("document.querySelector('[data-part=error]').textContent")


def heard(page: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The log-mel of the whole sound on show, and the probabilities of each window, by network."""
    mel, peak, windows = page.evaluate(
        "[Array.from(bnetListen.state.mel), bnetListen.state.peak, bnetListen.state.windows]"
    )
    settings = audio.FeatureSettings()
    mel = np.maximum(np.array(mel, np.float32).reshape(-1, settings.n_mels), peak - settings.top_db)
    return mel, {name: np.array([row["probabilities"] for row in rows]) for name, rows in windows.items()}


def by_librosa(y: np.ndarray) -> np.ndarray:
    """librosa's log-mel of sound at `SR` [shape=(frames, bands)], in dB."""
    power = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=2048, hop_length=1024, n_mels=128)
    return librosa.power_to_db(power, ref=1.0, top_db=80.0).T


def own_rounding(path: Path) -> float:
    """What librosa's own rounding amounts to: the largest difference, in dB, to itself on the same samples begun later.

    The delay is a whole number of hops, so that all frames hold the same samples; only soxr, which calculates in single
    precision, groups them otherwise. The first two frames are left out, for soxr's beginning is not that of silence.
    """
    (x, rate), hop = librosa.load(path, sr=None), audio.FeatureSettings().hop_length
    expected = by_librosa(librosa.resample(x, orig_sr=rate, target_sr=SR))
    step = rate // math.gcd(rate, hop * SR) * hop * SR // rate  # samples at SR: whole hops, and whole samples at `rate`
    largest = 0.0
    for times in LATER if rate != SR else ():
        later = np.concatenate([np.zeros(times * step * rate // SR, np.float32), x])
        again = by_librosa(librosa.resample(later, orig_sr=rate, target_sr=SR)[times * step :])
        largest = max(largest, float(np.abs(again[: len(expected)] - expected)[2:].max()))
    return largest


def difference(page: Any, path: Path, kind: str, models: dict[str, tuple[Any, Record]]) -> Difference:
    """Let the page hear a file, and compare with Python; `models` are networks and records, by id.

    Raises
    ------
    BnetError
        If the page refuses the file, or answers with another number of frames or windows than Python.
    """
    error = give(page, path)
    if error:
        raise BnetError(f"the page refuses {path.name}: {error}")
    mel, probabilities = heard(page)
    expected = by_librosa(librosa.load(path, sr=SR)[0])
    python = {name: predict.predict_file(*model, path).probabilities for name, model in models.items()}
    for name, here, there in [("log-mel", mel, expected), *((n, probabilities[n], python[n]) for n in python)]:
        if here.shape != there.shape:
            raise BnetError(f"{name} of {path.name}: the page has {here.shape}, Python {there.shape}")
    off, near = np.abs(mel - expected), expected > expected.max() - NEAR
    return Difference(
        kind,
        soundfile.info(path).samplerate,
        float(off[:-1].max()),
        float(off[:-1][near[:-1]].max()),
        float(off[:-1].mean()),
        float(off[-1].max()),
        own_rounding(path),
        max(float(np.abs(probabilities[name] - python[name]).max()) for name in python),
    )


def line(found: Difference, where: str) -> str:
    """A difference as a line of text."""
    figures = {key: value for key, value in asdict(found).items() if isinstance(value, float)}
    return f"{where} {found.kind} {found.rate}: " + ", ".join(f"{key} {value:.1e}" for key, value in figures.items())
