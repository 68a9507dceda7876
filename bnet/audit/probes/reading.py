"""The answers of probes, and what they come to: accuracy for each value, with intervals, and the difference to no
change at all, as tables and sentences.

Intervals of single trained networks are 95 % group-bootstrap intervals over test clips (`bnet.statistics.metrics`):
they tell how much the choice of clips matters, not how much the training does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit import answers, tables
from bnet.audit.answers import DamagedAnswers
from bnet.audit.words import ends
from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs import jobs
from bnet.runs.records import Record, class_columns
from bnet.statistics import comparison, metrics
from bnet.training.baselines import BASELINES

UNCHANGED = "unchanged"
"""The value of a row of clips as they are."""


@dataclass(frozen=True)
class Probed:
    """What a probe found of a run (`record`): the content of its JSON file (`about`) and of its CSV file (`table`)."""

    record: Record
    about: dict[str, Any]
    table: pd.DataFrame

    @property
    def name(self) -> str:
        """The probe's name."""
        return self.about["probe"]["name"]

    @property
    def values(self) -> list[str]:
        """What was tried, as text, in the order of the probe."""
        return list(self.about["values"])

    def right(self, value: str = UNCHANGED) -> pd.Series:
        """Whether each test clip was classified correctly under one value of the probe, by track id."""
        labels = self.record.labels
        if value == UNCHANGED:
            ids, truth, probabilities = self.record.arrays("test")
        else:
            rows = self.table[self.table["value"] == value]
            ids, probabilities = rows["track_id"], rows[class_columns(labels)].to_numpy(float)
            truth = rows["label"].map({label: i for i, label in enumerate(labels)}).to_numpy()
        return pd.Series(metrics.correct(truth, probabilities), index=ids)


def path_of(record: Record, name: str) -> Path:
    """The JSON file of what a probe found of a run."""
    return record.folder / "probes" / f"{name}.json"


def read(record: Record, name: str) -> Probed | None:
    """What a probe found, or None where it has not been run; `DamagedAnswers` if the files are not whole, or were made
    of another run than `record`."""
    path = path_of(record, name)
    if not path.is_file():
        return None
    again = f"make it again: bnet probe {record.config.corpus}/{record.name} --probe {name}"
    about, table = answers.read(path, again)
    if about.get("run") != record.run["hash"]:
        raise DamagedAnswers(f"{path} is damaged: it was made of another run; {again}")
    return Probed(record, about, table)


def read_all(records: Iterable[Record], probe: str) -> list[Probed]:
    """What a probe found of these runs, leaving out those of which it was not asked."""
    return [probed for record in records if (probed := read(record, probe)) is not None]


def compared(pairs: Iterable[tuple[pd.Series, pd.Series]], groups: Mapping[str, str]) -> dict[str, Any]:
    """Pairs of right or wrong, each by track id, on the clips that both of a pair have; a `BnetError` without any.

    ``clips``; ``accuracy, low, high`` of the first; ``change, change_low, change_high``, the first minus the second:
    the same clips are compared with each other, whole groups are resampled together.
    """
    both = [pd.concat({"now": now, "base": base}, axis=1, join="inner") for now, base in pairs]
    frame = pd.concat(both).astype(float) if both else pd.DataFrame()
    if frame.empty:
        raise BnetError("nothing to compare: the two have no test clip in common")
    names = np.asarray([groups.get(track_id, track_id) for track_id in frame.index])
    now, change = frame["now"].to_numpy(), (frame["now"] - frame["base"]).to_numpy()
    low, high = metrics.bootstrap_interval(now, names)
    change_low, change_high = metrics.bootstrap_interval(change, names)
    return {
        "clips": len(frame), "accuracy": float(now.mean()), "low": low, "high": high,
        "change": float(change.mean()), "change_low": change_low, "change_high": change_high,
    }  # fmt: skip


def accuracies(
    probed: Iterable[Probed], groups: Mapping[str, str] | None = None, *, unchanged: bool = False
) -> pd.DataFrame:
    """One row per corpus, variant and value of one probe, over all folds that were probed.

    `groups` maps a track id to its group; None: as the corpus has them. With `unchanged` each variant has a row
    `UNCHANGED` too, and rows are sorted by ``at``: numbers in order with the neutral value among them; names as they
    are, after `UNCHANGED`.

    Returns
    -------
    pandas.DataFrame
        ``corpus, variant, title, probe, value, unit, runs, at, clips, accuracy, low, high, change, change_low,
        change_high, lost``: `lost` clips could not be made; the change is to the same clips unchanged. Networks come
        first, each in the order of its table, then baselines; values in the order of the probe.
    """
    by_variant: dict[tuple[str, str], list[Probed]] = {}
    for one in probed:
        by_variant.setdefault((one.record.config.corpus, one.record.config.variant), []).append(one)
    rank, rows = {name: i for i, name in enumerate([*VARIANTS, *BASELINES])}, []
    for corpus, variant in sorted(by_variant, key=lambda key: (key[0], rank.get(key[1], len(rank)))):
        every = by_variant[corpus, variant]
        values, neutral = [UNCHANGED] * unchanged + every[0].values, every[0].about["neutral"]
        if unchanged and neutral is not None:
            values.sort(key=lambda value: float(neutral if value == UNCHANGED else value))
        for at, value in enumerate(values):
            some = [one for one in every if value in (UNCHANGED, *one.values)]
            row = {"corpus": corpus, "variant": variant, "title": jobs.title(variant), "probe": some[0].name}
            row |= {"value": value, "unit": some[0].about["probe"]["unit"], "runs": len(some), "at": at}
            known = tables.groups_of(corpus) if groups is None else groups
            row |= compared([(one.right(value), one.right()) for one in some], known)
            row |= {"lost": sum(len(one.about["values"].get(value, {}).get("lost", ())) for one in some)}
            rows.append(row)
    return pd.DataFrame(rows)


def across(one: Iterable[Record], other: Iterable[Record], groups: Mapping[str, str]) -> dict[str, Any] | None:
    """Runs on two corpora with the same track ids, compared on the folds of both; None without one.

    ``folds, clips``; ``accuracy`` and ``other``, means over folds of the ones and the others; ``change, change_low,
    change_high``, the first minus the second with its interval over clips and folds (`bnet.statistics.comparison`).
    """
    folds = tables.paired(other, one, groups)
    if not folds:
        return None
    gap, accuracy = comparison.compare(folds), float(np.mean([np.mean(f.other == f.truth) for f in folds]))
    row = {"folds": gap.folds, "clips": gap.clips, "accuracy": accuracy, "other": accuracy - gap.difference}
    return row | {"change": gap.difference, "change_low": gap.low, "change_high": gap.high}


def looks(probed: Probed) -> list[dict[str, Any]]:
    """The clips of the probe ``looks``, each with ``track_id, kind, label, predicted, probability``; ``drop``
    [shape=(patches in time, patches in pitch)]; first frame and band of each patch (``frames, bands``)."""
    clips = []
    for (kind, track_id), rows in probed.table.groupby(["value", "track_id"], sort=False):
        about = rows.iloc[0][["label", "predicted", "probability"]].to_dict()
        grid = rows.pivot(index="frame", columns="band", values="drop")
        corners = {"frames": grid.index.to_numpy(), "bands": grid.columns.to_numpy(), "drop": grid.to_numpy()}
        clips.append({"track_id": track_id, "kind": kind, **about, **corners})
    return clips


def provenance(probed: Iterable[Probed]) -> list[str]:
    """One line per probe of a run, for a page: what, of which run, when, by which code, where, how long."""
    return [
        f"`{one.record.config.corpus}/{one.record.name}`, probe `{one.name}`"
        + (f", weights {one.about['weights'][:10]}" if one.about["weights"] else "")
        + f": {tables.origin(one.about['made'])}"
        for one in probed
    ]


def command(records: Iterable[Record], probe: str) -> str:
    """The commands that ask runs what a probe asks."""
    return "\n".join(f"bnet probe {record.config.corpus}/{record.name} --probe {probe}" for record in records)


def points(row: Mapping[str, Any]) -> str:
    """A difference in percentage points with its interval: ``-26.4 (-35.5 to -17.1)``."""
    return f"{100 * row['change']:+.1f} ({ends(row['change_low'], row['change_high'], '+.1f')})"


def readable(table: pd.DataFrame, first: str = "Change") -> pd.DataFrame:
    """The table of `accuracies` for readers, in percent, intervals in brackets; `first` heads the values. Where there
    are networks of several corpora, it says on which each was trained."""
    rows = table.to_dict("records")
    frame = pd.DataFrame(
        {
            "Network": table["title"],
            first: [f"{r['value']} {r['unit']}".strip() for r in rows],
            "Clips": table["clips"],
            "Accuracy %": [f"{100 * r['accuracy']:.1f} ({ends(r['low'], r['high'])})" for r in rows],
            "Change, points": [points(row) for row in rows],
        }
    )
    if table["corpus"].nunique() > 1:
        frame.insert(1, "Trained on", [f"`{corpus}`" for corpus in table["corpus"]])
    lost = [f"{n}" if n else "" for n in table["lost"]]
    return frame.assign(**{"Not playable": lost}) if any(lost) else frame
