"""Two folders of records, such as `results/` and a re-run: what agrees within its uncertainty, table by table.

Conventions: the folders are `a` and `b`; a difference is *b minus a*, in [-1, 1]; records are paired by corpus,
left-out clips, protocol, profile, network and fold, and every pair is of one configuration and of the same test clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bnet.audit import tables
from bnet.audit.settings import command
from bnet.audit.words import spell
from bnet.errors import BnetError
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import records
from bnet.runs.records import Record
from bnet.statistics import comparison, metrics
from bnet.training.baselines import BASELINES

Key = tuple[str, str, str, str, str]
"""Corpus, left-out clips, protocol, profile, network."""
TABLES = ("Table II", "Table III", "Steps", "Further networks")
"""The tables of the book, in the order in which they are told."""
_MEMBERS = (("bbnn", "proposed", "proposed-released", *BASELINES), TABLE_3, STEPS)
PLACES = {name: table for table, names in reversed([*zip(TABLES, _MEMBERS, strict=False)]) for name in names}
"""Network or baseline -> the first table that shows it; any other is a further network."""
STATES = ("identical", "agrees", "differs", "no fold in common", "only in A", "only in B")
COLUMNS = ["table", "corpus", "exclude", "protocol", "profile", "network", "folds", "a", "b"]
COLUMNS += ["difference", "low", "high", "state", "method", "lone"]


def compare(a: Path, b: Path, **wanted: str) -> pd.DataFrame:
    """Compare the records below `a` with those below `b`: one row per network of a table, sorted by table; of records
    whose configuration has the values `wanted`, such as ``profile="laptop"``.

    Returns
    -------
    pandas.DataFrame
        ``table, corpus, exclude, protocol, profile, network``; ``folds``, the number that both have; ``a, b``, mean
        accuracy over those folds (where only one folder has the network, over its folds, and nan for the other);
        ``difference, low, high``, ``b - a`` with its 95 % interval (`bnet.statistics.comparison.compare`), nan where
        there is nothing to compare; ``state``, one of `STATES`: equal predictions, an interval that holds 0, one that
        does not, ...; ``method``, how many folds, or seeds of one split, it is made from; ``lone``, folds that only one
        folder has.

    Raises
    ------
    BnetError
        If a folder is missing or holds no records, a record is damaged, two records of one folder claim the same fold,
        two that should pair were made with different settings or on different clips, or nothing pairs at all.
    """
    one, other = _load(a, wanted), _load(b, wanted)
    if not any(set(folds) & set(other.get(key, ())) for key, folds in one.items()):
        first = next(iter(next(iter(one.values())).values()))
        raise BnetError(
            f"{a} and {b} have no run in common: {_told(one)} against {_told(other)}; runs pair with runs of the same "
            "corpus (pictures of a corpus are one of their own), protocol and profile, so make the same ones, such as "
            f"`{command(first.config, fold=False)} --results {b}`"
        )
    keys = sorted({*one, *other}, key=_place)
    return pd.DataFrame([_row(key, one.get(key, {}), other.get(key, {})) for key in keys], columns=COLUMNS)


def _place(key: Key) -> tuple:
    """By what rows are sorted; within one table, networks stand as in the package, one's own last."""
    (corpus, exclude, protocol, profile, network), names = key, [*VARIANTS, *BASELINES]
    number = names.index(network) if network in names else len(names)
    return corpus, exclude, profile, protocol, TABLES.index(PLACES.get(network, TABLES[-1])), number, network


def parts(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each table in words, and its rows."""
    for (table, corpus, exclude, protocol, profile), part in rows.groupby(COLUMNS[:5], sort=False):
        left_out = f", without {exclude}" if exclude else ""
        yield f"{table} on {corpus}: protocol {protocol}, profile {profile}{left_out}", part


def text(rows: pd.DataFrame) -> str:
    """The comparison in words: one block per table, accuracies in percent, and a sentence that counts the states."""
    blocks = [f"{title}\n{_block(part)}\n{count(part)}" for title, part in parts(rows)]
    compared = int(rows["state"].isin(["agrees", "differs"]).sum())
    luck = (
        f"\nThe intervals hold 95 % each: of {compared} networks that were retrained and agree in truth, about "
        f"{0.05 * compared:.1f} would be said to differ."
        if compared
        else ""
    )
    return "\n\n".join([*blocks, f"All: {count(rows)}{luck}"])


def count(rows: pd.DataFrame) -> str:
    """How many rows have which state: '3 identical, 1 differs'."""
    states = rows["state"].value_counts()
    return ", ".join(f"{states[name]} {name}" for name in STATES if name in states)


def _block(rows: pd.DataFrame) -> str:
    def percent(column: str, form: str = ".1f") -> pd.Series:
        return rows[column].map(lambda value: format(100 * value, form) if np.isfinite(value) else "-")

    interval = percent("low", "+.1f") + " to " + percent("high", "+.1f")
    table = {
        "network": rows["network"],
        "folds": rows["folds"].astype(str) + rows["lone"].map(lambda lone: f" (+{lone} alone)" if lone else ""),
        "A %": percent("a"),
        "B %": percent("b"),
        "B - A": percent("difference", "+.1f"),
        "95 % interval": interval.where(np.isfinite(rows["low"]), "-"),
        "": rows["state"],
    }
    return pd.DataFrame(table).to_string(index=False)


def _load(folder: Path, wanted: Mapping[str, str]) -> dict[Key, dict[int, Record]]:
    """The records by what pairs them: `Key`, then fold."""
    if not folder.is_dir():
        raise BnetError(f"no folder {folder}; expected one of records, such as results/ or reproduced/")
    by_key: dict[Key, dict[int, Record]] = {}
    for record in records.find(folder, **wanted):
        c = record.config
        folds = by_key.setdefault((c.corpus, c.exclude, c.protocol, c.profile, c.variant), {})
        if c.fold in folds:
            raise BnetError(
                f"two records of {folder} claim fold {c.fold} of {c.variant}: {folds[c.fold].name} and {record.name}, "
                "made with different settings; keep one of them, or compare the folders of one setting each"
            )
        folds[c.fold] = record
    if not by_key:
        asked = " with " + ", ".join(f"{key} {value}" for key, value in wanted.items()) if wanted else ""
        raise BnetError(f"no records{asked} in {folder}; make some with `bnet train --results {folder}`")
    return by_key


def _row(key: Key, one: dict[int, Record], other: dict[int, Record]) -> tuple:
    """A row of `compare`."""
    what = (PLACES.get(key[-1], TABLES[-1]), *key)
    common, lone, nothing = sorted(set(one) & set(other)), len(set(one) ^ set(other)), (float("nan"),) * 3
    if not common:
        state = "no fold in common" if one and other else "only in A" if one else "only in B"
        return *what, 0, _accuracy(one.values()), _accuracy(other.values()), *nothing, state, "", lone
    sides = [[side[fold] for fold in common] for side in (one, other)]
    for pair in zip(*sides, strict=True):
        _check(*pair)
    row = (*what, len(common), *map(_accuracy, sides))
    sums = [[record.run["files"]["predictions.csv"] for record in side] for side in sides]
    if sums[0] == sums[1]:
        return *row, 0.0, 0.0, 0.0, "identical", "equal predictions", lone
    gap = comparison.compare(tables.paired(*sides, tables.groups_of(key[0])))
    state = "agrees" if gap.low <= 0 <= gap.high else "differs"
    return *row, gap.difference, gap.low, gap.high, state, spell(gap), lone


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


def _accuracy(side: Iterable[Record]) -> float:
    scores = [metrics.accuracy(*record.arrays()[1:]) for record in side]
    return float(np.mean(scores)) if scores else float("nan")


def _told(runs: Mapping[Key, dict[int, Record]]) -> str:
    kinds = dict.fromkeys(f"{corpus} {protocol} {profile}" for corpus, _, protocol, profile, _ in runs)
    return f"{sum(map(len, runs.values()))} runs of {', '.join(kinds)}"
