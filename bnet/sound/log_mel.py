"""From a sound file to the network's input: decode, mix to mono, resample, pad or cut, log-mel.

`load` reads what libsndfile reads: WAV, FLAC, MP3, OGG (Vorbis, Opus), AIFF, AU and more, at any rate, width and number
of channels. What is wrong with a file is told by one `BnetError`, never by an empty or a shorter array.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.sparse
import soxr

from bnet.errors import BnetError
from bnet.sound import decode
from bnet.sound.front_end import FrontEnd

SR = 22_050
"""Sample rate of all sound in `bnet`, in Hz (that of every `Corpus`, too)."""

MIN_SECONDS = 1.0
"""Less sound than this is refused, in s: a clip of a broken file (FMA's three have 0.5 to 1.6 s), not music."""

SILENCE = 1e-4
"""A clip whose absolute peak (full scale is 1) stays below this, -80 dB, is silent; 16-bit dither has 3e-5."""

_FRAMES = 32
"""Frames that are transformed at a time: what is made of them stays in the cache."""


@dataclass(frozen=True)
class FeatureSettings(FrontEnd):
    """How sound becomes a log-mel spectrogram; the names are librosa's and `log_mel`'s.

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
        """Frames of a clip; see `frames`."""
        return frames(seconds, sr=self.sr, hop_length=self.hop_length)

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sr / self.hop_length

    @property
    def about(self) -> str:
        """Sample rate, hop, bands and range."""
        return (
            f"log-mels of sound at {self.sr} Hz, hop {self.hop_length} ({self.frame_rate:.1f} frames per second), "
            f"{self.n_mels} bands, in dB re 1.0 down to {self.top_db:g} dB below the maximum; short sound is padded"
        )

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """The log-mel of `y` [shape=(n,)]; see `log_mel`."""
        return log_mel(y, **dataclasses.asdict(self))

    def fit(self, y: np.ndarray, seconds: float) -> np.ndarray:
        """`y` cut to `seconds`, or with zeros appended; see `fit`."""
        return fit(y, seconds, sr=self.sr)


def frames(seconds: float, *, sr: int = SR, hop_length: int = 1024) -> int:
    """Number of spectrogram frames of a clip.

    >>> frames(30), frames(10)
    (646, 216)
    """
    return 1 + round(seconds * sr) // hop_length


def log_mel(
    y: np.ndarray,
    sr: int = SR,
    *,
    n_fft: int = 2048,
    hop_length: int = 1024,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    top_db: float = 80.0,
) -> np.ndarray:
    """Log-mel spectrogram, time first: what every network of `bnet` takes in.

    Equal, to 1e-4 dB, to ``librosa.power_to_db(librosa.feature.melspectrogram(...), ref=1.0).T``, in two thirds of the
    time or less: the filters are kept, sparse, and frames are transformed in cache-sized pieces, in buffers that are
    used again. The transform is in double precision, as librosa's is; in single precision pure tones differ by 1e-3 dB.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Mono sound, real.
    sr, n_fft, hop_length, n_mels, fmin, fmax, top_db
        See `FeatureSettings`; `fmax` None is ``sr / 2``.

    Returns
    -------
    np.ndarray [shape=(1 + n // hop_length, n_mels)]
        float32, in dB re 1.0.

    Raises
    ------
    BnetError
        If `y` is not mono, is empty or holds NaN, or if ``fmax > sr / 2``.
    """
    y = np.asarray(y)
    if y.ndim != 1 or not len(y):
        raise BnetError(f"log_mel got sound of shape {y.shape}; expected one channel, shape (n,), of at least a sample")
    if not np.isfinite(y).all():
        raise BnetError("log_mel got sound with NaN or infinite samples; expected finite ones")
    window, filters = _filters(sr, n_fft, n_mels, fmin, sr / 2 if fmax is None else fmax)
    padded = np.pad(y.astype(np.float32, copy=False), n_fft // 2)
    framed = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
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
    return np.maximum(decibel, decibel.max() - top_db)


@functools.lru_cache(maxsize=8)
def _filters(sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> tuple[np.ndarray, scipy.sparse.csr_array]:
    import librosa.filters  # a second to import: only where a spectrogram is computed

    if not 0 <= fmin < fmax <= sr / 2:
        raise BnetError(f"mel bands from {fmin:g} to {fmax:g} Hz; expected 0 <= fmin < fmax <= {sr / 2:g} Hz (sr / 2)")
    window = librosa.filters.get_window("hann", n_fft, fftbins=True)
    return window, scipy.sparse.csr_array(librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax))


def fit(y: np.ndarray, seconds: float, *, sr: int = SR) -> np.ndarray:
    """Cut `y` to `seconds`, or append zeros: [shape=(round(seconds * sr),)] (paper, section III-B, for its 30 s)."""
    n = round(seconds * sr)
    return y[:n] if len(y) >= n else np.pad(y, (0, n - len(y)))


def load(
    path: str | os.PathLike[str],
    *,
    seconds: float | None = None,
    offset: float = 0.0,
    sr: int = SR,
    min_seconds: float = MIN_SECONDS,
    allow_silent: bool = False,
    allow_truncated: bool = False,
) -> np.ndarray:
    """Decode a sound file, average its channels and resample it, as `librosa.load` does.

    Parameters
    ----------
    path
        Any file that libsndfile decodes.
    seconds, offset
        Which part: at most `seconds` s (None: all) from `offset` s on. Only that part is decoded and checked.
    sr
        Wanted sample rate, in Hz; resampled by soxr's HQ.
    min_seconds
        The least that must be there from `offset` on, in s (or `seconds`, if that is less).
    allow_silent, allow_truncated
        Accept these too (but no file in which decoding stops with an error, such as a truncated FLAC).

    Returns
    -------
    np.ndarray [shape=(n,)]
        Mono, float32, at `sr`; full scale is 1, which decoders, resampling and float files can overshoot. Shorter than
        `seconds` where the file ends earlier (`fit` pads it).

    Raises
    ------
    BnetError
        If the file is missing, a folder, unreadable, empty, no audio, damaged, truncated, joined of several, too short,
        silent, or holds NaN or infinite samples. Its `__cause__` is an `OSError` where the system, not the content, is
        at fault.

    Notes
    -----
    Truncation is noticed where part of what was asked for is missing and the file tells that there was more: the data
    size of WAV, AIFF, AU, W64 and RF64; the frames of FLAC; the Xing or Info header of MP3; the end-of-stream page of
    OGG, or at least a whole last page. An MP3 without such a header, cut between two frames, looks like a whole shorter
    one, and so does an OGG cut between two pages.

    An MP3's own count of frames is not trusted: where it ends too early (no header and a variable bit rate, a header
    that says too little, files joined end to end) the frames are counted, and all of them decoded. Files joined end to
    end of which libsndfile reads but the first (a chained OGG, an MP3 whose rate or channels change) are refused.
    """
    path = Path(path)
    if not offset >= 0 or (seconds is not None and not seconds > 0):
        raise BnetError(f"{seconds} s from {offset} s on of {path}; expected more than 0 s, from 0 s or later")
    least = min_seconds if seconds is None else min(min_seconds, seconds)
    _check_readable(path)
    y, rate, truncated = decode.decode(path, seconds, offset)
    if truncated and not allow_truncated:
        raise _truncated(path, truncated)
    if not np.isfinite(y).all():
        raise _not_finite(path)
    if len(y) < max(1, int(least * rate)):
        raise _short(path, len(y) / rate, least, offset)
    if not allow_silent and np.abs(y).max() < SILENCE:
        raise _silent(path, seconds, offset)
    return resample(y, rate, sr)


def blocks(path: str | os.PathLike[str], *, sr: int = SR, min_seconds: float = MIN_SECONDS) -> Iterator[np.ndarray]:
    """All of a sound file as `load` gives it, block by block: memory does not grow with its length.

    Parameters
    ----------
    path, sr, min_seconds
        As for `load`.

    Yields
    ------
    np.ndarray [shape=(n,)]
        The next samples, some 65 000 at most at the file's own rate; all together they are what `load` returns.

    Raises
    ------
    BnetError
        As `load` does. That a file is truncated, too short or silent shows at its end: in place of the last block.
    """
    path = Path(path)
    _check_readable(path)
    end, given, loudest, resampler = 0, 0, 0.0, None
    for block, rate, truncated in decode.blocks(path):
        last = truncated is not None
        end += len(block)
        if truncated:
            raise _truncated(path, truncated)
        if not np.isfinite(block).all():
            raise _not_finite(path)
        loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        if last and end < max(1, int(min_seconds * rate)):
            raise _short(path, end / rate, min_seconds)
        if last and loudest < SILENCE:
            raise _silent(path)
        if rate != sr:
            resampler = resampler or soxr.ResampleStream(rate, sr, 1, dtype="float32", quality="soxr_hq")
            block = resampler.resample_chunk(block, last=last)
        if last:
            block = fit(block, int(np.ceil(end * (sr / rate))) - given, sr=1)
        given += len(block)
        yield block


def _truncated(path: Path, how: str) -> BnetError:
    return BnetError(f"{path} is truncated: {how}; expected a whole file; copy or download it again")


def _not_finite(path: Path) -> BnetError:
    return BnetError(f"{path} holds NaN or infinite samples; expected finite ones; export it again or leave it out")


def _short(path: Path, seconds: float, least: float, offset: float = 0.0) -> BnetError:
    after = f" after {offset:g} s" if offset else ""
    return BnetError(
        f"{path} is too short: {seconds:.2f} s of sound{after}; expected at least {least:g} s; "
        "leave it out, or give a longer file"
    )


def _silent(path: Path, seconds: float | None = None, offset: float = 0.0) -> BnetError:
    if decode.peak(path, seconds, offset) >= SILENCE:
        return BnetError(
            f"the channels of {path} cancel: each has sound, their mean is silent (one is the other upside down); "
            f"expected channels in phase; keep one of them: ffmpeg -i {path.name} -af 'pan=mono|c0=c0' out.wav"
        )
    return BnetError(f"{path} is silent: no sample reaches -80 dB of full scale; expected sound; leave it out")


def resample(y: np.ndarray, orig_sr: int, target_sr: int) -> np.ndarray:
    """Mono sound at another rate: ``ceil(n * target_sr / orig_sr)`` samples by soxr's HQ, librosa's default."""
    if orig_sr == target_sr:
        return y
    n = int(np.ceil(len(y) * (target_sr / orig_sr)))
    return fit(soxr.resample(y, orig_sr, target_sr, quality="soxr_hq"), n, sr=1)


def _check_readable(path: Path) -> None:
    try:
        status = os.stat(path)
        if not stat.S_ISFIFO(status.st_mode):  # to open one is to wait
            open(path, "rb").close()
    except FileNotFoundError as error:
        raise BnetError(f"no file {path}; expected a sound file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise BnetError(f"{path} is a folder; expected one sound file; name a file in it") from error
    except OSError as error:
        raise BnetError(f"cannot read {path} ({error.strerror or error}); make it readable, e.g. chmod u+r") from error
    if not stat.S_ISREG(status.st_mode):
        raise BnetError(f"{path} is no regular file; expected a sound file")
    if not status.st_size:
        raise BnetError(f"{path} is empty (0 bytes); expected a sound file; copy or download it again")
