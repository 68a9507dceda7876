"""The filter by which soxr, librosa's default, resamples: measured, so that the browser can use the same."""

from __future__ import annotations

import math

import numpy as np
import soxr

from bnet.audio import SR

RATES = (32_000, 44_100, 48_000, 88_200, 96_000)
"""Rates at which it is measured: soxr's filter differs from one to the next; others take that of 44 100 or 48 000."""

REACH = 101.5
"""Half the filter's length, in samples of the lower rate; beyond, it is zero."""


def kernel(rate: int) -> np.ndarray:
    """One half of the filter's impulse response from `rate` to `SR`, two points for each sample of the lower rate.

    Returns
    -------
    np.ndarray [shape=(2 * REACH + 1,)]
        From its middle on; scaled so that the whole sums to 2 (its integral, in samples of the lower rate, is 1).
    """
    low, phases = min(rate, SR), rate // math.gcd(rate, SR)
    found: dict[int, float] = {}
    for phase in range(phases):
        impulse = np.zeros(rate)
        at = rate // 2 + phase
        impulse[at] = 1
        y = soxr.resample(impulse, rate, SR, quality="soxr_hq")
        twice = 2 * (np.arange(len(y)) * rate - at * SR) * low  # over rate * SR: points of the grid where it divides
        on_grid = np.flatnonzero(twice % (rate * SR) == 0)
        found.update(zip((twice[on_grid] // (rate * SR)).tolist(), (y[on_grid] * rate / low).tolist(), strict=True))
    return np.array([found.get(k, 0.0) for k in range(int(2 * REACH) + 1)])


def kernels() -> dict[str, list[float]]:
    """The kernels of `RATES`, by rate, to nine digits."""
    return {str(rate): [float(f"{value:.9g}") for value in kernel(rate)] for rate in RATES}
