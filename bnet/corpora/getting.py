"""``bnet corpora get``: fetch what can be fetched, unpack what is packed, say what is missing."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from bnet.corpora.archives import unpack, whole
from bnet.corpora.base import Corpus
from bnet.corpora.download import Fetched, Remote, fetch_all
from bnet.corpora.files import FileCorpus, archives
from bnet.errors import BnetError
from bnet.paths import data_dir, disk_errors, writable_dir


def get(
    corpus: Corpus,
    *,
    mirror: str = "",
    workers: int = 4,
    retries: int = 5,
    timeout: float = 30.0,
    say: Callable[[str], None] = print,
) -> Fetched:
    """Bring a corpus into its folder below the data folder (`FileCorpus.home`).

    An archive that lies in that folder, or in the data folder, is unpacked, whoever put it there; what is there
    already is not fetched again. The same command after an interruption goes on.

    Parameters
    ----------
    corpus
        Which.
    mirror
        Address of a folder that holds the files under the same names, instead of their usual addresses.
    workers, retries, timeout
        Downloads at once; tries of each after the first; wait for an answer, in s.
    say
        Told a line about each step.

    Returns
    -------
    Fetched
        What was fetched and what failed; single files of many can fail (songs that are no longer offered).

    Raises
    ------
    BnetError
        If there is nothing to fetch and nothing to unpack: says from whom to get it and where to put it. If an archive
        is damaged or hostile, a checksum is wrong, the disk is full or a source does not answer.
    """
    if not isinstance(corpus, FileCorpus):
        raise BnetError(f"{corpus.name} needs no files: its sound is rendered when it is needed")
    home = corpus.home
    if not (corpus.remotes or archives(home) or archives(data_dir())):
        raise corpus.absent("there is nothing to fetch")
    writable_dir(home, "data", "BNET_DATA")
    settings = {"workers": workers, "retries": retries, "timeout": timeout}
    _unpack_all(corpus, say)
    wanted = [remote for remote in corpus.remotes if not _unpacked(home / remote.path).is_dir()]
    fetched = fetch_all([_at(remote, mirror) for remote in wanted], home, **settings)
    if fetched.failed:
        name, reason = next(iter(fetched.failed.items()))
        raise BnetError(
            f"{len(fetched.failed)} of {len(wanted)} files of {corpus.name} could not be fetched, such as {name}: "
            f"{reason}; the same command goes on; or put them into {home} yourself"
        )
    _unpack_all(corpus, say)
    more = fetch_all([_at(remote, mirror) for remote in corpus.more(home)], home, **settings)
    return dataclasses.replace(more, new=more.new + fetched.new, kept=more.kept + fetched.kept)


def _unpack_all(corpus: FileCorpus, say: Callable[[str], None]) -> None:
    for archive in [*archives(corpus.home), *_own(corpus, archives(data_dir()))]:
        target = corpus.home / _unpacked(archive).name
        if not target.exists():
            _check(corpus, archive, say)
            say(f"unpacking {archive.name} into {target}")
            unpack(archive, target)


def _at(remote: Remote, mirror: str) -> Remote:
    return dataclasses.replace(remote, url=f"{mirror.rstrip('/')}/{remote.path}") if mirror else remote


def _unpacked(archive: Path) -> Path:
    """Where an archive is unpacked: ``genres.tar.gz`` -> ``genres``. A file that is no archive stays what it is."""
    name = re.sub(r"(\.tar)?\.(zip|tar|gz|tgz|bz2|xz)$", "", archive.name, flags=re.IGNORECASE)
    return archive.with_name(name) if name != archive.name else archive / "no archive"


def _own(corpus: FileCorpus, packed: list[Path]) -> list[Path]:
    """Of the archives in the data folder itself, which several corpora share, those that bear this corpus's names."""
    names = {remote.path for remote in corpus.remotes} | set(corpus.archive_checksums)
    return [archive for archive in packed if archive.name in names or corpus.name in archive.name.lower()]


def _check(corpus: FileCorpus, archive: Path, say: Callable[[str], None]) -> None:
    """Refuse half an archive; say so where it is another than the published one."""
    with disk_errors(str(archive)):
        reason = whole(archive)
    if reason:
        raise BnetError(f"{archive} is not whole: {reason}; delete it and fetch or copy it again")
    published = corpus.archive_checksums.get(archive.name, "")
    if published:
        algorithm = published.split(":")[0]
        with disk_errors(str(archive)), open(archive, "rb") as stream:
            came = f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"
        if came != published:
            say(f"{archive.name} is not the archive that was published ({came}): `bnet corpora check` it")
