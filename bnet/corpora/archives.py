"""Archives of corpora, unpacked as if they came from an enemy: whole or not at all, and never outside their folder."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from bnet.corpora.members import CHUNK, MAX_RATIO, ROOM, Damage, Member, opened, reading
from bnet.errors import BnetError
from bnet.paths import alone, disk_errors, whole_folder

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""How the names of archives end."""


def is_archive(path: Path) -> bool:
    """Whether `path` is a file that is called like an archive (`SUFFIXES`) and not hidden; looks at the name only."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def whole(archive: Path) -> str:
    """'' if the archive is whole, else the reason why it is not.

    Of a zip, the directory at its end and the head of each member are read; half a download has no such directory.
    A tar is read, and decompressed, from end to end, which takes its time. Checksums within a zip are left to `unpack`.
    """
    try:
        with opened(archive) as (members, _, _):
            for member in members:
                if not (member.folder or member.refusal):
                    with reading(f"{member.name!r}: "):
                        member.open().close()
    except Damage as error:
        return str(error)
    return ""


def unpack(
    archive: Path,
    target: Path,
    *,
    max_bytes: int = 40 * 2**30,
    max_members: int = 200_000,
    progress: bool = True,
) -> int:
    """Unpack a zip (stored, deflate, bzip2, lzma) or tar (plain, gzip, bzip2, xz) into the new folder `target`.

    The kind is told from the content. `target` exists only when all is there and every checksum fits. Files get plain
    modes and the present time; names are in Unicode's form NFC. What macOS and Windows leave in archives (``._*``,
    ``.DS_Store``, ``__MACOSX``, ``Thumbs.db``) is left out.

    Parameters
    ----------
    archive
        The file.
    target
        Its parent folders are made if needed. If another process is unpacking there, its work is waited for and taken.
    max_bytes, max_members
        Most bytes to write, and most entries (those left out count).
    progress
        Whether to draw a progress bar (bytes of the archive), if standard error is a terminal.

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
    waiting = f"another process unpacks into {target.parent}; waiting for it"
    with alone(target.parent / ".unpack.lock", waiting, _say):
        if target.exists():
            return sum(path.is_file() for path in target.rglob("*"))
        _remove_leftovers(target)
        try:
            return _unpack(archive, target, max_bytes, max_members, progress)
        except Damage as error:
            raise BnetError(
                f"{archive} can't be unpacked: {error}; nothing was kept; delete it and fetch or copy it again"
            ) from None


def unsafe(name: str) -> str:
    """Why a relative path (parts divided by '/') must not be written below a folder; '' if it may.

    >>> unsafe("genres/../../etc/passwd")
    "has '..' in its path"
    """
    parts = name.split("/")
    if name.startswith("/"):
        return "has an absolute path"
    if re.match(r"[A-Za-z]:", name):
        return "begins with a drive letter"
    if "\\" in name:
        return "has a backslash in its name"
    if ".." in parts:
        return "has '..' in its path"
    if any(part != "." and part and not part.strip(". ") for part in parts):
        return "has a name of dots and spaces only"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return "has a control character in its name"
    if any(len(part.encode()) > 255 for part in parts):
        return "has a name of more than 255 bytes"
    return ""


class _Limits:
    """What an unpacking has met so far, and the refusal of what goes too far."""

    def __init__(self, archive: Path, size: int, max_bytes: int, max_members: int) -> None:
        self.archive, self.max_bytes, self.max_members = archive, max_bytes, max_members
        self.bomb = ROOM + MAX_RATIO * size
        self.members = self.files = self.bytes = 0
        self.taken: dict[str, tuple[str, bool]] = {}

    def refuse(self, member: Member, reason: str) -> BnetError:
        return BnetError(
            f"{self.archive} is refused: its member {member.name!r} {reason}; expected plain files and folders, each "
            "once; nothing was unpacked; get it from its official source, or unpack it yourself if you trust it"
        )

    def admit(self, member: Member) -> None:
        """Refuse a member that is no plain file or folder with a safe name of its own."""
        self.members += 1
        if self.members > self.max_members:
            raise self.refuse(member, f"is one more than the {self.max_members} that are allowed")
        if reason := unsafe(member.name) or member.refusal:
            raise self.refuse(member, reason)
        parts = _parts(member.name)
        for depth in range(1, len(parts) + 1):
            self._take(member, "/".join(parts[:depth]), depth < len(parts) or member.folder)
        self.files += bool(parts) and not member.folder

    def _take(self, member: Member, path: str, folder: bool) -> None:
        """Note that `path` is taken. For macOS and Windows, names that differ by case only are one."""
        other, other_is_folder = taken = self.taken.get(path.casefold(), (path, folder))
        if other != path:
            raise self.refuse(member, f"differs from {other!r} by case only")
        if other_is_folder != folder:
            raise self.refuse(member, f"needs {path!r} both as a file and as a folder")
        if not folder and path.casefold() in self.taken:
            raise self.refuse(member, "stands in it twice")
        self.taken[path.casefold()] = taken

    def count(self, member: Member, n: int) -> None:
        """Add `n` bytes that are about to be written: those that came, whatever the headers say."""
        self.bytes += n
        if self.bytes > self.max_bytes:
            raise self.refuse(member, f"makes it more than the {self.max_bytes} bytes that are allowed")
        if self.bytes > self.bomb:
            raise self.refuse(member, f"makes it more than {MAX_RATIO} times what it is packed (a bomb?)")


def _unpack(archive: Path, target: Path, max_bytes: int, max_members: int, progress: bool) -> int:
    """Unpack with the lock held; `Damage` if the archive can't be read."""
    with opened(archive) as (members, raw, needed):
        size = archive.stat().st_size
        free = shutil.disk_usage(target.parent).free
        if min(needed, max_bytes) > free:
            raise BnetError(
                f"no room to unpack {archive}: {needed / 2**30:.2f} GiB needed, {free / 2**30:.2f} GiB free in "
                f"{target.parent}; free space, or set BNET_DATA to a folder with more"
            )
        limits = _Limits(archive, size, max_bytes, max_members)
        hidden = None if progress else True  # None: hidden unless standard error is a terminal
        with (
            whole_folder(target) as folder,
            tqdm(total=size, desc=f"unpack {archive.name}", unit="B", unit_scale=True, disable=hidden) as bar,
        ):
            for member in members:
                limits.admit(member)
                _write(member, folder, limits, lambda: bar.update(max(0, raw.tell() - bar.n)))
            if not limits.files:
                raise BnetError(f"{archive} holds no file; expected a corpus; fetch or copy it again")
    return limits.files


def _write(member: Member, folder: Path, limits: _Limits, tick: Callable[[], object]) -> None:
    """Write one member below `folder`, unless it is junk."""
    path = folder.joinpath(*_parts(member.name))
    if member.folder or path == folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    where = f"{member.name!r}: "
    with reading(where):
        source = member.open()
    with source, open(path, "xb") as sink:
        while True:
            with reading(where):
                chunk = source.read(CHUNK)
            if not chunk:
                break
            limits.count(member, len(chunk))
            sink.write(chunk)
            tick()
        if sink.tell() != member.size:  # zipfile does not mind
            raise Damage(f"{where}{sink.tell()} bytes, expected {member.size}")


def _parts(name: str) -> list[str]:
    """The parts of a safe name, in NFC; none for the root and for junk."""
    parts = [unicodedata.normalize("NFC", part) for part in name.split("/") if part not in ("", ".")]
    junk = any(part.startswith("._") or part in ("__MACOSX", ".DS_Store", "Thumbs.db") for part in parts)
    return [] if junk else parts


def _remove_leftovers(target: Path) -> None:
    """Remove what an unpacking that was killed has left (the temporary folders of `whole_folder`)."""
    for path in target.parent.iterdir():
        if re.fullmatch(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}", path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def _say(text: str) -> None:
    print(f"bnet: {text}", file=sys.stderr, flush=True)
