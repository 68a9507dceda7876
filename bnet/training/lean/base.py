"""The lean step as a Keras model, on any backend: a trunk in front of the network's own head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from bnet.training.lean.plan import Plan


class LeanModel(keras.Model):
    """Computes what the plain `network` computes, and trains it in place.

    Everything of Keras (compile, fit, callbacks, weights) works as on the network itself. What follows the transition's
    convolution is done by the network's own layers.

    Parameters
    ----------
    network
        As `bnet.models.build` gives it, for a fixed number of frames; it owns all weights.
    parts
        Of the same network: the backend's own way to the transition's convolution.
    """

    def __init__(self, network: keras.Model, parts: Parts):
        super().__init__(name=f"lean_{network.name}")
        self.network = network
        self._lean = parts

    def call(self, x, training=False):
        """Class probabilities [shape=(batch, classes)] of log-mels [shape=(batch, frames, bands, 1)]."""
        return self._lean.head(self._lean.maps(x, training), training=training)


class Parts:
    """The parts of a `LeanModel` that Keras must not take for layers of its own: the `head` behind the transition, the
    layers that normalise (and `moved`, those whose statistics move), and by ``"<layer>/<kind>"`` the variables that are
    trained and those that move.

    Each backend has a subclass, made of the network and the plan of the row that it was built from.
    """

    def __init__(self, network: keras.Model, plan: Plan):
        last, convs = network.get_layer(plan.transition.conv), [network.get_layer(name) for name in plan.convs]
        self.head, self.norms = keras.Model(last.output, network.output), [network.get_layer(n) for n in plan.norms]
        self.moved = [] if plan.group else self.norms
        self.shape, self.epsilon = tuple(last.output.shape[1:]), self.norms[0].epsilon
        self.weights = {f"{layer.name}/{v.name}": v for layer in (*convs, *self.norms) for v in layer.trainable_weights}
        self.moving = {f"{layer.name}/{v.name}": v for layer in self.norms for v in layer.non_trainable_weights}

    def maps(self, x, training: bool):
        """The transition's maps of log-mels [shape=(batch, frames, bands, filters)]; training moves the statistics."""
        raise NotImplementedError

    def move(self, moments: Mapping[str, Any]) -> None:
        """Move every layer's statistics towards the batch's, ``"<layer>/mean"`` and ``variance``."""
        for layer in self.moved:
            for kind in ("mean", "variance"):
                variable = getattr(layer, f"moving_{kind}")
                new = keras.ops.stop_gradient(moments[f"{layer.name}/{kind}"])
                variable.assign(variable * layer.momentum + new * (1.0 - layer.momentum))
