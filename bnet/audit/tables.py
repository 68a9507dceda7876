"""Tables from records and models: data frames that know neither folders nor pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bnet.audit import paper
from bnet.corpora import Corpus, Track
from bnet.models import VARIANTS, cost
from bnet.paths import sha256
from bnet.runs.records import Record
from bnet.statistics import metrics


def scores(records: Sequence[Record]) -> pd.DataFrame:
    """One row per run: what it is, its metrics on the test part, and its accuracy on the validation part."""
    rows = []
    for record in records:
        _, truth, probabilities = record.arrays("test")
        _, truth_val, probabilities_val = record.arrays("validation")
        config = record.config
        rows.append(
            {
                "corpus": config.corpus,
                "variant": config.variant,
                "protocol": config.protocol,
                "profile": config.profile,
                "fold": config.fold,
                "run": record.name,
                "clips": len(truth),
                **metrics.evaluate(truth, probabilities),
                "validation": metrics.accuracy(truth_val, probabilities_val),
                "wall_s": record.run["made"]["wall_s"],
            }
        )
    columns = ["corpus", "variant", "protocol", "profile", "fold", "run", "clips"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


KEYS = ("corpus", "profile", "protocol", "variant", "exclude")
"""What the folds of one row of `summary` and `spent` have in common, beside all other settings."""


def summary(records: Sequence[Record], groups: dict[str, str] | None = None) -> pd.DataFrame:
    """One row per corpus, profile, protocol, variant, clips left out and settings: its folds and what they come to.

    Parameters
    ----------
    records
        Runs; folds of different settings are rows of their own.
    groups
        Track id -> group, for an interval that resamples whole groups; without it, single tracks are resampled.

    Returns
    -------
    pandas.DataFrame
        ``accuracy, accuracy_sd, macro_f1, validation`` are means (and a sd) over ``runs`` folds, nan sd for one;
        ``low, high`` a 95 % interval of the accuracy over all tested clips; ``settings`` says in what rows that are
        otherwise alike differ (``epochs=9``), '' where nothing does.
    """
    rows = []
    for key, some in _alike(records).items():
        table = scores(some)
        low, high = _interval(some, groups or {})
        rows.append(
            {
                **dict(zip((*KEYS, "settings"), key, strict=True)),
                "runs": len(some),
                "clips": int(table["clips"].sum()),
                "accuracy": table["accuracy"].mean(),
                "accuracy_sd": table["accuracy"].std(ddof=1),
                "low": low,
                "high": high,
                "macro_f1": table["macro_f1"].mean(),
                "validation": table["validation"].mean(),
                "hours": table["wall_s"].sum() / 3600,
            }
        )
    return pd.DataFrame(rows)


def _alike(records: Sequence[Record]) -> dict[tuple[str, ...], list[Record]]:
    """Records by `KEYS` and by whatever else differs among those of equal keys, sorted; the fold aside."""
    named: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        named.setdefault(tuple(getattr(record.config, key) for key in KEYS), []).append(record)
    found: dict[tuple[str, ...], list[Record]] = {}
    for key, some in sorted(named.items()):
        every = [record.config.to_dict() for record in some]
        differ = [name for name in every[0] if name != "fold" and len({one[name] for one in every}) > 1]
        for record, values in zip(some, every, strict=True):
            settings = ", ".join(f"{name}={_short(values[name])}" for name in differ)
            found.setdefault((*key, settings), []).append(record)
    return found


def _short(value: object) -> str:
    """A setting's value, long ones by the beginning of their checksum."""
    return str(value) if len(str(value)) <= 24 else sha256(str(value))[:8]


def spent(records: Sequence[Record]) -> pd.DataFrame:
    """One row per corpus, profile, protocol, variant, clips left out, settings: its folds, their hours, where, by what.

    Returns
    -------
    pandas.DataFrame
        ``folds`` as text (``0-4, 7``), ``runs``, ``hours`` of wall clock (training and testing, not features),
        ``machine`` (device, cores, memory), ``step`` (how a training step was computed; '' where no record says it) and
        ``commits`` (the first eight digits), each with its distinct values; ``from``, ``to``: days, UTC.
    """
    rows = []
    for key, some in _alike(records).items():
        made = [record.run["made"] for record in some]
        days = sorted(one["started"][:10] for one in made)
        rows.append(
            {
                **dict(zip((*KEYS, "settings"), key, strict=True)),
                "folds": spans(record.config.fold for record in some),
                "runs": len(some),
                "hours": sum(one["wall_s"] for one in made) / 3600,
                "machine": _distinct(_machine(one) for one in made),
                "step": _distinct(step(record) for record in some),
                "commits": _distinct((one["commit"] or "unknown")[:8] for one in made),
                "from": days[0],
                "to": days[-1],
            }
        )
    return pd.DataFrame(rows)


def spans(numbers: Iterable[int]) -> str:
    """Numbers with neighbours joined.

    >>> spans([4, 0, 1, 2, 7])
    '0-2, 4, 7'
    """
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in found)


def _distinct(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, words)))


def _machine(made: dict) -> str:
    machine = made["machine"]
    return f"{made['device']['name']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB"


def step(record: Record) -> str:
    """How a training step of a run was computed, ``lean: why`` or ``plain: why``; '' where no record says it."""
    return record.run["made"].get("execution", {}).get("step") or record.run["notes"].get("step", "")


def _interval(records: Sequence[Record], groups: dict[str, str]) -> tuple[float, float]:
    right, names = [], []
    for record in records:
        ids, truth, probabilities = record.arrays("test")
        right.append(metrics.correct(truth, probabilities))
        names += [groups.get(track_id, track_id) for track_id in ids]
    return metrics.bootstrap_interval(np.concatenate(right), np.asarray(names))


def classes(
    corpus: Corpus,
    here: Sequence[Track],
    used: Sequence[Track],
    profile: str,
    others: Iterable[tuple[Corpus, Sequence[Track]]] = (),
) -> pd.DataFrame:
    """One row per class: what the paper's Table I prints, what was published, what is here, what a profile uses; and
    what was published and is here of `others`, which hold the clips in another form.

    Columns that say nothing are left out: the paper's where it does not know the corpus, the published count where
    there is none, what is here where there is nothing.
    """
    labels = list(corpus.labels)
    table = pd.DataFrame({"Class": labels}, index=labels)
    printed = {label: (name, count) for name, label, count in paper.TABLE_1.get(corpus.name, ())}
    if printed:
        table["In the paper"] = [f"{printed[label][0]}, {printed[label][1]}" for label in labels]
    if corpus.expected:
        table["Published"] = [corpus.expected.get(label, 0) for label in labels]
    if here:
        table["Clips here"] = [sum(track.label == label for track in here) for label in labels]
        table["Groups"] = [len({track.group for track in here if track.label == label}) for label in labels]
        table[f"Used by {profile}"] = [sum(track.label == label for track in used) for label in labels]
    for other, tracks in others:
        table[f"Published as {other.medium}"] = [other.expected.get(label, 0) for label in labels]
        if tracks:
            table[f"{other.medium.capitalize()} here"] = [sum(t.label == label for t in tracks) for label in labels]
    facts = corpus.class_facts()
    return (table if facts is None else table.join(facts)).reset_index(drop=True)


def parameters(classes: int = 10) -> pd.DataFrame:
    """One row per network of the table, counted on its row (`bnet.models.cost`).

    ``total`` and ``trainable`` parameters; ``weights`` of convolutions, LSTMs and dense layers only (kernels and
    biases), the count that the BBNN paper quotes; number of ``convolutions``.
    """
    counted = cost.table(VARIANTS.values(), classes, None)
    counted.insert(2, "blocks", [row.blocks for row in VARIANTS.values()])
    columns = {"parameters": "total", "kernels": "weights"}
    return counted.rename(columns=columns)[
        ["variant", "title", "blocks", "convolutions", "total", "trainable", "weights"]
    ]
