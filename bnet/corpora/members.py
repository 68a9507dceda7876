"""What an archive holds: its members one after the other, read forwards and in pieces that fit in memory."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_RATIO = 200
"""An archive that unpacks to more than so many times its size, and to more than `ROOM` besides, counts as a bomb."""

ROOM = 64 * 2**20
"""In bytes."""

CHUNK = 2**20
"""Bytes read at once."""

_ENCRYPTED, _UTF8 = 0x1, 0x800  # bits of a zip member's flags (APPNOTE.TXT, section 4.4.4)
_LINKS = {
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.LNKTYPE: "is a hard link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a named pipe",
}


@dataclass(frozen=True)
class Member:
    """One entry of an archive: `size` in bytes, as its header says; `refusal`: why it is no plain file or folder."""

    name: str
    folder: bool
    size: int
    refusal: str
    open: Callable[[], IO[bytes]]


class Damage(Exception):
    """The archive can't be read on; the message says why."""


@contextlib.contextmanager
def reading(where: str = "") -> Iterator[None]:
    """Turn what the readers raise at bad data into `Damage`. bz2 and gzip raise OSError, zipfile nearly anything."""
    try:
        yield
    except Damage:
        raise
    except (EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error) as error:
        raise Damage(f"{where}{error}") from error
    except (OSError, RuntimeError, ValueError, LookupError, OverflowError) as error:  # RuntimeError: not implemented
        raise Damage(f"{where}{getattr(error, 'strerror', None) or error}") from error


@contextlib.contextmanager
def opened(archive: Path) -> Iterator[tuple[Iterator[Member], IO[bytes], int]]:
    """The members of an archive, the open file, and the bytes that its content takes as far as its headers say."""
    with contextlib.ExitStack() as stack:
        with reading():
            raw = stack.enter_context(open(archive, "rb"))
            head = raw.read(512)
            size = raw.seek(0, 2)
            raw.seek(0)
        for offset, magic, decompress in _KINDS:
            if head[offset:].startswith(magic):
                members, needed = decompress(raw, size, stack)
                yield members, raw, needed
                return
        if re.match(rb"\s*<(!doctype|html|\?xml)", head, re.IGNORECASE):
            raise Damage("it is a web page, not an archive")
        raise Damage("it is neither a zip nor a tar (plain, gzip, bzip2 or xz)" if head else "it is empty")


def _zip(raw: IO[bytes], size: int, stack: contextlib.ExitStack) -> tuple[Iterator[Member], int]:
    with reading("the list of its members, which stands at its end, is missing or damaged (half a download?): "):
        archive = stack.enter_context(zipfile.ZipFile(raw))
    return (_zip_member(archive, info) for info in archive.infolist()), sum(i.file_size for i in archive.infolist())


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16  # Unix's, where the archive was made on Unix
    kinds = {
        stat.S_IFLNK: _LINKS[tarfile.SYMTYPE],
        stat.S_IFIFO: _LINKS[tarfile.FIFOTYPE],
        stat.S_IFSOCK: "is a socket",
    }
    kinds |= dict.fromkeys((stat.S_IFCHR, stat.S_IFBLK), _LINKS[tarfile.CHRTYPE])
    refusal = "is encrypted" if info.flag_bits & _ENCRYPTED else kinds.get(stat.S_IFMT(mode), "")
    name = info.orig_filename  # `filename` ends at a zero byte
    if not info.flag_bits & _UTF8:  # zipfile has read it as code page 437; most programs write UTF-8 all the same
        name = _text(name.encode("cp437"), "cp437")
    return Member(name, info.is_dir(), info.file_size, refusal, lambda: archive.open(info))


def _text(name: bytes, encoding: str) -> str:
    """A name in UTF-8, or, where it can't be that, in the `encoding` of old."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode(encoding)


def _tar(raw: IO[bytes], size: int, stack: contextlib.ExitStack) -> tuple[Iterator[Member], int]:
    stream = _Stream(raw, ROOM + MAX_RATIO * size)
    with reading():
        archive = stack.enter_context(tarfile.TarFile(fileobj=stream))
    return _tar_members(archive, stream), size


def _tar_members(archive: tarfile.TarFile, stream: _Stream) -> Iterator[Member]:
    while True:
        with reading():
            info = archive.next()
        if info is None:
            break
        name = _text(info.name.encode("utf-8", "surrogateescape"), "latin-1")
        refusal = "" if info.isfile() or info.isdir() else _LINKS.get(info.type, "is of an unknown kind")
        yield Member(name, info.isdir(), info.size, refusal, lambda info=info: archive.extractfile(info))
    if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes any block that it can't read for the end
        raise Damage(f"it breaks off, or is damaged, after {stream.tell()} bytes: it has no end mark")
    with reading():
        while stream.read(CHUNK):  # to the end, where gzip, bzip2 and xz have their checksums
            pass


class _Stream:
    """A decompressed tar, read forwards, and in pieces that fit in memory whatever a header demands."""

    def __init__(self, inner: IO[bytes], most: int) -> None:
        self.inner, self.most, self.at, self.last = inner, most, 0, b""

    def read(self, size: int) -> bytes:
        if size > 16 * CHUNK:
            raise Damage(f"a header after {self.at} bytes demands {size} bytes of names")
        self.last = self.inner.read(size)
        self.at += len(self.last)
        if self.at > self.most:
            raise Damage(f"it unpacks to more than {MAX_RATIO} times its size (a bomb?)")
        return self.last

    def seek(self, position: int) -> None:
        if position < self.at:
            raise Damage(f"a header after {self.at} bytes points backwards")
        while self.at < position and self.read(min(position - self.at, CHUNK)):
            pass

    def tell(self) -> int:
        return self.at


def _packed_tar(decompress: Callable[[IO[bytes]], IO[bytes]]) -> Callable:
    def read(raw: IO[bytes], size: int, stack: contextlib.ExitStack) -> tuple[Iterator[Member], int]:
        with reading():
            return _tar(stack.enter_context(decompress(raw)), size, stack)

    return read


_KINDS = (
    (0, b"PK\x03\x04", _zip),
    (0, b"PK\x05\x06", _zip),  # with no member
    (0, b"\x1f\x8b", _packed_tar(lambda raw: gzip.GzipFile(fileobj=raw))),
    (0, b"BZh", _packed_tar(bz2.BZ2File)),
    (0, b"\xfd7zXZ\x00", _packed_tar(lzma.LZMAFile)),
    (257, b"ustar", _tar),
)
"""Where in the file what bytes stand, and who reads the members."""
