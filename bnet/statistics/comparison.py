"""Comparing two classifiers on the same clips: how large the difference is, and how sure one can be of it.

Conventions: accuracies and differences lie in [-1, 1] (not percent); a difference is *other minus one*, so a positive
one says that `other` is better. A *fold* is one test part with the predictions of both. Folds are of two kinds: new
splits (hold-outs, cross-validation), or one split trained with several *seeds*, which all test the same clips.

Sources: Nadeau & Bengio (2003), *Inference for the generalization error*; Benavoli, Corani, Demšar & Zaffalon (2017),
*Time for a change*; Owen (2007), *The pigeonhole bootstrap*, for clips crossed with seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from bnet.errors import BnetError
from bnet.statistics.significance import mcnemar

ROPE = 0.01
"""Half-width of the region of practical equivalence: differences within one point of accuracy do not matter."""

BOUND = 0.1
"""A bound up to which a comparison without a direction still says something; Table III's largest losses exceed it."""

ENOUGH = {"splits": 5, "seeds": 3}
"""Kind of folds -> the fewest from which there is a verdict."""

LEVEL = 0.95
"""Of intervals, bounds and verdicts."""

RULE = (
    f"'Equivalent': the {100 * LEVEL:.0f} % upper bound of the absolute difference is at most {100 * ROPE:.0f} point; "
    f"else 'better' or 'worse': the whole {100 * LEVEL:.0f} % interval lies on one side of zero; else 'bounded': that "
    f"bound is at most {100 * BOUND:.0f}. No verdict from fewer than {ENOUGH['splits']} splits, or {ENOUGH['seeds']} "
    "seeds of one split."
)
"""The one rule of all verdicts, for a page."""


@dataclass(frozen=True)
class Fold:
    """The test part of one fold, as two classifiers see it.

    Parameters
    ----------
    ids
        Track ids [shape=(n,)], each once.
    truth, one, other
        Class indices [shape=(n,)]: the true ones, and those that the two classifiers predict.
    groups
        The group of each track [shape=(n,)]; where there are no groups, the ids themselves.
    trained
        Number of tracks that the classifiers were trained on (of a part of the classes: their share of it).

    Raises
    ------
    BnetError
        If lengths differ, there is no track, or a track occurs twice.
    """

    ids: Sequence[str]
    truth: np.ndarray
    one: np.ndarray
    other: np.ndarray
    groups: Sequence[str]
    trained: float

    def __post_init__(self) -> None:
        lengths = {len(values) for values in (self.ids, self.truth, self.one, self.other, self.groups)}
        if len(lengths) != 1 or lengths == {0}:
            raise BnetError(f"a fold needs as many predictions as tracks, and one at least; got lengths {lengths}")
        if len(set(self.ids)) != len(self.ids):
            twice = next(name for i, name in enumerate(self.ids) if name in self.ids[:i])
            raise BnetError(f"track {twice!r} occurs twice in one test part; a track is tested once per fold")

    @property
    def gains(self) -> np.ndarray:
        """Difference per track [shape=(n,)]: 1 where only `other` is right, -1 where only `one` is, else 0."""
        return (self.other == self.truth).astype(float) - (self.one == self.truth)

    @property
    def difference(self) -> float:
        """Accuracy of `other` minus that of `one`."""
        return float(self.gains.mean())


@dataclass(frozen=True)
class Comparison:
    """What can be said of two classifiers: a difference whose error follows Student's t.

    Parameters
    ----------
    difference
        Mean over folds of the difference of accuracies.
    se, df
        Its standard error, which knows clips and splits (`compare`), and the degrees of freedom of that.
    kind
        Of the folds: ``splits`` or ``seeds``.
    folds, clips
        Number of folds and of tested clips (a clip that is tested in two folds counts twice).
    mcnemar
        Exact p-value over all clips, nan where some clip is tested more than once. It asks about these very trainings
        and splits; others may differ, so it decides nothing here.
    remarks
        What a reader should know of these data, such as a class that no fold holds.
    """

    difference: float
    se: float
    df: float
    kind: str
    folds: int
    clips: int
    mcnemar: float = float("nan")
    remarks: tuple[str, ...] = ()

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.difference - self._quantile((1 + LEVEL) / 2)

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.difference + self._quantile((1 + LEVEL) / 2)

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        return float(2 * stats.t.sf(abs(self.difference) / self.se, self.df)) if self.se else float(not self.difference)

    @property
    def bound(self) -> float:
        """95 % upper bound of the absolute difference."""
        reach = abs(self.difference) + self._quantile((1 + LEVEL) / 2) + 1e-9  # the interval lies within
        if not self.se or not np.isfinite(reach):
            return abs(self.difference) if np.isfinite(reach) else float("inf")
        return float(optimize.brentq(lambda x: self.below(x) - self.below(-x) - LEVEL, 0, reach))

    @property
    def detectable(self) -> float:
        """The smallest true difference that data like these would show in four of five cases."""
        return self._quantile((1 + LEVEL) / 2) + self._quantile(0.8)

    @property
    def enough(self) -> bool:
        """Whether there are folds enough for a verdict (`ENOUGH`)."""
        return self.folds >= ENOUGH[self.kind]

    @property
    def verdict(self) -> str:
        """By `RULE`, of `other`: ``better, worse, equivalent, bounded, inconclusive`` or ``too few folds``."""
        if not self.enough:
            return "too few folds"
        if self.bound <= ROPE:
            return "equivalent"
        return direction(self.low, self.high) or ("bounded" if self.bound <= BOUND else "inconclusive")

    def _quantile(self, level: float) -> float:
        return float(stats.t.ppf(level, self.df) * self.se)

    def below(self, x: float) -> float:
        """Probability that the difference is at most `x`: Student's t read as a posterior (Corani & Benavoli 2015)."""
        if not self.se:
            return float(self.difference <= x)
        return float(stats.t.cdf((x - self.difference) / self.se, self.df))


def direction(low: float, high: float) -> str:
    """``better`` or ``worse`` where the whole interval of a difference lies on one side of 0, else ''."""
    return "better" if low > 0 else "worse" if high < 0 else ""


def compare(folds: Sequence[Fold]) -> Comparison:
    """Compare two classifiers over the folds on which both were tested.

    The standard error knows two things. **Clips**: the variance of the mean over groups of clips, each with all its
    tests, as if groups were drawn anew. **Folds**: the variance over folds, and it depends on what a fold is.

    - New splits: Nadeau and Bengio's corrected variance, s² (1/J + tested/trained) with J - 1 degrees of freedom, since
      training parts overlap. It holds the luck of the clips already, but from few folds it is a poor estimate, which
      may be near zero by chance; so the wider of the two intervals counts.
    - Seeds of one split: s²/J is the luck of training alone, so the two variances add up (clips crossed with seeds),
      with Satterthwaite's degrees of freedom.
    - One fold: clips alone.

    Raises
    ------
    BnetError
        Without a fold.
    """
    if not folds:
        raise BnetError("no fold to compare on: the two were tested on no split together; run both with `bnet train`")
    differences = np.array([fold.difference for fold in folds])
    ids = [name for fold in folds for name in fold.ids]
    seeds = len(folds) > 1 and len({frozenset(fold.ids) for fold in folds}) == 1
    spreads = [_over_clips(folds)]
    if len(folds) > 1:
        ratio = 0.0 if seeds else float(np.mean([len(fold.ids) / fold.trained for fold in folds]))
        spreads.append((corrected_variance(differences, ratio), len(folds) - 1))
    if seeds:  # independent variances: their sum, with Satterthwaite's degrees of freedom
        total, parts = sum(v for v, _ in spreads), sum(v**2 / df for v, df in spreads)
        spreads = [(total, total**2 / parts if parts else spreads[0][1])]
    variance, df = max(spreads, key=lambda pair: stats.t.ppf((1 + LEVEL) / 2, pair[1]) * np.sqrt(pair[0]))
    truth, one, other = (np.concatenate([getattr(f, name) for f in folds]) for name in ("truth", "one", "other"))
    return Comparison(
        float(differences.mean()), float(np.sqrt(variance)), df, "seeds" if seeds else "splits", len(folds), len(ids),
        mcnemar(truth, one, other) if len(set(ids)) == len(ids) else float("nan"), _remarks(folds),
    )  # fmt: skip


def corrected_variance(differences: Sequence[float] | np.ndarray, ratio: float) -> float:
    """Variance of the mean of differences over resampled splits (Nadeau & Bengio 2003).

    Parameters
    ----------
    differences
        One per split [shape=(J,)], J > 1.
    ratio
        Test clips to training clips: the variance gains this share, since training parts overlap; 0: independent.
    """
    differences = np.asarray(differences, float)
    if len(differences) < 2 or not np.isfinite(differences).all():
        raise BnetError(f"expected two differences or more, all numbers; got {differences.tolist()}")
    variance = 0.0 if np.ptp(differences) == 0 else float(differences.var(ddof=1))
    return variance * (1 / len(differences) + ratio)


def _over_clips(folds: Sequence[Fold]) -> tuple[float, int]:
    """Variance of the mean difference over groups of clips, infinite for a single group, and degrees of freedom."""
    weights = np.concatenate([np.full(len(fold.ids), 1 / len(fold.ids) / len(folds)) for fold in folds])
    gains = np.concatenate([fold.gains for fold in folds])
    _, inverse = np.unique(np.concatenate([np.asarray(fold.groups, str) for fold in folds]), return_inverse=True)
    sums = np.bincount(inverse, weights * (gains - weights @ gains))
    df = len(sums) - 1
    return (float(len(sums) / df * np.sum(sums**2)), df) if df else (float("inf"), 1)


def _remarks(folds: Sequence[Fold]) -> tuple[str, ...]:
    remarks = []
    for side, which in (("one", "first"), ("other", "second")):
        if constant := [i for i, fold in enumerate(folds) if len(np.unique(getattr(fold, side))) == 1]:
            remarks.append(f"the {which} gives one answer to every clip in {len(constant)} of {len(folds)} folds")
    classes = set(np.concatenate([fold.truth for fold in folds]).tolist())
    if lacking := sum(set(fold.truth.tolist()) != classes for fold in folds):
        remarks.append(f"{lacking} of {len(folds)} test parts lack a class that others hold")
    return tuple(remarks)
