"""A visit to the page 'Listen' by a program: audio in many formats, what the page makes of it, and Python.

What the benchmark and the tests of the page share; the page is one of `bnet.book.printing`.
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

from bnet.deploy.predict import Classifier, predict_files
from bnet.errors import BnetError
from bnet.sound import log_mel
from bnet.sound.log_mel import SR

FORMATS = {
    "wav": {"format": "WAV", "subtype": "FLOAT"},
    "16-bit.wav": {"format": "WAV", "subtype": "PCM_16"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "mp3": {"format": "MP3"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
}
"""End of a file's name -> how soundfile writes it."""

RATES = (22_050, 44_100, 48_000)

TRANSFORM = 11
"""Additions in sequence, each with its rounding, in a lossy decoder's inverse transform of up to 2048 samples."""

RESAMPLING = 2 * 17
"""The same for soxr: a Fourier transform, and one back, of at most 2**17 samples."""

CHANCE = 1e-6
"""How likely one cell or more of a log-mel goes beyond `tolerance` by rounding alone."""

PATIENCE = 120.0
"""Seconds within which the page has to answer."""


@dataclass(frozen=True)
class Difference:
    """How far the page is from Python, for one file.

    Parameters
    ----------
    kind, rate
        One of `FORMATS`, and Hz.
    most, mean
        Of the log-mel in dB, all frames but the last: the largest difference, and the mean.
    share, last
        The largest difference as a share of `tolerance`, all frames but the last, and the last frame: decoders differ
        about where an MP3 ends.
    probability
        Largest difference of a probability to `bnet.deploy.predict.predict_files`, over windows, classes and networks.
    """

    kind: str
    rate: int
    most: float
    mean: float
    share: float
    last: float
    probability: float


def write_sound(path: Path, y: np.ndarray, rate: int, kind: str) -> Path:
    """Write mono sound `y`, at `SR`, at another rate and in stereo, its channels different."""
    z = librosa.resample(y, orig_sr=SR, target_sr=rate)
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
    settings = log_mel.FeatureSettings()
    mel = np.maximum(np.array(mel, np.float32).reshape(-1, settings.n_mels), peak - settings.top_db)
    return mel, {name: np.array([row["probabilities"] for row in rows]) for name, rows in windows.items()}


def by_librosa(y: np.ndarray) -> np.ndarray:
    """librosa's log-mel of sound at `SR` [shape=(frames, bands)], in dB."""
    power = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=2048, hop_length=1024, n_mels=128)
    return librosa.power_to_db(power, ref=1.0, top_db=80.0).T


def tolerance(expected: np.ndarray, y: np.ndarray, kind: str, rate: int) -> np.ndarray:
    """By how much rounding may change librosa's log-mel `expected` of sound `y` at `SR`, read from a file of `rate` Hz.

    Returns
    -------
    np.ndarray [shape=(frames, bands)]
        In dB: next to nothing where a band is loud, most where it is `top_db` below the loudest.

    Notes
    -----
    If two decoders' samples differ by e, the square root of a band's power moves by no more than that of e's power in
    the band (triangle inequality), so its level by no more than -20 log10(1 - r), r**2 being the ratio of the powers.
    e is taken as white noise; its power at a frequency is then exponentially distributed, which gives what no cell
    exceeds but by `CHANCE`. Its variance: two decoders, or resamplers, in single precision each round by 2**-24 of the
    level in each of `TRANSFORM` and `RESAMPLING` additions; integers are read exactly; an MP3 decoder may besides give
    16 bits with triangular dither, whose variance is a quarter of a step squared (Lipshitz et al., 1992). What librosa
    rounds to float32 is added: the transform's power (4 roundings) and its sum over a band's frequencies, a logarithm
    right to four units in the last place (what NumPy allows its vector code), and the decibels.
    """
    settings, power = log_mel.FeatureSettings(), 10 ** (expected / 10)
    filters = librosa.filters.mel(sr=SR, n_fft=settings.n_fft, n_mels=settings.n_mels)
    window = librosa.filters.get_window("hann", settings.n_fft)
    level = librosa.feature.rms(y=y, frame_length=settings.n_fft, hop_length=settings.hop_length).max()
    additions = TRANSFORM * (kind in ("mp3", "ogg")) + RESAMPLING * (rate != SR)
    variance = 2 * additions * (2.0**-24 * level) ** 2 + (kind == "mp3") * (2.0**-15) ** 2 / 4
    noise = variance * np.sum(window**2) * filters.sum(axis=1) * math.log(expected.size / CHANCE)
    ratio = np.minimum(np.sqrt(noise / power), 1)
    relative, most = (np.count_nonzero(filters, axis=1) + 4) * 2.0**-24, np.abs(expected).max()
    single = 10 / math.log(10) * relative + 10 * 4 * np.spacing(most / 10) + np.spacing(most)
    with np.errstate(divide="ignore"):  # where the noise is the louder one, the band may vanish
        return single - 20 * np.log10(1 - ratio)


def by_python(classify: Classifier, path: Path) -> np.ndarray:
    """The probabilities of each window of a file."""
    (answer,) = predict_files(classify, [path])
    return answer.probabilities


def difference(page: Any, path: Path, kind: str, networks: dict[str, Classifier]) -> Difference:
    """Let the page hear a file, and compare with Python; `networks` by their ids.

    Raises
    ------
    BnetError
        If the page refuses the file, or answers with another number of frames or windows than Python.
    """
    error = give(page, path)
    if error:
        raise BnetError(f"the page refuses {path.name}: {error}")
    mel, probabilities = heard(page)
    y, rate = librosa.load(path, sr=SR)[0], soundfile.info(path).samplerate
    expected = by_librosa(y)
    python = {name: by_python(classify, path) for name, classify in networks.items()}
    for name, here, there in [("log-mel", mel, expected), *((n, probabilities[n], python[n]) for n in python)]:
        if here.shape != there.shape:
            raise BnetError(f"{name} of {path.name}: the page has {here.shape}, Python {there.shape}")
    off = np.abs(mel - expected)
    share = off / tolerance(expected, y, kind, rate)
    return Difference(
        kind,
        rate,
        float(off[:-1].max()),
        float(off[:-1].mean()),
        float(share[:-1].max()),
        float(share[-1].max()),
        max(float(np.abs(probabilities[name] - python[name]).max()) for name in python),
    )


def line(found: Difference, where: str) -> str:
    """A difference as a line of text."""
    figures = {key: value for key, value in asdict(found).items() if isinstance(value, float)}
    return f"{where} {found.kind} {found.rate}: " + ", ".join(f"{key} {value:.1e}" for key, value in figures.items())
