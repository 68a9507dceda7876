"""How much a reported accuracy gains when the best of several splits, or the first that passes, is the one reported.

Conventions: `p` is a true accuracy, `n` the number of test clips, `k` the number of draws; `sd` is the spread of
accuracy over splits, as a standard deviation of accuracies; where it exceeds the binomial one the counts are
beta-binomial. All accuracies lie in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from bnet.errors import BnetError


def counts(p: float, n: int, sd: float = 0.0) -> Any:
    """The distribution of the number of clips classified correctly: binomial, or beta-binomial for a larger `sd`.

    Raises
    ------
    BnetError
        If `p` or `n` is out of range, or `sd` is more than any distribution on [0, 1] with mean `p` has.
    """
    if not 0 < p < 1 or n < 1:
        raise BnetError(f"expected an accuracy between 0 and 1 and one clip at least; got {p} and {n}")
    variance = p * (1 - p)
    if sd**2 <= variance / n * (1 + 1e-6):  # equal but for rounding: no beta-binomial is so near to a binomial
        return stats.binom(n, p)
    share = (n * sd**2 / variance - 1) / (n - 1) if n > 1 else 1.0
    if share >= 1:
        raise BnetError(f"a spread of {sd} is too large for accuracies with mean {p}")
    return stats.betabinom(n, p * (1 / share - 1), (1 - p) * (1 / share - 1))


def best_of(p: float, n: int, k: int, sd: float = 0.0) -> float:
    """Expected accuracy of the best of `k` independent draws: (1/n) sum over x < n of 1 - F(x)^k."""
    return float(np.sum(1 - counts(p, n, sd).cdf(np.arange(n)) ** k) / n)


@dataclass(frozen=True)
class Redrawn:
    """'Draw a split until the test accuracy passes': chance to pass, expected draws, expected accuracy reported."""

    chance: float
    draws: float
    reported: float


def redraw(p: float, n: int, threshold: float, sd: float = 0.0) -> Redrawn:
    """What the rule 'redraw until at least `threshold`' reports of a classifier whose true accuracy is `p`."""
    distribution = counts(p, n, sd)
    passing = np.arange(int(np.ceil(threshold * n - 1e-9)), n + 1)
    weights = distribution.pmf(passing)
    chance = float(weights.sum())
    if chance == 0:
        return Redrawn(0.0, float("inf"), float("nan"))
    return Redrawn(chance, 1 / chance, float((weights * passing).sum() / chance / n))


def best_of_observed(accuracies: Sequence[float], k: int) -> float:
    """Expected best of `k` of the observed accuracies, drawn without replacement: exact, by order statistics.

    Raises
    ------
    BnetError
        If `k` is not between 1 and the number of observations.
    """
    values = np.sort(np.asarray(accuracies, float))
    if not 1 <= k <= len(values):
        raise BnetError(f"expected k between 1 and the {len(values)} observed draws; got {k}")
    ranks = np.arange(1, len(values) + 1)
    return float(np.sum(values * special.comb(ranks - 1, k - 1)) / special.comb(len(values), k))


def overdispersion(accuracies: Sequence[float], n: int) -> float:
    """p-value that accuracies over splits of `n` clips spread no more than the binomial (chi-squared, J - 1)."""
    hits = np.asarray(accuracies, float) * n
    if len(hits) < 2:
        raise BnetError("the spread over splits needs two splits at least")
    mean = hits.mean()
    if mean in (0, n):
        return 1.0
    return float(stats.chi2.sf(np.sum((hits - mean) ** 2) / (mean * (1 - mean / n)), len(hits) - 1))


def spread_between(accuracies: Sequence[float], n: int) -> float:
    """Standard deviation of accuracy over splits, for `counts`: the observed one, or the binomial one if larger."""
    values = np.asarray(accuracies, float)
    return float(max(values.std(ddof=1), np.sqrt(values.mean() * (1 - values.mean()) / n)))
