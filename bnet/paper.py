"""What the paper states, as data. Every value here is the paper's, not a measurement of ours.

Source: Heakl, Abdelgawad, Parque (2022), *A Study on Broadcast Networks for Music Genre Classification*.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reported:
    """A pair of accuracies as printed: best validation and best test, in percent; `where` names table and column."""

    validation: float
    test: float
    where: str


TABLE_2: dict[tuple[str, str], Reported] = {
    (corpus, variant): Reported(validation, test, f"Table II, {column}")
    for corpus, column, rows in (
        ("gtzan", "GTZAN", (("bbnn", 90.0, 89.0), ("proposed", 91.0, 90.0))),
        ("homburg", "Audio Benchmark", (("bbnn", 64.0, 61.0), ("proposed", 66.1, 64.0))),
        ("extended-ballroom", "Extended Ballroom", (("bbnn", 94.7, 92.3), ("proposed", 93.3, 93.1))),
        ("fma-small", "FMA", (("bbnn", 58.1, 56.9), ("proposed", 58.9, 58.3))),
    )
    for variant, validation, test in rows
}
"""(corpus, network) -> the paper's Table II: 'the highest test accuracy' of ten draws (section III-C)."""

TABLE_1_TOTALS = {"gtzan": 1000, "homburg": 1886, "extended-ballroom": 4180, "fma-small": 8000}
"""Corpus -> number of tracks, the last row of the paper's Table I."""

CORPUS_TITLES = {
    "gtzan": "GTZAN",
    "extended-ballroom": "Extended Ballroom",
    "homburg": "HOMBURG",
    "fma-small": "FMA-small",
}
"""The paper's corpora (section III-A), in the order in which its text discusses them."""
