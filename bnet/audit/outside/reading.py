"""Tables of music from outside: pure functions of records (`Heard`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from bnet.audit import tables
from bnet.audit.outside import Heard
from bnet.audit.rows import read
from bnet.errors import BnetError
from bnet.runs import jobs, records

Readings = Mapping[str, list[list[str]]]
"""Genre of a song -> the classes that count as right for it, from the strictest reading to the widest; none where the
network has no such class. Genres that are not named have none."""

COUNTS_AS: dict[str, dict[str, dict[str, list[list[str]]]]] = {}
"""Corpus of the network -> corpus that is heard -> `Readings`; a row of ``rows/counts-as.csv`` is one reading."""
for _row in read("counts-as").to_dict("records"):
    for _trained_on in _row["trained_on"].split():
        _ways = COUNTS_AS.setdefault(_trained_on, {}).setdefault(_row["heard"], {}).setdefault(_row["genre"], [])
        _ways += [_row["classes"].split()] if _row["classes"] else []


def readings(heard: Heard) -> Readings:
    """What counts as right; a `BnetError` if nothing is stated for these two corpora."""
    trained_on = heard.network["trained_on"]
    try:
        return COUNTS_AS[trained_on][heard.corpus]
    except KeyError:
        raise BnetError(
            f"which classes of {trained_on} count for the genres of {heard.corpus} is not stated; "
            "expected a row in bnet/audit/rows/counts-as.csv"
        ) from None


def confusion(heard: Heard) -> pd.DataFrame:
    """Counts of clips: a row per label of the corpus, a column per class of the network."""
    named = heard.named.to_numpy()
    counts = pd.crosstab(heard.table["label"].to_numpy(), named)
    labels = [label for label in heard.about["corpus"]["labels"] if label in set(heard.table["label"])]
    return counts.reindex(index=labels, columns=heard.labels, fill_value=0)


def wilson(right: int, clips: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: right in the tails for few clips, where a normal one is not.

    >>> [round(end, 3) for end in wilson(0, 24)]
    [0.0, 0.138]
    """
    low, high = proportion_confint(right, clips, method="wilson")
    return float(max(low, 0.0)), float(min(high, 1.0))


def recalls(heard: Heard) -> pd.DataFrame:
    """How many songs of each genre are named as it: a row per genre and reading of `COUNTS_AS`, and one of all genres
    that have a class, each by its strictest and by its widest reading.

    Returns
    -------
    pandas.DataFrame
        ``genre, counts`` (the classes that count, in words), ``songs, right, recall, low, high``.
    """
    counts, known = confusion(heard), readings(heard)
    rows = []
    for genre, named in counts.iterrows():
        ways = [(" or ".join(classes), named[classes].sum()) for classes in known.get(genre, ())]
        rows += [(genre, words, named.sum(), right) for words, right in ways or [("", np.nan)]]
    of = [genre for genre in counts.index if known.get(genre)]
    for words, at in (("strictly", 0), ("widely", -1)):
        right = sum(counts.loc[genre, known[genre][at]].sum() for genre in of)
        rows.append((", ".join(of), words, counts.loc[of].to_numpy().sum(), right))
    table = pd.DataFrame(rows, columns=["genre", "counts", "songs", "right"])
    ends = [wilson(row.right, row.songs) if row.right >= 0 else (np.nan, np.nan) for row in table.itertuples()]
    return table.assign(recall=table["right"] / table["songs"]).join(pd.DataFrame(ends, columns=["low", "high"]))


def strictly(heard: Heard) -> pd.DataFrame:
    """Of `recalls` the genres that the network has a class for, each by its strictest reading."""
    table = recalls(heard)
    return table[table["right"].notna() & ~table["counts"].isin(["strictly", "widely"])].drop_duplicates("genre")


def at_home(heard: Heard, results: Path) -> dict[str, tuple[int, int]]:
    """Of each class of a network that was trained here: how many clips of its own corpus's test part it named rightly,
    and of how many; empty if its record is not in `results`."""
    own = [r for r in records.find(results, corpus=heard.network["trained_on"]) if r.name == heard.network["name"]]
    if not own:
        return {}
    _, truth, probabilities = own[0].arrays("test")
    right = truth == probabilities.argmax(axis=1)
    return {label: (int(right[truth == i].sum()), int((truth == i).sum())) for i, label in enumerate(own[0].labels)}


def counted(heard: Heard) -> str:
    """`strictly` in words: ``22 of 24 classical, 1 of 24 pop``."""
    return ", ".join(f"{int(row.right)} of {row.songs} {row.genre}" for row in strictly(heard).itertuples())


def arrays(heard: Heard) -> tuple[np.ndarray, np.ndarray]:
    """True class indices [shape=(n,)] and probabilities of the songs whose genre has a class, as
    `bnet.statistics.metrics` takes them.

    By the widest reading: where several classes count for a genre, the one that was named is the true one.
    """
    known = readings(heard)
    rows = [bool(known.get(label)) for label in heard.table["label"]]
    truth = []
    for label, named in zip(heard.table["label"][rows], heard.named.to_numpy()[rows], strict=True):
        classes = known[label][-1]
        truth.append(heard.labels.index(named if named in classes else classes[0]))
    return np.array(truth), heard.probabilities[rows]


def confidence(heard: Heard) -> pd.DataFrame:
    """How sure the network is: ``songs`` and mean highest probability (``sure``) of those that it names rightly (widest
    reading), wrongly, and of those whose genre it has no class for; ``what`` says which."""
    known, sure = readings(heard), heard.probabilities.max(axis=1)
    kinds = [
        "no such class" if not known.get(label) else "right" if named in known[label][-1] else "wrong"
        for label, named in zip(heard.table["label"], heard.named, strict=True)
    ]
    frame = pd.DataFrame({"what": kinds, "sure": sure})
    found = frame.groupby("what")["sure"].agg(songs="size", sure="mean").reset_index()
    return found.set_index("what").reindex(["right", "wrong", "no such class"]).dropna().reset_index()


def same_answer(named: pd.Series, group: pd.Series) -> tuple[int, int]:
    """Of all pairs of clips that share a `group`, how many were given the same class: (same, pairs).

    `named` has the class named, `group` what clips share, both by track id.
    """
    same = pairs = 0
    for _, members in named.groupby(group.reindex(named.index)):
        n = members.value_counts().to_numpy()
        same += int((n * (n - 1)).sum()) // 2
        pairs += int(n.sum() * (n.sum() - 1)) // 2
    return same, pairs


def title(heard: Heard) -> str:
    """A network's display name, short enough for a legend: ``Proposed, trained here (official-0-desktop)``."""
    network = heard.network
    name = jobs.title(network["variant"]).split(" (")[0]
    if network["source"] == "published":
        return f"{name}, published ({network['name']})"
    return f"{name}, trained here ({network['name'].removeprefix(network['variant'] + '-').rsplit('-', 1)[0]})"


def provenance(found: Iterable[Heard]) -> list[str]:
    """One line per record, for a page: which network heard which clips, when, by which code, where, how long."""
    lines = []
    for heard in found:
        corpus, network = heard.about["corpus"], heard.network
        whole = f" of {corpus['whole']}" if corpus["whole"] and corpus["whole"] != heard.about["clips"] else ""
        lines.append(
            f"`{network['name']}` ({network['source']}, trained on `{network['trained_on']}`, weights "
            f"{network['weights'][:10]}) heard {heard.about['clips']}{whole} clips of `{corpus['name']}` "
            f"({network['seconds']:g} s each, fingerprint {corpus['fingerprint'][:10]}): "
            f"{tables.origin(heard.about['made'])}"
        )
    return lines
