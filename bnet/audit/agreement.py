"""Two folders of records, such as `results/` and a re-run: what agrees within its uncertainty, table by table.

Conventions: the folders are `a` and `b`; a difference is *b minus a*, in [-1, 1]; records are paired by corpus,
left-out clips, protocol, profile, network and fold, and every pair is of one configuration and of the same test clips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bnet.audit.report import spell
from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import records
from bnet.runs.records import Record
from bnet.statistics import comparison, metrics
from bnet.statistics.comparison import Fold
from bnet.training.baselines import BASELINES

Key = tuple[str, str, str, str, str]
"""Corpus, left-out clips, protocol, profile, network."""

TABLES = ("Table II", "Table III", "Steps", "Further networks")
"""The tables of the book, in the order in which they are told."""

_MEMBERS = (("bbnn", "proposed", "proposed-released", *BASELINES), TABLE_3, STEPS)
PLACES = {name: table for table, names in reversed([*zip(TABLES, _MEMBERS, strict=False)]) for name in names}
"""Network or baseline -> the first table that shows it; any other is a further network."""


@dataclass(frozen=True)
class Row:
    """One network of one table, in both folders.

    Parameters
    ----------
    table, corpus, exclude, protocol, profile, network
        What it is; `exclude` names the kinds of clips that the runs left out.
    folds
        Number of folds that both have.
    a, b
        Mean accuracy over those folds; where only one folder has the network, over its folds, and nan for the other.
    difference, low, high
        ``b - a`` with its 95 % interval (`bnet.statistics.comparison.compare`); nan where there is nothing to compare.
    state
        ``identical`` (equal predictions), ``agrees`` (the interval holds 0), ``differs``, ``no fold in common``,
        ``only in A``, ``only in B``.
    method
        How many folds, or seeds of one split, the interval is made from.
    lone
        Folds that only one folder has, beside those compared.
    """

    table: str
    corpus: str
    exclude: str
    protocol: str
    profile: str
    network: str
    folds: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    state: str
    method: str = ""
    lone: int = 0

    @property
    def title(self) -> str:
        """The table that it belongs to, in words."""
        left_out = f", without {self.exclude}" if self.exclude else ""
        return f"{self.table} on {self.corpus}: protocol {self.protocol}, profile {self.profile}{left_out}"


def compare(a: Path, b: Path, **wanted: str) -> list[Row]:
    """Compare the records below `a` with those below `b`, sorted by table.

    Parameters
    ----------
    a, b
        Folders of records.
    wanted
        Only records whose configuration has these values, such as ``profile="laptop"``.

    Raises
    ------
    BnetError
        If a folder is missing or holds no records, a record is damaged, two records of one folder claim the same fold,
        two that should pair were made with different settings or on different clips, or nothing pairs at all.
    """
    one, other = _load(a, wanted), _load(b, wanted)
    if not set(one) & set(other):
        raise BnetError(
            f"{a} and {b} have no run in common: {_told(one)} against {_told(other)}; runs pair with runs of the same "
            "corpus (pictures of a corpus are one of their own), protocol and profile, so make the same ones, such as "
            f"`{next(iter(one.values())).config.command(fold=False)} --results {b}`"
        )
    rows = [_row(key, _folds(one, key), _folds(other, key)) for key in dict.fromkeys(k[:-1] for k in (*one, *other))]
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple:
    """By what tables are sorted; within one, networks stand as in the package, one's own last."""
    names = [*VARIANTS, *BASELINES]
    number = names.index(row.network) if row.network in names else len(names)
    return row.corpus, row.exclude, row.profile, row.protocol, TABLES.index(row.table), number, row.network


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table, one column a field of `Row`."""
    return pd.DataFrame([vars(row) for row in rows])


def text(rows: Sequence[Row]) -> str:
    """The comparison for people: one block a table, accuracies in percent, and a sentence that counts the states."""
    blocks = []
    for title in dict.fromkeys(row.title for row in rows):
        part = [row for row in rows if row.title == title]
        blocks.append(f"{title}\n{_block(part)}\n{count(part)}")
    compared = sum(row.state in ("agrees", "differs") for row in rows)
    luck = (
        f"\nThe intervals hold 95 % each: of {compared} networks that were trained anew and agree in truth, about "
        f"{0.05 * compared:.1f} would be said to differ."
        if compared
        else ""
    )
    return "\n\n".join([*blocks, f"All: {count(rows)}{luck}"])


def count(rows: Sequence[Row]) -> str:
    """How many rows have which state: '3 identical, 1 differs'."""
    states = Counter(row.state for row in rows)
    return ", ".join(f"{states[name]} {name}" for name in _STATES if states[name])


_STATES = ("identical", "agrees", "differs", "no fold in common", "only in A", "only in B")


def _block(rows: Sequence[Row]) -> str:
    def percent(value: float, form: str = ".1f") -> str:
        return format(100 * value, form) if np.isfinite(value) else "-"

    table = pd.DataFrame(
        {
            "network": [row.network for row in rows],
            "folds": [f"{row.folds}{f' (+{row.lone} alone)' if row.lone else ''}" for row in rows],
            "A %": [percent(row.a) for row in rows],
            "B %": [percent(row.b) for row in rows],
            "B - A": [percent(row.difference, "+.1f") for row in rows],
            "95 % interval": [
                f"{percent(row.low, '+.1f')} to {percent(row.high, '+.1f')}" if np.isfinite(row.low) else "-"
                for row in rows
            ],
            "": [row.state for row in rows],
        }
    )
    return table.to_string(index=False)


def _load(folder: Path, wanted: Mapping[str, str]) -> dict[tuple[str, str, str, str, str, int], Record]:
    """The records by what pairs them."""
    if not folder.is_dir():
        raise BnetError(f"no folder {folder}; expected one of records, such as results/ or reproduced/")
    found: dict[tuple[str, str, str, str, str, int], Record] = {}
    for record in records.find(folder, **wanted):
        c = record.config
        key = (c.corpus, c.exclude, c.protocol, c.profile, c.variant, c.fold)
        if key in found:
            raise BnetError(
                f"two records of {folder} claim fold {c.fold} of {c.variant}: {found[key].name} and {record.name}, "
                "made with different settings; keep one of them, or compare the folders of one setting each"
            )
        found[key] = record
    if not found:
        asked = " with " + ", ".join(f"{key} {value}" for key, value in wanted.items()) if wanted else ""
        raise BnetError(f"no records{asked} in {folder}; make some with `bnet train --results {folder}`")
    return found


def _folds(found: Mapping, key: Key) -> dict[int, Record]:
    return {at[-1]: record for at, record in found.items() if at[:-1] == key}


def _row(key: Key, one: dict[int, Record], other: dict[int, Record]) -> Row:
    corpus, exclude, protocol, profile, network = key
    what = (PLACES.get(network, TABLES[-1]), corpus, exclude, protocol, profile, network)
    nan = float("nan")
    common = sorted(set(one) & set(other))
    if not common:
        a, b = (_accuracy(found.values()) for found in (one, other))
        state = "no fold in common" if one and other else "only in A" if one else "only in B"
        return Row(*what, 0, a, b, nan, nan, nan, state, lone=len(one) + len(other))
    pairs = [(one[fold], other[fold]) for fold in common]
    for pair in pairs:
        _check(*pair)
    a, b = (_accuracy(side) for side in zip(*pairs, strict=True))
    lone = len(set(one) ^ set(other))
    if all(x.run["files"]["predictions.csv"] == y.run["files"]["predictions.csv"] for x, y in pairs):
        return Row(*what, len(pairs), a, b, 0.0, 0.0, 0.0, "identical", "equal predictions", lone)
    groups = _groups(corpus)
    found = comparison.compare([_fold(x, y, groups) for x, y in pairs])
    state = "agrees" if found.low <= 0 <= found.high else "differs"
    return Row(*what, len(pairs), a, b, found.difference, found.low, found.high, state, spell(found), lone)


def _check(x: Record, y: Record) -> None:
    """Two records that pair must be of one configuration and of the same test clips."""
    pairs = zip(x.config.to_dict().items(), y.config.to_dict().values(), strict=True)
    differs = [f"{key} {one} and {other}" for (key, one), other in pairs if one != other]
    if differs:
        raise BnetError(
            f"{x.folder} and {y.folder} pair by name but were made with different settings ({'; '.join(differs)}): "
            "this is not a re-run; compare records of one setting"
        )
    if x.arrays()[0] != y.arrays()[0]:
        raise BnetError(f"{x.folder} and {y.folder} were tested on different clips; compare records of one corpus")


def _fold(x: Record, y: Record, groups: Mapping[str, str]) -> Fold:
    ids, truth, one = x.arrays()
    other = y.arrays()[2]
    metrics.validate(truth, one)
    metrics.validate(truth, other)
    named = [groups.get(track_id, track_id) for track_id in ids]
    return Fold(ids, truth, one.argmax(axis=1), other.argmax(axis=1), named, x.run["data"]["tracks"]["train"])


def _accuracy(found) -> float:
    scores = [metrics.accuracy(*record.arrays()[1:]) for record in found]
    return float(np.mean(scores)) if scores else float("nan")


def _groups(corpus: str) -> dict[str, str]:
    """Track id -> group, for an interval over whole groups; empty where the corpus is not here."""
    try:
        return {track.track_id: track.group for track in get_corpus(corpus).tracks()}
    except BnetError:
        return {}


def _told(found: Mapping) -> str:
    tables = dict.fromkeys(f"{key[0]} {key[2]} {key[3]}" for key in found)
    return f"{len(found)} runs of {', '.join(tables)}"
