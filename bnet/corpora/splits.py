"""The protocols: how labelled tracks become train, validation and test.

Conventions: a split is three sorted tuples of track ids. Training and validation hold every class, or the split is
refused. Splits depend on the set of (id, label, group, split) rows, the number of folds and the seed only; never on
the order of files, the platform or the clock.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from bnet.corpora import Track
from bnet.errors import BnetError, unknown
from bnet.paths import sha256

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """One fold: track ids of the three parts, each sorted; disjoint."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def checksum(self) -> str:
        """SHA-256 over the three parts: two machines have the same fold if it is equal."""
        return sha256("\n".join(f"{part}\t{track_id}" for part in PARTS for track_id in getattr(self, part)))

    def without(self, lost: set[str]) -> Split:
        """The same fold less the tracks in `lost` (those without features)."""
        return Split(*(tuple(t for t in part if t not in lost) for part in (self.train, self.validation, self.test)))


def holdout(tracks: Sequence[Track], fold: int, folds: int, seed: int) -> Split:
    """The paper's protocol: a random stratified 80/10/10 draw, made anew for every `fold`.

    The authors drew without a seed and called it 10-fold validation; here draw number `fold` has the seed
    ``seed + fold``. Draws overlap: they are not a cross-validation, and their results are not independent.

    Source: paper, section III-C; `train_test_split` twice, as in the published notebooks.
    """
    ids, labels, _ = _columns(tracks)
    rest, test = train_test_split(np.arange(len(ids)), test_size=0.1, stratify=labels, random_state=seed + fold)
    return _split(ids, *_validated(labels, None, rest, 1 / 9, seed + fold), test)


def kfold(tracks: Sequence[Track], fold: int, folds: int, seed: int) -> Split:
    """Stratified `folds`-fold cross-validation: every track is tested exactly once; an eighth of the rest validates."""
    ids, labels, _ = _columns(tracks)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    rest, test = list(splitter.split(ids, labels))[fold]
    return _split(ids, *_validated(labels, None, rest, 1 / 8, seed + fold), test)


def grouped(tracks: Sequence[Track], fold: int, folds: int, seed: int) -> Split:
    """Stratified `folds`-fold cross-validation in which no group straddles parts: every track is tested exactly once.

    An eighth of the remaining tracks validates, by whole groups too. This is the protocol to trust: variants of a tune,
    clips of a recording or songs of an artist never stand on both sides (Flexer & Schnitzer 2010).
    """
    ids, labels, groups = _columns(tracks)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    rest, test = list(splitter.split(ids, labels, groups))[fold]
    return _split(ids, *_validated(labels, groups, rest, 1 / 8, seed + fold), test)


def official(tracks: Sequence[Track], fold: int, folds: int, seed: int) -> Split:
    """The corpus's own parts (`Track.split`), the same in every fold; tracks that are in none of them are left out.

    FMA-small: 6400 / 800 / 800 (Defferrard et al. 2017); GTZAN: 443 / 197 / 290, filtered for faults and artists
    (Kereliuk, Sturm & Larsen 2015).
    """
    ids, _, _ = _columns(tracks)
    parts = np.array([track.split or "" for track in tracks])
    return _split(ids, *(np.flatnonzero(parts == part) for part in PARTS))


PROTOCOLS: dict[str, Callable[[Sequence[Track], int, int, int], Split]] = {
    "holdout": holdout,
    "kfold": kfold,
    "grouped": grouped,
    "official": official,
}
"""Name -> function of (tracks sorted by id, fold, folds, seed)."""


def _validated(
    labels: np.ndarray, groups: np.ndarray | None, rest: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """`rest` as training and validation: a random stratified `share` validates, by whole groups where there are any.

    Where that lacks a class (the best epoch would be chosen without it), or can't be drawn for want of clips, the
    smallest groups that can be spared change sides until both parts hold every class.
    """
    try:
        if groups is None:
            train, validation = train_test_split(rest, test_size=share, stratify=labels[rest], random_state=seed)
        else:
            inner = StratifiedGroupKFold(round(1 / share), shuffle=True, random_state=seed)
            train, validation = (rest[part] for part in next(inner.split(rest, labels[rest], groups[rest])))
    except ValueError:
        train, validation = rest, rest[:0]
    groups = np.arange(len(labels)) if groups is None else groups

    def lend(giver: np.ndarray, taker: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for label in sorted({*labels[giver]} - {*labels[taker]}):
            sizes = Counter(groups[giver])
            for group in sorted({*groups[giver[labels[giver] == label]]}, key=lambda group: (sizes[group], group)):
                moves = groups[giver] == group
                if {*labels[giver[~moves]]} == {*labels[giver]}:
                    giver, taker = giver[~moves], np.concatenate([taker, giver[moves]])
                    break
        return giver, taker

    train, validation = lend(train, validation)
    validation, train = lend(validation, train)
    return train, validation


def make_split(tracks: Sequence[Track], protocol: str, fold: int, folds: int, seed: int = 0) -> Split:
    """Fold number `fold` (from 0) of `folds` under `protocol`. A `BnetError` if the protocol is unknown, the fold is
    out of range, an id stands twice, or a class has too few tracks or groups for so many folds, or for training and
    validation beside the test part."""
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    if not 0 <= fold < folds:
        raise BnetError(f"fold {fold} is out of range; protocol {protocol!r} has folds 0 to {folds - 1} here")
    twice = [track_id for track_id, count in Counter(track.track_id for track in tracks).items() if count > 1]
    if twice:
        raise BnetError(f"track ids must be unique; these stand more than once: {', '.join(sorted(twice)[:5])}")
    _check_size(tracks, protocol, folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a class has fewer clips than an inner split has parts
        split = PROTOCOLS[protocol](sorted(tracks), fold, folds, seed)
    label_of = {track.track_id: track.label for track in tracks}
    for part in ("train", "validation") if protocol != "official" else ():
        lacking = sorted({*label_of.values()} - {label_of[track_id] for track_id in getattr(split, part)})
        if lacking:
            have = _units(tracks, protocol)[lacking[0]]
            raise BnetError(
                f"fold {fold} of protocol {protocol!r} with {folds} folds leaves no {lacking[0]!r} for {part}, beside "
                f"the test part: its {have} {_WHAT[protocol]} are too few, or shared with other classes; expected at "
                f"least {have + 1}; add some, leave the class out or ask for other folds (--set groups=3)"
            )
    return split


def _check_size(tracks: Sequence[Track], protocol: str, folds: int) -> None:
    """Refuse what can't be split: a class with fewer clips (or groups) than folds, or parts without a class."""
    if protocol == "official":
        counts = {part: Counter(track.label for track in tracks if track.split == part) for part in PARTS}
        labels = {track.label for track in tracks}
        if len(labels) < 2 or any(set(count) != labels for count in counts.values()):
            sizes = ", ".join(f"{part} {count.total()} clips, {len(count)} classes" for part, count in counts.items())
            raise BnetError(
                f"protocol 'official' needs a corpus with its own split, every class in every part; came: {sizes}, "
                f"of {len(labels)} classes; take grouped or holdout, or for GTZAN fetch the three lists: "
                "bnet corpora get gtzan (or gtzan-images)"
            )
        return
    needed = 10 if protocol == "holdout" else max(folds, 4 if folds == 2 else 3)  # training and validation get one each
    units = _units(tracks, protocol)
    small = {label: count for label, count in sorted(units.items()) if count < needed}
    if small or len(units) < 2:
        fewest = min(units.values(), default=0)
        fewer = f" or ask for fewer folds (--set groups={fewest})" if 3 <= fewest < folds and needed == folds else ""
        raise BnetError(
            f"protocol {protocol!r} with {folds} folds needs at least two classes and {needed} {_WHAT[protocol]} in "
            f"each; too small: {small or dict(units)}; add tracks, leave the class out{fewer}"
        )


_WHAT = {"holdout": "clips", "kfold": "clips", "grouped": "groups"}


def _units(tracks: Sequence[Track], protocol: str) -> Counter[str]:
    """Class -> the number of its clips, or of its groups where those stay whole."""
    pairs = {(t.label, t.group if protocol == "grouped" else t.track_id) for t in tracks}
    return Counter(label for label, _ in pairs)


def _columns(tracks: Sequence[Track]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array([getattr(t, name) for t in tracks]) for name in ("track_id", "label", "group"))


def _split(ids: np.ndarray, *parts: np.ndarray) -> Split:
    return Split(*(tuple(sorted(str(track_id) for track_id in ids[part])) for part in parts))
