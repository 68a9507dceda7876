"""The lean step on JAX as a Keras model: trains a plain network's own weights, by `trunk` up to its transition."""

from __future__ import annotations

import keras

from bnet.training.gpu import consumers, trunk
from bnet.training.lean.base import LeanBase, Parts
from bnet.training.lean.plan import Plan


class JaxLeanModel(LeanBase):
    """A `LeanBase` for JAX, in any precision.

    Parameters
    ----------
    network
        As of `LeanBase`.
    plan
        Of the row that it was built from.
    kernels
        Whether the consumers of a block are read by Pallas kernels instead of XLA's matrix products.
    """

    def __init__(self, network: keras.Model, plan: Plan, kernels: bool = False):
        super().__init__(network, _Parts(network, plan, kernels))


class _Parts(Parts):
    def __init__(self, network, plan, kernels):
        super().__init__(network, plan)
        self.plan, self.consume = plan, consumers.consume
        if kernels:
            from bnet.training.gpu.kernels import consume

            self.consume = consume

    def maps(self, x, training):
        weights, moving = ({name: v.value for name, v in each.items()} for each in (self.weights, self.moving))
        maps, found = trunk.forward(self.plan, self.epsilon, x, weights, None if training else moving, self.consume)
        if training:
            self.move(found)
        return maps
