"""Networks whose normalisations have no statistics of a batch: each clip by itself."""

from __future__ import annotations

import numpy as np

from bnet.training.lean.operations import Arrays
from bnet.training.lean.plan import Plan
from bnet.training.lean.trunk import Trunk
from bnet.training.lean.workers import Alone, Workers, shared


class Clips:
    """Runs a plan of group normalisations: what a `Trunk` takes for a batch is here one clip, with statistics of its
    own, while training and afterwards. A thread does a whole clip.

    Takes and gives what `Trunk` does; it finds no statistics that a layer would keep.
    """

    def __init__(self, plan: Plan, epsilon: float, workers: Workers | None = None):
        self.plan, self.epsilon, self.workers, self.trunks = plan, epsilon, workers or shared(), []

    def forward(self, x: np.ndarray, weights: Arrays, moving: Arrays | None = None) -> tuple[np.ndarray, Arrays]:
        """As `Trunk.forward`; only while training (`moving` is None) does each clip have maps of its own to keep."""
        wanted = len(x) if moving is None else min(len(x), self.workers.threads)
        self.trunks += [Trunk(self.plan, self.epsilon, Alone()) for _ in range(wanted - len(self.trunks))]
        found = []
        for first in range(0, len(x), wanted):
            some = zip(self.trunks, x[first : first + wanted], strict=False)
            found += self.workers.pool.map(lambda pair: pair[0].forward(pair[1][None], weights)[0].copy(), some)
        return np.concatenate(found), {}

    def backward(self, gradient: np.ndarray) -> Arrays:
        """As `Trunk.backward`."""
        some = zip(self.trunks, gradient, strict=False)
        found = [*self.workers.pool.map(lambda pair: pair[0].backward(pair[1][None]), some)]
        return {name: sum(each[name] for each in found) for name in found[0]}
