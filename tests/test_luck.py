"""Best of k, redraw until, and their measured counterparts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bnet.errors import BnetError
from bnet.statistics import luck


@pytest.mark.parametrize(
    ("p", "sd", "best", "chance", "draws", "reported"),
    [
        (0.76, 0, (0.803, 0.824, 0.837), 0.0008, 1191, 0.895),
        (0.80, 0, (0.841, 0.860, 0.872), 0.0126, 79.5, 0.897),
        (0.80, 0.0556, (0.855, 0.880, 0.895), 0.0527, 19.0, 0.903),
        (0.85, 0, (0.886, 0.903, 0.913), 0.163, 6.1, 0.902),
        (0.913, 0, (0.941, 0.954, 0.961), 0.841, 1.2, 0.922),
    ],
)
def test_a_hundred_clips_and_the_threshold_of_the_published_notebooks(p, sd, best, chance, draws, reported):
    assert [luck.best_of(p, 100, k, sd) for k in (4, 10, 20)] == pytest.approx(best, abs=6e-4)
    found = luck.redraw(p, 100, 0.89, sd)
    assert found.chance == pytest.approx(chance, abs=6e-4)
    assert found.draws == pytest.approx(draws, rel=0.02)
    assert found.reported == pytest.approx(reported, abs=6e-4)


@pytest.mark.parametrize(
    ("n", "threshold", "p", "draws", "reported"), [(189, 0.62, 0.58, 8.2, 0.639), (800, 0.58, 0.56, 7.4, 0.588)]
)
def test_thresholds_of_homburg_and_fma(n, threshold, p, draws, reported):
    found = luck.redraw(p, n, threshold)
    assert found.draws == pytest.approx(draws, abs=0.06)
    assert found.reported == pytest.approx(reported, abs=6e-4)


def test_simulation_agrees_with_both_formulas():
    rng = np.random.default_rng(0)
    drawn = rng.binomial(80, 0.7, (20_000, 6)) / 80
    best = drawn.max(axis=1)
    assert luck.best_of(0.7, 80, 6) == pytest.approx(best.mean(), abs=4 * best.std() / np.sqrt(len(best)))
    passed = drawn[:, 0][drawn[:, 0] >= 0.75]
    assert luck.redraw(0.7, 80, 0.75).reported == pytest.approx(passed.mean(), abs=0.002)


def test_beta_binomial_has_the_spread_asked_for():
    found = luck.counts(0.8, 100, 0.0556)
    assert found.mean() / 100 == pytest.approx(0.8)
    assert found.std() / 100 == pytest.approx(0.0556)


def test_draws_that_spread_less_than_binomial_count_as_binomial():
    sd = luck.spread_between([0.55] * 5, 800)
    assert luck.best_of(0.55, 800, 5, sd) == luck.best_of(0.55, 800, 5)
    assert luck.redraw(0.55, 800, 0.58, sd) == luck.redraw(0.55, 800, 0.58)


def test_best_of_observed_is_the_mean_over_all_subsets():
    values = [0.7, 0.72, 0.72, 0.65, 0.8]
    for k in range(1, 6):
        expected = np.mean([max(some) for some in itertools.combinations(values, k)])
        assert luck.best_of_observed(values, k) == pytest.approx(expected)


def test_published_baseline_logs_spread_more_than_binomial():
    """Ten hold-outs of 100 clips in the baseline's notebook."""
    logs = [0.80, 0.95, 0.93, 0.93, 0.93, 0.96, 0.87, 0.93, 0.92, 0.91]
    assert luck.overdispersion(logs, 100) == pytest.approx(0.004, abs=0.001)
    assert luck.spread_between(logs, 100) == pytest.approx(0.046, abs=0.001)
    assert luck.overdispersion([1.0, 1.0], 100) == 1


def test_bad_input_is_named():
    with pytest.raises(BnetError, match="between 1 and the 2 observed"):
        luck.best_of_observed([0.5, 0.6], 3)
    with pytest.raises(BnetError, match="accuracy between 0 and 1"):
        luck.best_of(1.2, 100, 3)
    with pytest.raises(BnetError, match="too large"):
        luck.counts(0.5, 100, 0.6)
    assert luck.redraw(0.001, 10, 1.0).draws > 1e20
