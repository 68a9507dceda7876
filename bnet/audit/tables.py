"""From records to data frames: runs, what a network comes to over its folds, and what it cost. No page, no caption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from bnet.audit import paper
from bnet.corpora import Corpus, Track, get_corpus
from bnet.errors import BnetError
from bnet.models import VARIANTS, cost
from bnet.paths import sha256
from bnet.runs.records import Record
from bnet.statistics import metrics
from bnet.statistics.comparison import Fold

KEYS = ("corpus", "profile", "protocol", "variant", "exclude")
"""What the folds of one row of `summary` and `spent` have in common, beside all other settings."""


def groups_of(corpus: str) -> dict[str, str]:
    """Track id -> group; empty where the corpus is not here: then clips are resampled one by one."""
    try:
        return {track.track_id: track.group for track in get_corpus(corpus).tracks()}
    except BnetError:
        return {}


def scores(records: Sequence[Record]) -> pd.DataFrame:
    """One row per run: what it is, its metrics on the test part, and its accuracy on the validation part."""
    rows = []
    for record in records:
        _, truth, probabilities = record.arrays("test")
        row = {key: getattr(record.config, key) for key in ("corpus", "variant", "protocol", "profile", "fold")}
        row |= {"run": record.name, "clips": len(truth), **metrics.evaluate(truth, probabilities)}
        row |= {"validation": metrics.accuracy(*record.arrays("validation")[1:])}
        rows.append({**row, "wall_s": record.run["made"]["wall_s"]})
    return pd.DataFrame(rows)


def summary(records: Sequence[Record], groups: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row per corpus, profile, protocol, variant, clips left out and settings: its folds and what they come to.

    `groups` maps a track id to its group, for an interval that resamples whole groups; else single tracks are.

    Returns
    -------
    pandas.DataFrame
        ``accuracy, accuracy_sd, macro_f1, validation`` are means (and a sd) over ``runs`` folds, nan sd for one;
        ``low, high`` a 95 % interval of the accuracy over all tested clips; ``settings`` says in what rows that are
        otherwise alike differ (``epochs=9``), '' where nothing does.
    """
    rows = []
    for key, some in _alike(records):
        table, tested = scores(some), [record.arrays("test") for record in some]
        names = [(groups or {}).get(track_id, track_id) for ids, _, _ in tested for track_id in ids]
        right = np.concatenate([metrics.correct(truth, probabilities) for _, truth, probabilities in tested])
        low, high = metrics.bootstrap_interval(right, np.asarray(names))
        rows.append(
            {
                **key,
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
    for key, some in _alike(records):
        made = [record.run["made"] for record in some]
        days = sorted(one["started"][:10] for one in made)
        rows.append(
            {
                **key,
                "folds": spans(record.config.fold for record in some),
                "runs": len(some),
                "hours": sum(one["wall_s"] for one in made) / 3600,
                "machine": _distinct((machine(one) for one in made), "; "),
                "step": _distinct(r.run["made"].get("execution", r.run["notes"]).get("step") for r in some),
                "commits": _distinct((one["commit"] or "unknown")[:8] for one in made),
                "from": days[0],
                "to": days[-1],
            }
        )
    return pd.DataFrame(rows)


def _alike(records: Sequence[Record]) -> Iterator[tuple[dict[str, str], list[Record]]]:
    """Records by `KEYS` and by whatever else differs among those of equal keys (``settings``), sorted; the fold
    aside."""
    named: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        named.setdefault(tuple(getattr(record.config, key) for key in KEYS), []).append(record)
    for key, some in sorted(named.items()):
        every = [record.config.to_dict() for record in some]
        differ = [name for name in every[0] if name != "fold" and len({one[name] for one in every}) > 1]
        parts: dict[str, list[Record]] = {}
        for record, values in zip(some, every, strict=True):
            settings = ", ".join(f"{name}={_short(values[name])}" for name in differ)
            parts.setdefault(settings, []).append(record)
        for settings, part in parts.items():
            yield {**dict(zip(KEYS, key, strict=True)), "settings": settings}, part


def _short(value: object) -> str:
    """A setting's value, long ones by the beginning of their checksum."""
    return str(value) if len(str(value)) <= 24 else sha256(str(value))[:8]


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


def _distinct(words: Iterable[str], between: str = ", ") -> str:
    return between.join(dict.fromkeys(filter(None, words)))


def machine(made: Mapping) -> str:
    """Where something was made: device, cores, memory."""
    on = made["machine"]
    return f"{made['device']['name']}, {on['cores']} core{'s' * (on['cores'] != 1)}, {on['memory_gib']:g} GiB"


def origin(made: Mapping) -> str:
    """How something was made, for a page: when, by which code, where, how long."""
    commit, on = (made["commit"] or "unknown")[:10] + (" with changes" if made["changed"] else ""), made["machine"]
    return (
        f"{made['started'][:16].replace('T', ' ')} UTC, commit {commit}, {made['backend']}, {made['device']['name']} "
        f"({on['cores']} core{'s' * (on['cores'] != 1)}, {on['memory_gib']:g} GiB), {made['wall_s'] / 60:.1f} min"
    )


def paired(
    one: Iterable[Record], other: Iterable[Record], groups: Mapping[str, str], labels: Sequence[str] = ()
) -> list[Fold]:
    """The folds on which two networks with the same classes were tested, with the predictions of both on the same clips
    (of some `labels` only). `groups` maps a track id to its group; a track without one is a group of its own.

    Raises
    ------
    BnetError
        If the two were tested on different clips of one fold, or probabilities are not numbers.
    """
    partners, folds = {record.config.fold: record for record in other}, []
    for record in one:
        if (partner := partners.get(record.config.fold)) is None:
            continue
        (ids, truth, first), (ids_other, truth_other, second) = record.arrays("test"), partner.arrays("test")
        if sorted(ids) != sorted(ids_other):
            raise BnetError(f"{record.name} and {partner.name} were tested on different clips")
        metrics.validate(truth, first)
        metrics.validate(truth_other, second)
        second = second[pd.Index(ids_other).get_indexer(ids)]
        kept = [i for i, true in enumerate(truth) if not labels or record.labels[true] in labels]
        own, trained = [ids[i] for i in kept], record.run["data"]["tracks"]["train"] * len(kept) / len(ids)
        named = [groups.get(track_id, track_id) for track_id in own]
        folds.append(Fold(own, truth[kept], first[kept].argmax(axis=1), second[kept].argmax(axis=1), named, trained))
    return folds


def counted(labels: Iterable[str], tracks: Sequence[Track]) -> list[int | None]:
    """How many tracks each class has; None for each where there are no tracks at all."""
    found = Counter(track.label for track in tracks)
    return [found[label] if tracks else None for label in labels]


def classes(corpus: Corpus, here: Mapping[str, Sequence[Track]], others: Iterable[Corpus] = ()) -> pd.DataFrame:
    """One row per class, in the order of the paper's Table I: how that prints it and how many clips it counts, how many
    were published and are here; and the same of `others`, which hold the clips in another form. Missing values where
    there is none; `here` has the tracks of each corpus."""
    rows = paper.TABLE_1.get(corpus.name) or [(None, label, None) for label in corpus.labels]
    table = pd.DataFrame(rows, columns=["Printed as", "Class", "Paper"])
    table["Published"] = [corpus.expected.get(label) for label in table["Class"]]
    table["Here"] = counted(table["Class"], here[corpus.name])
    for other in others:
        table[f"Published as {other.medium}"] = [other.expected.get(label) for label in table["Class"]]
        table[f"{other.medium.capitalize()} here"] = counted(table["Class"], here[other.name])
    return table.astype(dict.fromkeys(table.columns[2:], "Int64"))


def parameters(classes: int = 10) -> pd.DataFrame:
    """One row per network of the table, counted on its row (`bnet.models.cost`): ``variant, title, blocks,
    convolutions``; ``total`` and ``trainable`` parameters; ``weights`` (kernels and biases only), the count that the
    BBNN paper quotes."""
    counted = cost.table(VARIANTS.values(), classes, None).assign(blocks=[row.blocks for row in VARIANTS.values()])
    columns = ["variant", "title", "blocks", "convolutions", "total", "trainable", "weights"]
    return counted.rename(columns={"parameters": "total", "kernels": "weights"})[columns]
