"""Archives of corpora, unpacked as if they came from an enemy: whole or not at all, and never outside their folder."""

from __future__ import annotations

import bz2
import contextlib
import glob
import gzip
import lzma
import re
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tqdm import tqdm

from bnet.corpora.download import log
from bnet.errors import BnetError
from bnet.paths import alone, disk_errors, whole_folder

MAX_RATIO, ROOM = 200, 64 * 2**20
"""An archive that unpacks to more than so many times its size, and to so many bytes besides, counts as a bomb."""

CHUNK = 2**20
"""Bytes read at once."""

TARS = {
    (0, b"\x1f\x8b"): gzip.open,
    (0, b"BZh"): bz2.open,
    (0, b"\xfd7zXZ\0"): lzma.open,
    (257, b"ustar"): lambda raw: raw,
}
"""Which bytes stand where in a tar -> what decompresses it."""

UNSAFE = re.compile(r"^/|^[A-Za-z]:|\\|(^|/)(?!\.?(/|$))[. ]+(/|$)|[\x00-\x1f\x7f-\x9f\ud800-\udfff]|[^/]{256}")
"""In a path: absolute, a drive, a backslash, a part of dots and spaces, a control character, a part too long."""

_ERRORS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error)
LINK = "is a link, a device or a pipe"


class Damage(Exception):
    """The archive can't be read on; the message says why."""


class Member(NamedTuple):
    """One entry; `size` in bytes, as its header says."""

    name: str
    folder: bool
    size: int
    refusal: str
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path,
    target: Path,
    *,
    wanted: Callable[[str], bool] = lambda name: True,
    verify: Callable[[Path], None] = lambda folder: None,
    max_bytes: int = 40 * 2**30,
    max_members: int = 200_000,
) -> int:
    """Unpack a zip (stored, deflate, bzip2, lzma) or tar (plain, gzip, bzip2, xz) into the new folder `target`.

    The kind is told from the content. `target` exists only when all is there and every checksum fits; its parents are
    made. Files get plain modes and the present time; names are in Unicode's form NFC. What macOS and Windows leave in
    archives (``._*``, ``.DS_Store``, ``__MACOSX``, ``Thumbs.db``) is left out.

    Parameters
    ----------
    wanted
        Whether a member, by its name, is unpacked; the others are not looked at.
    verify
        Looks at the folder before it gets its name, and raises an error if it is not to be kept.
    max_bytes, max_members
        Most bytes to write, and most entries.

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    BnetError
        If `target` exists; if the archive is damaged, holds no file, or holds what has no place in a corpus (a path
        that leaves the folder, a link, a device, an encrypted file, two files of one name, even but for case, a bomb);
        if the disk is full. Names archive and member; nothing is left behind.
    """
    if target.exists() or target.is_symlink():
        raise BnetError(f"{target} exists; expected a new folder for the content of {archive}; move it away first")
    with disk_errors(str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target.parent / ".unpack.lock", f"another process unpacks into {target.parent}; waiting for it", log):
        if target.exists():
            return sum(path.is_file() for path in target.rglob("*"))
        for leftover in target.parent.glob(f".{glob.escape(target.name)}.????????"):  # of one that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            with _reading():
                raw = open(archive, "rb")  # noqa: SIM115
            limits = _Limits(archive, max_bytes, max_members)
            bar = tqdm(desc="unpack", total=archive.stat().st_size, unit="B", unit_scale=True, disable=None)
            with raw, bar, whole_folder(target) as folder:
                for member in _members(raw, target.parent, wanted):
                    limits.admit(member)
                    _write(member, folder)
                    bar.update(max(0, raw.tell() - bar.n))
                if not limits.files:
                    raise BnetError(f"{archive} holds no file of the corpus; fetch or copy it again")
                verify(folder)
        except Damage as error:
            raise BnetError(
                f"{archive} can't be unpacked: {error}; nothing was kept; delete it and fetch or copy it again"
            ) from None
    return limits.files


class _Limits:
    """What an unpacking has met so far, and the refusal of what goes too far."""

    def __init__(self, archive: Path, max_bytes: int, max_members: int) -> None:
        self.archive, self.max_members = archive, max_members
        self.members = self.files = self.bytes = 0
        bomb = ROOM + MAX_RATIO * archive.stat().st_size
        self.most, self.too_large = min(
            (max_bytes, f"the {max_bytes} bytes that are allowed"),
            (bomb, f"{MAX_RATIO} times what it is packed (a bomb?)"),
        )
        self.taken: dict[str, tuple[str, bool]] = {}

    def admit(self, member: Member) -> None:
        """Refuse a member that is no plain file or folder with a safe name of its own, or one too many."""
        parts = _parts(member.name)
        self.members += 1
        self.files += bool(parts) and not member.folder
        self.bytes += member.size
        reason = "has an unsafe path" if UNSAFE.search(member.name) else member.refusal
        if self.members > self.max_members:
            reason = f"is one more than the {self.max_members} that are allowed"
        if self.bytes > self.most:  # no reader gives more than the header says
            reason = reason or f"makes it more than {self.too_large}"
        for depth in range(1, len(parts) + 1):
            reason = reason or self._clash("/".join(parts[:depth]), depth < len(parts) or member.folder)
        if reason:
            raise BnetError(
                f"{self.archive} is refused: its member {member.name!r} {reason}; expected plain files and folders, "
                "each once; nothing was unpacked; get it from its official source"
            )

    def _clash(self, path: str, folder: bool) -> str:
        """Take a path; why it can't be taken. For macOS and Windows, names that differ by case only are one."""
        new = path.casefold() not in self.taken
        other, other_is_folder = self.taken.setdefault(path.casefold(), (path, folder))
        if other != path:
            return f"differs from {other!r} by case only"
        if other_is_folder != folder:
            return f"needs {path!r} both as a file and as a folder"
        return "" if new or folder else "stands in it twice"


@contextlib.contextmanager
def _reading(where: str = "") -> Iterator[None]:
    """Turn what the readers raise at bad data into `Damage`. bz2 and gzip raise OSError, zipfile nearly anything."""
    try:
        yield
    except (EOFError, OSError, RuntimeError, ValueError, LookupError, OverflowError, *_ERRORS) as error:
        raise Damage(f"{where}{getattr(error, 'strerror', None) or error}") from error


def _members(raw: IO[bytes], place: Path, wanted: Callable[[str], bool]) -> Iterable[Member]:
    """The wanted members of an archive, one after the other; refused where `place` has no room for them."""
    head, size = raw.read(512), raw.seek(0, 2)
    raw.seek(0)
    members, needed = None, size
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        with _reading("the list of its members, which stands at its end, is missing or damaged (half a download?): "):
            members = [member for member in _zip(raw) if wanted(member.name)]
        needed = sum(member.size for member in members)
    for (start, magic), reader in TARS.items():
        if head[start:].startswith(magic):
            members = (member for member in _tar(reader(raw), size) if wanted(member.name))
    if members is None:
        page = re.match(rb"\s*<(!doctype|html|\?xml)", head, re.IGNORECASE)
        other = "a web page, not an archive" if page else "neither a zip nor a tar (plain, gzip, bzip2 or xz)"
        raise Damage(f"it is {other if head else 'empty'}")
    if needed > (free := shutil.disk_usage(place).free):
        raise BnetError(
            f"no room to unpack {raw.name}: {needed / 2**30:.2f} GiB needed, {free / 2**30:.2f} GiB free in {place}; "
            "free space, or set BNET_DATA to a folder with more"
        )
    return members


def _zip(raw: IO[bytes]) -> Iterable[Member]:
    try:
        archive = zipfile.ZipFile(raw, metadata_encoding="utf-8")  # what most programs write, flagged or not
    except UnicodeDecodeError:
        archive = zipfile.ZipFile(raw)
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)  # Unix's, where the archive was made on Unix
        refusal = LINK if kind not in (0, stat.S_IFREG, stat.S_IFDIR) else "is encrypted" if info.flag_bits & 1 else ""
        name = info.orig_filename  # `filename` ends at a zero byte
        yield Member(name, info.is_dir(), info.file_size, refusal, lambda info=info: archive.open(info))


def _tar(raw: IO[bytes], size: int) -> Iterator[Member]:
    stream = _Stream(raw, ROOM + MAX_RATIO * size)
    with _reading():
        archive = tarfile.TarFile(fileobj=stream)
    while True:
        with _reading():
            info = archive.next()
        if info is None:
            break
        name = info.name.encode("utf-8", "surrogateescape").decode("latin-1")
        with contextlib.suppress(UnicodeDecodeError):  # from before Unicode
            name = info.name.encode("utf-8", "surrogateescape").decode()
        refusal = "" if info.isfile() or info.isdir() else LINK
        yield Member(name, info.isdir(), info.size, refusal, lambda info=info: archive.extractfile(info))
    if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes any block that it can't read for the end
        raise Damage(f"it breaks off, or is damaged, after {stream.at} bytes: it has no end mark")
    with _reading():
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


def _write(member: Member, folder: Path) -> None:
    """Write one member below `folder`, unless it is junk."""
    path = folder.joinpath(*_parts(member.name))
    if member.folder or path == folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    where = f"{member.name!r}: "
    with _reading(where):
        source = member.open()
    with source, open(path, "xb") as sink:
        while True:
            with _reading(where):
                chunk = source.read(CHUNK)
            if not chunk:
                break
            sink.write(chunk)
        if sink.tell() != member.size:  # zipfile does not mind
            raise Damage(f"{where}{sink.tell()} bytes, expected {member.size}")


def _parts(name: str) -> list[str]:
    """The parts of a safe name, in NFC; none for the root and for junk."""
    parts = [unicodedata.normalize("NFC", part) for part in name.split("/") if part not in ("", ".")]
    junk = any(part.startswith("._") or part in ("__MACOSX", ".DS_Store", "Thumbs.db") for part in parts)
    return [] if junk else parts
