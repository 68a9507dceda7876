"""The lean step as a Keras model: trains a plain network's own weights, by `Trunk` up to its transition."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from bnet.training.lean.plan import Plan
from bnet.training.lean.trunk import Trunk


class LeanModel(keras.Model):
    """Computes what the plain `network` computes, and trains it in place.

    Everything of Keras (compile, fit, callbacks, weights) works as on the network itself. What follows the transition's
    convolution is done by the network's own layers.

    Parameters
    ----------
    network
        As `bnet.models.build` gives it, for a fixed number of frames; it owns all weights.
    plan
        Of the row that it was built from.
    """

    def __init__(self, network: keras.Model, plan: Plan):
        super().__init__(name=f"lean_{network.name}")
        self.network = network
        last = network.get_layer(plan.transition.conv)
        norms = [network.get_layer(name) for name in plan.norms]
        self._lean = _Hidden(
            head=keras.Model(last.output, network.output),
            trunk=Trunk(plan, norms[0].epsilon),
            convs=[network.get_layer(name) for name in plan.convs],
            norms=norms,
            shape=tuple(last.output.shape[1:]),
        )

    def call(self, x, training=False):
        """Class probabilities [shape=(batch, classes)] of log-mels [shape=(batch, frames, bands, 1)]."""
        lean = self._lean
        maps = lean.train(x) if training else lean.infer(x)
        return lean.head(maps, training=training)


class _Hidden:
    """The parts of a `LeanModel` that Keras must not take for layers of its own."""

    def __init__(self, head, trunk, convs, norms, shape):
        self.head, self.trunk, self.shape, self.norms = head, trunk, shape, norms
        weights = [(layer, kind) for layer in convs for kind in ("kernel", "bias")]
        weights += [(layer, kind) for layer in norms for kind in ("gamma", "beta")]
        self.weights = {f"{layer.name}/{kind}": getattr(layer, kind) for layer, kind in weights}
        moving = [(layer, kind) for layer in norms for kind in ("moving_mean", "moving_variance")]
        self.moving = {f"{layer.name}/{kind}": getattr(layer, kind) for layer, kind in moving}

    def _maps(self, maps):
        maps.set_shape((None, *self.shape))
        return maps

    def infer(self, x):
        names = [*self.weights, *self.moving]

        def run(x, *arrays):
            given = dict(zip(names, arrays, strict=True))
            return self.trunk.forward(x[..., 0], given, given)[0]

        values = [variable.value for variable in (*self.weights.values(), *self.moving.values())]
        return self._maps(tf.numpy_function(run, [x, *values], tf.float32))

    def train(self, x):
        names, statistics = (
            list(self.weights),
            [f"{n.name}/{kind}" for n in self.norms for kind in ("mean", "variance")],
        )

        def forward(x, *arrays):
            maps, found = self.trunk.forward(x[..., 0], dict(zip(names, arrays, strict=True)))
            return [maps, *(found[name].astype(np.float32) for name in statistics)]

        def backward(gradient):
            found = self.trunk.backward(gradient)
            return [found[name].astype(np.float32) for name in names]

        @tf.custom_gradient
        def step(*values):
            maps, *moments = tf.numpy_function(forward, [x, *values], [tf.float32] * (1 + len(statistics)))

            def gradients(gradient, *_):
                found = tf.numpy_function(backward, [gradient], [tf.float32] * len(names))
                for g, value in zip(found, values, strict=True):
                    g.set_shape(value.shape)
                return found

            return (self._maps(maps), *moments), gradients

        maps, *moments = step(*(tf.convert_to_tensor(variable.value) for variable in self.weights.values()))
        for layer, mean, variance in zip(self.norms, moments[::2], moments[1::2], strict=True):
            for variable, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
                new.set_shape(variable.shape)
                new = tf.stop_gradient(new)
                variable.assign(variable * layer.momentum + new * (1.0 - layer.momentum))
        return self._maps(maps)
