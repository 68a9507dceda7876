"""Numbers that the browser takes from Python: the filters by which soxr, librosa's default, resamples, measured; and
librosa's mel filters."""

from __future__ import annotations

import functools
import math
from typing import Any

import librosa
import numpy as np
import soxr

from bnet.sound.log_mel import SR, FeatureSettings

RATES = (8_000, 11_025, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
"""Rates at which they are measured: soxr's filter differs from one to the next; others take that of the nearest."""

REACH = 101.5
"""Half the filter's length, in samples of the lower rate; beyond, it is zero."""

FIRST = 60
"""Of so many samples of the result, from the first on, the departure from the filter is measured."""

NOISE = 5e-7
"""soxr calculates in single precision: what is smaller is its rounding."""


def points(rate: int, sr: int = SR) -> int:
    """Points per sample of the lower rate at which the filter can be measured: on a grid that soxr's output meets."""
    finer = max(rate, sr) // math.gcd(rate, sr)
    return next(n for n in range(2, finer + 1) if finer % n == 0)


def kernel(rate: int, sr: int = SR) -> np.ndarray:
    """One half of the filter's impulse response from `rate` to `sr` [shape=(points * REACH + 1,)], from its middle on,
    `points` for each sample of the lower rate; scaled so that the whole sums to `points` (its integral is 1)."""
    low, phases, middle, grid = min(rate, sr), rate // math.gcd(rate, sr), _settled(rate, sr), points(rate, sr)
    found: dict[int, float] = {}
    for at in range(middle, middle + phases):
        y = _response(rate, at, 2 * middle + phases, sr)
        fine = grid * (np.arange(len(y)) * rate - at * sr) * low  # over rate * sr: points of the grid where it divides
        on_grid = np.flatnonzero(fine % (rate * sr) == 0)
        found.update(zip((fine[on_grid] // (rate * sr)).tolist(), (y[on_grid] * rate / low).tolist(), strict=True))
    return np.array([found.get(k, 0.0) for k in range(int(grid * REACH) + 1)])


def start(rate: int, sr: int = SR) -> list[tuple[np.ndarray, np.ndarray]]:
    """How the first samples depart from the filter: soxr works in stages, and begins each of them with zeros.

    To the filter's result y add, for each pair (out, into), ``out * (into @ x[:len(into)])`` from y[0] on. As few pairs
    as hold all that is above `NOISE`: none where soxr has one stage, else up to six.
    """
    step = rate // math.gcd(rate, sr)  # after so many samples, input and output meet again
    reach, later = math.ceil(REACH * max(1, rate / sr)), math.ceil(_settled(rate, sr) / step) * step
    early = np.array([_response(rate, at, reach + _settled(rate, sr), sr)[:FIRST] for at in range(reach)])
    again = later * sr // rate
    late = np.array([_response(rate, later + at, later + 2 * reach, sr)[again : again + FIRST] for at in range(reach)])
    out, strength, into = np.linalg.svd((early - late).T, full_matrices=False)
    return [(out[:, k] * strength[k], into[k]) for k in np.flatnonzero(strength > NOISE)]


@functools.cache
def kernels(sr: int = SR) -> dict[str, dict[str, Any]]:
    """Filters to `sr` by rate: ``points``, ``half`` (the kernel), ``start`` (pairs of lists); nine digits, no zeros at
    the ends.
    """
    return {
        str(rate): {
            "points": points(rate, sr),
            "half": _plain(kernel(rate, sr)),
            "start": [[_plain(out), _plain(into)] for out, into in start(rate, sr)],
        }
        for rate in sorted({*RATES, SR} - {sr})
    }


def mel_filters(front_end: FeatureSettings) -> list[tuple[int, list[float]]]:
    """librosa's triangular filters, one a band: the first of its frequencies, and the weights from there on."""
    sr, n_fft, bands = front_end.sr, front_end.n_fft, front_end.n_mels
    filters = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=bands, fmin=front_end.fmin, fmax=front_end.fmax)
    return [(int((row > 0).argmax()), _plain(row[row > 0])) for row in filters]


def _response(rate: int, at: int, length: int, sr: int) -> np.ndarray:
    impulse = np.zeros(length)
    impulse[at] = 1
    return soxr.resample(impulse, rate, sr, quality="soxr_hq")


def _settled(rate: int, sr: int) -> int:
    """Samples at `rate` after which nothing is left of the start, and before which nothing is known of the end."""
    return math.ceil(5 * REACH * max(1, rate / sr))


def _plain(values: np.ndarray) -> list[float]:
    digits = [float(f"{value:.9g}") if abs(value) > 1e-9 else 0.0 for value in values]
    while digits and not digits[-1]:
        digits.pop()
    return digits
