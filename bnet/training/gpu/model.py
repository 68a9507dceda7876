"""The lean step on JAX as a Keras model: trains a plain network's own weights, by `trunk` up to its transition."""

from __future__ import annotations

import keras
from jax import lax

from bnet.training.gpu import consumers, trunk
from bnet.training.lean.plan import Plan


class JaxLeanModel(keras.Model):
    """Computes what the plain `network` computes, and trains it in place; in any precision.

    Everything of Keras (compile, fit, callbacks, weights) works as on the network itself. What follows the transition's
    convolution is done by the network's own layers.

    Parameters
    ----------
    network
        As `bnet.models.build` gives it, for a fixed number of frames; it owns all weights.
    plan
        Of the row that it was built from.
    kernels
        Whether the consumers of a block are read by Pallas kernels instead of XLA's matrix products.
    """

    def __init__(self, network: keras.Model, plan: Plan, kernels: bool = False):
        super().__init__(name=f"lean_{network.name}")
        self.network = network
        self._lean = _Hidden(network, plan, kernels)

    def call(self, x, training=False):
        """Class probabilities [shape=(batch, classes)] of log-mels [shape=(batch, frames, bands, 1)]."""
        lean = self._lean
        weights, moving = ({name: v.value for name, v in each.items()} for each in (lean.weights, lean.moving))
        maps, found = trunk.forward(lean.plan, lean.epsilon, x, weights, None if training else moving, lean.consume)
        for layer in lean.norms if training else ():
            for kind in ("mean", "variance"):
                variable, new = getattr(layer, f"moving_{kind}"), lax.stop_gradient(found[f"{layer.name}/{kind}"])
                variable.assign(variable * layer.momentum + new * (1 - layer.momentum))
        return lean.head(maps, training=training)


class _Hidden:
    """The parts of a `JaxLeanModel` that Keras must not take for layers of its own."""

    def __init__(self, network, plan, kernels):
        self.plan, self.consume = plan, consumers.consume
        if kernels:
            from bnet.training.gpu.kernels import consume

            self.consume = consume
        last, convs = network.get_layer(plan.transition.conv), [network.get_layer(name) for name in plan.convs]
        self.head, self.norms = keras.Model(last.output, network.output), [network.get_layer(n) for n in plan.norms]
        self.epsilon = self.norms[0].epsilon
        self.weights = {f"{layer.name}/{v.name}": v for layer in (*convs, *self.norms) for v in layer.trainable_weights}
        self.moving = {f"{layer.name}/{v.name}": v for layer in self.norms for v in layer.non_trainable_weights}
