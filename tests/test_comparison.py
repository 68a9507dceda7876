"""Two classifiers compared: golden values of published methods, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bnet.errors import BnetError
from bnet.statistics import comparison
from bnet.statistics.comparison import Fold

ONE = np.array([0.80, 0.82, 0.79, 0.85, 0.81, 0.78, 0.84, 0.80, 0.83, 0.82])
OTHER = np.array([0.81, 0.84, 0.80, 0.85, 0.84, 0.80, 0.83, 0.83, 0.84, 0.84])


def fold(truth, one, other, start=0, groups=None) -> Fold:
    ids = [f"t{start + i}" for i in range(len(truth))]
    return Fold(ids, np.asarray(truth), np.asarray(one), np.asarray(other), groups or ids, 90)


def test_posterior_is_that_of_baycomp():
    """`baycomp.two_on_single(ONE, OTHER, rope=.01)` of baycomp 1.0.3, and with rope=0."""
    found = comparison.correlated_t(OTHER - ONE, 1 / 9)
    assert (found.worse, found.equivalent, found.better) == pytest.approx(
        (0.0012807301560565745, 0.2530425156421158, 0.7456767542018277), abs=1e-9
    )
    assert comparison.correlated_t(OTHER - ONE, 1 / 9, rope=0).better == pytest.approx(0.9803389377446179, abs=1e-9)


def test_corrected_t_is_the_plain_one_without_correction():
    mean, low, high, p = comparison.corrected_t(OTHER - ONE, 0.0)
    plain = stats.ttest_1samp(OTHER - ONE, 0)
    interval = plain.confidence_interval(0.95)
    assert (mean, low, high, p) == pytest.approx((np.mean(OTHER - ONE), interval.low, interval.high, plain.pvalue))
    assert comparison.corrected_t(OTHER - ONE, 1 / 9)[3] > p


@pytest.mark.parametrize(
    ("one", "other", "clips", "p"),
    [(0.89, 0.90, 100, 0.82), (0.61, 0.64, 189, 0.52), (0.923, 0.931, 418, 0.69), (0.569, 0.583, 800, 0.58)],
)
def test_table_2_read_as_two_proportions(one, other, clips, p):
    """No entry of the paper's Table II differs from a tie."""
    assert comparison.two_proportions(one, other, clips) == pytest.approx(p, abs=0.015)


@pytest.mark.parametrize(("clips", "points"), [(100, 8.9), (1000, 2.8), (1886, 2.0), (4180, 1.4), (8000, 1.0)])
def test_smallest_difference(clips, points):
    assert round(100 * comparison.smallest_difference(clips), 1) == points


def test_mcnemar_is_the_binomial_test_of_the_discordant():
    truth = np.zeros(40, int)
    one, other = truth.copy(), truth.copy()
    one[:12], other[12:15] = 1, 1
    assert comparison.mcnemar(truth, one, other) == pytest.approx(stats.binomtest(3, 15).pvalue)


def test_holm_by_hand_and_nan_does_not_count():
    assert comparison.holm([0.01, np.nan, 0.04, 0.03]) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert np.isnan(comparison.holm([np.nan])).all()


def test_one_fold_falls_back_to_the_bootstrap_and_says_so():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 80)
    found = comparison.compare([fold(truth, (truth + (rng.random(80) < 0.6)) % 3, truth)])
    assert found.posterior is None
    assert np.isnan(found.p)
    assert found.verdict == "better"
    assert "one split" in found.method
    assert found.low < found.difference < found.high


def test_several_folds_each_clip_once():
    rng = np.random.default_rng(1)
    folds = []
    for i in range(5):
        truth = rng.integers(0, 3, 60)
        other = np.where(rng.random(60) < 0.9, truth, (truth + 1) % 3)
        one = np.where(rng.random(60) < 0.5, truth, (truth + 1) % 3)
        folds.append(fold(truth, one, other, 100 * i))
    found = comparison.compare(folds)
    assert (found.folds, found.clips) == (5, 300)
    assert found.posterior.worse + found.posterior.equivalent + found.posterior.better == pytest.approx(1)
    assert found.mcnemar < 0.001
    assert found.verdict == "better"
    assert np.isnan(comparison.compare([folds[0], folds[0]]).mcnemar)


def test_identical_classifiers_are_equivalent():
    truth = np.arange(30) % 3
    found = comparison.compare([fold(truth, truth, truth), fold(truth, truth, truth, 50)])
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.verdict == "equivalent"


def test_no_difference_is_seldom_called_one():
    """Under no difference with overlapping training parts, the corrected test errs in 5 %, the plain in more.

    Differences over J splits are correlated by rho = ratio / (1 + ratio), the model behind the correction.
    """
    rng = np.random.default_rng(2)
    j, ratio, runs = 10, 1 / 8, 2000
    rho = ratio / (1 + ratio)
    shared = rng.normal(0, np.sqrt(rho), (runs, 1)) + rng.normal(0, np.sqrt(1 - rho), (runs, j))
    corrected = np.mean([comparison.corrected_t(row, ratio)[3] < 0.05 for row in shared])
    plain = np.mean([comparison.corrected_t(row, 0)[3] < 0.05 for row in shared])
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
        comparison.corrected_t(np.array([0.1]), 0.1)
