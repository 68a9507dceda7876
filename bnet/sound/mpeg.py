"""The frames of an MP3 (ISO 11172-3): how many it holds and declares, and where another stream is joined to it; and
quiet for its decoder."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bnet.sound.containers import channel_count, id3_length, map_file

_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True)
class Mpeg:
    """An MPEG layer III stream: its frames `held`, `declared` in a Xing or Info header (0: none), `samples` of each;
    the byte at which they `end`.

    `change` says where the rate or the number of channels changes, and to which; '': nowhere.
    """

    data: bytes | mmap.mmap
    first: int
    samples: int
    side: int
    held: int
    declared: int
    end: int
    change: str

    def declares_less(self, frames: int, sr: int, slack: float) -> bool:
        """Whether the file holds more than these samples at `sr` by `slack` s, where its own header makes them end."""
        return self.held != self.declared and self.held * self.samples > frames + slack * sr

    def with_count(self) -> bytes:
        """The stream with a header that declares the frames held: libsndfile stops at the count that it finds there,
        or at a guess from the first frame's bit rate."""
        count = self.held.to_bytes(4, "big")
        if self.declared:
            at = self.first + 4 + self.side + 8
            return self.data[:at] + count + self.data[at + 4 :]
        word = int.from_bytes(self.data[self.first : self.first + 4], "big") & 0xFFFF_0DFF | 0x0001_9000
        header = word.to_bytes(4, "big")  # no CRC, bit rate 9
        frame = header + bytes(self.side) + b"Xing" + (1).to_bytes(4, "big") + count
        return frame + bytes(frame_at(header, 0).length - len(frame)) + self.data[self.first :]


def mpeg(path: Path, at: int = 0) -> Mpeg | None:
    """Count the frames of an MP3 by walking from header to header, from a byte on; None if there are none (layers I and
    II).

    After a gap (a tag, a picture in it, damage), and where the rate or the channels differ from those before, a frame
    counts only if two more of its kind follow, or the file ends: other bytes can look like one.
    """
    data = map_file(path)
    begin, end, held, change, kind, first, lost = 0, 0, 0, "", None, None, True
    while 0 <= at < len(data) - 4:
        frame = frame_at(data, at)
        if frame and ((not lost and frame.kind == kind) or _followed(data, at, frame)):
            if not first:
                begin, first = at, frame
            elif frame.kind != kind and not change:
                seconds = held * first.samples / first.sr
                change = f"after {seconds:.2f} s a second one begins ({frame}; the first: {first})"
            held, kind, lost = held + 1, frame.kind, False
            at = end = at + frame.length
        else:
            lost, at = True, _skip_tag(data, at) or data.find(b"\xff", at + 1)
    if not first:
        return None
    tag = data[begin + 4 + first.side : begin + 4 + first.side + 12]
    has_tag = tag[:4] in (b"Xing", b"Info")
    declared = int.from_bytes(tag[8:], "big") if has_tag and tag[7] & 1 else 0
    return Mpeg(data, begin, first.samples, first.side, held - has_tag, declared, end, change)


@dataclass(frozen=True)
class Frame:
    """Length and side information of a layer III frame in bytes, samples of each channel, rate in Hz, channels."""

    length: int
    samples: int
    side: int
    sr: int
    channels: int

    @property
    def kind(self) -> tuple[int, int]:
        """What is the same in all frames of a stream."""
        return self.sr, self.channels

    def __str__(self) -> str:
        return f"{self.sr} Hz, {channel_count(self.channels)}"


def frame_at(data: bytes | mmap.mmap, at: int) -> Frame | None:
    """The layer III frame at `at`, or None (ISO 11172-3, 2.4.1.3)."""
    word = int.from_bytes(data[at : at + 4], "big")
    version, layer, rate, kbps = word >> 19 & 3, word >> 17 & 3, word >> 10 & 3, word >> 12 & 15
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or rate == 3 or kbps in (0, 15):
        return None
    generation = 1 if version == 3 else 2
    sr = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 1152 // generation
    length = samples // 8 * _KBPS[generation][kbps - 1] * 1000 // sr + (word >> 9 & 1)
    mono = word >> 6 & 3 == 3
    side = (17 if mono else 32) if generation == 1 else (9 if mono else 17)
    return Frame(length, samples, side, sr, 1 if mono else 2)


def _followed(data: bytes | mmap.mmap, at: int, frame: Frame) -> bool:
    """Whether two frames of its kind follow a frame, or the file ends, perhaps with a tag, before them."""
    for _ in range(2):
        at += frame.length
        if at > len(data) - 4 or _skip_tag(data, at):
            return True
        following = frame_at(data, at)
        if not following or following.kind != frame.kind:
            return False
        frame = following
    return True


def _skip_tag(data: bytes | mmap.mmap, at: int) -> int:
    """Where the ID3 or APE tag that begins at `at` ends; 0 if none does."""
    head = data[at : at + 32]
    if head[:3] == b"ID3" and len(head) > 10:
        return at + id3_length(head)
    if head[:8] == b"APETAGEX":
        return at + 32 + int.from_bytes(head[12:16], "little")
    return at + 128 if head[:3] == b"TAG" else 0


_quiet_lock = threading.Lock()
_quiet_state: dict[str, int] = {"depth": 0, "stderr": -1}


@contextlib.contextmanager
def quiet_mpg123() -> Iterator[None]:
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
    _quiet_state["stderr"] = -1
    if sys.__stderr__ is None:  # closed when Python started: the descriptor may be that of a sound file by now
        return
    with contextlib.suppress(OSError):  # no file descriptor 2
        _quiet_state["stderr"] = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
