"""A comparison in words, no more than its interval allows; and how much was trained."""

from __future__ import annotations

import numpy as np

from bnet.statistics.comparison import Comparison
from bnet.training.config import Profile

SAID = {
    "better": "is better than {}",
    "worse": "is worse than {}",
    "equivalent": "and {} are equal within a point",
    "bounded": "against {} is inconclusive, but bounded",
    "inconclusive": "against {} is inconclusive",
    "too few folds": "against {} gets no verdict from so few folds",
}
"""Verdict of a comparison -> what is said of the first network; the braces take the second."""

SPLITS = {"holdout": "random splits", "official": "the official split", "grouped": "grouped folds", "kfold": "k folds"}
"""Protocol -> what a stranger may call its folds."""


def points(result: Comparison) -> str:
    """A difference in points of accuracy, with its interval, its bound, and what could have been found."""
    change, bound, detectable = (100 * x for x in (result.difference, result.bound, result.detectable))
    return (
        f"{change:+.1f} points of accuracy, 95 % interval {ends(result.low, result.high, '+.1f')} (with probability "
        f".95 within ±{bound:.1f}; such data detect {detectable:.1f} with 80 % power)"
    )


def briefly(result: Comparison) -> str:
    """A difference in points, its interval and its folds: ``+2.6 points (95 % interval -0.5 to +5.7, 5 folds)``."""
    between = ends(result.low, result.high, "+.1f")
    return f"{100 * result.difference:+.1f} points (95 % interval {between}, {spell(result.folds, result.kind)})"


def in_points(result: Comparison) -> dict[str, float]:
    """A difference in points of accuracy as a row of a table: ``change, low, high, bound, detectable``."""
    values = (result.difference, result.low, result.high, result.bound, result.detectable)
    return dict(zip(("change", "low", "high", "bound", "detectable"), (100 * value for value in values), strict=True))


def spell(folds: int, kind: str) -> str:
    """How many folds of which kind: ``10 folds``, ``3 seeds of one split``."""
    return f"{folds} seeds of one split" if kind == "seeds" else f"{folds} fold{'s' * (folds != 1)}"


def verdict(result: Comparison) -> str:
    """Whether the paper's network is better than BBNN, in words for a stranger."""
    longer = {
        "better": "yes",
        "worse": "no, worse",
        "equivalent": "no, equal within a point",
        "too few folds": "too few folds for a verdict",
    }
    return longer.get(result.verdict, "not shown")


def effort(profile: Profile) -> str:
    """How much a network is trained under a profile: ``10 epochs on 10 s of each clip``."""
    training = profile.training
    most = "up to " * (training.stop_patience > 0)
    few = f", at most {training.max_per_class} clips per class" * bool(training.max_per_class)
    return f"{most}{training.epochs} epochs on {training.clip_seconds:g} s of each clip{few}"


def ends(low: float, high: float, form: str = ".1f") -> str:
    """An interval of shares in percent, ``61.0 to 69.2``; a dash where there is none. Only zero is printed as zero."""
    finer = form.replace(".1", ".2")
    shown = (f"{x:{form if float(f'{x:{form}}') or not x else finer}}" for x in (100 * low, 100 * high))
    return " to ".join(shown) if np.isfinite(low) else "–"
