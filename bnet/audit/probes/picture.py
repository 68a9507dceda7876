"""Changed pictures: what is done to a log-mel itself [shape=(frames, n_mels)], in dB."""

from __future__ import annotations

import numpy as np

from bnet.corpora import draw
from bnet.sound.front_end import FrontEnd
from bnet.sound.log_mel import FeatureSettings

BANDS = ("low", "mid", "high")
"""Thirds of the mel bands."""


def band_range(band: str, n_mels: int) -> tuple[int, int]:
    """First mel band of a third, and the first after it.

    >>> band_range("mid", 128)
    (43, 85)
    """
    third = BANDS.index(band)
    return round(third * n_mels / 3), round((third + 1) * n_mels / 3)


def muted(log_mel: np.ndarray, track_id: str, band: str, front_end: FrontEnd | None = None) -> np.ndarray:
    """A third of the bands lowered to the quietest value of the clip."""
    first, end = band_range(band, log_mel.shape[1])
    result = log_mel.copy()
    result[:, first:end] = log_mel.min()
    return result


def shuffled(log_mel: np.ndarray, track_id: str, seconds: float, front_end: FrontEnd | None = None) -> np.ndarray:
    """Pieces of `seconds` (0: single frames) in an order drawn from the track's id; all frames are kept. `front_end`
    made the log-mel; None: the paper's.
    """
    size = max(1, round(seconds * (front_end or FeatureSettings()).frame_rate))
    pieces = [log_mel[start : start + size] for start in range(0, len(log_mel), size)]
    order = np.random.default_rng(int(draw(track_id, "shuffle") * 2**53)).permutation(len(pieces))
    return np.concatenate([pieces[i] for i in order])
