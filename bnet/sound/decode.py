"""What a sound file holds, by libsndfile: mono samples at the file's own rate, and whether the file is whole.

A header is believed as little as possible: blocks are read until there are no more, and where fewer samples come than
the file claims (`bnet.sound.containers`), that is said. Sound that libsndfile would leave out without a word, after a
change of rate or in a second stream, is refused by name.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from bnet.errors import BnetError
from bnet.sound import containers

SLACK = 0.1
"""A file that holds less than its header promises, by more than this many s, is truncated; less is encoder padding."""

_BLOCK = 1 << 16
_UNKNOWN_LENGTH = 1 << 62  # libsndfile's length of a file whose header has none

Part = tuple[np.ndarray, int, str | None]


def decode(path: Path, seconds: float | None, offset: float) -> tuple[np.ndarray, int, str]:
    """Mono samples at the file's own rate, that rate, and in what way the file is truncated ('' if it isn't).

    Parameters
    ----------
    path, seconds, offset
        As in `bnet.sound.log_mel.load`, which is what to call.

    Returns
    -------
    tuple
        float32 [shape=(n,)], ``n`` at most ``int(seconds * rate)``; the rate in Hz; a clause for an error message.

    Raises
    ------
    BnetError
        If libsndfile does not know the file, or stops with an error; if the part asked for goes on in another stream,
        at another rate or with other channels, which libsndfile does not read.
    """
    with _quiet_mpg123():
        parts = list(_read(path, seconds, offset, _mean))
    _, sr, truncated = parts[-1]
    return np.concatenate([block for block, _, _ in parts]), sr, truncated or ""


def blocks(path: Path) -> Iterator[Part]:
    """All of a sound file, block by block, as `decode` gives it.

    Yields
    ------
    tuple
        float32 [shape=(n,)]; the rate in Hz; None, but for the last block (which may be empty) the clause for an error
        message that `decode` gives, '' where the file is whole.

    Raises
    ------
    BnetError
        As `decode` does.

    Notes
    -----
    An MP3 whose own count of frames is too small, and a WAV or AU of size 0, are held in memory, as they are on disk;
    all else a block at a time.
    """
    return _read(path, None, 0.0, _mean)


def peak(path: Path, seconds: float | None = None, offset: float = 0.0) -> float:
    """The loudest sample of any channel, before they are averaged (full scale is 1); arguments as for `decode`."""
    return max(float(block.max(initial=0.0)) for block, _, _ in _read(path, seconds, offset, _loudest))


def duration(path: Path) -> float | None:
    """Length of a file by its header, in s, which may be wrong; None where none is told, 0 where it can't be opened."""
    try:
        with _quiet_mpg123(), _open(path, path) as stream:
            return stream.frames / stream.samplerate if stream.frames < _UNKNOWN_LENGTH else None
    except (BnetError, OSError):
        return 0.0


class _Stream(soundfile.SoundFile):
    """A sound file that is read on and on. `SoundFile` seeks after each read; in an MP3 that alters the samples."""

    def seekable(self) -> bool:
        return False


def file_name(path: Path) -> str | bytes:
    """A file's name as soundfile takes it: one that is not UTF-8 as bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return str(path)


def _open(path: Path, source: Path | io.BytesIO) -> _Stream:
    if kind := containers.foreign(path):
        named = path.suffix[1:].upper() if path.suffix.lower() in _READABLE else "WAV, FLAC, MP3, OGG, AIFF or AU"
        raise BnetError(
            f"{path} holds {kind}, not {named}: convert it (ffmpeg -i {path.name} out.wav), or leave it out"
        )
    try:
        return _Stream(source if isinstance(source, io.BytesIO) else file_name(source))
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise BnetError(
            f"{path} is no audio that can be decoded; expected WAV, FLAC, MP3, OGG, AIFF or AU; "
            f"convert it (ffmpeg -i {path.name} out.wav), or leave it out"
        ) from error


_READABLE = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au")


def _read(
    path: Path, seconds: float | None, offset: float, mix: Callable[[np.ndarray, int], np.ndarray]
) -> Iterator[Part]:
    """Read a part of a file in blocks, so that neither channels nor a header that lies cost memory; see `blocks`."""
    with _quiet_mpg123():
        sized = containers.with_size(path)
        stream = _open(path, io.BytesIO(sized) if sized else path)
        sr = stream.samplerate
        start = int(offset * sr)
        stop = start + int(seconds * sr) if seconds is not None else sys.maxsize
        stream, mpeg = _counted(path, stream, stop)
        stream, end = _seek(path, stream, start)
    with stream:
        truncated = None
        while truncated is None:
            with _quiet_mpg123():
                size = min(_BLOCK, (start if end < start else stop) - end)
                block = _next(path, stream, size, end, mix)
                wanted, end = end >= start, end + len(block)
                if len(block) < size:
                    truncated = _truncation(path, stream, end, mpeg)
                elif end == stop:
                    truncated = ""
            if wanted or truncated is not None:
                yield block if wanted else block[:0], sr, truncated


def _counted(path: Path, stream: _Stream, stop: int) -> tuple[_Stream, containers.Mpeg | None]:
    """The stream, of an MP3 with a count of all its frames where its own ends before `stop` and they do not."""
    if stream.format != "MP3" or stop <= stream.frames:
        return stream, None
    mpeg = containers.mpeg(path)
    _refuse_change(path, mpeg)
    if mpeg and mpeg.declares_less(stream.frames, stream.samplerate, SLACK):
        stream.close()
        stream = _open(path, io.BytesIO(mpeg.with_count()))
    return stream, mpeg


def _seek(path: Path, stream: _Stream, start: int) -> tuple[_Stream, int]:
    """The stream at `start` or its end, where it can seek, and where it stands; an MP3 is read from its start."""
    if not start or stream.format == "MP3" or stream.frames >= _UNKNOWN_LENGTH:
        return stream, 0
    try:
        return stream, stream.seek(min(start, stream.frames))
    except soundfile.SoundFileError:  # a cut FLAC: reading from its start tells where
        stream.close()
        return _open(path, path), 0


def _next(path: Path, stream: _Stream, size: int, end: int, mix: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """The next `size` samples or fewer, mono; `end` were read before."""
    kind, scale = ("int16", 1 << 15) if stream.subtype == "PCM_16" else ("float32", 1)  # the same, in half the time
    try:
        return mix(stream.read(size, dtype=kind, always_2d=True), scale)
    except soundfile.SoundFileError as error:
        _refuse_another(path, stream, end)
        raise BnetError(
            f"{path} is truncated or damaged: after {end / stream.samplerate:.2f} s decoding stops ({error}); "
            "expected a whole file; copy or download it again"
        ) from error


def _truncation(path: Path, stream: _Stream, end: int, mpeg: containers.Mpeg | None) -> str:
    """In what way a file that was read to its end is truncated; '' if it isn't. Raises if other sound follows."""
    sr, promised, ending = stream.samplerate, stream.frames if stream.frames < _UNKNOWN_LENGTH else end, ""
    if stream.format == "MP3":
        mpeg = mpeg or containers.mpeg(path)
        _refuse_change(path, mpeg)
        promised = end + (mpeg.declared - mpeg.held) * mpeg.samples if mpeg and mpeg.declared else end
    elif stream.format == "OGG":
        pages = containers.ogg(path)
        if pages.second:
            raise _joined(path, f"after {end / sr:.2f} s a second stream begins ({pages.second})")
        ending = "" if pages.ends else ", without an end-of-stream page"
    else:
        _refuse_another(path, stream, end)
        promised = max(promised, round(end * (1 + _missing_ratio(stream.extra_info))))
    if promised > end + SLACK * sr:
        ending = f", where its header promises {promised / sr:.2f} s"
    return f"it ends after {end / sr:.2f} s{ending}" if ending else ""


def _refuse_change(path: Path, mpeg: containers.Mpeg | None) -> None:
    if mpeg and mpeg.change:
        raise _joined(path, mpeg.change)


def _refuse_another(path: Path, stream: _Stream, end: int) -> None:
    if containers.another(path, stream.format):
        raise _joined(path, f"at {end / stream.samplerate:.2f} s or before a second {stream.format} begins")


def _joined(path: Path, how: str) -> BnetError:
    return BnetError(
        f"{path} is several files joined end to end: {how}; expected one; convert it "
        f"(ffmpeg -i {path.name} out.wav), or split it"
    )


def _loudest(block: np.ndarray, scale: int) -> np.ndarray:
    """The loudest of the channels, as `_mean` takes them."""
    return np.abs(block.astype(np.float32)).max(axis=1, initial=0.0) / np.float32(scale)


def _mean(block: np.ndarray, scale: int) -> np.ndarray:
    """The mean of the channels of integers or floats [shape=(n, channels)], as float32, full scale 1."""
    total = block[:, 0].astype(np.int32 if scale > 1 else np.float32)
    for channel in block.T[1:]:  # mean(axis=1) is 20 times slower
        total += channel
    return np.divide(total, np.float32(scale * block.shape[1]), dtype=np.float32)


def _missing_ratio(log: str) -> float:
    """How much more sound data the header promises than the file holds, as a ratio, from libsndfile's log."""
    for promised, held in re.findall(
        r"^ *(?:data|SSND|Data Size|Riff size|riff) *: (\d+) \(should be (\d+)\)", log, re.M
    ):
        if int(held) < int(promised) < containers.UNKNOWN_SIZE:
            return int(promised) / max(1, int(held)) - 1
    return 0.0


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
    if sys.__stderr__ is None:  # closed when Python started: the descriptor may be that of a sound file by now
        return
    try:
        _quiet_state["stderr"] = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    except OSError:  # no file descriptor 2
        _quiet_state["stderr"] = -1
