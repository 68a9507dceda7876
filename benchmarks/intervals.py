"""Do the book's intervals and verdicts keep what they say? A simulation with known truth.

    python benchmarks/intervals.py                1 000 simulated experiments per case, kept for the book
    python benchmarks/intervals.py --quick        a try

1. Clips come in groups that are easy or hard together. How often does a 95 % bootstrap interval cover the truth, when
   whole groups are resampled, and when single clips are?
2. Two classifiers that are equally good by construction (nearest centroids on two halves of exchangeable features, each
   trained on a resample of its training part, as a seed would have it) are compared in each way in which this book
   compares networks. How often is one called better or worse, which should be 5 % at most? Of several seeds of one
   split the truth is the difference of the two on endless clips and seeds, given the training part.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from common import Output, Quick, about, write
from scipy import stats
from tqdm import tqdm

from bnet.statistics import comparison, metrics
from bnet.statistics.comparison import Fold

GROUPS, SIZES = 60, (1, 8)
CLIPS, FEATURES, TEST, ALIKE = 300, 5, 0.1, 3
WAYS = {"ten hold-outs": 10, "five hold-outs": 5, "five grouped folds": 5, "three seeds of one split": 3}


def accuracy_case(rng: np.random.Generator) -> dict[str, bool]:
    """One corpus of grouped clips: does each interval cover the true accuracy?"""
    sizes = rng.integers(*SIZES, GROUPS)
    groups = np.repeat(np.arange(GROUPS), sizes)
    # a group's own accuracy: Beta(4, 2), whose mean 2/3 is the truth, whatever its size
    values = rng.random(len(groups)) < np.repeat(rng.beta(4, 2, GROUPS), sizes)
    seed = int(rng.integers(2**31))
    ends = {
        "groups resampled": metrics.bootstrap_interval(values, groups, seed=seed, draws=1000),
        "clips resampled": metrics.bootstrap_interval(values, np.arange(len(groups)), seed=seed, draws=1000),
    }
    return {name: low <= 2 / 3 <= high for name, (low, high) in ends.items()}


def difference_case(rng: np.random.Generator) -> dict[str, bool]:
    """One corpus and two classifiers that are equally good on average: is a difference declared?"""
    found = {}
    for way, folds in WAYS.items():
        x, truth, groups = corpus(rng, CLIPS)
        parts = list(split(rng, way, folds, groups))
        trained = [train(rng, x[part], truth[part]) for part, _ in parts]
        compared = [
            Fold([str(i) for i in test], truth[test], *answers(model, x[test]), groups[test].astype(str), len(part))
            for model, (part, test) in zip(trained, parts, strict=True)
        ]
        result, real = comparison.compare(compared), 0.0
        if result.kind == "seeds":
            x_all, truth_all, _ = corpus(rng, 4000)
            part = parts[0][0]
            many = [answers(train(rng, x[part], truth[part]), x_all) for _ in range(40)]
            real = float(np.mean([(two == truth_all).mean() - (one == truth_all).mean() for one, two in many]))
        found[way] = comparison.direction(result.low - real, result.high - real) != ""
        if way == "ten hold-outs":
            d = np.array([fold.difference for fold in compared])
            found[f"{way}, plain t-test"] = stats.ttest_1samp(d, 0).pvalue < 0.05
        if way == "three seeds of one split":
            d = np.array([fold.difference for fold in compared])
            found[f"{way}, t-test over seeds"] = stats.ttest_1samp(d, real).pvalue < 0.05
    return found


def corpus(rng: np.random.Generator, clips: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [shape=(clips, 2, FEATURES)], one half per classifier; classes; and groups of clips that are alike."""
    groups = np.arange(clips) // ALIKE
    truth = rng.integers(0, 2, groups[-1] + 1)[groups]
    shared = rng.normal(size=(groups[-1] + 1, 2, FEATURES))[groups]
    x = 0.6 * shared + 0.8 * rng.normal(size=(clips, 2, FEATURES)) + 0.35 * (2 * truth[:, None, None] - 1)
    return x, truth, groups


def split(rng: np.random.Generator, way: str, folds: int, groups: np.ndarray):
    """Training and test part of each fold; hold-outs tear groups apart, the other ways keep them whole."""
    units = groups if "hold-outs" not in way else np.arange(len(groups))
    count = units[-1] + 1
    order = rng.permutation(count)
    for fold in range(folds):
        if "hold-outs" in way:
            order = rng.permutation(count)
        size = count // 5 if "grouped" in way else int(TEST * count) if "hold-outs" in way else count // 3
        start = fold * size if "grouped" in way else 0
        test = np.isin(units, order[start : start + size])
        yield np.flatnonzero(~test), np.flatnonzero(test)


def train(rng: np.random.Generator, x: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Centroids [shape=(classes, 2, FEATURES)], each half from a resample of its own."""
    picks = rng.integers(0, len(x), (2, len(x)))
    means = [[x[pick][truth[pick] == label, half].mean(axis=0) for half, pick in enumerate(picks)] for label in (0, 1)]
    return np.array(means)


def answers(centroids: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
    """The class that each half names."""
    distances = ((x[:, None] - centroids[None]) ** 2).sum(axis=-1)
    return list(distances.argmin(axis=1).T)


CASES = (
    ("95 % interval covers the true accuracy", accuracy_case, 0.95),
    ("equally good, called better or worse", difference_case, 0.05),
)


def main(
    times: Annotated[int, typer.Option("--runs", min=10, help="Simulated experiments per case.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Simulate, print one line per method, and keep the table."""
    started = about(quick)
    times, rows = 20 if quick else times, []
    for what, case, aim in CASES:
        rng = np.random.default_rng(seed)
        found = [case(rng) for _ in tqdm(range(times), desc=what)]
        for method in found[0]:
            share = float(np.mean([one[method] for one in found]))
            se = float(np.sqrt(share * (1 - share) / times))
            rows.append({"what": what, "method": method, "aim": aim, "found": share, "se": se})
            print(f"{what:38} {method:42} aim {100 * aim:4.1f} %  found {100 * share:5.1f} % ± {196 * se:.1f}")
    write("intervals", started, rows, output, runs=times, seed=seed)


if __name__ == "__main__":
    typer.run(main)
