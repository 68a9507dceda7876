"""Comparing two classifiers on the same clips: how large the difference is, and how sure one can be of it.

Conventions: accuracies and differences lie in [-1, 1] (not percent); a difference is *other minus one*, so a positive
one says that `other` is better. A *fold* is one test part with the predictions of both.

Sources: Nadeau & Bengio (2003), *Inference for the generalization error*; Bouckaert & Frank (2004), *Evaluating the
replicability of significance tests*; Benavoli, Corani, Demšar & Zaffalon (2017), *Time for a change*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as _mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from bnet.errors import BnetError
from bnet.statistics.metrics import bootstrap_interval

ROPE = 0.01
"""Half-width of the region of practical equivalence: differences within one point of accuracy do not matter."""

SURE = 0.95
"""Posterior probability from which a page says 'better', 'worse' or 'equivalent'."""


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
        Number of tracks that the classifiers were trained on.

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
    trained: int

    def __post_init__(self) -> None:
        lengths = {len(values) for values in (self.ids, self.truth, self.one, self.other, self.groups)}
        if len(lengths) != 1 or lengths == {0}:
            raise BnetError(f"a fold needs as many predictions as tracks, and one at least; got lengths {lengths}")
        if len(set(self.ids)) != len(self.ids):
            twice = next(name for i, name in enumerate(self.ids) if name in self.ids[:i])
            raise BnetError(f"track {twice!r} occurs twice in one test part; a track is tested once a fold")

    @property
    def gains(self) -> np.ndarray:
        """A track's difference [shape=(n,)]: 1 where only `other` is right, -1 where only `one` is, else 0."""
        return (self.other == self.truth).astype(float) - (self.one == self.truth)

    @property
    def difference(self) -> float:
        """Accuracy of `other` minus that of `one`."""
        return float(self.gains.mean())


@dataclass(frozen=True)
class Posterior:
    """Probabilities that `other` is worse, practically equivalent (within the region), or better; they sum to 1."""

    worse: float
    equivalent: float
    better: float


@dataclass(frozen=True)
class Comparison:
    """What can be said of two classifiers.

    Parameters
    ----------
    difference
        Mean over folds of the difference of accuracies.
    low, high
        Its 95 % interval, by `method`.
    method
        How the interval was made, in words.
    folds, clips
        Number of folds and of tested clips (a clip that is tested in two folds counts twice).
    p
        Two-sided p-value of no difference; nan where `method` gives none.
    posterior
        Bayesian correlated t, None with one fold: a single split says nothing of the spread over splits.
    mcnemar
        Exact p-value over all clips, nan where some clip is tested more than once.
    remarks
        What a reader should know of these data, such as a class that no fold holds.
    """

    difference: float
    low: float
    high: float
    method: str
    folds: int
    clips: int
    p: float
    posterior: Posterior | None
    mcnemar: float
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` (of `other`), ``equivalent`` or ``can't be told``.

        With a posterior: what has a probability of `SURE` at least. Without: where the whole interval lies.
        """
        if self.posterior:
            named = {name: getattr(self.posterior, name) for name in ("better", "equivalent", "worse")}
        else:
            named = {
                "better": float(self.low > 0),
                "equivalent": float(self.low > -ROPE and self.high < ROPE),
                "worse": float(self.high < 0),
            }
        likely = max(named, key=lambda name: named[name])
        return likely if named[likely] >= SURE else "can't be told"


def compare(folds: Sequence[Fold]) -> Comparison:
    """Compare two classifiers over the folds on which both were tested.

    Two folds and more: Nadeau and Bengio's corrected t, and the Bayesian correlated t. One fold: a bootstrap over the
    groups of its clips, which knows nothing of the luck of the split and of the training.

    Raises
    ------
    BnetError
        Without a fold.
    """
    if not folds:
        raise BnetError(
            "no fold to compare on: the two were never tested on the same split; run both with `bnet train`"
        )
    ids = [name for fold in folds for name in fold.ids]
    once = len(set(ids)) == len(ids)
    differences = np.array([fold.difference for fold in folds])
    if len(folds) == 1:
        low, high = bootstrap_interval(folds[0].gains, np.asarray(folds[0].groups))
        mean, p, posterior = float(differences[0]), float("nan"), None
        method = "one split: bootstrap over groups of its clips, blind to the luck of the split and of the training"
    else:
        ratio = float(np.mean([len(fold.ids) / fold.trained for fold in folds]))
        mean, low, high, p = corrected_t(differences, ratio)
        posterior = correlated_t(differences, ratio)
        method = f"{len(folds)} splits: Nadeau and Bengio's corrected t, test to training {ratio:.2f}"
    truth, one, other = (np.concatenate([getattr(f, name) for f in folds]) for name in ("truth", "one", "other"))
    return Comparison(
        mean, low, high, method, len(folds), len(ids), p, posterior,
        mcnemar(truth, one, other) if once else float("nan"), _remarks(folds),
    )  # fmt: skip


def corrected_t(differences: np.ndarray, ratio: float, level: float = 0.95) -> tuple[float, float, float, float]:
    """Mean, interval and two-sided p of differences over resampled splits (Nadeau & Bengio 2003).

    Parameters
    ----------
    differences
        One a split [shape=(J,)], J > 1.
    ratio
        Test clips to training clips: the variance gains this share, since training parts overlap.
    """
    differences = np.asarray(differences, float)
    mean, scale = _scale(differences, ratio)
    if scale == 0:
        return mean, mean, mean, float(mean == 0)
    half = stats.t.ppf((1 + level) / 2, len(differences) - 1) * scale
    return mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / scale, len(differences) - 1))


def correlated_t(differences: np.ndarray, ratio: float, rope: float = ROPE) -> Posterior:
    """Posterior of the mean difference (Corani & Benavoli 2015): Student's t with the correction of `corrected_t`.

    It equals baycomp's ``two_on_single`` for a cross-validation of J folds, where ``ratio`` is 1 / (J - 1).
    """
    differences = np.asarray(differences, float)
    mean, scale = _scale(differences, ratio)
    if scale == 0:
        return Posterior(float(mean < -rope), float(abs(mean) <= rope), float(mean > rope))
    below, above = stats.t.cdf((np.array([-rope, rope]) - mean) / scale, len(differences) - 1)
    return Posterior(float(below), float(above - below), float(1 - above))


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


def _scale(differences: np.ndarray, ratio: float) -> tuple[float, float]:
    if len(differences) < 2 or not np.isfinite(differences).all():
        raise BnetError(f"expected two differences or more, all numbers; got {differences.tolist()}")
    deviation = 0.0 if np.ptp(differences) == 0 else float(differences.std(ddof=1))
    return float(differences.mean()), deviation * float(np.sqrt(1 / len(differences) + ratio))


def _remarks(folds: Sequence[Fold]) -> tuple[str, ...]:
    remarks = []
    for side in ("one", "other"):
        if constant := [i for i, fold in enumerate(folds) if len(np.unique(getattr(fold, side))) == 1]:
            which = "first" if side == "one" else "second"
            remarks.append(f"the {which} gives one answer to every clip in {len(constant)} of {len(folds)} folds")
    classes = set(np.concatenate([fold.truth for fold in folds]).tolist())
    if lacking := sum(set(fold.truth.tolist()) != classes for fold in folds):
        remarks.append(f"{lacking} of {len(folds)} test parts lack a class that others hold")
    return tuple(remarks)
