"""The lean step on JAX, in any precision: `Trunk`, which XLA compiles and differentiates."""

from __future__ import annotations

from bnet.training.gpu import consumers
from bnet.training.gpu.trunk import Trunk
from bnet.training.lean.base import Parts


class JaxParts(Parts):
    """The `Parts` for JAX; with `kernels` Pallas reads the consumers of a block instead of XLA's matrix products."""

    def __init__(self, network, plan, kernels: bool):
        super().__init__(network, plan)
        self.plan, self.consume = plan, consumers.consume
        if kernels:
            from bnet.training.gpu.kernels import consume

            self.consume = consume

    def maps(self, x, training):
        weights, moving = ({name: v.value for name, v in each.items()} for each in (self.weights, self.moving))
        trunk = Trunk(self.plan, self.epsilon, weights, None if training else moving, self.consume)
        maps = trunk(x)
        if training:
            self.move(trunk.found)
        return maps
