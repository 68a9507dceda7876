"""Rematerialisation: a network whose blocks are recomputed in the backward pass instead of kept, on any backend.

Keras's own `RematScope` recomputes inside single layers, which keeps every layer's input, and does not work in
TensorFlow's graphs. Here a whole block is recomputed (`keras.remat`): kept are only the maps that go from one part of
the network to another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras

from bnet.models.cost import BYTES, costs

_WITH = {"broadcast": "transition", "probabilities": "decision"}
"""Layers that belong to a part of another name."""

LARGEST = 1.5
"""Memory of a part that is recomputed and goes backward, as a multiple of its activations: so that estimates meet the
peaks of three networks on TensorFlow 2.21 (216 and 108 frames, 8 clips) within 8 %."""


class Part(NamedTuple):
    """A model over a network's own layers, and which of the network's tensors (by ``id``) it takes and gives."""

    model: keras.Model
    inputs: Sequence[int]
    outputs: Sequence[int]


class RematModel(keras.Model):
    """Computes what the plain `network` computes, and trains it in place.

    Parameters
    ----------
    network
        As `bnet.models.build` gives it; it owns all weights.

    Notes
    -----
    A part is a pure function of its weights, statistics and inputs (`keras.Model.stateless_call`): what it changes,
    moving statistics and the state of a dropout's generator, is written once, outside, and not a second time when the
    part is recomputed.
    """

    def __init__(self, network: keras.Model):
        super().__init__(name=f"remat_{network.name}", dtype="float32")
        self.network = network
        self._parts = _Hidden(parts(network))

    def step_bytes(self, batch_size: int) -> int:
        """Memory of a training step: what goes between parts, and the largest part (`LARGEST` times) recomputed."""
        models = [part.model for part in self._parts.parts]
        kept = sum(BYTES * math.prod(output.shape[1:]) for model in models for output in model.outputs)
        largest = max(costs(model).activation_bytes for model in models)
        return round(batch_size * (kept + LARGEST * largest))

    def call(self, x, training=False):
        """Class probabilities [shape=(batch, classes)] of log-mels [shape=(batch, frames, bands, 1)]."""
        if not training:
            return self.network(x, training=False)
        known = {id(self.network.inputs[0]): x}
        for part in self._parts.parts:
            found = _recomputed(part, [known[tensor] for tensor in part.inputs])
            known |= dict(zip(part.outputs, found, strict=True))
        return known[id(self.network.outputs[0])]


class _Hidden:
    """The parts, which Keras must not take for layers of the model."""

    def __init__(self, parts: list[Part]):
        self.parts = parts


def parts(network: keras.Model) -> list[Part]:
    """A network cut at its stem, blocks, transition and decision, by the names of its layers; in order."""
    groups: dict[str, list] = {}
    for layer in network.layers[1:]:
        name = layer.name.split("_", 1)[0]
        groups.setdefault(_WITH.get(name, name), []).append(layer)
    made_by = {id(layer.output): name for name, group in groups.items() for layer in group}
    inputs: dict[str, dict] = {name: {} for name in groups}
    outputs: dict[str, dict] = {name: {} for name in groups}
    for name, group in groups.items():
        for layer in group:
            for tensor in layer.input if isinstance(layer.input, list) else [layer.input]:
                source = made_by.get(id(tensor))
                if source != name:
                    inputs[name][id(tensor)] = tensor
                    if source:
                        outputs[source][id(tensor)] = tensor
    last = network.outputs[0]
    outputs[made_by[id(last)]][id(last)] = last
    return [
        Part(keras.Model([*inputs[name].values()], [*outputs[name].values()]), [*inputs[name]], [*outputs[name]])
        for name in groups
    ]


def _recomputed(part: Part, values: list) -> list:
    """The outputs of a part; what it changes is changed."""
    trainable, others = part.model.trainable_variables, part.model.non_trainable_variables
    ends = len(trainable), len(trainable) + len(others)

    def pure(*given):
        arguments = given[: ends[0]], given[ends[0] : ends[1]], list(given[ends[1] :])
        outputs, changed = part.model.stateless_call(*arguments, training=True)
        return (*keras.tree.flatten(outputs), *changed)

    own = [keras.ops.convert_to_tensor(variable) for variable in trainable]
    own += [keras.ops.copy(variable) for variable in others]  # for they change before they are needed again
    found = keras.remat(pure)(*own, *values)
    for variable, value in zip(others, found[len(part.outputs) :], strict=True):
        variable.assign(value)
    return list(found[: len(part.outputs)])
