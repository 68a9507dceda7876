"""Corpora that are files in a folder of the user's: where they are looked for, and how their clips are taken.

A file is known by its name (and, where the corpus labels by folder, by its folder), not by how deep it lies: the
official layout, a copy that was unpacked one level too deep and the copies that people pass on read alike.
"""

from __future__ import annotations

import abc
import dataclasses
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pooch

from bnet.corpora.base import Corpus, Flaw, Lacking, Track
from bnet.corpora.remote import Remote
from bnet.corpora.walk import SOUNDS, archives, filled, sounds
from bnet.errors import BnetError
from bnet.paths import data_dir, sha256_file
from bnet.sound import decode, log_mel

ENOUGH = 0.95
"""A copy with less than this part of the clips of some class is half a copy."""


class FileCorpus(Corpus):
    """A corpus of files. A subclass says how files become tracks (`read`).

    Attributes
    ----------
    suffixes
        Of its files.
    looped
        Whether a clip that is too short is repeated; else silence follows it.
    min_seconds
        A file with less sound than this is refused, in s.
    usual_seconds
        A whole clip has at least this much, in s; `bnet corpora check` lists those that have less.
    layout
        What the folder looks like, for messages.
    how_to_get
        From whom, where no address gives the sound; '' where `remotes` do.
    remotes
        Files that `bnet corpora get` fetches.
    archive_checksums
        Archive -> published checksum, for one that the user has put there.
    known
        Track id -> what is published to be wrong with it: `bnet corpora check` does not count that as a problem.
    known_kinds
        The kinds of problem (`bnet.corpora.checking.KINDS`) that `known` explains; empty: all that befall a clip.
    licence
        What those who fetch it should know of its licence first.
    """

    suffixes: tuple[str, ...] = SOUNDS
    looped: bool = False
    min_seconds: float = decode.MIN_SECONDS
    usual_seconds: float = decode.MIN_SECONDS
    layout: str = ""
    how_to_get: str = ""
    remotes: tuple[Remote, ...] = ()
    archive_checksums: Mapping[str, str] = MappingProxyType({})
    known: Mapping[str, str] = MappingProxyType({})
    known_kinds: tuple[str, ...] = ()
    licence: str = ""

    @abc.abstractmethod
    def track_id(self, path: Path) -> str | None:
        """The id that a file's name and folders hold, if it is one of the corpus."""

    @abc.abstractmethod
    def index(self, folder: Path) -> dict[str, Track]:
        """Track id -> track of a whole copy, by id, as the tables below `folder` have it; its file is where it usually
        lies. A `BnetError` if a table is missing or damaged."""

    def by_id(self, folder: Path) -> dict[str, Path]:
        """Track id -> file, of the files below `folder` that have an id, by id; a `BnetError` if two have the same."""
        found: dict[str, list[Path]] = defaultdict(list)
        for path in sounds(folder, self.suffixes):
            if (own := self.track_id(path)) is not None:
                found[own].append(path)
        double = {own: same for own, same in found.items() if len(same) > 1}
        if double:
            own, same = next(iter(double.items()))
            raise BnetError(
                f"{len(double)} clips of {self.name} are there more than once, such as {own}: {same[0]} and {same[1]}; "
                "expected one file per clip; keep one copy, or name its folder with --data"
            )
        return {own: same[0] for own, same in sorted(found.items())}

    def read(self, folder: Path) -> list[Track]:
        """The tracks of a copy below `folder`, sorted; those that a whole copy has but this one lacks too, if known."""
        here = self.by_id(folder)
        return [dataclasses.replace(track, path=here.get(own, track.path)) for own, track in self.index(folder).items()]

    @property
    def home(self) -> Path:
        """The folder in which `bnet corpora get` puts it: its name below the data folder."""
        return data_dir() / (self.family or self.name)

    def folder(self) -> Path:
        """Where it is looked for: `home` if anything lies in it, else the data folder itself, else `absent`."""
        if filled(self.home):
            return self.home
        if data_dir().is_dir():
            return data_dir()
        raise self.absent(f"neither {self.home} nor {data_dir()} is a folder")

    def tracks(self) -> list[Track]:
        """All tracks of a whole copy, also those whose file is missing here: then splits are the same everywhere, and a
        run names what it lost. With ``BNET_PARTIAL=1`` only those that are there. A `BnetError` if the corpus is not
        there, or is half a copy and ``BNET_PARTIAL`` is not set."""
        folder = self.folder()
        found = self.read(folder)
        here = self.present(found, folder)
        if partial():
            return here
        count, wanted = Counter(track.label for track in here), self.expected or Counter(t.label for t in found)
        lacking = {label: n for label, n in wanted.items() if count[label] < ENOUGH * n}
        if lacking:
            some = ", ".join(f"{label} {count[label]} of {n}" for label, n in list(lacking.items())[:4])
            raise Lacking(
                f"{self.name} below {folder} is not whole: {len(here)} of {sum(wanted.values())} clips ({some}"
                f"{', ...' if len(lacking) > 4 else ''}); `bnet corpora check {self.name}` lists what is missing; "
                "complete it, or use what is there with --partial (its results are then not comparable with others')"
            )
        return found

    def present(self, tracks: Iterable[Track], folder: Path) -> list[Track]:
        """Those of the tracks whose file is there; `absent` if there is none."""
        here = [track for track in tracks if track.path and track.path.is_file()]
        if not here:
            raise self.absent(f"no clips of it below {folder}")
        return here

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """The first `seconds` of the file; to one that is shorter silence is added, or it is repeated (`looped`)."""
        return self.fit(decode.load(track.path, seconds=seconds, min_seconds=self.min_seconds), seconds)

    def fit(self, y: np.ndarray, seconds: float) -> np.ndarray:
        """`y` cut or made longer to `seconds`."""
        n = round(seconds * log_mel.SR)
        return np.resize(y, n) if self.looped else log_mel.fit(y, n, sr=1)

    def checksum(self, track: Track, y: np.ndarray) -> str:
        """SHA-256 of the file's bytes."""
        return sha256_file(track.path)

    def length(self, path: Path) -> float:
        """Decode a whole file: its length in s; the errors of `audio`."""
        return sum(map(len, decode.blocks(path, min_seconds=0.01))) / log_mel.SR

    def digests(self, path: Path, published: str) -> tuple[str, str]:
        """SHA-256 of a file's bytes, and their checksum by the algorithm of the `published` one (``md5:...``)."""
        algorithm = published.split(":")[0] or "sha256"
        return sha256_file(path), f"{algorithm}:{pooch.file_hash(path, algorithm)}"

    def checksums(self) -> dict[str, str]:
        """Track id -> published checksum of its file (``md5:...``), for those that have one."""
        return {}

    def flaws(self, kind: str) -> list[Flaw]:
        """``duplicates``: files that are equal byte for byte; ``faults``: those of `faults`."""
        folder = self.folder()
        return repeated(self.read(folder)) if kind == "duplicates" else self.faults(folder)

    def faults(self, folder: Path) -> list[Flaw]:
        """The clips that are known to be faulty, sorted; errors of `Corpus.flaws`."""
        return []

    def more(self, home: Path) -> list[Remote]:
        """What to fetch besides `remotes`, known only when they are there."""
        return []

    def wanted(self, name: str) -> bool:
        """Whether a member of an archive, by its name, is unpacked."""
        return True

    def verify(self, folder: Path) -> None:
        """Look at what was unpacked, before it is kept; a `BnetError` if it is not what was published."""

    def steps(self) -> list[str]:
        """Name the folder, get the corpus, check it."""
        return ["export BNET_DATA=~/corpora", f"bnet corpora get {self.name}", f"bnet corpora check {self.name}"]

    def absent(self, what: str) -> Lacking:
        """The error for a corpus that is not there: what was looked for, and how to get it."""
        if packed := archives(self.home):
            way = f"{packed[0].name} is there, not unpacked: `bnet corpora get {self.name}` unpacks it"
        elif self.how_to_get:
            way = self.how_to_get.format(home=self.home, name=self.name)
        else:
            way = f"`bnet corpora get {self.name}` fetches it into {self.home}"
        return Lacking(
            f"{self.name} is not here: {what}; expected {self.layout}; {way}; "
            "a copy elsewhere is named with --data DIR or BNET_DATA"
        )


def partial() -> bool:
    """Whether an incomplete copy is used as it is: ``BNET_PARTIAL`` (1: yes; unset, empty or 0: no)."""
    return os.environ.get("BNET_PARTIAL", "") not in ("", "0")


def repeated(tracks: Iterable[Track]) -> list[Flaw]:
    """Those of the tracks whose file equals that of a track with a lower id, byte for byte.

    Where equal files stand under two labels nobody knows which is right: all of them are listed.
    """
    sizes: dict[int, list[Track]] = defaultdict(list)
    for track in sorted(tracks):
        if track.path and track.path.is_file():
            sizes[track.path.stat().st_size].append(track)
    alike = [track for members in sizes.values() if len(members) > 1 for track in members]
    return equal(alike, lambda track: sha256_file(track.path), "found in this copy: equal bytes")


def equal(tracks: Iterable[Track], key: Callable[[Track], str], source: str) -> list[Flaw]:
    """The flaws of tracks with equal keys: all but the first of a key, or all if they stand under different labels."""
    same: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        same[key(track)].append(track)
    flaws = []
    for first, *others in same.values():
        labels = sorted({track.label for track in (first, *others)})
        if len(labels) > 1:
            others, why = [first, *others], f"one recording under {' and '.join(labels)}"
        else:
            why = f"same as {first.track_id}"
        flaws += [Flaw(track.track_id, "duplicates", why, source) for track in others]
    return sorted(flaws)


def in_labels(name: str, labels: Sequence[str]) -> str | None:
    """The label that `name` spells, whatever its case, spaces and hyphens; None if there is none.

    >>> in_labels("Hip-Hop", ("hiphop", "rock"))
    'hiphop'
    """
    bare = {re.sub(r"[^a-z0-9]", "", label.casefold()): label for label in labels}
    return bare.get(re.sub(r"[^a-z0-9]", "", name.casefold()))
