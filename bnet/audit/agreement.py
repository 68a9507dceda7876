"""Two folders of records, such as `results/` and a re-run: what agrees within its uncertainty, table by table.

Conventions: the folders are `a` and `b`; a difference is *b minus a*, in [-1, 1]; records are paired by corpus,
left-out clips, protocol, profile, network and fold, and every pair is of one configuration and of the same test clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bnet.audit import tables
from bnet.audit.settings import command, same_clips
from bnet.audit.words import spell
from bnet.errors import BnetError
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import records
from bnet.runs.records import Record
from bnet.statistics import comparison, metrics
from bnet.training.baselines import BASELINES

TABLES = ("Table II", "Table III", "Steps", "Further networks")
"""The tables of the book, in the order in which they are told."""
_MEMBERS = (("bbnn", "proposed", "proposed-released", *BASELINES), TABLE_3, STEPS)
PLACES = {name: table for table, names in reversed([*zip(TABLES, _MEMBERS, strict=False)]) for name in names}
"""Network or baseline -> the first table that shows it; any other is a further network."""
STATES = ("identical", "agrees", "differs", "no fold in common", "only in A", "only in B")
_KEY = ["corpus", "exclude", "protocol", "profile", "variant"]
COLUMNS = ["table", *_KEY[:-1], "network", "folds", "a", "b", "difference", "low", "high", "state", "method", "lone"]


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
    both = one.merge(other, on=[*_KEY, "fold"], how="outer", suffixes=("_a", "_b"))
    if not both[["record_a", "record_b"]].notna().all(axis=1).any():
        raise BnetError(
            f"{a} and {b} have no run in common: {_told(one)} against {_told(other)}; runs pair with runs of the same "
            "corpus (pictures of a corpus are one of their own), protocol and profile, so make the same ones, such as "
            f"`{command(one['record'][0].config, fold=False)} --results {b}`"
        )
    names = [*VARIANTS, *BASELINES]
    rank = {"table": TABLES.index, "network": lambda name: names.index(name) if name in names else len(names)}
    rows = pd.DataFrame([_row(key, part) for key, part in both.groupby(_KEY)], columns=COLUMNS)
    order = ["corpus", "exclude", "profile", "protocol", "table", "network"]
    return rows.sort_values(order, key=lambda c: c.map(rank[c.name]) if c.name in rank else c, ignore_index=True)


def parts(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each table in words, and its rows."""
    for (table, corpus, exclude, protocol, profile), part in rows.groupby(COLUMNS[:5], sort=False):
        left_out = f", without {exclude}" if exclude else ""
        yield f"{table} on {corpus}: protocol {protocol}, profile {profile}{left_out}", part


def text(rows: pd.DataFrame) -> str:
    """The comparison in words: one block per table, accuracies in percent, and a sentence that counts the states."""
    heads = ["network", "folds", "A %", "B %", "B - A", "95 % interval", ""]
    blocks = [f"{title}\n{readable(part, heads).to_string(index=False)}\n{count(part)}" for title, part in parts(rows)]
    compared = int(rows["state"].isin(["agrees", "differs"]).sum())
    luck = (
        f"\nThe intervals hold 95 % each: of {compared} networks that were retrained and agree in truth, about "
        f"{0.05 * compared:.1f} would be said to differ; more of those with one fold, whose interval covers clips only."
        if compared
        else ""
    )
    return "\n\n".join([*blocks, f"All: {count(rows)}{luck}"])


def count(rows: pd.DataFrame) -> str:
    """How many rows have which state: '3 identical, 2 agree, 1 differs'."""
    states = [(name, (rows["state"] == name).sum()) for name in STATES]
    return ", ".join(f"{n} {name.removesuffix('s') if n > 1 else name}" for name, n in states if n)


def readable(rows: pd.DataFrame, heads: Sequence[str], nothing: str = "-") -> pd.DataFrame:
    """Rows of `compare` as a reader's table, in percent, under seven `heads`: network, folds, both accuracies, their
    difference, its interval, the state; `nothing` stands where there is none."""

    def percent(column: str, form: str = ".1f") -> pd.Series:
        return rows[column].map(lambda value: format(100 * value, form) if np.isfinite(value) else nothing)

    folds = rows["folds"].astype(str) + rows["lone"].map(lambda lone: f" (+{lone} alone)" if lone else "")
    shown = rows["low"].notna() & (rows["state"] != "identical")
    interval = (percent("low", "+.1f") + " to " + percent("high", "+.1f")).where(shown, nothing)
    cells = [rows["network"], folds, percent("a"), percent("b"), percent("difference", "+.1f"), interval, rows["state"]]
    return pd.DataFrame(dict(zip(heads, cells, strict=True)))


def _load(folder: Path, wanted: dict[str, str]) -> pd.DataFrame:
    """The records, one row each, by what pairs them (`_KEY`, then fold)."""
    if not folder.is_dir():
        raise BnetError(f"no folder {folder}; expected one of records, such as results/ or reproduced/")
    found = records.find(folder, **wanted)
    if not found:
        asked = " with " + ", ".join(f"{key} {value}" for key, value in wanted.items()) if wanted else ""
        raise BnetError(f"no records{asked} in {folder}; make some with `bnet train --results {folder}`")
    keys = [*_KEY, "fold"]
    table = pd.DataFrame([[getattr(record.config, key) for key in keys] for record in found], columns=keys)
    table["record"] = found
    for _, (first, second, *_) in table[table.duplicated(keys, keep=False)].groupby(keys)["record"]:
        raise BnetError(
            f"two records of {folder} claim fold {first.config.fold} of {first.config.variant}: {first.name} and "
            f"{second.name}, made with different settings; keep one of them, or compare the folders of one setting each"
        )
    return table


def _row(key: tuple[str, ...], folds: pd.DataFrame) -> tuple:
    """A row of `compare`."""
    what = (PLACES.get(key[-1], TABLES[-1]), *key)
    pairs = folds.dropna(subset=["record_a", "record_b"])
    sides = [pairs[side].tolist() or folds[side].dropna().tolist() for side in ("record_a", "record_b")]
    row = (*what, len(pairs), *map(_accuracy, sides))
    lone = len(folds) - len(pairs)
    if pairs.empty:
        state = "no fold in common" if all(sides) else "only in A" if sides[0] else "only in B"
        return *row, np.nan, np.nan, np.nan, state, "", lone
    for pair in zip(*sides, strict=True):
        _check(*pair)
    sums = [[record.run["files"]["predictions.csv"] for record in side] for side in sides]
    if sums[0] == sums[1]:
        return *row, 0.0, 0.0, 0.0, "identical", "equal predictions", lone
    gap = comparison.compare(tables.paired(*sides, tables.groups_of(key[0])))
    state = "agrees" if gap.low <= 0 <= gap.high else "differs"
    return *row, gap.difference, gap.low, gap.high, state, spell(gap.folds, gap.kind), lone


def _check(x: Record, y: Record) -> None:
    """Two records that pair must be of one configuration and of the same test clips."""
    pairs = zip(x.config.to_dict().items(), y.config.to_dict().values(), strict=True)
    known = {"corpus_fingerprint"} if same_clips(x, y) else set()
    differs = [f"{key} {one} and {other}" for (key, one), other in pairs if one != other and key not in known]
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


def _told(runs: pd.DataFrame) -> str:
    kinds = (runs["corpus"] + " " + runs["protocol"] + " " + runs["profile"]).unique()
    return f"{len(runs)} runs of {', '.join(kinds)}"
