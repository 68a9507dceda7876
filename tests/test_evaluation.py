"""Metrics against worked values, and the interval against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from bnet.errors import BnetError
from bnet.statistics import metrics

TRUTH = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 0])
PROBABILITIES = np.eye(4)[PREDICTED]


def test_worked_example():
    assert metrics.accuracy(TRUTH, PROBABILITIES) == pytest.approx(4 / 6)
    # F1: class 0: 2*2/(3+3), class 1: 2*2/(3+2), class 2: 0; class 3 occurs nowhere
    assert metrics.macro_f1(TRUTH, PROBABILITIES) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    np.testing.assert_array_equal(
        metrics.confusion(TRUTH, PROBABILITIES), [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    )
    np.testing.assert_allclose(metrics.recalls(TRUTH, PROBABILITIES), [2 / 3, 1, 0, np.nan])
    assert metrics.evaluate(TRUTH, PROBABILITIES)["mean_recall"] == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_counts_and_f1_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(50):
        classes, clips = rng.integers(2, 9), rng.integers(1, 30)
        truth, probabilities = rng.integers(0, classes, clips), rng.random((clips, classes))
        named = probabilities.argmax(axis=1)
        counts = confusion_matrix(truth, named, labels=range(classes))
        np.testing.assert_array_equal(metrics.confusion(truth, probabilities), counts)
        f1 = f1_score(truth, named, labels=np.union1d(truth, named), average="macro", zero_division=0)
        assert metrics.macro_f1(truth, probabilities) == pytest.approx(f1)


def test_interval_covers_the_truth_when_groups_are_resampled_together():
    rng = np.random.default_rng(4)
    covered = {"groups": 0, "tracks": 0}
    for seed in range(200):
        skill = np.clip(rng.normal(0.6, 0.3, 40), 0, 1)  # a group's clips are right or wrong together
        values = (rng.random((40, 8)) < skill[:, None]).ravel()
        groups = np.repeat(np.arange(40), 8)
        for name, by in (("groups", groups), ("tracks", np.arange(320))):
            low, high = metrics.bootstrap_interval(values, by, draws=300, seed=seed)
            covered[name] += low <= 0.5905 <= high  # mean of the clipped normal, by integration
    assert covered["groups"] >= 0.9 * 200
    assert covered["tracks"] < 0.85 * 200


@pytest.mark.parametrize(
    ("truth", "probabilities", "message"),
    [
        (TRUTH, PROBABILITIES[:5], "got shapes"),
        (np.array([]), np.zeros((0, 3)), "n > 0"),
        (TRUTH, PROBABILITIES[:, :2], "class indices must lie in 0 to 1"),
        (TRUTH, np.where(PROBABILITIES == 1, np.nan, 0), "not numbers"),
    ],
)
def test_bad_input_is_refused(truth, probabilities, message):
    with pytest.raises(BnetError, match=message):
        metrics.accuracy(truth, probabilities)


def test_calibration_by_hand():
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.95, 0.05], [0.85, 0.15], [0.85, 0.15], [0.35, 0.65]])
    table = metrics.reliability(truth, probabilities)
    assert table["clips"].tolist() == [1, 2, 1]
    assert table["accuracy"].tolist() == [1.0, 0.5, 1.0]
    np.testing.assert_allclose(metrics.calibration_error(truth, probabilities), (0.35 + 2 * 0.35 + 0.05) / 4)
