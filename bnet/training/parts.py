"""What goes into a fit, and what comes out of it: the same for a network and a baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Part:
    """Clips of one part of a split.

    Parameters
    ----------
    features
        Log-mels of the whole corpus, in dB [shape=(tracks, frames, n_mels)]; may be a memory map.
    rows
        Which rows of `features` belong to the part [shape=(n,)].
    labels
        Their class indices [shape=(n,)].
    """

    features: np.ndarray
    rows: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def arrays(self) -> np.ndarray:
        """The log-mels of the part [shape=(n, frames, n_mels)], copied into memory."""
        return np.asarray(self.features[self.rows], dtype="float32")


@dataclass(frozen=True)
class Outcome:
    """What a fit gives.

    Parameters
    ----------
    validation, test
        Class probabilities [shape=(n, classes)] in the order of each part's rows.
    history
        One row an epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy, learning_rate; empty for a baseline.
    notes
        What was found on the way, as plain values (best epoch, number of parameters, ...).
    model
        The Keras network with its best weights; None for a baseline.
    execution
        How it was trained, as plain values (`bnet.training.device.Execution`); empty for a baseline.
    """

    validation: np.ndarray
    test: np.ndarray
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: dict[str, Any] = field(default_factory=dict)
    model: Any = None
    execution: dict[str, Any] = field(default_factory=dict)
