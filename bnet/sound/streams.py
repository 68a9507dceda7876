"""What a sound file holds, by libsndfile: mono samples at the file's own rate, and whether the file is whole.

A header is believed as little as possible: blocks are read until there are no more, and where fewer samples come than
the file claims (`bnet.sound.containers`), that is said. Sound that libsndfile would leave out without a word, after a
change of rate or in a second stream, is refused by name.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from bnet.errors import BnetError, quiet
from bnet.sound import containers
from bnet.sound.mpeg import Mpeg, mpeg

SLACK = 0.1
"""A file that holds less than its header promises, by more than this many s, is truncated; less is encoder padding."""

_BLOCK = 1 << 16
_EVERY = 17  # samples of which one tells whether channels cancel
_NONE = (0.0, 0.0)
_UNKNOWN_LENGTH = 1 << 62  # libsndfile's length of a file whose header has none
_READABLE = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au")


class Block(NamedTuple):
    """The next samples of a file.

    Parameters
    ----------
    y
        The mean of the channels: float32 [shape=(n,)], full scale 1.
    energy
        Sum of squares, over some of the samples, of the mean and, averaged, of the channels; 0 of one channel.
    sr
        The file's rate, in Hz.
    truncated
        None, but in the last block (which may be empty) in what way the file is truncated, a clause for an error
        message; '' where it is whole.
    """

    y: np.ndarray
    energy: tuple[float, float]
    sr: int
    truncated: str | None


def blocks(path: Path, seconds: float | None = None, offset: float = 0.0) -> Iterator[Block]:
    """A part of a sound file (as in `bnet.sound.decode.blocks`, which is what to call), block by block.

    Raises
    ------
    BnetError
        If libsndfile does not know the file, or stops with an error; if the part asked for goes on in another stream,
        at another rate or with other channels, which libsndfile does not read.

    Notes
    -----
    An MP3 whose own count of frames is too small, a file whose header says 0 for the size of its sound, an Opus whose
    end is not marked, and a FLAC with an MP3's tag at its end, are held in memory, as they are on disk; all else a
    block at a time: neither channels nor a header that lies cost memory.
    """
    with quiet():
        stream = _open(path, containers.mended(path))
        sr = stream.samplerate
        start = int(offset * sr)
        stop = start + int(seconds * sr) if seconds is not None else sys.maxsize
        stream, frames = _counted(path, stream, stop)
        stream, end = _seek(path, stream, start)
    with stream:
        truncated = None
        while truncated is None:
            with quiet():
                size = min(_BLOCK, (start if end < start else stop) - end)
                y, energy = _next(path, stream, size, end)
                wanted, end = end >= start, end + len(y)
                if len(y) < size:
                    truncated = _truncation(path, stream, end, frames)
                elif end == stop:
                    truncated = ""
            if wanted or truncated is not None:
                yield Block(y if wanted else y[:0], energy if wanted else _NONE, sr, truncated)


def duration(path: Path) -> float | None:
    """Length of a file by its header, in s, which may be wrong; None where none is told, 0 where it can't be opened."""
    try:
        with quiet(), _open(path) as stream:
            return stream.frames / stream.samplerate if stream.frames < _UNKNOWN_LENGTH else None
    except (BnetError, OSError):
        return 0.0


class _Stream(soundfile.SoundFile):
    """A sound file that is read on and on. `SoundFile` seeks after each read; in an MP3 that alters the samples."""

    def seekable(self) -> bool:
        return False


def _open(path: Path, mended: bytes | None = None) -> _Stream:
    """A sound file, or what it should hold in place of its bytes."""
    if kind := containers.foreign(path):
        named = path.suffix[1:].upper() if path.suffix.lower() in _READABLE else "WAV, FLAC, MP3, OGG, AIFF or AU"
        mend = containers.MENDS.get(kind, f"convert it (ffmpeg -i {path.name} out.wav)")
        raise BnetError(f"{path} holds {kind}, not {named}: {mend}, or leave it out")
    try:  # by its descriptor: of an MP3's name libsndfile looks at macOS's companion (._a.mp3) and takes that for SD2
        return _Stream(io.BytesIO(mended) if mended else os.open(path, os.O_RDONLY), closefd=True)
    except soundfile.SoundFileError as error:
        if path.stat().st_size and (second := containers.another(path, containers.first_byte(path))):
            raise _joined(path, f"a second one ({second}) begins") from error
        raise BnetError(
            f"{path} is no audio that can be decoded; expected WAV, FLAC, MP3, OGG, AIFF or AU; "
            f"convert it (ffmpeg -i {path.name} out.wav), or leave it out"
        ) from error


def _counted(path: Path, stream: _Stream, stop: int) -> tuple[_Stream, Mpeg | None]:
    """The stream, of an MP3 with a count of all its frames where its own ends before `stop` and they do not."""
    frames = _frames(path) if stream.format == "MP3" and stop > stream.frames else None
    if frames and frames.declares_less(stream.frames, SLACK):
        stream.close()
        stream = _open(path, frames.with_count(path))
    return stream, frames


def _frames(path: Path) -> Mpeg | None:
    """The frames of an MP3, all of one rate and number of channels; None of layers I and II."""
    frames = mpeg(path)
    if frames and frames.change:
        raise _joined(path, frames.change)
    return frames


def _seek(path: Path, stream: _Stream, start: int) -> tuple[_Stream, int]:
    """The stream at `start` or its end, where it can seek, and where it stands; an MP3 is read from its start."""
    if not start or stream.format == "MP3" or stream.frames >= _UNKNOWN_LENGTH:
        return stream, 0
    try:
        return stream, stream.seek(min(start, stream.frames))
    except soundfile.SoundFileError:  # a cut FLAC: reading from its start tells where
        stream.close()
        return _open(path), 0


def _next(path: Path, stream: _Stream, size: int, end: int) -> tuple[np.ndarray, tuple[float, float]]:
    """The next `size` samples or fewer, mono, and their energy; `end` were read before."""
    kind, scale = ("int16", 1 << 15) if stream.subtype == "PCM_16" else ("float32", 1)  # the same, in half the time
    try:
        return mean(stream.read(size, dtype=kind, always_2d=True), scale)
    except soundfile.SoundFileError as error:
        _refuse_another(path, stream, end, containers.first_byte(path))
        raise BnetError(
            f"{path} is truncated or damaged: after {end / stream.samplerate:.2f} s decoding stops ({error}); "
            "expected a whole file; copy or download it again"
        ) from error


def mean(block: np.ndarray, scale: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Of integers or floats [shape=(n, channels)] the mean of the channels as float32, full scale 1, and the `energy`
    of a `Block`."""
    if block.shape[1] == 1:
        return np.divide(block[:, 0], np.float32(scale), dtype=np.float32), _NONE
    total = block[:, 0].astype(np.int32 if scale > 1 else np.float32)
    for channel in block.T[1:]:  # mean(axis=1) is 20 times slower
        total += channel
    y = np.divide(total, np.float32(scale * block.shape[1]), dtype=np.float32)
    some = block[::_EVERY].astype(np.float32).ravel() / np.float32(scale)
    return y, (float(np.square(y[::_EVERY]).sum()), float(np.square(some).sum()) / block.shape[1])  # `dot` has threads


def _truncation(path: Path, stream: _Stream, end: int, frames: Mpeg | None) -> str:
    """In what way a file that was read to its end is truncated; '' if it isn't. Raises if other sound follows."""
    sr, ending = stream.samplerate, ""
    frames = frames or (_frames(path) if stream.format == "MP3" else None)
    _refuse_another(path, stream, end, frames.end if frames else containers.sound_end(path, stream))
    if frames:
        promised = end + (frames.declared - frames.held) * frames.first.samples if frames.declared else end
    else:
        promised = max(containers.claimed(path, stream, end), stream.frames if stream.frames < _UNKNOWN_LENGTH else 0)
    if stream.format == "OGG":
        promised, ending = end, "" if containers.ogg_ends(path) else ", without an end-of-stream page"
    elif stream.format in ("SDS", "VOC") and any(word in stream.extra_info for word in ("truncated", "short read")):
        ending = ", where its blocks promise more"
    if promised > end + SLACK * sr:
        ending = f", where its header promises {promised / sr:.2f} s"
    return f"it ends after {end / sr:.2f} s{ending}" if ending else ""


def _refuse_another(path: Path, stream: _Stream, end: int, start: int) -> None:
    """Refuse a file in which, after `end` samples or earlier, another begins, behind the byte `start`."""
    second = containers.another(path, start)
    if not second and stream.format != "MP3" and (frames := mpeg(path, start)) and frames.held > 9:
        second = f"MP3, {frames.first}"
    if second:
        raise _joined(path, f"at {end / stream.samplerate:.2f} s or before a second one ({second}) begins")


def _joined(path: Path, how: str) -> BnetError:
    return BnetError(
        f"{path} is several files joined end to end: {how}; expected one; convert it "
        f"(ffmpeg -i {path.name} out.wav), or split it"
    )
