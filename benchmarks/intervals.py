"""Do the book's intervals and tests keep what they say? A simulation with known truth.

    python benchmarks/intervals.py                2 000 simulated experiments a case, kept for the book
    python benchmarks/intervals.py --quick        a try

1. Clips come in groups that are easy or hard together. How often does a 95 % bootstrap interval cover the truth, when
   whole groups are resampled, and when single clips are?
2. Two classifiers that are equally good by construction (nearest centroids on two halves of exchangeable features) are
   trained on overlapping hold-outs. How often is a difference declared at 5 %, with Nadeau and Bengio's correction and
   without; and how often does the Bayesian posterior reach .95 on either side?
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from common import Output, Quick, about, write
from tqdm import tqdm

from bnet.statistics import comparison, metrics

GROUPS, SIZES = 60, (1, 8)
CLIPS, FEATURES, SPLITS, TEST = 300, 5, 10, 0.1


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
    """One corpus, ten hold-outs, two classifiers that are equally good on average: is a difference declared?"""
    truth = rng.integers(0, 2, CLIPS)
    x = rng.normal(size=(CLIPS, 2, FEATURES)) + 0.35 * (2 * truth[:, None, None] - 1)
    differences = []
    for _ in range(SPLITS):
        order = rng.permutation(CLIPS)
        test, train = order[: int(TEST * CLIPS)], order[int(TEST * CLIPS) :]
        centroids = np.stack([x[train][truth[train] == label].mean(axis=0) for label in (0, 1)])
        distances = ((x[test][:, None] - centroids[None]) ** 2).sum(axis=-1)
        right = distances.argmin(axis=1) == truth[test][:, None]
        differences.append(right[:, 1].mean() - right[:, 0].mean())
    differences, ratio = np.array(differences), TEST / (1 - TEST)
    posterior = comparison.correlated_t(differences, ratio)
    return {
        "corrected t": comparison.corrected_t(differences, ratio)[3] < 0.05,
        "plain t": comparison.corrected_t(differences, 0)[3] < 0.05,
        "posterior of .95": max(posterior.better, posterior.worse) >= comparison.SURE,
    }


CASES = (
    ("95 % interval covers the true accuracy", accuracy_case, 0.95),
    ("equally good, called different", difference_case, 0.05),
)


def main(
    times: Annotated[int, typer.Option("--runs", min=10, help="Simulated experiments a case.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Simulate, print a line a method, and keep the table."""
    started = about(quick)
    times, rows = 20 if quick else times, []
    for what, case, aim in CASES:
        rng = np.random.default_rng(seed)
        found = [case(rng) for _ in tqdm(range(times), desc=what)]
        for method in found[0]:
            share = float(np.mean([one[method] for one in found]))
            se = float(np.sqrt(share * (1 - share) / times))
            rows.append({"what": what, "method": method, "aim": aim, "found": share, "se": se})
            print(f"{what:42} {method:18} aim {100 * aim:4.1f} %  found {100 * share:5.1f} % ± {196 * se:.1f}")
    write("intervals", started, rows, output, runs=times, seed=seed)


if __name__ == "__main__":
    typer.run(main)
