"""What the paper states, as data. Every value here is the paper's, not a measurement of ours.

Source: Heakl, Abdelgawad, Parque (2022), *A Study on Broadcast Networks for Music Genre Classification*.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from bnet.audit.rows import read


class Reported(NamedTuple):
    """A pair of accuracies as printed: best validation and best test, in percent; `where` names table and column."""

    validation: float
    test: float
    where: str


_CORPORA = read("corpora").set_index("corpus")

CORPUS_TITLES: dict[str, str] = _CORPORA["title"].to_dict()
"""The paper's corpora (section III-A), in the order in which its text discusses them."""

TABLE_2 = {
    (corpus, variant): Reported(row[f"{variant}_validation"], row[f"{variant}_test"], f"Table II, {row['table_2']}")
    for corpus, row in _CORPORA.iterrows()
    for variant in ("bbnn", "proposed")
}
"""(corpus, network) -> the paper's Table II: 'the highest test accuracy' of ten draws (section III-C)."""

TABLE_3 = {row.variant: row for row in read("table-3", gaps=["loss"]).itertuples(index=False)}
"""Variation of BBNN -> its row, on GTZAN (``validation, test``), and what section III-E says of it: the points of test
accuracy that it loses against BBNN, as the text puts it (``loss``; nan: it gives no number), the ``figure`` that shows
it, and how the paper explains its result, in our words (``explanation``). The table has no row for BBNN itself: that is
Table II's."""

TABLE_1 = {
    corpus: [*rows[["printed", "label", "clips"]].itertuples(index=False, name=None)]
    for corpus, rows in read("table-1").groupby("corpus", sort=False)
}
"""Corpus -> rows of the paper's Table I, top to bottom: genre as printed, our label, number of tracks."""

TABLE_1_TOTALS: dict[str, int] = _CORPORA["tracks"].to_dict()
"""Corpus -> number of tracks, the last row of the paper's Table I."""

TABLE_1_REMARKS: dict[str, str] = _CORPORA["remarks"].to_dict()
"""Corpus -> how the paper's Table I differs from the corpus itself, in our words."""

THRESHOLDS: dict[str, float] = _CORPORA["threshold"].to_dict()
"""Corpus -> test accuracy until which the published notebooks draw a new split."""

CONFUSED = {c: [tuple(pair.split(" / ")) for pair in pairs.split("; ")] for c, pairs in _CORPORA["confused"].items()}
"""Corpus -> pairs of our labels of classes that, by the text, the proposed network confuses in Figure 2 (III-D)."""

BASELINE_LOGS = {
    "validation": (0.92, 0.92, 0.97, 0.91, 0.95, 0.98, 0.89, 0.91, 0.96, 0.97),
    "test": (0.80, 0.95, 0.93, 0.93, 0.93, 0.96, 0.87, 0.93, 0.92, 0.91),
}
"""Part -> BBNN's accuracies on ten random hold-outs of GTZAN, saved in the baseline's published notebook."""

TESTED_SHARE = 0.1
"""Share of a corpus in a test part: two draws of 80/10/10 (section III-C, and the published notebooks)."""


def tested_clips(corpus: str) -> int:
    """Number of clips in one test part of a corpus of the paper: 100, 189, 418 and 800."""
    return math.ceil(TESTED_SHARE * TABLE_1_TOTALS[corpus])


def gain(corpus: str) -> float:
    """Points of test accuracy that the proposed network has over BBNN in Table II."""
    return TABLE_2[corpus, "proposed"].test - TABLE_2[corpus, "bbnn"].test


def loss(variation: str) -> float:
    """Points of test accuracy that a variation of Table III has less than BBNN in Table II; below 0: more."""
    return round(TABLE_2["gtzan", "bbnn"].test - TABLE_3[variation].test, 1)
