"""What the bytes of a sound file say beside the samples: formats that libsndfile can't read, how much sound a header
claims, pages of an Ogg, second files. `bnet.sound.streams` compares it with the samples that come out."""

from __future__ import annotations

import io
import mmap
import re
import zlib
from pathlib import Path

import soundfile

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
    rb"(?i)\s*<(!doctype|html|\?xml)": "a web page",
    rb"version https://git-lfs": "a pointer of Git LFS",
    rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!": "an archive",
}
"""How a file begins -> what it is, which libsndfile does not read (it takes some of them for MP3)."""

MENDS = {
    "a web page": "download it again",
    "a pointer of Git LFS": "fetch it (git lfs pull)",
    "an archive": "unpack it",
}
"""What to do where nothing can be converted."""

_BEGINNINGS = (*b"RIFF RIFX RF64 FORM fLaC".split(), b"riff\x2e\x91\xcf\x11", b".snd\0\0", b"caff\0\1", b"OggS\0\2")
"""How files begin that may stand behind another one."""

_NO_SIZE = rb"(?s)(RIF[FX].{4}WAVE.*?data|\.snd.{4})(?=\0{4})|(RF64.{4}WAVEds64.{12}|caff.*?data)(?=\0{8})"
"""What stands before the size of the sound where that is 0 (libsndfile reads an AIFF or W64 of size 0 to its end)."""

_ENDS = ((r"(?:RIFF|FORM|Riff size) *: (\d+)", 8), (r"Data Offset *: (\d+)", 0), (r"Data Size *: (\d+)", 0))
"""Sizes in libsndfile's notes, with what they lack, whose sum is where the sound of a WAV, AIFF, RF64 or AU ends."""

_SIZE = re.compile(r"(data|SSND|BODY|Data Size|Data length|riff) *:? (\d+) \(?should be (\d+)")
_FRAMES = re.compile(r"(?:Frames|Cols) *: (\d+)")
"""How libsndfile's notes on a header say its sizes in bytes, claimed and real (W64: of the file), and its samples."""


def map_file(path: Path) -> mmap.mmap:
    """A file's bytes, without reading them all into memory."""
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def foreign(path: Path) -> str:
    """The format of a file that libsndfile can't read, by its first bytes; '' if it is none of those known here."""
    with open(path, "rb") as stream:
        stream.seek(beginning(stream.read(10)))
        head = stream.read(24)
    return next((name for start, name in _FOREIGN.items() if re.match(start, head, re.DOTALL)), "")


def beginning(head: bytes) -> int:
    """The byte at which a file that begins so begins behind its ID3 tag, if it has one."""
    return id3_length(head) if head[:3] == b"ID3" and len(head) >= 10 else 0


def id3_length(head: bytes) -> int:
    """Length in bytes of the ID3 tag that begins so."""
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def mended(path: Path) -> bytes | None:
    """What a file should hold where libsndfile would refuse or shorten its sound; None of one that is read as it is."""
    data = map_file(path)
    return _with_size(data) or _with_end(data) or _without_tag(data)


def _without_tag(data: mmap.mmap) -> bytes | None:
    """A FLAC without what taggers of MP3s put behind it (ID3v1, APEv2), which its decoder takes for sound, or None."""
    if data[(start := beginning(data[:10])) : start + 4] != b"fLaC":
        return None
    end = len(data)
    while data[end - 128 : end - 125] == b"TAG" or data[end - 32 : end - 24] == b"APETAGEX":
        if data[end - 32 : end - 24] != b"APETAGEX":
            end -= 128
        else:  # its size counts the footer, not the header, which flag 31 announces
            size = int.from_bytes(data[end - 20 : end - 16], "little")
            end -= max(32, size) + 32 * (data[end - 9] >> 7)
    return data[:end] if 4 < end < len(data) else None


def _with_size(data: mmap.mmap) -> bytes | None:
    """A file whose header says 0 for the size of its sound, as a pipe leaves it, with the real one or with 'not known';
    None of other files, and of a WAV whose header knows where the file ends: that is empty."""
    found = re.match(_NO_SIZE, data[: 1 << 16])
    if not found or (data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") == len(data) - 8):
        return None
    at, order = found.end(), {b"RF64": "little", b"caff": "big"}.get(data[:4])
    size = (len(data) - at - 8).to_bytes(8, order) if order else b"\xff" * 4
    return data[:at] + size + data[at + len(size) :]


def claimed(path: Path, stream: soundfile.SoundFile, end: int) -> int:
    """The number of samples that a header promises, by libsndfile's notes on it, of a file of which `end` came; 0: not
    said."""
    notes = stream.extra_info
    frames = re.findall(r"sample_count -i (\d+)", str(map_file(path)[:1024])) if stream.format == "NIST" else ()
    counts = [int(frames) for frames in frames or _FRAMES.findall(notes)]
    sizes = [(int(size), int(real)) for _, size, real in _SIZE.findall(notes)]
    unknown = 1 << 62 if stream.format == "W64" else UNKNOWN_SIZE
    counts += [round(end * size / max(1, real)) for size, real in sizes if size < unknown]
    return max((count for count in counts if count < UNKNOWN_SIZE), default=0)


def sound_end(path: Path, stream: soundfile.SoundFile) -> int:
    """The byte at which the sound ends, or before which no file of another format begins, by the header."""
    data = map_file(path)
    if stream.format in ("FLAC", "OGG"):  # libFLAC itself minds what follows
        return len(data) - (_last_page(data)[3] if stream.format == "OGG" else 0)
    sizes = [int(size) + more for form, more in _ENDS for size in re.findall(form, stream.extra_info)[:1]]
    return sum(sizes) if 64 < sum(sizes) < UNKNOWN_SIZE else first_byte(path)


def first_byte(path: Path) -> int:
    """A byte within the first bytes of a file's own format, behind a tag: another file begins later."""
    return beginning(map_file(path)[:10]) + 4


def another(path: Path, start: int) -> str:
    """A second file that begins behind the byte `start` of this one or, in an Ogg or FLAC, another of its kind, if
    libsndfile reads it, in words; '': there is none."""
    data = map_file(path)
    first = first_byte(path)
    kind = data[first - 4 : first]
    body = re.compile(rb"OggS\0[\0\1\4\5]").search(data) if kind == b"OggS" else None
    own = body.start() if body else first  # behind the heads of all streams of an Ogg that sound at once
    for start_of_one in _BEGINNINGS:
        at = data.find(start_of_one, own if start_of_one[:4] == kind and kind in (b"OggS", b"fLaC") else start)
        while at > 0:
            try:
                with soundfile.SoundFile(io.BytesIO(data[at:])) as second:
                    return f"{second.format} {second.subtype}, {second.samplerate} Hz, {channel_count(second.channels)}"
            except soundfile.SoundFileError:
                at = data.find(start_of_one, at + 1)
    return ""


def ogg_ends(path: Path) -> bool:
    """Whether the last page of an Ogg is whole and ends the sound, or at least a packet and the file."""
    _, flags, table, beyond = _last_page(map_file(path))
    return beyond >= 0 and bool(flags & 4 or (beyond == 0 and table and table[-1] < 255))


def _with_end(data: mmap.mmap) -> bytes | None:
    """An Opus whose last page is whole but not marked as the last, with the mark, which libsndfile wants; else None."""
    if data[:4] != b"OggS" or data[28:36] != b"OpusHead":
        return None
    at, flags, table, beyond = _last_page(data)
    if flags & 4 or not table or table[-1] == 255 or beyond:
        return None
    page = bytearray(data[at:])
    page[5] |= 4
    page[22:26] = bytes(4)
    mirrored = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))  # the checksum is zlib's, bits and start mirrored
    checksum = zlib.crc32(bytes(page).translate(mirrored), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    page[22:26] = int(f"{checksum:032b}"[::-1], 2).to_bytes(4, "little")
    return data[:at] + bytes(page)


def _last_page(data: mmap.mmap) -> tuple[int, int, bytes, int]:
    """Where the last page of an Ogg begins, its flags and table of lengths (RFC 3533, section 6), and how many bytes
    follow it (negative: it is cut)."""
    at = data.rfind(b"OggS")
    head = data[at : at + 27]
    if len(head) < 27:
        return at, 0, b"", -1
    table = data[at + 27 : at + 27 + head[26]]
    return at, head[5], table, len(data) - (at + 27 + head[26] + sum(table))


def channel_count(count: int) -> str:
    """The number of channels in words."""
    return f"{count} channel{'s' if count != 1 else ''}"
