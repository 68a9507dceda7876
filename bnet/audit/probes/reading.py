"""From the files of probes to tables: accuracy for each value, with intervals, and the difference to no change at all.

Intervals of single trained networks are 95 % group-bootstrap intervals over test clips (`bnet.statistics.metrics`):
they tell how much the choice of clips matters, not how much the training does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit.probes import files
from bnet.audit.probes.files import Probed
from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs import jobs
from bnet.runs.records import Record, class_columns
from bnet.statistics import comparison, metrics
from bnet.training.baselines import BASELINES

UNCHANGED = "unchanged"


def groups_of(corpus: str) -> dict[str, str]:
    """Track id -> group; empty where the corpus is not here: then clips are resampled one by one."""
    try:
        return {track.track_id: track.group for track in get_corpus(corpus).tracks()}
    except BnetError:
        return {}


def right(record: Record) -> pd.Series:
    """Whether each unchanged test clip was classified correctly, by track id."""
    ids, truth, probabilities = record.arrays("test")
    return pd.Series(metrics.correct(truth, probabilities), index=ids)


def right_when_changed(probed: Probed, value: str) -> pd.Series:
    """Whether each test clip was classified correctly under one value of a probe, by track id."""
    rows, labels = probed.table[probed.table["value"] == value], probed.record.labels
    truth = rows["label"].map({label: i for i, label in enumerate(labels)}).to_numpy()
    return pd.Series(metrics.correct(truth, rows[class_columns(labels)].to_numpy(float)), index=rows["track_id"])


def compared(pairs: Iterable[tuple[pd.Series, pd.Series]], groups: Mapping[str, str]) -> dict[str, Any]:
    """Pairs of right or wrong, each by track id, on the clips that both of a pair have.

    Returns
    -------
    dict
        ``clips``; ``accuracy, low, high`` of the first; ``change, change_low, change_high``, the first minus the
        second: the same clips are compared with each other, whole groups are resampled together.

    Raises
    ------
    BnetError
        If there is no clip in common.
    """
    both = [pd.concat({"now": now, "base": base}, axis=1, join="inner") for now, base in pairs]
    frame = pd.concat(both) if both else pd.DataFrame()
    if frame.empty:
        raise BnetError("nothing to compare: the two have no test clip in common")
    names = np.asarray([groups.get(track_id, track_id) for track_id in frame.index])
    now = frame["now"].to_numpy(float)
    change = now - frame["base"].to_numpy(float)
    low, high = metrics.bootstrap_interval(now, names)
    change_low, change_high = metrics.bootstrap_interval(change, names)
    return {
        "clips": len(frame),
        "accuracy": float(now.mean()),
        "low": low,
        "high": high,
        "change": float(change.mean()),
        "change_low": change_low,
        "change_high": change_high,
    }


def read_all(records: Iterable[Record], probe: str) -> list[Probed]:
    """What a probe found of these runs, leaving out those of which it was not asked."""
    return [found for record in records if (found := files.read(record, probe)) is not None]


def accuracies(probed: Iterable[Probed], groups: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row per corpus, variant and value of one probe, over all folds that were probed.

    Parameters
    ----------
    probed
        Of one probe.
    groups
        Track id -> group; None: as the corpus has them.

    Returns
    -------
    pandas.DataFrame
        ``corpus, variant, title, kind, probe, value, unit, runs, clips, accuracy, low, high, change, change_low,
        change_high, lost``: `lost` clips could not be made; the change is to the same clips unchanged. Networks come
        first, each in the order of its table, then baselines; values in the order of the probe.
    """
    together: dict[tuple[str, str], list[Probed]] = {}
    for one in probed:
        together.setdefault((one.record.config.corpus, one.record.config.variant), []).append(one)
    order = [*VARIANTS, *BASELINES]
    rank = {name: i for i, name in enumerate(order)}
    rows = []
    for (corpus, variant), found in sorted(together.items(), key=lambda item: (item[0][0], rank.get(item[0][1], 99))):
        known = groups_of(corpus) if groups is None else groups
        for value in found[0].values:
            pairs = [(right_when_changed(one, value), right(one.record)) for one in found if value in one.values]
            rows.append(
                {
                    "corpus": corpus,
                    "variant": variant,
                    "title": jobs.title(variant),
                    "kind": "baseline" if variant in BASELINES else "network",
                    "probe": found[0].name,
                    "value": value,
                    "unit": found[0].about["probe"]["unit"],
                    "runs": len(pairs),
                    **compared(pairs, known),
                    "lost": sum(len(one.lost(value)) for one in found if value in one.values),
                }
            )
    return pd.DataFrame(rows)


def with_unchanged(table: pd.DataFrame, probed: Iterable[Probed], groups: Mapping[str, str]) -> pd.DataFrame:
    """The table of `accuracies` with a row `UNCHANGED` for each variant, in its place among the values.

    Returns
    -------
    pandas.DataFrame
        As `accuracies`, sorted by variant and ``at``: numbers in order with the neutral value among them; names as they
        are, after `UNCHANGED`.
    """
    probed = list(probed)
    rows = []
    for (corpus, variant), part in table.groupby(["corpus", "variant"], sort=False):
        of = [one for one in probed if (one.record.config.corpus, one.record.config.variant) == (corpus, variant)]
        same = compared([(right(one.record), right(one.record)) for one in of], groups)
        row = {**part.iloc[0].to_dict(), "value": UNCHANGED, **same, "lost": 0}
        neutral = of[0].about["neutral"]
        numbers = [-1.0, *range(len(part))] if neutral is None else [float(neutral), *map(float, part["value"])]
        whole = pd.concat([pd.DataFrame([row]), part], ignore_index=True).assign(number=numbers)
        whole = whole.sort_values("number", kind="stable", ignore_index=True)
        rows.append(whole.assign(at=range(len(whole))).drop(columns="number"))
    return pd.concat(rows, ignore_index=True) if rows else table


def across(one: Iterable[Record], other: Iterable[Record], groups: Mapping[str, str]) -> dict[str, Any] | None:
    """Runs on two corpora with the same track ids, compared on the folds of both.

    Returns
    -------
    dict or None
        ``folds, clips``; ``accuracy`` and ``other``, means over folds of the ones and the others; ``change, change_low,
        change_high``, the first minus the second with its interval over clips and folds
        (`bnet.statistics.comparison.compare`); None without a common fold.

    Raises
    ------
    BnetError
        If a fold has other test clips in one than in the other.
    """
    others = {record.config.fold: right(record) for record in other}
    folds = []
    for record in one:
        if (theirs := others.get(record.config.fold)) is None:
            continue
        ours = right(record)
        if sorted(ours.index) != sorted(theirs.index):
            raise BnetError("a fold has other test clips in one corpus than in the other; expected the same tracks")
        names = [groups.get(track_id, track_id) for track_id in ours.index]
        truth, sides = np.ones(len(ours)), (theirs[ours.index].to_numpy(float), ours.to_numpy(float))
        folds.append(comparison.Fold(list(ours.index), truth, *sides, names, record.run["data"]["tracks"]["train"]))
    if not folds:
        return None
    found = comparison.compare(folds)
    accuracy = float(np.mean([fold.other.mean() for fold in folds]))
    change = {"change": found.difference, "change_low": found.low, "change_high": found.high}
    return {
        "folds": found.folds,
        "clips": found.clips,
        "accuracy": accuracy,
        "other": accuracy - found.difference,
        **change,
    }


def looks(probed: Probed) -> list[dict[str, Any]]:
    """The clips of the probe ``looks``.

    Returns
    -------
    list of dict
        ``track_id, kind, label, predicted, probability``; ``drop`` [shape=(patches in time, patches in pitch)]; the
        first frame of each patch in time, and the first band of each in pitch (``frames, bands``).
    """
    clips = []
    for (kind, track_id), rows in probed.table.groupby(["value", "track_id"], sort=False):
        about = rows.iloc[0][["label", "predicted", "probability"]].to_dict()
        grid = rows.pivot(index="frame", columns="band", values="drop")
        corners = {"frames": grid.index.to_numpy(), "bands": grid.columns.to_numpy(), "drop": grid.to_numpy()}
        clips.append({"track_id": track_id, "kind": kind, **about, **corners})
    return clips


def provenance(probed: Iterable[Probed]) -> list[str]:
    """One line a probe of a run, for a page: what, of which run, when, by which code, where, how long."""
    lines = []
    for one in probed:
        made, run = one.about["made"], f"{one.record.config.corpus}/{one.record.name}"
        commit = (made["commit"] or "unknown")[:10] + (" with changes" if made["changed"] else "")
        weights = f", weights {one.about['weights'][:10]}" if one.about["weights"] else ""
        lines.append(
            f"`{run}`, probe `{one.name}`{weights}: {made['started'][:16].replace('T', ' ')} UTC, commit {commit}, "
            f"{made['backend']}, {made['device']['name']} ({made['machine']['cores']} cores), "
            f"{made['wall_s'] / 60:.1f} min"
        )
    return lines


def command(records: Iterable[Record], probes: Iterable[str]) -> str:
    """The commands that ask runs what these probes ask."""
    option = f" --probe {','.join(probes)}"
    return "\n".join(f"bnet probe {record.config.corpus}/{record.name}{option}" for record in records)
