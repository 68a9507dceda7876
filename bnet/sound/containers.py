"""What the bytes of a sound file say beside the samples: sizes in headers, pages of an Ogg, and formats that libsndfile
can't read. `bnet.sound.streams` compares it with the samples that come out."""

from __future__ import annotations

import mmap
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

UNKNOWN_SIZE = 0x7F00_0000
"""Writers to a pipe put this, or more, where the size of a WAV, AIFF or AU should be."""

_FOREIGN = {
    rb".{4}(ftyp|moov|mdat|wide)": "AAC/MP4",
    rb"\xff[\xf0\xf1\xf8\xf9]|\x56[\xe0-\xff]": "AAC",
    rb"ADIF": "AAC",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "WMA",
    rb"\x1a\x45\xdf\xa3": "Matroska/WebM",
    rb"wvpk": "WavPack",
    rb"MAC ": "Monkey's Audio",
    rb"MPCK|MP\+": "Musepack",
    rb"TTA[12]": "TTA",
    rb"tBaK": "TAK",
    rb"OFR ": "OptimFROG",
    rb"ajkg": "Shorten",
    rb"\x0b\x77": "AC-3",
    rb"\x7f\xfe\x80\x01": "DTS",
    rb"#!AMR": "AMR",
    rb"\.RMF|\.ra\xfd": "RealMedia",
    rb"FLV\x01": "Flash video",
    rb"RIFF.{4}AVI ": "AVI",
    rb"\0\0\x01\xba": "MPEG video",
    rb"DSD |FRM8": "DSD",
    rb" paf.{12}\0\0\0\x01|fap .{12}\x01\0\0\0": "PAF of 24 bits",  # libsndfile prints its faults
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


def map_file(path: Path) -> mmap.mmap:
    """A file's bytes, without reading them all into memory."""
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def foreign(path: Path) -> str:
    """The format of a file that libsndfile can't read, by its first bytes; '' if it is none of those known here."""
    with open(path, "rb") as stream:
        head = stream.read(20)
        if head.startswith(b"ID3"):
            stream.seek(id3_length(head))
            head = stream.read(20)
    return next((name for start, name in _FOREIGN.items() if re.match(start, head, re.DOTALL)), "")


def id3_length(head: bytes) -> int:
    """Length in bytes of the ID3 tag that begins so."""
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


@dataclass(frozen=True)
class Chunk:
    """Where a header says how many bytes of sound follow: place, length and byte order of that number; the number; how
    many do follow; the file's size; where it ends by its header (0: not said)."""

    at: int
    width: int
    order: str
    declared: int
    held: int
    size: int
    end: int = 0

    @property
    def sound_end(self) -> int:
        """Where in the file the sound ends by its header; 0: not before the file."""
        return self.size - self.held + self.declared if self.declared < self.held else 0

    @property
    def missing(self) -> float:
        """How much more is declared than held, as a ratio."""
        unknown = self.declared >= (UNKNOWN_SIZE if self.width == 4 else 1 << 62)
        return 0.0 if unknown else max(0, self.declared - self.held) / max(1, self.held)


_CHUNKS = {
    rb"(?:RIFF|RF64).{4}WAVE": (12, b"data", 4, "little", 0, 2),
    rb"RIFX.{4}WAVE": (12, b"data", 4, "big", 0, 2),
    rb"FORM.{4}AIF[FC]": (12, b"SSND", 4, "big", 0, 2),
    rb"FORM.{4}(?:8SVX|16SV)": (12, b"BODY", 4, "big", 0, 2),
    rb"caff": (8, b"data", 8, "big", 0, 1),
    rb"riff\x2e\x91\xcf\x11": (40, b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", 8, "little", 24, 8),
}
"""How a file of chunks begins -> where the first one is, the name of that with the sound, bytes and order of a size,
how much of the chunk's header a size counts, to multiples of what chunks are filled."""


def sound_chunk(path: Path) -> Chunk | None:
    """The size of the sound in the header of a file of chunks or an AU; None in other files."""
    data = map_file(path)
    size = len(data)
    if data[:4] in (b".snd", b"dns."):
        order = "big" if data[:4] == b".snd" else "little"
        start, declared = (int.from_bytes(data[at : at + 4], order) for at in (4, 8))
        return Chunk(8, 4, order, declared, max(0, size - start), size)
    layout = next((row for start, row in _CHUNKS.items() if re.match(start, data[:40], re.DOTALL)), None)
    if not layout:
        return None
    at, name, width, order, counted, multiple = layout
    end = int.from_bytes(data[16:24], order) if counted else 8 + int.from_bytes(data[4:8], order) if at == 12 else 0
    wide = 0  # where an RF64 says the size of its sound
    while at + len(name) + width <= size:
        body = at + len(name) + width
        length = max(0, int.from_bytes(data[body - width : body], order) - counted)
        if data[at:body].startswith(name):
            if wide:
                return Chunk(wide, 8, order, int.from_bytes(data[wide : wide + 8], order), size - body, size)
            return Chunk(body - width, width, order, length, size - body, size, end)
        if data[at : at + 4] == b"ds64":
            wide = body + 8
        at = body + length + -length % multiple
    return None


def with_size(path: Path) -> bytes | None:
    """A file that a pipe wrote with 0 for the size of its sound, with the real size in place of it; else None.

    One whose header knows where the file ends really is empty.
    """
    chunk = sound_chunk(path)
    if not chunk or chunk.declared or not chunk.held or path.stat().st_size <= chunk.end < UNKNOWN_SIZE:
        return None
    data = path.read_bytes()
    size = chunk.held + (24 if data[:4] == b"riff" else 0)
    return data[: chunk.at] + size.to_bytes(chunk.width, chunk.order) + data[chunk.at + chunk.width :]


_FRAMES, _COLUMNS = r"Frames *: (\d+)", r"Cols *: (\d+)"
_NOTED = {
    "AVR": _FRAMES,
    "MAT4": _COLUMNS,
    "MAT5": _COLUMNS,
    "MPC2K": _FRAMES,
    "NIST": r"sample_count -i (\d+)",
    "WVE": r"Data length (\d+)",
}
"""Rare format -> how its header (of NIST) or libsndfile's notes on it say the number of samples."""


def noted_length(path: Path, format: str, notes: str) -> int:
    """The number of samples that the header of a rare format promises, by libsndfile's `notes` on it; 0: not said."""
    notes = map_file(path)[:1024].decode("latin-1") if format == "NIST" else notes
    found = re.findall(_NOTED[format], notes) if format in _NOTED else []
    return int(found[-1]) if found else 0


def another(path: Path, format: str, end: int) -> str:
    """The format of a second file that begins within this one, if it is the same `format`, or behind byte `end`, where
    the sound ends (0: not known), if it is any with a header of its own; '' if there is none."""
    data = map_file(path)
    for name, start in (*_AGAIN.items(), ("OGG", rb"OggS\0\x02\0{8}")) if end else ():
        if re.compile(start, re.DOTALL).search(data, end):
            return name
    return format if format in _AGAIN and re.compile(_AGAIN[format], re.DOTALL).search(data, 4) else ""


@dataclass(frozen=True)
class Ogg:
    """What the pages of an Ogg say: the sound that begins after the first has ended ('': none); whether the last page
    is whole and ends the sound or at least a packet; the byte where it ends."""

    second: str
    ends: bool
    end: int


def ogg(path: Path) -> Ogg:
    """Walk through the pages of an Ogg file (RFC 3533, section 6)."""
    data = map_file(path)
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
    return Ogg(second, ends and at < 0, stop)


def with_end(path: Path) -> bytes | None:
    """An Opus whose last page is whole but not marked as the last, with the mark, which libsndfile wants; else None."""
    data = map_file(path)
    at = data.rfind(b"OggS", max(0, len(data) - 65_307))
    if data[:4] != b"OggS" or data[28:36] != b"OpusHead" or not 0 <= at <= len(data) - 27 or data[at + 5] & 4:
        return None
    page = bytearray(data[at:])
    table = page[27 : 27 + page[26]]
    if not table or table[-1] == 255 or len(page) != 27 + len(table) + sum(table):
        return None
    page[5] |= 4
    page[22:26] = bytes(4)
    mirrored = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))  # the checksum is zlib's, bits and start mirrored
    checksum = zlib.crc32(bytes(page).translate(mirrored), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    page[22:26] = int(f"{checksum:032b}"[::-1], 2).to_bytes(4, "little")
    return data[:at] + bytes(page)


def _ogg_sound(head: bytes) -> str:
    if head[1:7] == b"vorbis":
        return f"Vorbis, {int.from_bytes(head[12:16], 'little')} Hz, {channel_count(head[11])}"
    if head[:8] == b"OpusHead":
        return f"Opus, {channel_count(head[9])}"
    return "FLAC" if head[1:5] == b"FLAC" else "another stream"


def channel_count(count: int) -> str:
    """The number of channels in words."""
    return f"{count} channel{'s' if count != 1 else ''}"
