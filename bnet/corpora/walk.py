"""Files below a folder: which are looked at, and how their names are spelled."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from bnet.errors import BnetError, log
from bnet.paths import data_dir

SOUNDS = (".wav", ".au", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".w64", ".caf")
"""Suffixes of files that count as sound."""

UNREADABLE = (
    ".aac", ".ac3", ".amr", ".ape", ".dff", ".dsf", ".m4a", ".m4b", ".mka", ".mp2", ".mp4", ".mpc", ".wma", ".wv",
)  # fmt: skip
"""Suffixes of music that can't be read: such files are counted and named."""

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Suffixes of files that `bnet corpora get` unpacks."""

HOMES: set[str] = set()
"""Names of the folders that are some corpus's own (`FileCorpus.home`), filled by the registry: where the data folder
itself is looked through, they are another's."""

_TOLD: set[str] = set()  # what was logged: one command looks through a folder several times


def sounds(folder: Path, suffixes: Sequence[str] = SOUNDS, *, homes_too: bool = False) -> list[Path]:
    """All sound files below `folder`, sorted, or those with other `suffixes`; no hidden ones; else as `files`."""
    return [path for path in files(folder, homes_too=homes_too) if path.suffix.lower() in suffixes]


def files(folder: Path, *, homes_too: bool = False) -> list[Path]:
    """All files below `folder`, sorted, without hidden ones, ``__MACOSX`` and what `bnet` itself is writing; of the
    data folder without those in other corpora's `HOMES`, unless they are wanted too.

    Links are followed, but for those that lead to what is found without them: a file below `folder` is there once,
    where it lies. Two links to one file elsewhere are two files, as in a store that keeps equal files once. A folder
    that can't be looked into is logged, and left out.
    """
    root, found, back = folder.resolve(), [], []
    others, targets = () if homes_too or folder != data_dir() else HOMES, [root]

    def passed_over(path: Path) -> bool:
        return _hidden(path) or (bool(path.parts) and (path.parts[0] in others or "__MACOSX" in path.parts))

    def wanted(place: str, name: str, folder_too: bool) -> bool:
        path = Path(place, name)
        if passed_over(path.relative_to(folder)):
            return False
        if not path.is_symlink():
            return not folder_too or len(targets) == 1 or path.resolve() not in targets
        real = Path(os.path.realpath(path))  # unlike `resolve`, at no loop of links an error
        again = any(real.is_relative_to(at) and not passed_over(real.relative_to(at)) for at in targets)
        if again or root.is_relative_to(real):
            back.append(path)
            return False
        if folder_too:
            targets.append(real)
        return True

    def left_out(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            _log_once(f"cannot look into {error.filename} ({error.strerror}): left out; make it readable")

    for place, folders, names in os.walk(folder, onerror=left_out, followlinks=True):
        folders[:] = [name for name in sorted(folders) if wanted(place, name, True)]
        found += [Path(place, name) for name in names if wanted(place, name, False)]
        if len(found) > 2_000_000:
            raise BnetError(f"more than 2 000 000 files below {folder}; expected the folder of a corpus; name that one")
    if back:
        some = back[0].relative_to(folder)
        _log_once(f"{len(back)} links below {folder} lead back into it, such as {some}: not followed")
    return sorted(found)


def _hidden(path: Path) -> bool:
    """Whether a path within a folder is hidden, or a begun download."""
    return any(part.startswith(".") for part in path.parts) or path.name.endswith(".part")


def _log_once(text: str) -> None:
    if text not in _TOLD:
        _TOLD.add(text)
        log(text)


def find_file(folder: Path, pattern: str) -> Path | None:
    """The file below `folder` whose whole name matches the regular expression; of several, the one least deep. A
    `BnetError` if it is a link to nothing."""
    found = [path for path in files(folder) if re.fullmatch(pattern, path.name, re.IGNORECASE)]
    return min(map(linked, found), key=lambda path: (len(path.parts), path), default=None)


def linked(path: Path) -> Path:
    """The same path; a `BnetError` that names its target if it is a link to nothing."""
    if path.is_symlink() and not path.exists():
        raise BnetError(f"{path} is a link to {os.readlink(path)}, which is missing; restore that, or remove the link")
    return path


def plain(name: str) -> str:
    """A name in Unicode's form NFC (a Mac's takes accents apart), with bytes that are not UTF-8 as ``%E9``."""
    name = re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)
    return unicodedata.normalize("NFC", name)


def filled(folder: Path) -> bool:
    """Whether a folder holds more than hidden files and begun downloads; one that can't be looked into counts as if."""
    try:
        return folder.is_dir() and not all(_hidden(Path(path.name)) for path in folder.iterdir())
    except OSError:
        return True


def archives(folder: Path) -> list[Path]:
    """The archives that lie in `folder` itself, sorted."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.name.lower().endswith(ARCHIVES) and not p.name.startswith("."))
