"""What every front end is: the settings, and the way, from sound to a network's input."""

from __future__ import annotations

import abc
import dataclasses
import json

import numpy as np


class FrontEnd(abc.ABC):
    """From mono sound to a network's input. A subclass is a frozen dataclass: its fields are part of a run's name.

    Attributes
    ----------
    sr
        Sample rate of the sound that it takes, in Hz.
    n_mels, fmin, fmax
        Number of mel bands, and their edges in Hz.
    """

    sr: int
    n_mels: int
    fmin: float
    fmax: float

    @abc.abstractmethod
    def frames(self, seconds: float) -> int:
        """Number of frames that `__call__` gives of ``round(seconds * sr)`` samples."""

    @property
    @abc.abstractmethod
    def frame_rate(self) -> float:
        """Frames per second."""

    @property
    @abc.abstractmethod
    def about(self) -> str:
        """What it makes of sound, in a phrase."""

    @abc.abstractmethod
    def __call__(self, y: np.ndarray) -> np.ndarray:
        """The log-mel, float32 [shape=(frames, n_mels)] in dB, of mono sound `y` [shape=(n,)] at `sr`; a `BnetError` if
        `y` is not mono, is empty or holds NaN."""

    @abc.abstractmethod
    def fit(self, y: np.ndarray, seconds: float) -> np.ndarray:
        """`y` [shape=(n,)] cut or lengthened, as its networks know it, to [shape=(round(seconds * sr),)]."""

    def to_json(self) -> str:
        """Its fields as canonical JSON; `bnet.sound.pictures.front_end` reads it."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)
