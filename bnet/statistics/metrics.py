"""Metrics and their uncertainty: pure functions of arrays.

Conventions: `truth` holds class indices [shape=(n,)], `probabilities` one row per track [shape=(n, classes)]; the
predicted class is the one with the highest probability (the first of equals). All results are in [0, 1].
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from bnet.errors import BnetError


def validate(truth: np.ndarray, probabilities: np.ndarray) -> None:
    """Check shapes and ranges.

    Raises
    ------
    BnetError
        If lengths differ, there is no track, a class index is out of range, or a probability is not a number.
    """
    if np.ndim(truth) != 1 or np.ndim(probabilities) != 2 or len(truth) != len(probabilities) or len(truth) == 0:
        raise BnetError(
            "expected truth [shape=(n,)] and probabilities [shape=(n, classes)] with n > 0; "
            f"got shapes {np.shape(truth)} and {np.shape(probabilities)}"
        )
    if not np.isfinite(probabilities).all():
        raise BnetError("probabilities hold values that are not numbers")
    if np.min(truth) < 0 or np.max(truth) >= probabilities.shape[1]:
        raise BnetError(f"class indices must lie in 0 to {probabilities.shape[1] - 1}")


def correct(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Whether each track is classified correctly [shape=(n,), bool]."""
    validate(truth, probabilities)
    return probabilities.argmax(axis=1) == truth


def accuracy(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of tracks classified correctly."""
    return float(correct(truth, probabilities).mean())


def macro_f1(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over classes of the F1 score; a class that is neither true nor predicted anywhere does not count."""
    counts = confusion(truth, probabilities)
    either = counts.sum(axis=0) + counts.sum(axis=1)
    return float(np.mean(2 * np.diag(counts)[either > 0] / either[either > 0]))


def confusion(truth: np.ndarray, probabilities: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Counts of tracks: row = true class, column = predicted class [shape=(classes, classes)]; each track once, or as
    often as `times` says [shape=(n,)]."""
    validate(truth, probabilities)
    classes = probabilities.shape[1]
    cells = classes * np.asarray(truth) + probabilities.argmax(axis=1)
    return np.bincount(cells, times, classes**2).reshape(classes, classes)


def recalls(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Share of each class's tracks classified correctly [shape=(classes,)]; nan for a class without tracks."""
    counts = confusion(truth, probabilities)
    total = counts.sum(axis=1)
    return np.divide(np.diag(counts), total, out=np.full(len(counts), np.nan), where=total > 0)


def mean_recall(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of `recalls` over the classes that occur."""
    return float(np.nanmean(recalls(truth, probabilities)))


METRICS = {metric.__name__: metric for metric in (accuracy, macro_f1, mean_recall)}
"""Every scalar metric by name: `evaluate` gives each, and so does every table of single runs."""


def evaluate(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """All scalar metrics by name."""
    return {name: metric(truth, probabilities) for name, metric in METRICS.items()}


def bootstrap_interval(
    values: np.ndarray, groups: np.ndarray, *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a mean over tracks, with whole groups resampled together.

    Parameters
    ----------
    values
        One number a track [shape=(n,)], such as right or wrong; or a difference of two networks.
    groups
        The group of each track [shape=(n,)]: tracks of one group are not independent.
    draws, seed
        Number of resamples, seed.

    Returns
    -------
    low, high
        Ends of the interval; nan where there are fewer than two groups, which tell nothing of others.
    """
    values = np.asarray(values, float)
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(inverse, values), np.bincount(inverse)
    if len(sums) < 2:
        return float("nan"), float("nan")
    drawn = resamples(len(sums), draws, seed)
    means = drawn @ sums / (drawn @ counts)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


@functools.lru_cache(maxsize=4)
def resamples(groups: int, draws: int, seed: int = 0) -> np.ndarray:
    """How often each group is in each resample [shape=(draws, groups)]; many intervals share the same resamples."""
    picks = np.random.default_rng(seed).integers(0, groups, (draws, groups))
    places = picks + groups * np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=draws * groups).reshape(draws, groups).astype(float)


def reliability(truth: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Calibration: per bin of the highest probability, how sure the network is and how often it is right.

    Returns
    -------
    One row per bin that is not empty: ``low``, ``high`` (ends), ``clips``, ``confidence`` (mean), ``accuracy``.
    """
    right, confidence = correct(truth, probabilities), probabilities.max(axis=1)
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.digitize(confidence, edges[1:-1], right=True), 0, bins - 1)
    table = pd.DataFrame({"bin": which, "confidence": confidence, "accuracy": right.astype(float)})
    found = table.groupby("bin").agg(
        clips=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean")
    )
    found.insert(0, "low", edges[found.index])
    found.insert(1, "high", edges[found.index + 1])
    return found.reset_index(drop=True)


def calibration_error(truth: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean over clips of ``|confidence - accuracy|`` of their bin (Guo et al. 2017)."""
    table = reliability(truth, probabilities, bins)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["clips"]))
