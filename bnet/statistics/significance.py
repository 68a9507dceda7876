"""Textbook tests of accuracies: of trained networks on the same clips, and of what a table prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as _mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest


def mcnemar(truth: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Exact McNemar p-value: do the clips that only one of the two gets right fall to both alike?"""
    first, second = np.asarray(one) == truth, np.asarray(other) == truth
    counts = [[np.sum(first & second), np.sum(first & ~second)], [np.sum(~first & second), np.sum(~first & ~second)]]
    return float(_mcnemar(np.array(counts), exact=True).pvalue)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p-values of a family [shape=(n,)]; what is nan stays so and does not count."""
    values = np.asarray(p_values, float)
    known = np.isfinite(values)
    adjusted = np.full(len(values), np.nan)
    if known.any():
        adjusted[known] = multipletests(values[known], method="holm")[1]
    return adjusted


def two_proportions(one: float, other: float, clips: int) -> float:
    """p-value that two accuracies on `clips` clips each differ, when nothing else is known of them (pooled z-test).

    The reading of a printed table that is kindest to it: as if the splits were independent, drawn once, never chosen.
    """
    counts = np.round(np.array([one, other]) * clips)
    return float(proportions_ztest(counts, [clips, clips])[1])


def smallest_difference(clips: int, discordant: float = 0.1, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest difference of accuracies that a paired test on `clips` clips finds with the given power.

    `discordant` is the share of clips that exactly one of the two gets right (normal approximation of McNemar).
    """
    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * np.sqrt(discordant / clips))
