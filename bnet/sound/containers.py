"""What the bytes of a sound file say beside the samples: frames of an MP3, pages of an Ogg, sizes in headers, and
formats that libsndfile can't read. `bnet.sound.decode` compares it with the samples that come out."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

Bytes = bytes | mmap.mmap

UNKNOWN_SIZE = 0x7FFF_F000
"""Writers to a pipe put this, or more, where the size of a WAV or AU should be."""

_FOREIGN = {
    rb".{4}ftyp": "AAC/MP4",
    rb"\xff[\xf0\xf1\xf8\xf9]": "AAC",
    rb"ADIF": "AAC",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "WMA",
    rb"\x1a\x45\xdf\xa3": "Matroska/WebM",
    rb"wvpk": "WavPack",
    rb"MAC ": "Monkey's Audio",
    rb"MPCK|MP\+": "Musepack",
    rb"TTA1": "TTA",
    rb"#!AMR": "AMR",
    rb"\.RMF": "RealMedia",
    rb"FLV\x01": "Flash video",
    rb"DSD ": "DSD",
}
"""How a file begins -> the format, which libsndfile does not read (it takes some of them for MP3)."""

_AGAIN = {
    "WAV": rb"(?:RIFF|RIFX).{4}WAVEfmt ",
    "WAVEX": rb"(?:RIFF|RIFX).{4}WAVEfmt ",
    "RF64": rb"RF64.{4}WAVEds64",
    "W64": rb"riff\x2e\x91\xcf\x11.{16}wave\xf3\xac",
    "AIFF": rb"FORM.{4}AIF[FC](?:COMM|FVER)",
    "AU": rb"\.snd\0\0.{2}.{4}\0\0\0.\0.{3}\0\0\0",
    "FLAC": rb"fLaC[\0\x80]\0\0\x22",
    "CAF": rb"caff\x00\x01\x00\x00desc",
}
"""Format -> how a file of it begins; found again later in a file, it was joined with another."""


def mapped(path: Path) -> mmap.mmap:
    """A file's bytes, without reading them all into memory."""
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def foreign(path: Path) -> str:
    """The format of a file that libsndfile can't read, by its first bytes; '' if it is none of those known here."""
    with open(path, "rb") as stream:
        head = stream.read(16)
        if head.startswith(b"ID3"):
            stream.seek(_id3_length(head))
            head = stream.read(16)
    return next((name for start, name in _FOREIGN.items() if re.match(start, head, re.DOTALL)), "")


def with_size(path: Path) -> bytes | None:
    """A WAV or AU that a pipe wrote with 0 for the size of its data, with the largest size in place of it; else None.

    A WAV whose RIFF size agrees with the file really is empty.
    """
    with open(path, "rb") as stream:
        head = stream.read(1 << 16)
    size = path.stat().st_size
    if head[:4] in (b".snd", b"dns.") and head[8:12] == bytes(4):
        at = 8
    elif head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order = "little" if head[:4] == b"RIFF" else "big"
        at = 12
        while head[at : at + 4] not in (b"data", b"") and at < len(head) - 8:
            length = int.from_bytes(head[at + 4 : at + 8], order)
            at += 8 + length + length % 2
        if head[at : at + 4] != b"data" or any(head[at + 4 : at + 8]):
            return None
        riff = int.from_bytes(head[4:8], order)
        if size <= at + 8 or size <= riff + 8 < UNKNOWN_SIZE:
            return None
        at += 4
    else:
        return None
    data = path.read_bytes()
    return data[:at] + b"\xff" * 4 + data[at + 4 :]


def another(path: Path, format: str) -> bool:
    """Whether a second file of the same format begins within this one."""
    start = _AGAIN.get(format)
    return bool(start and re.compile(start, re.DOTALL).search(mapped(path), 4))


@dataclass(frozen=True)
class Ogg:
    """What the pages of an Ogg say: the sound that begins after the first has ended ('': none); whether the last page
    is whole and ends the sound or at least a packet."""

    second: str
    ends: bool


def ogg(path: Path) -> Ogg:
    """Walk through the pages of an Ogg file (RFC 3533, section 6)."""
    data = mapped(path)
    at = data.find(b"OggS")
    second, begun, ends, stop = "", False, False, at
    while 0 <= at <= len(data) - 27:
        table = data[at + 27 : at + 27 + data[at + 26]]
        body = at + 27 + data[at + 26]
        stop, flags = body + sum(table), data[at + 5]
        ends = len(table) == data[at + 26] and stop <= len(data) and bool(flags & 4 or (table and table[-1] < 255))
        ended = bool(flags & 4)
        if flags & 2 and begun and not second:
            second = _ogg_sound(data[body : body + 64])
        begun = begun or not flags & 2
        at = stop if data[stop : stop + 4] == b"OggS" else data.find(b"OggS", at + 4)
        if at < 0 and not ended and stop != len(data):
            ends = False
    return Ogg(second, ends and (at < 0))


def _ogg_sound(head: bytes) -> str:
    if head[1:7] == b"vorbis":
        return f"Vorbis, {int.from_bytes(head[12:16], 'little')} Hz, {_channels(head[11])}"
    if head[:8] == b"OpusHead":
        return f"Opus, {_channels(head[9])}"
    return "FLAC" if head[1:5] == b"FLAC" else "another stream"


def _channels(count: int) -> str:
    return f"{count} channel{'s' if count != 1 else ''}"


@dataclass(frozen=True)
class Mpeg:
    """An MPEG layer III stream: its frames `held`, `declared` in a Xing or Info header (0: none), `samples` of each.

    `change` says where the rate or the number of channels changes, and to which; '': nowhere.
    """

    data: Bytes
    first: int
    samples: int
    side: int
    held: int
    declared: int
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
        return frame + bytes(_mpeg_frame(header, 0).length - len(frame)) + self.data[self.first :]


def mpeg(path: Path) -> Mpeg | None:
    """Count the frames of an MP3 by walking from header to header; None if there are none (layers I and II).

    After a gap (a tag, a picture in it, damage), and where the rate or the channels differ from those before, a frame
    counts only if two more of its kind follow, or the file ends: other bytes can look like one.
    """
    data = mapped(path)
    at, first, held, change, kind, found = 0, 0, 0, "", None, None
    lost = True
    while 0 <= at < len(data) - 4:
        frame = _mpeg_frame(data, at)
        if frame and ((not lost and frame.kind == kind) or _followed(data, at, frame)):
            if not found:
                first, found = at, frame
            elif frame.kind != kind and not change:
                change = (
                    f"after {held * found.samples / found.sr:.2f} s a second one begins ({frame}; the first: {found})"
                )
            held, kind, lost = held + 1, frame.kind, False
            at += frame.length
        else:
            lost, at = True, _skip_tag(data, at) or data.find(b"\xff", at + 1)
    if not found:
        return None
    tag = data[first + 4 + found.side : first + 4 + found.side + 12]
    has_tag = tag[:4] in (b"Xing", b"Info")
    declared = int.from_bytes(tag[8:], "big") if has_tag and tag[7] & 1 else 0
    return Mpeg(data, first, found.samples, found.side, held - has_tag, declared, change)


_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True)
class _Frame:
    """Length and side information of a layer III frame in bytes, samples of each channel, rate in Hz, channels."""

    length: int
    samples: int
    side: int
    sr: int
    channels: int

    @property
    def kind(self) -> tuple[int, int]:
        return self.sr, self.channels

    def __str__(self) -> str:
        return f"{self.sr} Hz, {_channels(self.channels)}"


def _mpeg_frame(data: Bytes, at: int) -> _Frame | None:
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
    return _Frame(length, samples, side, sr, 1 if mono else 2)


def _followed(data: Bytes, at: int, frame: _Frame) -> bool:
    """Whether two frames of its kind follow a frame, or the file ends, perhaps with a tag, before them."""
    for _ in range(2):
        at += frame.length
        if at > len(data) - 4 or _skip_tag(data, at):
            return True
        following = _mpeg_frame(data, at)
        if not following or following.kind != frame.kind:
            return False
        frame = following
    return True


def _skip_tag(data: Bytes, at: int) -> int:
    """Where the ID3 or APE tag that begins at `at` ends; 0 if none does."""
    head = data[at : at + 32]
    if head[:3] == b"ID3" and len(head) > 10:
        return at + _id3_length(head)
    if head[:8] == b"APETAGEX":
        return at + 32 + int.from_bytes(head[12:16], "little")
    return at + 128 if head[:3] == b"TAG" else 0


def _id3_length(head: bytes) -> int:
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
