"""What every front end is: the settings, and the way, from sound to a network's input."""

from __future__ import annotations

import abc
import dataclasses
import json

import numpy as np


class FrontEnd(abc.ABC):
    """From mono sound to what a network takes in. A subclass is a frozen dataclass: its fields are part of a run's
    name.

    Attributes
    ----------
    sr
        Sample rate of the sound that it takes, in Hz.
    n_mels
        Number of bands.
    """

    sr: int
    n_mels: int

    @abc.abstractmethod
    def frames(self, seconds: float) -> int:
        """Number of frames of a clip."""

    @property
    @abc.abstractmethod
    def frame_rate(self) -> float:
        """Frames a second."""

    @abc.abstractmethod
    def __call__(self, y: np.ndarray) -> np.ndarray:
        """The log-mel of a clip [shape=(n,)] at `sr`: float32 [shape=(frames, n_mels)], in dB."""

    @abc.abstractmethod
    def fit(self, y: np.ndarray, seconds: float) -> np.ndarray:
        """`y` [shape=(n,)] cut or lengthened to `seconds` [shape=(round(seconds * sr),)]."""

    def to_json(self) -> str:
        """Its fields as canonical JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)
