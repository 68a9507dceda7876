"""The frames of an MP3 (ISO 11172-3): how many it holds and declares, and where its rate or channels change."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import NamedTuple

from bnet.sound.containers import channel_count, id3_length, map_file

_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
"""How a layer III frame begins: 11 ones, version 2.5, 2 or 1, with a CRC or without."""


class Frame(NamedTuple):
    """Length and side information of a layer III frame in bytes, samples of each channel, rate in Hz, channels."""

    length: int
    side: int
    samples: int
    sr: int
    channels: int

    def like(self, other: Frame | None) -> bool:
        """Whether both can be of one stream."""
        return other is not None and self[2:] == other[2:]

    def __str__(self) -> str:
        return f"{self.sr} Hz, {channel_count(self.channels)}"


class Mpeg(NamedTuple):
    """An MPEG layer III stream: its `first` frame, at the byte `begin`; the byte at which its last one ends; frames
    `held`, and `declared` in a Xing or Info header (0: none). `change` says where the rate or the number of channels
    changes, and to which; '': nowhere."""

    begin: int
    end: int
    first: Frame
    held: int
    declared: int
    change: str

    def declares_less(self, frames: int, slack: float) -> bool:
        """Whether the file holds more than these samples by `slack` s, where its own header makes them end."""
        return self.held != self.declared and self.held * self.first.samples > frames + slack * self.first.sr

    def with_count(self, path: Path) -> bytes:
        """The file with a header that declares the frames held: libsndfile stops at the count that it finds there, or
        at a guess from the first frame's bit rate."""
        data, count, side = map_file(path), self.held.to_bytes(4, "big"), bytes(self.first.side)
        if self.declared:
            at = self.begin + 4 + len(side) + 8
            return data[:at] + count + data[at + 4 :]
        word = int.from_bytes(data[self.begin : self.begin + 4], "big") & 0xFFFF_0DFF | 0x0001_9000
        header = word.to_bytes(4, "big")  # no CRC, bit rate 9
        frame = header + side + b"Xing" + (1).to_bytes(4, "big") + count
        return frame + bytes(frame_at(header, 0).length - len(frame)) + data[self.begin :]


def mpeg(path: Path, at: int = 0) -> Mpeg | None:
    """Count the frames in a file from a byte on by walking from header to header; None if there are none, or of another
    layer.

    After a gap (a tag, a picture in it, damage), and where the rate or the channels differ from those before, a frame
    counts only if two more of its kind follow, or the file ends: other bytes can look like one.
    """
    data = map_file(path)
    begin, end, held, change, first, last, lost = 0, 0, 0, "", None, None, True
    while 0 <= at < len(data) - 4:
        frame = frame_at(data, at)
        if frame and ((not lost and frame.like(last)) or _followed(data, at, frame)):
            if not first:
                begin, first = at, frame
            elif not frame.like(last) and not change:
                seconds = held * first.samples / first.sr
                change = f"after {seconds:.2f} s a second one begins ({frame}; the first: {first})"
            held, last, lost = held + 1, frame, False
            at = end = at + frame.length
        else:
            found = _SYNC.search(data, at + 1)
            lost, at = True, _skip_tag(data, at) or (found.start() if found else -1)
    if not first:
        return None
    tag = data[begin + 4 + first.side : begin + 4 + first.side + 12]
    has_tag = tag[:4] in (b"Xing", b"Info")
    declared = int.from_bytes(tag[8:], "big") if has_tag and tag[7] & 1 else 0
    return Mpeg(begin, end, first, held - has_tag, declared, change)


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
    return Frame(length, side, samples, sr, 1 if mono else 2)


def _followed(data: mmap.mmap, at: int, frame: Frame) -> bool:
    """Whether two frames of its kind follow a frame, or the file ends, perhaps with a tag, before them."""
    following: Frame | None = frame
    for _ in range(2):
        at += following.length
        if at > len(data) - 4 or _skip_tag(data, at):
            return True
        following = frame_at(data, at)
        if not frame.like(following):
            return False
    return True


def _skip_tag(data: mmap.mmap, at: int) -> int:
    """Where the ID3 or APE tag that begins at `at` ends; 0 if none does."""
    head = data[at : at + 32]
    if head[:3] == b"ID3" and len(head) > 10:
        return at + id3_length(head)
    if head[:8] == b"APETAGEX":
        return at + 32 + int.from_bytes(head[12:16], "little")
    return at + 128 if head[:3] == b"TAG" else 0
