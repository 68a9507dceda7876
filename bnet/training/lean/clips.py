"""Networks whose normalisations have no statistics of a batch: each clip by itself."""

from __future__ import annotations

import numpy as np

from bnet.training.lean.operations import Arrays
from bnet.training.lean.plan import Plan
from bnet.training.lean.trunk import Trunk


class Clips:
    """Runs a plan of group normalisations: what a `Trunk` takes for a batch is here one clip, with statistics of its
    own, while training and afterwards.

    Takes and gives what `Trunk` does; it finds no statistics that a layer would keep.
    """

    def __init__(self, plan: Plan, epsilon: float):
        self.plan, self.epsilon, self.trunks = plan, epsilon, []

    def forward(self, x: np.ndarray, weights: Arrays, moving: Arrays | None = None) -> tuple[np.ndarray, Arrays]:
        """As `Trunk.forward`; only while training (`moving` is None) does each clip have maps of its own to keep."""
        wanted = len(x) if moving is None else 1
        self.trunks += [Trunk(self.plan, self.epsilon) for _ in range(wanted - len(self.trunks))]
        found = [self.trunks[i % wanted].forward(clip[None], weights)[0].copy() for i, clip in enumerate(x)]
        return np.concatenate(found), {}

    def backward(self, gradient: np.ndarray) -> Arrays:
        """As `Trunk.backward`."""
        found = [trunk.backward(one[None]) for trunk, one in zip(self.trunks, gradient, strict=False)]
        return {name: sum(each[name] for each in found) for name in found[0]}
