"""The same methods under two conditions, the second harder to get right by accident, from the records."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnet.audit import plots
from bnet.audit.evidence import Evidence
from bnet.audit.report import Report

METHODS = {
    "bbnn": "BBNN",
    "proposed": "the paper's network",
    "proposed-released": "the same, as its notebooks have it",
    "svm-timbre": "timbre only (SVM)",
    "svm-rhythm": "rhythm only (SVM)",
}
"""What is compared, in its order, with words for a stranger."""


class Contrast(NamedTuple):
    """What is classified; corpus, protocol and words of each of the two conditions."""

    title: str
    one: tuple[str, str, str]
    other: tuple[str, str, str]


CONTRASTS = (
    Contrast("GTZAN", ("gtzan", "holdout", "random splits"), ("gtzan", "official", "fault-filtered split")),
    Contrast("FMA-small", ("fma-small", "holdout", "random splits"), ("fma-small", "official", "artists kept apart")),
    Contrast("Tunes", ("tunes", "grouped", "traditional tempo"), ("tunes-free", "grouped", "random tempo")),
)
"""The panels of the figure: the paper's corpora first."""


def reports(evidence: Evidence, contrast: Contrast) -> tuple[Report | None, Report | None]:
    """The records of both conditions, each the first that `evidence` has (sound, fullest profile); None without any.

    Both are of one corpus and profile where some are, so that only the condition differs; of several such pairs, the
    one with most of `METHODS` on both sides, first of those with folds enough.
    """
    sides = [[r for r in evidence.reports(c) if r.protocol == p] for c, p, _ in (contrast.one, contrast.other)]
    two_corpora = contrast.one[0] != contrast.other[0]
    alike = [
        pair
        for pair in itertools.product(*sides)
        if pair[0].profile == pair[1].profile and (two_corpora or pair[0].corpus.name == pair[1].corpus.name)
    ]
    first = tuple(next(iter(side), None) for side in sides)
    solid = [[sum(all(r.enough(n) for r in pair) for n in METHODS), len(_both(pair))] for pair in alike]
    return alike[solid.index(max(solid))] if alike else first


def _both(pair: Sequence[Report]) -> set[str]:
    """The methods that both reports have."""
    return {*pair[0].variants} & {*pair[1].variants} & {*METHODS}


def table(evidence: Evidence, contrast: Contrast, methods: Sequence[str] = tuple(METHODS)) -> pd.DataFrame:
    """One row per method that has records: ``variant, title``, and accuracy in percent under ``one`` and ``other``."""
    pair = reports(evidence, contrast)
    rows = [
        (name, title, *(100 * np.mean(r.accuracies(name)) if r and r.of(name) else np.nan for r in pair))
        for name, title in METHODS.items()
        if name in methods
    ]
    frame = pd.DataFrame(rows, columns=["variant", "title", "one", "other"])
    return frame.dropna(subset=["one", "other"], how="all")


def draw(evidence: Evidence, contrast: Contrast, *, ax: Axes, methods: Sequence[str] = tuple(METHODS)) -> Axes:
    """One panel: a row per method, its accuracy under both conditions."""
    pair = reports(evidence, contrast)
    floor = next((100 * chance for r in pair if r and (chance := r.chance()) is not None), None)
    return plots.contrasts(table(evidence, contrast, methods), (contrast.one[2], contrast.other[2]), floor=floor, ax=ax)


def figure(evidence: Evidence, contrast: Contrast, xlabel: str) -> tuple[Figure, str]:
    """A figure of one contrast, and its alternative text."""
    rows = table(evidence, contrast)
    fig, ax = plt.subplots(figsize=(5.5, 0.42 * len(rows) + 1.3), layout="constrained")
    draw(evidence, contrast, ax=ax).set_xlabel(xlabel)
    told = "; ".join(f"{row.title}: {row.one:.1f} and {row.other:.1f} %" for row in rows.itertuples())
    return fig, told.replace("nan %", "not run").replace("nan", "not run") + "."
