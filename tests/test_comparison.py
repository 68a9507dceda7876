"""Two classifiers compared: golden values of published methods, and simulation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from bnet.errors import BnetError
from bnet.statistics import comparison, significance
from bnet.statistics.comparison import Comparison, Fold

ONE = np.array([0.80, 0.82, 0.79, 0.85, 0.81, 0.78, 0.84, 0.80, 0.83, 0.82])
OTHER = np.array([0.81, 0.84, 0.80, 0.85, 0.84, 0.80, 0.83, 0.83, 0.84, 0.84])


def fold(truth, one, other, start=0) -> Fold:
    ids = [f"t{start + i}" for i in range(len(truth))]
    return Fold(ids, np.asarray(truth), np.asarray(one), np.asarray(other), ids, 90)


def student(differences, ratio, kind="splits") -> Comparison:
    """A comparison that knows the folds alone."""
    variance = comparison.corrected_variance(differences, ratio)
    return Comparison(float(np.mean(differences)), variance**0.5, len(differences) - 1, kind, len(differences), 100)


def test_posterior_is_that_of_baycomp():
    """`baycomp.two_on_single(ONE, OTHER, rope=.01)` of baycomp 1.0.3, and with rope=0."""
    found = student(OTHER - ONE, 1 / 9)
    assert found.below(-0.01) == pytest.approx(0.0012807301560565745, abs=1e-9)
    assert found.below(0.01) == pytest.approx(1 - 0.7456767542018277, abs=1e-9)
    assert found.below(0) == pytest.approx(1 - 0.9803389377446179, abs=1e-9)


def test_corrected_t_is_the_plain_one_without_correction():
    found, plain = student(OTHER - ONE, 0.0), stats.ttest_1samp(OTHER - ONE, 0)
    interval = plain.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, plain.pvalue))
    assert student(OTHER - ONE, 1 / 9).p > found.p


def test_bound_holds_the_difference_with_its_probability_and_power_is_four_in_five():
    found = student(OTHER - ONE, 1 / 9)
    t = stats.t(found.df, found.difference, found.se)
    assert t.cdf(found.bound) - t.cdf(-found.bound) == pytest.approx(0.95)
    assert abs(found.difference) < found.bound < max(abs(found.low), abs(found.high))
    cancelled = Comparison(0.0, 0.02, 1, "splits", 2, 100)  # two folds: as far as the interval, which has long tails
    assert cancelled.bound == pytest.approx(cancelled.high)
    many = np.random.default_rng(0).normal(found.detectable, found.se, 20_000)
    assert np.mean(many > found.difference - found.low) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("one", "other", "clips", "p"),
    [(0.89, 0.90, 100, 0.82), (0.61, 0.64, 189, 0.52), (0.923, 0.931, 418, 0.69), (0.569, 0.583, 800, 0.58)],
)
def test_table_2_read_as_two_proportions(one, other, clips, p):
    """No entry of the paper's Table II differs from a tie."""
    assert significance.two_proportions(one, other, clips) == pytest.approx(p, abs=0.015)


@pytest.mark.parametrize(("clips", "points"), [(100, 8.9), (1000, 2.8), (1886, 2.0), (4180, 1.4), (8000, 1.0)])
def test_smallest_difference(clips, points):
    assert round(100 * significance.smallest_difference(clips), 1) == points


def test_mcnemar_is_the_binomial_test_of_the_discordant():
    truth = np.zeros(40, int)
    one, other = truth.copy(), truth.copy()
    one[:12], other[12:15] = 1, 1
    assert significance.mcnemar(truth, one, other) == pytest.approx(stats.binomtest(3, 15).pvalue)


def test_holm_by_hand_and_nan_does_not_count():
    assert significance.holm([0.01, np.nan, 0.04, 0.03]) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert np.isnan(significance.holm([np.nan])).all()


def drawn(rng, n=80, one=0.5, other=0.9, start=0) -> Fold:
    """A fold of `n` clips on which the two are right with these probabilities."""
    truth = rng.integers(0, 3, n)
    said = [np.where(rng.random(n) < share, truth, (truth + 1) % 3) for share in (one, other)]
    return fold(truth, *said, start)


def shifted(gain: int, start: int, n: int = 100) -> Fold:
    """A fold of `n` clips, half of which both get right; `other` gets `gain` more right, in a hundred."""
    truth, one = np.zeros(n, int), np.arange(n) % 2
    other = one.copy()
    other[np.flatnonzero(one)[:gain]] = 0
    return fold(truth, one, other, start)


def test_two_equal_differences_give_no_verdict_and_no_narrow_interval():
    """A t interval of them would have no width at all."""
    found = comparison.compare([shifted(10, 0), shifted(10, 100)])
    assert found.verdict == "too few folds"
    assert found.difference == pytest.approx(0.1)
    assert found.high - found.low > 0.05
    assert comparison.compare([shifted(10, 0)]).verdict == "too few folds"


def test_five_equal_differences_have_the_interval_of_their_clips():
    found = comparison.compare([shifted(10, 100 * i) for i in range(5)])
    clips = stats.ttest_1samp(np.concatenate([shifted(10, 0).gains] * 5), 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((clips.low, clips.high))
    assert (found.verdict, found.kind) == ("better", "splits")


def test_whole_groups_of_clips_are_one_observation():
    alone = comparison.compare([shifted(10, 100 * i) for i in range(5)])
    groups = [f"g{k // 20}" for k in range(100)]
    folds = [dataclasses.replace(shifted(10, 100 * i), groups=[f"{i}-{g}" for g in groups]) for i in range(5)]
    assert comparison.compare(folds).se > 2 * alone.se


def test_seeds_of_one_split_add_the_luck_of_training_to_that_of_the_clips():
    rng = np.random.default_rng(3)
    seeds = [drawn(rng) for _ in range(3)]
    found = comparison.compare(seeds)
    spread = comparison.corrected_variance([one.difference for one in seeds], 0)
    assert (found.kind, found.verdict) == ("seeds", "better")
    assert found.se**2 > spread
    assert 2 < found.df < 100
    assert comparison.compare(seeds[:2]).verdict == "too few folds"
    equal = comparison.compare([shifted(10, 0)] * 3)
    assert equal.se == pytest.approx(comparison.compare([shifted(10, 0)]).se)


def test_several_folds_each_clip_once():
    rng = np.random.default_rng(1)
    folds = [drawn(rng, 60, start=100 * i) for i in range(5)]
    found = comparison.compare(folds)
    assert (found.folds, found.clips) == (5, 300)
    assert found.mcnemar < 0.001
    assert found.verdict == "better"
    assert np.isnan(comparison.compare([folds[0], folds[0]]).mcnemar)


@pytest.mark.parametrize(
    ("difference", "se", "verdict"),
    [
        (0.05, 0.01, "better"),
        (-0.05, 0.01, "worse"),
        (0.003, 0.001, "equivalent"),
        (0.03, 0.02, "bounded"),
        (0.03, 0.06, "inconclusive"),
        (0.0, 0.0, "equivalent"),
    ],
)
def test_the_rule_of_all_verdicts(difference, se, verdict):
    assert Comparison(difference, se, 9, "splits", 10, 1000).verdict == verdict
    assert Comparison(difference, se, 9, "splits", 4, 1000).verdict == "too few folds"


def test_identical_classifiers_are_equivalent():
    truth = np.arange(30) % 3
    found = comparison.compare([fold(truth, truth, truth, 50 * i) for i in range(5)])
    assert (found.difference, found.low, found.high, found.p, found.bound) == (0, 0, 0, 1, 0)
    assert found.verdict == "equivalent"


def test_no_difference_is_seldom_called_one():
    """Under no difference with overlapping training parts, the corrected test errs in 5 %, the plain in more.

    Differences over J splits are correlated by rho = ratio / (1 + ratio), the model behind the correction.
    """
    rng = np.random.default_rng(2)
    j, ratio, runs = 10, 1 / 8, 2000
    rho = ratio / (1 + ratio)
    shared = rng.normal(0, np.sqrt(rho), (runs, 1)) + rng.normal(0, np.sqrt(1 - rho), (runs, j))
    corrected = np.mean([student(row, ratio).p < 0.05 for row in shared])
    plain = np.mean([student(row, 0).p < 0.05 for row in shared])
    assert 0.03 < corrected < 0.07
    assert plain > 0.1


def test_remarks_tell_constant_answers_and_missing_classes():
    truth = np.array([0, 1, 2, 0])
    found = comparison.compare([fold(truth, truth * 0, truth), fold([0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 1], 10)])
    assert found.remarks == (
        "the first gives one answer to every clip in 2 of 2 folds",
        "1 of 2 test parts lack a class that others hold",
    )


def test_bad_input_is_named():
    truth = np.zeros(3, int)
    with pytest.raises(BnetError, match="'a' occurs twice"):
        Fold(["a", "b", "a"], truth, truth, truth, ["a", "b", "a"], 9)
    with pytest.raises(BnetError, match="as many predictions as tracks"):
        Fold(["a", "b", "c"], truth, truth[:2], truth, ["a", "b", "c"], 9)
    with pytest.raises(BnetError, match="no fold to compare on"):
        comparison.compare([])
    with pytest.raises(BnetError, match="two differences or more"):
        comparison.corrected_variance(np.array([0.1]), 0.1)
