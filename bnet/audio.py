"""From a sound file to the network's input: decode, mix to mono, resample, pad or cut, log-mel.

`load` reads what libsndfile reads: WAV, FLAC, MP3, OGG (Vorbis, Opus), AIFF, AU and more, at any rate, width and number
of channels. What is wrong with a file is told by one `BnetError`, never by an empty or a shorter array.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.sparse
import soundfile
import soxr

from bnet.errors import BnetError

SR = 22_050
"""Sample rate of all sound in `bnet`, in Hz (that of every `Corpus`, too)."""

MIN_SECONDS = 1.0
"""Less sound than this is refused, in s: a clip of a broken file (FMA's three have 0.5 to 1.6 s), not music."""

SILENCE = 1e-4
"""A clip whose absolute peak (full scale is 1) stays below this, -80 dB, is silent; 16-bit dither has 3e-5."""

SLACK = 0.1
"""A file that holds less than its header promises, by more than this many s, is truncated; less is encoder padding."""

_BLOCK = 1 << 16
_UNKNOWN_SIZE = 0x7FFF_F000  # writers to a pipe put this, or more, where the size of a WAV or AU should be


@dataclass(frozen=True)
class FeatureSettings:
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
    time: the filters are kept, sparse, and frames are transformed in cache-sized pieces. The transform is in double
    precision, as librosa's is; in single precision pure tones differ by 1e-3 dB.

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
    for start in range(0, len(framed), 32):
        spectrum = scipy.fft.rfft(framed[start : start + 32] * window, axis=1, overwrite_x=True)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        mel[start : start + 32] = (filters @ power.T).T
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
        If the file is missing, a folder, unreadable, empty, no audio, damaged, truncated, too short, silent, or holds
        NaN or infinite samples. Its `__cause__` is an `OSError` where the system, not the content, is at fault.

    Notes
    -----
    Truncation is noticed where part of what was asked for is missing and the file tells that there was more: the data
    size of WAV, AIFF, AU, W64 and RF64; the frames of FLAC; the Xing or Info header of MP3; the end-of-stream page of
    OGG. An MP3 without such a header, cut between two frames, looks like a whole shorter one.

    An MP3's own count of frames is not trusted: where it ends too early (no header and a variable bit rate, a header
    that says too little, files joined end to end) the frames are counted, and all of them decoded.
    """
    path = Path(path)
    if not offset >= 0 or (seconds is not None and not seconds > 0):
        raise BnetError(f"{seconds} s from {offset} s on of {path}; expected more than 0 s, from 0 s or later")
    least = min_seconds if seconds is None else min(min_seconds, seconds)
    _check_readable(path)
    y, rate, truncated = _decode(path, seconds, offset)
    if truncated and not allow_truncated:
        raise BnetError(f"{path} is truncated: {truncated}; expected a whole file; copy or download it again")
    if not np.isfinite(y).all():
        raise BnetError(f"{path} holds NaN or infinite samples; expected finite ones; export it again or leave it out")
    if len(y) < max(1, int(least * rate)):
        after = f" after {offset:g} s" if offset else ""
        raise BnetError(
            f"{path} is too short: {len(y) / rate:.2f} s of sound{after}; expected at least {least:g} s; "
            "leave it out, or give a longer file"
        )
    if not allow_silent and np.abs(y).max() < SILENCE:
        raise BnetError(f"{path} is silent: no sample reaches -80 dB of full scale; expected sound; leave it out")
    return resample(y, rate, sr)


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


def _decode(path: Path, seconds: float | None, offset: float) -> tuple[np.ndarray, int, str]:
    """Mono samples at the file's own rate, that rate, and in what way the file is truncated ('' if it isn't)."""
    with _quiet_mpg123():
        read = _read(path, path, seconds, offset)
        if seconds is not None and len(read.y) >= int(seconds * read.sr):
            return read.y, read.sr, ""
        promised, ending = read.end, ""
        if read.format == "MP3":
            mpeg = _scan_mpeg(path.read_bytes())
            if mpeg and mpeg.held != mpeg.declared and mpeg.held * mpeg.samples > read.end + SLACK * read.sr:
                read = _read(path, io.BytesIO(mpeg.with_count()), seconds, offset)
            if mpeg and mpeg.declared:
                promised += (mpeg.declared - mpeg.held) * mpeg.samples
        elif read.format == "OGG":
            ending = "" if _ogg_ends(path) else ", without an end-of-stream page"
        else:
            promised = max(read.promised, round(read.end * (1 + _missing_ratio(read.log))))
        if promised > read.end + SLACK * read.sr:
            ending = f", where its header promises {promised / read.sr:.2f} s"
    return read.y, read.sr, f"it ends after {read.end / read.sr:.2f} s{ending}" if ending else ""


@dataclass(frozen=True)
class _Sound:
    """Mono samples and their rate; format, length by the header, end reached (in samples) and libsndfile's log."""

    y: np.ndarray
    sr: int
    format: str
    promised: int
    end: int
    log: str


class _Stream(soundfile.SoundFile):
    """A sound file that is read on and on. `SoundFile` seeks after each read; in an MP3 that alters the samples."""

    def seekable(self) -> bool:
        return False


def _read(path: Path, source: Path | io.BytesIO, seconds: float | None, offset: float) -> _Sound:
    """Read a part of `source` in blocks, so that neither channels nor a header that lies cost memory."""
    try:
        stream = _Stream(source)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise BnetError(
            f"{path} is no audio that can be decoded; expected WAV, FLAC, MP3, OGG, AIFF or AU; "
            f"convert it (ffmpeg -i {path.name} out.wav), or leave it out"
        ) from error
    with stream:
        sr, promised = stream.samplerate, stream.frames
        start = int(offset * sr)
        stop = start + int(seconds * sr) if seconds is not None else sys.maxsize
        end = 0 if stream.format == "MP3" else stream.seek(min(start, promised))  # an MP3 is decoded from its start
        blocks = [np.zeros(0, np.float32)]
        try:
            while end < stop:
                size = min(_BLOCK, (start if end < start else stop) - end)
                block = stream.read(size, dtype="float32", always_2d=True)
                if end >= start:
                    blocks.append(sum(block.T[1:], block.T[0]) / stream.channels)  # mean(axis=1) is 20 times slower
                end += len(block)
                if len(block) < size:
                    break
        except soundfile.SoundFileError as error:
            raise BnetError(
                f"{path} is truncated or damaged: after {end / sr:.2f} s decoding stops ({error}); "
                "expected a whole file; copy or download it again"
            ) from error
        known = promised if promised < 1 << 62 else 0
        return _Sound(np.concatenate(blocks), sr, stream.format, known, end, stream.extra_info)


def _missing_ratio(log: str) -> float:
    """How much more sound data the header promises than the file holds, as a ratio, from libsndfile's log."""
    for promised, held in re.findall(
        r"^ *(?:data|SSND|Data Size|Riff size|riff) *: (\d+) \(should be (\d+)\)", log, re.M
    ):
        if int(held) < int(promised) < _UNKNOWN_SIZE:
            return int(promised) / max(1, int(held)) - 1
    return 0.0


def _ogg_ends(path: Path) -> bool:
    """Whether the last page of an OGG file is whole and carries the end-of-stream flag."""
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - 2 * 65_307))  # 65 307: the longest page
        tail = stream.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27 or not tail[page + 5] & 4:
        return False
    table = tail[page + 27 : page + 27 + tail[page + 26]]
    return len(table) == tail[page + 26] and len(tail) >= page + 27 + len(table) + sum(table)


@dataclass(frozen=True)
class _Mpeg:
    """An MPEG layer III stream: its frames `held`, `declared` in a Xing or Info header (0: none), `samples` of each."""

    data: bytes
    first: int
    samples: int
    side: int
    held: int
    declared: int

    def with_count(self) -> bytes:
        """The stream with a header that declares the frames held."""
        count = self.held.to_bytes(4, "big")
        if self.declared:
            at = self.first + 4 + self.side + 8
            return self.data[:at] + count + self.data[at + 4 :]
        word = (
            int.from_bytes(self.data[self.first : self.first + 4], "big") & 0xFFFF_0DFF | 0x0001_9000
        )  # no CRC, bit rate 9
        header = word.to_bytes(4, "big")
        length = _mpeg_frame(header, 0)[0]
        frame = header + bytes(self.side) + b"Xing" + (1).to_bytes(4, "big") + count
        return frame + bytes(length - len(frame)) + self.data[self.first :]


def _scan_mpeg(data: bytes) -> _Mpeg | None:
    """Count the frames of an MP3 file by walking from header to header; None if there are none (layers I and II)."""
    at = 0
    if data[:3] == b"ID3" and len(data) > 10:
        at = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    first = held = 0
    found = None
    while 0 <= at < len(data) - 4:
        frame = _mpeg_frame(data, at)
        if frame and (held or (at + frame[0] > len(data) - 4 or _mpeg_frame(data, at + frame[0]))):
            if not held:
                first, found = at, frame
            held += 1
            at += frame[0]
        else:
            at = data.find(b"\xff", at + 1)
    if not found:
        return None
    _, samples, side = found
    tag = data[first + 4 + side : first + 4 + side + 12]
    has_tag = tag[:4] in (b"Xing", b"Info")
    declared = int.from_bytes(tag[8:], "big") if has_tag and tag[7] & 1 else 0
    return _Mpeg(data, first, samples, side, held - has_tag, declared)


_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _mpeg_frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Bytes, samples and bytes of side information of the layer III frame at `at`, or None (ISO 11172-3, 2.4.1.3)."""
    word = int.from_bytes(data[at : at + 4], "big")
    version, layer, rate, kbps = word >> 19 & 3, word >> 17 & 3, word >> 10 & 3, word >> 12 & 15
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or rate == 3 or kbps in (0, 15):
        return None
    generation = 1 if version == 3 else 2
    sr = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 1152 // generation
    length = samples // 8 * _KBPS[generation][kbps - 1] * 1000 // sr + (word >> 9 & 1)
    mono = word >> 6 & 3 == 3
    return length, samples, (17 if mono else 32) if generation == 1 else (9 if mono else 17)


_quiet_lock = threading.Lock()
_quiet_state: dict[str, int] = {"depth": 0, "stderr": -1}


@contextlib.contextmanager
def _quiet_mpg123() -> Iterator[None]:
    """Keep mpg123's notes, which it prints on file descriptor 2, off the screen: what matters is raised."""
    with _quiet_lock:
        _quiet_state["depth"] += 1
        if _quiet_state["depth"] == 1:
            _redirect_stderr()
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_state["depth"] -= 1
            if _quiet_state["depth"] == 0 and _quiet_state["stderr"] >= 0:
                os.dup2(_quiet_state["stderr"], 2)
                os.close(_quiet_state["stderr"])


def _redirect_stderr() -> None:
    try:
        _quiet_state["stderr"] = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    except OSError:  # no file descriptor 2
        _quiet_state["stderr"] = -1
