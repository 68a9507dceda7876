"""``bnet corpora get``: fetch what can be fetched, unpack what is packed, say what is missing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from bnet.corpora.archives import unpack
from bnet.corpora.base import Corpus, Lacking
from bnet.corpora.download import Fetched, fetch_all
from bnet.corpora.files import FileCorpus
from bnet.corpora.remote import Remote
from bnet.corpora.walk import ARCHIVES, archives
from bnet.errors import BnetError
from bnet.paths import data_dir, writable_dir


def get(
    corpus: Corpus,
    *,
    mirror: str = "",
    workers: int = 4,
    retries: int = 5,
    timeout: float = 30.0,
    say: Callable[[str], None] = print,
) -> Fetched:
    """Bring a corpus into its folder below the data folder (`FileCorpus.home`); where the data folder itself is a
    copy, only the tables that it lacks, beside its clips.

    An archive that lies in that folder is unpacked, whoever put it there; what is there already is not fetched again.
    The same command after an interruption resumes.

    Parameters
    ----------
    mirror
        Address of a folder that holds the files under the same names, instead of their usual addresses.
    workers, retries, timeout, say
        As for `bnet.corpora.download.fetch_all`, which says what it did; single songs can fail, no longer offered.

    Raises
    ------
    BnetError
        If there is nothing to fetch and nothing to unpack: says from whom to get it and where to put it. If an archive
        is damaged or hostile, a checksum is wrong, the disk is full or a source does not answer.
    """
    if not isinstance(corpus, FileCorpus):
        raise BnetError(f"{corpus.name} needs no files: its sound is rendered when it is needed")
    if not (corpus.remotes or archives(corpus.home)):
        raise corpus.absent("there is nothing to fetch")
    if mirror and not re.match(r"https?://[^/\[]", mirror):
        raise BnetError("the address of the mirror is none of the web; expected http://... or https://...")
    whole = _whole(corpus)
    loose = whole and corpus.folder() == data_dir()  # a new folder of its own would hide it
    home = data_dir() if loose else corpus.home
    writable_dir(home, "data", "BNET_DATA")
    if corpus.licence:
        say(f"{corpus.name}: {corpus.licence}")

    def fetch(remotes: Iterable[Remote]) -> Fetched:
        sources = [dataclasses.replace(r, url=f"{mirror.rstrip('/')}/{r.path}") if mirror else r for r in remotes]
        return fetch_all(sources, home, workers=workers, retries=retries, timeout=timeout, say=say)

    _unpack_all(corpus, say)
    remotes = [remote for remote in corpus.remotes if not (whole and remote.path.lower().endswith(ARCHIVES))]
    first = fetch(remote for remote in remotes if not _unpacked(home / remote.path).is_dir())
    for path, reason in first.failed.items():
        raise BnetError(
            f"{len(first.failed)} files of {corpus.name} could not be fetched, such as {path}: {reason}; the same "
            f"command resumes; or put them into {home} yourself"
        )
    if loose:
        return first
    _unpack_all(corpus, say)
    more = fetch(corpus.more(home))
    return dataclasses.replace(more, new=more.new + first.new, kept=more.kept + first.kept)


def _whole(corpus: FileCorpus) -> bool:
    """Whether a copy is here, wherever its clips lie; where the data folder itself is one, a table of it may be missing
    or damaged."""
    try:
        return bool(corpus.tracks())
    except Lacking:
        return False
    except BnetError:
        return corpus.folder() == data_dir()


def _unpack_all(corpus: FileCorpus, say: Callable[[str], None]) -> None:
    """Unpack the archives in its folder; say where one is another than was published."""
    for archive in archives(corpus.home):
        target = _unpacked(archive)
        if not target.exists():
            published = Remote("", archive.name, corpus.archive_checksums.get(archive.name, ""))
            if difference := published.difference(archive):
                say(f"{archive.name} is not the archive that was published ({difference}): `bnet corpora check` it")
            say(f"unpacking {archive.name} into {target}")
            unpack(archive, target, wanted=corpus.wanted, verify=corpus.verify)


def _unpacked(archive: Path) -> Path:
    """Where an archive is unpacked: ``genres.tar.gz`` -> ``genres``. A file that is no archive stays what it is."""
    name = re.sub(r"(\.tar)?\.(zip|tar|gz|tgz|bz2|xz)$", "", archive.name, flags=re.IGNORECASE)
    return archive.with_name(name) if name != archive.name else archive / "no archive"
