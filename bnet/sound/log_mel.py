"""The log-mel spectrogram: what every network of `bnet` takes in."""

from __future__ import annotations

import dataclasses
import functools
import json
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.sparse

from bnet.errors import OUT_OF_MEMORY, BnetError

SR = 22_050
"""Sample rate of all sound in `bnet`, in Hz (that of every `Corpus`, too)."""

_FRAMES = 32
"""Frames that are transformed at a time: what is made of them stays in the cache."""


@dataclass(frozen=True)
class FeatureSettings:
    """From mono sound to a network's input: how it becomes a log-mel spectrogram; the names are librosa's and
    `log_mel`'s. The fields are part of a run's name. A subclass is a front end of another kind.

    Parameters
    ----------
    sr
        Sample rate, in Hz.
    n_fft, hop_length
        Length of the (Hann) window and its step, in samples.
    n_mels, fmin, fmax
        Number of mel bands (Slaney's scale and area normalisation, librosa's default), and their edges in Hz.
    top_db
        The clip's dynamic range: what is further below its loudest point is raised to that, in dB.

    Notes
    -----
    Paper, section III-B: 22 050 Hz, windows of 2048 with hop 1024, 128 filters. It says that they cover 0-22 050 Hz,
    which is impossible: at 22 050 Hz sound ends at 11 025 Hz. We take 11 025, librosa's default. It gives the size of
    the input as 647 x 128 and as 646 x 128; 30 s are 646 frames. It is silent about window, mel formula, dB reference
    (here 1.0, of power) and range (here 80 dB): we take librosa's defaults.
    """

    sr: int = SR
    n_fft: int = 2048
    hop_length: int = 1024
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float = SR / 2
    top_db: float = 80.0

    def frames(self, seconds: float) -> int:
        """Frames that are made of ``round(seconds * sr)`` samples: 646 of 30 s, 216 of 10."""
        return 1 + round(seconds * self.sr) // self.hop_length

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sr / self.hop_length

    @property
    def about(self) -> str:
        """What is made of sound, in a phrase: sample rate, hop, bands and range."""
        return (
            f"log-mels of sound at {self.sr} Hz, hop {self.hop_length} ({self.frame_rate:.1f} frames per second), "
            f"{self.n_mels} bands, in dB re 1.0 down to {self.top_db:g} dB below the maximum; short sound is padded"
        )

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """The `log_mel` of mono sound `y` [shape=(n,)] at `sr`: float32 [shape=(frames, n_mels)], in dB; its errors."""
        return log_mel(y, self)

    def fit(self, y: np.ndarray, seconds: float) -> np.ndarray:
        """`y` [shape=(n,)] cut to `seconds`, or lengthened as networks know it, here with zeros; see `fit`."""
        return fit(y, seconds, sr=self.sr)

    def to_json(self) -> str:
        """The fields as canonical JSON; `bnet.sound.pictures.front_end` reads it."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


frames = FeatureSettings().frames
"""Seconds of a clip -> frames of its log-mel by the usual settings."""


def log_mel(y: np.ndarray, settings: FeatureSettings = FeatureSettings()) -> np.ndarray:
    """Log-mel spectrogram, time first: what every network of `bnet` takes in.

    Equal, to 1e-4 dB, to ``librosa.power_to_db(librosa.feature.melspectrogram(...), ref=1.0).T``, in less time: the
    filters are kept, sparse, and frames are transformed in cache-sized pieces. The transform is in double precision, as
    librosa's is; in single precision pure tones differ by 1e-3 dB.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Mono sound, real.
    settings
        Rate, window, bands and range.

    Returns
    -------
    np.ndarray [shape=(1 + n // hop_length, n_mels)]
        float32, in dB re 1.0.

    Raises
    ------
    BnetError
        If `y` is not mono, is empty or holds NaN, or if the bands do not lie within 0 to ``sr / 2``.
    """
    y = np.asarray(y)
    if y.ndim != 1 or not len(y):
        raise BnetError(f"log_mel got sound of shape {y.shape}; expected one channel, shape (n,), of at least a sample")
    if not np.isfinite(y).all():
        raise BnetError("log_mel got sound with NaN or infinite samples; expected finite ones")
    n_fft, n_mels = settings.n_fft, settings.n_mels
    window, filters = _filters(settings.sr, n_fft, n_mels, settings.fmin, settings.fmax)
    padded = np.pad(y.astype(np.float32, copy=False), n_fft // 2)
    framed = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: settings.hop_length]
    mel = np.empty((len(framed), n_mels), np.float32)
    windowed, power, other = (np.empty((_FRAMES, n)) for n in (n_fft, 1 + n_fft // 2, 1 + n_fft // 2))
    for start in range(0, len(framed), _FRAMES):
        piece = framed[start : start + _FRAMES]
        n = len(piece)
        np.multiply(piece, window, out=windowed[:n])
        spectrum = scipy.fft.rfft(windowed[:n], axis=1, overwrite_x=True)
        np.square(spectrum.real, out=power[:n])
        power[:n] += np.square(spectrum.imag, out=other[:n])
        mel[start : start + n] = (filters @ power[:n].T.astype(np.float32, order="C")).T
    decibel = 10 * np.log10(np.maximum(mel, 1e-10))
    return np.maximum(decibel, decibel.max() - settings.top_db)


@functools.lru_cache(maxsize=8)
def _filters(sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> tuple[np.ndarray, scipy.sparse.csr_array]:
    try:
        import librosa.filters  # a second to import: only where a spectrogram is computed
    except (ImportError, OSError, MemoryError) as error:  # its libraries may not fit under a limit
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BnetError(f"librosa can't be loaded ({reason}); if it is installed, {OUT_OF_MEMORY}") from error
    if not 0 <= fmin < fmax <= sr / 2:
        raise BnetError(f"mel bands from {fmin:g} to {fmax:g} Hz; expected 0 <= fmin < fmax <= {sr / 2:g} Hz (sr / 2)")
    window = librosa.filters.get_window("hann", n_fft, fftbins=True)
    return window, scipy.sparse.csr_array(librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax))


def fit(y: np.ndarray, seconds: float, *, sr: int = SR) -> np.ndarray:
    """Cut `y` to `seconds`, or append zeros: [shape=(round(seconds * sr),)] (paper, section III-B, for its 30 s)."""
    n = round(seconds * sr)
    return y[:n] if len(y) >= n else np.pad(y, (0, n - len(y)))
