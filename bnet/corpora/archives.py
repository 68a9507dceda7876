"""Archives of corpora, unpacked as if they came from an enemy: whole or not at all, and never outside their folder."""

from __future__ import annotations

import glob
import os
import re
import shutil
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tqdm import tqdm

from bnet.errors import BnetError, log
from bnet.paths import alone, disk_errors, whole_folder

MAX_RATIO, ROOM = 200, 64 * 2**20
"""An archive that unpacks to more than so many times its size, and to so many bytes besides, counts as a bomb."""

CHUNK = 2**20
"""Bytes read at once."""

UNSAFE = re.compile(r"^/|^[A-Za-z]:|\\|(^|/)(?!\.?(/|$))[. ]+(/|$)|[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""In a path: absolute, a drive, a backslash, a part of dots and spaces, a control character. One rule for zip
and tar, stricter than `tarfile.data_filter`, which lets links and absolute paths through changed."""

LONGEST = 255
"""Bytes of a part of a path; file systems take no more."""

JUNK = ("__MACOSX", ".DS_Store", "Icon\r", "Thumbs.db")
"""Files and folders that macOS and Windows leave everywhere."""

LINK = "is a link, a device or a pipe"


class Member(NamedTuple):
    """One entry; `size` in bytes, as its header says; `refusal`: what it is that has no place in a corpus, or ''."""

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
) -> None:
    """Unpack a zip or tar (as Python's `zipfile` and `tarfile` know them) into the new folder `target`.

    The kind is told from the content. `target` exists only when all is there and every checksum fits. Files get plain
    modes and the present time; names are in Unicode's form NFC. What macOS and Windows leave in archives (``._*``,
    and `JUNK`) is left out.

    Parameters
    ----------
    wanted
        Whether a member, by its name, is unpacked; the others are not looked at.
    verify
        Looks at the folder before it gets its name, and raises an error if it is not to be kept.

    Raises
    ------
    BnetError
        If `target` exists; if the archive is damaged, holds no file, or holds what has no place in a corpus (a path
        that leaves the folder, a link, a device, an encrypted file, two files of one name, a bomb);
        if the disk is full. Names archive and member; nothing is left behind.
    """
    if target.exists() or target.is_symlink():
        raise BnetError(f"{target} exists; expected a new folder for the content of {archive}; move it away first")
    with disk_errors(str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target.parent / ".unpack.lock", f"another process unpacks into {target.parent}; waiting for it", log):
        if target.exists():
            return
        for leftover in target.parent.glob(f".{glob.escape(target.name)}.????????"):  # of one that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        with whole_folder(target) as folder:
            _unpack(archive, folder, wanted)
            verify(folder)


def _unpack(archive: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Write the wanted members below `folder`."""
    files, size, where = 0, 0, ""
    try:
        with open(archive, "rb") as raw, tqdm(desc="unpack", unit="B", unit_scale=True, disable=None) as bar:
            packed = bar.total = archive.stat().st_size
            for member in filter(lambda member: wanted(member.name), _members(raw)):
                parts, where = _parts(member.name), f"{member.name!r}: "
                size += member.size
                unsafe = UNSAFE.search(member.name) or any(len(os.fsencode(part)) > LONGEST for part in parts)
                refusal = "has an unsafe path" if parts and unsafe else member.refusal
                if size > ROOM + MAX_RATIO * packed:  # no reader gives more than the header says
                    refusal = refusal or f"makes it more than {MAX_RATIO} times what it is packed (a bomb?)"
                try:
                    if parts and not refusal:
                        _write(member, folder.joinpath(*parts))
                        files += not member.folder
                except (FileExistsError, NotADirectoryError):
                    refusal = "has a name that another has"
                if refusal:
                    raise BnetError(
                        f"{archive} is refused: its member {member.name!r} {refusal}; expected plain files and folders,"
                        " each once; nothing was unpacked; get it from its official source"
                    )
                bar.update(max(0, raw.tell() - bar.n))
                where = ""
    except BnetError:
        raise
    except Exception as error:  # the readers raise many kinds at bad data
        if getattr(error, "errno", None) and archive.is_file():  # the disk, not the archive
            raise
        raise BnetError(
            f"{archive} can't be unpacked: {where}{getattr(error, 'strerror', None) or error}; nothing was kept; "
            "delete it and fetch or copy it again"
        ) from None
    if not files:
        raise BnetError(f"{archive} holds no file of the corpus; fetch or copy it again")


def _members(raw: IO[bytes]) -> Iterator[Member]:
    """The members of an archive, one after the other."""
    head = raw.read(512)
    raw.seek(0)
    return _zip(raw) if head.startswith((b"PK\3\4", b"PK\5\6")) else _tar(raw, head)


def _zip(raw: IO[bytes]) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(raw, metadata_encoding="utf-8")  # what most programs write, flagged or not
    except UnicodeDecodeError:
        archive = zipfile.ZipFile(raw)
    except Exception as error:
        listed = "the list of its members, which stands at its end, is missing or damaged (half a download?)"
        raise ValueError(f"{listed}: {error}") from None
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)  # Unix's, where the archive was made on Unix
        refusal = LINK if kind not in (0, stat.S_IFREG, stat.S_IFDIR) else "is encrypted" if info.flag_bits & 1 else ""
        name = info.orig_filename  # `filename` ends at a zero byte
        yield Member(name, info.is_dir(), info.file_size, refusal, lambda info=info: archive.open(info))


def _tar(raw: IO[bytes], head: bytes) -> Iterator[Member]:
    try:
        archive = tarfile.open(fileobj=raw)  # noqa: SIM115
    except tarfile.TarError:
        page = re.match(rb"\s*<(!doctype|html|\?xml)", head, re.IGNORECASE)
        other = "a web page, not an archive" if page else "neither a zip nor a tar (plain, gzip, bzip2 or xz)"
        raise ValueError(f"it is {other if head else 'empty'}") from None
    for info in archive:
        refusal = "" if info.isfile() or info.isdir() else LINK
        yield Member(info.name, info.isdir(), info.size, refusal, lambda info=info: archive.extractfile(info))
    stream = archive.fileobj
    stream.seek(archive.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # tarfile takes any bad block for the end
        raise ValueError(f"it breaks off, or is damaged, after {archive.offset} bytes: it has no end mark")
    while stream.read(CHUNK):  # to the end, where gzip, bzip2 and xz have their checksums
        pass


def _write(member: Member, path: Path) -> None:
    """Write one member to `path`: a folder, or a file in one."""
    (path if member.folder else path.parent).mkdir(parents=True, exist_ok=True)
    if not member.folder:
        with member.open() as source, open(path, "xb") as sink:
            shutil.copyfileobj(source, sink, CHUNK)
            if sink.tell() != member.size:  # zipfile does not mind
                raise ValueError(f"{sink.tell()} bytes, expected {member.size}")


def _parts(name: str) -> list[str]:
    """The parts of a safe name, in NFC; none for the root and for junk."""
    parts = [unicodedata.normalize("NFC", part) for part in name.split("/") if part not in ("", ".")]
    junk = any(part.startswith("._") or part in JUNK for part in parts)
    return [] if junk else parts
