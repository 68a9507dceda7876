"""The lean step in TensorFlow on a CPU: `Trunk` as an operation that has a gradient."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from bnet.training.lean.base import Parts
from bnet.training.lean.clips import Clips
from bnet.training.lean.trunk import Trunk


class CpuParts(Parts):
    """The `Parts` for TensorFlow on a CPU."""

    def __init__(self, network, plan):
        super().__init__(network, plan)
        self.trunk = (Clips if plan.group else Trunk)(plan, self.epsilon)

    def maps(self, x, training):
        maps = self._train(x) if training else self._infer(x)
        maps.set_shape((None, *self.shape))
        return maps

    def _infer(self, x):
        names = [*self.weights, *self.moving]

        def run(x, *arrays):
            given = dict(zip(names, arrays, strict=True))
            return self.trunk.forward(x[..., 0], given, given)[0]

        values = [variable.value for variable in (*self.weights.values(), *self.moving.values())]
        return tf.numpy_function(run, [x, *values], tf.float32)

    def _train(self, x):
        names = list(self.weights)
        statistics = [f"{layer.name}/{kind}" for layer in self.moved for kind in ("mean", "variance")]

        def forward(x, *arrays):
            maps, found = self.trunk.forward(x[..., 0], dict(zip(names, arrays, strict=True)))
            return [maps, *(found[name].astype(np.float32) for name in statistics)]

        def backward(gradient):
            found = self.trunk.backward(gradient)
            return [found[name].astype(np.float32) for name in names]

        @tf.custom_gradient
        def step(*values):
            found = tf.numpy_function(forward, [x, *values], [tf.float32] * (1 + len(statistics)))
            maps, *moments = tf.nest.flatten(found)  # one alone comes without a list
            for name, moment in zip(statistics, moments, strict=True):
                layer, _, kind = name.rpartition("/")
                moment.set_shape(self.moving[f"{layer}/moving_{kind}"].shape)

            def gradients(gradient, *_):
                by_weight = tf.numpy_function(backward, [gradient], [tf.float32] * len(names))
                for g, value in zip(by_weight, values, strict=True):
                    g.set_shape(value.shape)
                return by_weight

            return (maps, *moments), gradients

        maps, *moments = step(*(tf.convert_to_tensor(variable.value) for variable in self.weights.values()))
        self.move(dict(zip(statistics, moments, strict=True)))
        return maps
