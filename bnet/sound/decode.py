"""What a sound file holds, by libsndfile: mono samples at the file's own rate, and whether the file is whole.

A header is believed as little as possible: blocks are read until there are no more, an MP3's frames are counted where
its header seems to say too few, and what tells that a file was cut is asked of each format in its own way.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bnet.errors import BnetError

SLACK = 0.1
"""A file that holds less than its header promises, by more than this many s, is truncated; less is encoder padding."""

_BLOCK = 1 << 16
_UNKNOWN_SIZE = 0x7FFF_F000  # writers to a pipe put this, or more, where the size of a WAV or AU should be


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
        If libsndfile does not know the file, or stops with an error.
    """
    with _quiet_mpg123():
        read = _read(path, path, seconds, offset)
        if seconds is not None and len(read.y) >= int(seconds * read.sr):
            return read.y, read.sr, ""
        mpeg = _scan_mpeg(_mapped(path)) if read.format == "MP3" else None
        if mpeg and mpeg.declares_less(read.end, read.sr):
            read = _read(path, io.BytesIO(mpeg.with_count()), seconds, offset)
        return read.y, read.sr, _truncation(path, read, mpeg)


def blocks(path: Path) -> Iterator[tuple[np.ndarray, int, str | None]]:
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
    An MP3 whose own count of frames is too small is held in memory, as it is on disk; all else a block at a time.
    """
    with _quiet_mpg123():
        stream = _open(path, path)
        mpeg = _scan_mpeg(_mapped(path)) if stream.format == "MP3" else None
        if mpeg and mpeg.declares_less(stream.frames, stream.samplerate):
            stream.close()
            stream = _open(path, io.BytesIO(mpeg.with_count()))
    with stream:
        end = 0
        while True:
            with _quiet_mpg123():
                block = _next(path, stream, _BLOCK, end)
                end += len(block)
                ended = len(block) < _BLOCK
                truncated = _truncation(path, _sound(block, stream, stream.frames, end), mpeg) if ended else None
            yield block, stream.samplerate, truncated
            if ended:
                return


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


def _open(path: Path, source: Path | io.BytesIO) -> _Stream:
    try:
        return _Stream(source)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise BnetError(
            f"{path} is no audio that can be decoded; expected WAV, FLAC, MP3, OGG, AIFF or AU; "
            f"convert it (ffmpeg -i {path.name} out.wav), or leave it out"
        ) from error


def _read(path: Path, source: Path | io.BytesIO, seconds: float | None, offset: float) -> _Sound:
    """Read a part of `source` in blocks, so that neither channels nor a header that lies cost memory."""
    with _open(path, source) as stream:
        sr, promised = stream.samplerate, stream.frames
        start = int(offset * sr)
        stop = start + int(seconds * sr) if seconds is not None else sys.maxsize
        end = 0 if stream.format == "MP3" else stream.seek(min(start, promised))  # an MP3 is decoded from its start
        found = [np.zeros(0, np.float32)]
        while end < stop:
            size = min(_BLOCK, (start if end < start else stop) - end)
            block = _next(path, stream, size, end)
            if end >= start:
                found.append(block)
            end += len(block)
            if len(block) < size:
                break
        return _sound(np.concatenate(found), stream, promised, end)


def _next(path: Path, stream: _Stream, size: int, end: int) -> np.ndarray:
    """The next `size` samples or fewer, mono; `end` were read before."""
    kind, scale = ("int16", 1 << 15) if stream.subtype == "PCM_16" else ("float32", 1)  # the same, in half the time
    try:
        return _mean(stream.read(size, dtype=kind, always_2d=True), scale)
    except soundfile.SoundFileError as error:
        raise BnetError(
            f"{path} is truncated or damaged: after {end / stream.samplerate:.2f} s decoding stops ({error}); "
            "expected a whole file; copy or download it again"
        ) from error


def _sound(y: np.ndarray, stream: _Stream, promised: int, end: int) -> _Sound:
    known = promised if promised < 1 << 62 else 0
    return _Sound(y, stream.samplerate, stream.format, known, end, stream.extra_info)


def _truncation(path: Path, read: _Sound, mpeg: _Mpeg | None) -> str:
    """In what way a file that was read to its end is truncated; '' if it isn't."""
    promised, ending = read.end, ""
    if read.format == "MP3":
        if mpeg and mpeg.declared:
            promised += (mpeg.declared - mpeg.held) * mpeg.samples
    elif read.format == "OGG":
        ending = "" if _ogg_ends(path) else ", without an end-of-stream page"
    else:
        promised = max(read.promised, round(read.end * (1 + _missing_ratio(read.log))))
    if promised > read.end + SLACK * read.sr:
        ending = f", where its header promises {promised / read.sr:.2f} s"
    return f"it ends after {read.end / read.sr:.2f} s{ending}" if ending else ""


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

    data: bytes | mmap.mmap
    first: int
    samples: int
    side: int
    held: int
    declared: int

    def declares_less(self, frames: int, sr: int) -> bool:
        """Whether the file holds more than these samples at `sr`, where its own header made them end."""
        return self.held != self.declared and self.held * self.samples > frames + SLACK * sr

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


def _mapped(path: Path) -> mmap.mmap:
    """A file's bytes, without reading them all into memory."""
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _scan_mpeg(data: bytes | mmap.mmap) -> _Mpeg | None:
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
