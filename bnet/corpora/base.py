"""What every corpus is: labelled tracks, the sound of each, and its log-mels."""

from __future__ import annotations

import abc
import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from types import MappingProxyType

import numpy as np
import pandas as pd
import scipy.sparse.csgraph

from bnet.errors import BnetError, unknown
from bnet.paths import sha256
from bnet.sound.log_mel import FeatureSettings

SR = 22_050
"""Sample rate of all sound in `bnet`, in Hz (paper, section III-B, by way of its baseline)."""


@dataclass(frozen=True, order=True)
class Track:
    """One labelled clip.

    Parameters
    ----------
    track_id
        Unique in its corpus; plain text that is safe as a file name.
    label
        The class, one of the corpus's `labels`.
    group
        What must not straddle a split: artist, recording or tune.
    path
        The sound file, or None where the corpus renders its sound.
    split
        The corpus's own part (``train``, ``validation`` or ``test``), or None where it has none.
    """

    track_id: str
    label: str
    group: str
    path: Path | None = None
    split: str | None = None


@dataclass(frozen=True, order=True)
class Flaw:
    """What is known to be wrong with a clip: its `kind` (of `FLAWS`), what it is, and who found it."""

    track_id: str
    kind: str
    reason: str
    source: str


FLAWS = {"duplicates": "the same recording again", "faults": "undecodable, cut short, mislabelled or filtered out"}
"""What `--exclude` can leave out: the kinds of `Flaw`."""


class Lacking(BnetError):
    """A corpus is not here, or not whole."""


class Corpus(abc.ABC):
    """A set of labelled clips.

    A subclass is one module; an instance is a row of the registry in `bnet.corpora`. What its page says of it stands in
    ``texts/NAME.md``: what it is, then, after ``***``, what a careful reader should know (faults, sources, licences).

    Attributes
    ----------
    name, title
        Short name for commands, and display name.
    family
        The name that its folder and its text go by, where it shares them with other corpora.
    labels
        The classes, in the order of every table, confusion matrix and network output.
    source
        What makes the sound what it is (package and renderer versions; '' for files): part of a feature's identity.
    expected
        Class -> number of clips of a whole copy, by the corpus's own publication; empty where there is no such number.
    medium, of
        What its clips are read from, in a word; and the corpus whose clips they are, where it holds those of another.
    front_end
        What its log-mels are: settings that are part of every run's name.
    clip_seconds
        Its clips are never taken longer than this, in s; None: as long as the profile wants.
    protocols
        Ways of splitting that make sense for it (`bnet.corpora.splits.PROTOCOLS`).
    has_sound, may_share
        Whether it has sound at all, to play, change or pass on; and whether that may be passed on, in a page.
    """

    name: str
    title: str
    family: str = ""
    labels: tuple[str, ...]
    source: str = ""
    expected: Mapping[str, int] = MappingProxyType({})
    medium: str = "audio"
    of: Corpus | None = None
    front_end: FeatureSettings = FeatureSettings()
    clip_seconds: float | None = None
    protocols: tuple[str, ...] = ("grouped", "holdout", "kfold")
    has_sound: bool = True
    may_share: bool = False

    @abc.abstractmethod
    def tracks(self) -> list[Track]:
        """All tracks, sorted by `track_id`, the same on every machine. A `BnetError` if the data is not there, or not
        whole; says where it was looked for and how to get it."""

    @abc.abstractmethod
    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """The sound of a clip: float32 [shape=(round(seconds * SR),)], mono, within [-1, 1], at `SR`. A `BnetError` if
        the sound can't be decoded or rendered; names the track and the reason."""

    def checksum(self, track: Track, y: np.ndarray) -> str:
        """SHA-256 that binds a feature to its sound: of the rendered samples `y` as 16-bit little-endian integers;
        where there are files, of the file's bytes."""
        return hashlib.sha256(np.round(y * 32768).astype("<i2").tobytes()).hexdigest()

    def log_mel(self, track: Track, seconds: float, front_end: FeatureSettings) -> tuple[np.ndarray, str]:
        """The log-mel of a clip: float32 [shape=(frames, n_mels)], in dB; and the `checksum` of what it is made from;
        errors of `audio`."""
        y = self.audio(track, seconds)
        if y.shape != (round(seconds * SR),):
            raise BnetError(f"{track.track_id} has sound of shape {y.shape}; expected ({round(seconds * SR)},)")
        return front_end(y), self.checksum(track, y)

    def flaws(self, kind: str) -> list[Flaw]:
        """What is wrong with which clips, sorted: `kind` is one of `FLAWS`; they are left out on demand. A `BnetError`
        if the data from which it is known is not there."""
        return []

    def steps(self) -> list[str]:
        """The commands that bring it here."""
        return []

    def describe(self, track: Track) -> str:
        """A caption for a clip."""
        return track.track_id

    def class_facts(self) -> pd.DataFrame | None:
        """Further columns for the table of classes, indexed by label; None where there are none."""
        return None

    def words(self) -> dict[str, str]:
        """What stands for each ``$name`` in its text."""
        return {}

    @property
    def about(self) -> str:
        """What it is, as MyST for its page."""
        return self._text()[0]

    @property
    def notes(self) -> str:
        """What a careful reader should know of it, as MyST for its page."""
        return self._text()[1]

    def _text(self) -> tuple[str, str]:
        file = resources.files("bnet.corpora").joinpath("texts", f"{self.family or self.name}.md")
        if not file.is_file():
            return "", ""
        about, _, notes = Template(file.read_text(encoding="utf-8")).substitute(self.words()).partition("\n***\n\n")
        return about, notes


def index_rows(name: str) -> list[dict[str, str]]:
    """The rows of ``indexes/NAME.csv``: what is published of a corpus, as data."""
    file = resources.files("bnet.corpora").joinpath("indexes", f"{name}.csv")
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def select(tracks: Iterable[Track], max_per_class: int | None, *, seed: int = 0) -> list[Track]:
    """At most `max_per_class` tracks of each class, by an order drawn from `seed` and the ids; sorted by id.

    The order is a hash of the id, so that the choice does not depend on the platform or on other classes.
    """
    if max_per_class is None:
        return sorted(tracks)
    if max_per_class < 1:
        raise BnetError(f"max_per_class is {max_per_class}; expected 1 or more, or none for all tracks")
    by_label: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        by_label[track.label].append(track)
    chosen: list[Track] = []
    for members in by_label.values():
        chosen += sorted(members, key=lambda track: draw(track.track_id, "select", seed))[:max_per_class]
    return sorted(chosen)


def without(corpus: Corpus, kinds: Iterable[str]) -> list[Track]:
    """The tracks of `corpus` less those with a flaw of one of these `kinds`. A `BnetError` if a kind is none of
    `FLAWS`, or the data is not there."""
    kinds = sorted(set(kinds))
    for kind in kinds:
        if kind not in FLAWS:
            raise unknown("kind of clips to exclude", kind, FLAWS)
    left_out = {flaw.track_id for kind in kinds for flaw in corpus.flaws(kind)}
    return [track for track in corpus.tracks() if track.track_id not in left_out]


def fingerprint(tracks: Sequence[Track]) -> str:
    """SHA-256 over the sorted (id, label, group, split) rows: which clips, with which labels, in which groups and
    parts."""
    return sha256("\n".join(sorted(f"{t.track_id}\t{t.label}\t{t.group}\t{t.split or ''}" for t in tracks)))


def draw(track_id: str, purpose: str, seed: int = 0) -> float:
    """A number in [0, 1) that depends on the id, the purpose and the seed only: the same on every machine."""
    digest = hashlib.sha256(f"{seed}|{purpose}|{track_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def join_groups(keys: Sequence[Sequence[str]], pairs: Iterable[tuple[int, int]] = ()) -> list[str]:
    """The group of each track: together are those that share a key or are a pair, directly or by way of others.

    Parameters
    ----------
    keys
        Of each track at least one; a group is named by the first key of its first track.
    pairs
        Positions of tracks that belong together whatever their keys.

    >>> join_groups([["a", "b"], ["c"], ["b"], ["d"]], [(1, 3)])
    ['a', 'c', 'a', 'c']
    """
    numbers: dict[str, int] = {}
    edges = [(i, numbers.setdefault(key, len(keys) + len(numbers))) for i, own in enumerate(keys) for key in own]
    one, other = zip(*edges, *pairs, strict=True)
    size = len(keys) + len(numbers)
    joined = scipy.sparse.coo_array((np.ones(len(one)), (one, other)), shape=(size, size))
    _, parts = scipy.sparse.csgraph.connected_components(joined, directed=False)
    names: dict[int, str] = {}
    return [names.setdefault(part, own[0]) for part, own in zip(parts, keys, strict=False)]
