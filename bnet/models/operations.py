"""Every word of the chain language as Keras layers: `OPERATIONS` maps a word to a small function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import layers

from bnet.models.language import Step
from bnet.models.pooling import max_pooling
from bnet.models.variant import Variant


class At(NamedTuple):
    """Where an operation stands: the `row`, the `name` of its layer, its `step`, and the `seen` input of its block."""

    row: Variant
    name: str
    step: Step
    seen: Any = None

    @property
    def filters(self) -> int:
        """Maps that a convolution makes, or units of an LSTM."""
        return int(self.step.number or self.row.filters)

    @property
    def padding(self) -> str:
        """Keras's word for how borders are treated."""
        return "same" if self.step.padded else "valid"


@keras.saving.register_keras_serializable("bnet")
class BandLSTM(layers.Layer):
    """An LSTM along the frames of each mel band by itself, with the same weights for all bands.

    Maps [shape=(batch, frames, bands, channels)] to the output sequence [shape=(batch, frames, bands, units)].
    """

    def __init__(self, units: int, kernel_initializer: str = "glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.lstm = layers.LSTM(units, return_sequences=True, kernel_initializer=kernel_initializer, name="lstm")

    def build(self, input_shape):
        """Make the LSTM's weights, for sequences of the input's channels."""
        self.lstm.build((None, input_shape[1], input_shape[3]))
        self.built = True

    def call(self, x):
        """Bands become part of the batch, and come back."""
        bands, channels = x.shape[2], x.shape[3]
        frames = keras.ops.shape(x)[1]
        sequences = keras.ops.reshape(keras.ops.transpose(x, (0, 2, 1, 3)), (-1, frames, channels))
        y = keras.ops.reshape(self.lstm(sequences), (-1, bands, frames, self.lstm.units))
        return keras.ops.transpose(y, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape):
        """The input's shape, with units for channels."""
        return (*input_shape[:3], self.lstm.units)

    def get_config(self):
        """For saving the layer."""
        initializer = keras.initializers.serialize(self.lstm.kernel_initializer)
        return {**super().get_config(), "units": self.lstm.units, "kernel_initializer": initializer}


def _conv(x, at: At):
    return layers.Conv2D(
        at.filters,
        at.step.size,
        at.step.strides,
        padding=at.padding,
        kernel_initializer=at.row.initializer,
        name=at.name,
    )(x)


def _sepconv(x, at: At):
    return layers.SeparableConv2D(
        at.filters,
        at.step.size,
        at.step.strides,
        padding=at.padding,
        depthwise_initializer=at.row.initializer,
        pointwise_initializer=at.row.initializer,
        name=at.name,
    )(x)


def _norm(x, at: At):
    return _activation(layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=at.name)(x), at)


def _groupnorm(x, at: At):
    groups = x.shape[-1] // int(at.step.number)
    return _activation(layers.GroupNormalization(groups, epsilon=1e-3, name=at.name)(x), at)


def _activation(x, at: At):
    return layers.Activation(at.row.activation, name=f"{at.name}_{at.row.activation}")(x)


def _maxpool(x, at: At):
    return max_pooling()(at.step.size, at.step.strides, name=at.name)(x)


def _avgpool(x, at: At):
    return layers.AveragePooling2D(at.step.size, at.step.strides, name=at.name)(x)


def _pool(x, at: At):
    return max_pooling()(at.step.size, strides=1, padding="same", name=at.name)(x)


def _lstm(x, at: At):
    return BandLSTM(at.filters, at.row.initializer, name=at.name)(x)


def _se(x, at: At):
    return _excite(x, layers.GlobalAveragePooling2D(keepdims=True, name=f"{at.name}_squeeze")(x), at)


def _semax(x, at: At):
    return _excite(x, layers.GlobalMaxPooling2D(keepdims=True, name=f"{at.name}_squeeze")(x), at)


def _excite(x, squeezed, at: At):
    """Two dense layers turn the squeezed channels into a weight from 0 to 1 a channel, and scale the maps by it."""
    channels, initializer = x.shape[-1], at.row.initializer
    reduced = channels // int(at.step.number)
    y = layers.Dense(reduced, "relu", kernel_initializer=initializer, name=f"{at.name}_reduce")(squeezed)
    y = layers.Dense(channels, "sigmoid", kernel_initializer=initializer, name=f"{at.name}_expand")(y)
    return layers.Multiply(name=at.name)([x, y])


def _residual(x, at: At):
    channels, initializer = at.seen.shape[-1], at.row.initializer
    y = layers.Conv2D(channels, 1, kernel_initializer=initializer, name=f"{at.name}_conv1x1")(x)
    return layers.Add(name=at.name)([at.seen, y])


def _gap(x, at: At):
    return layers.GlobalAveragePooling2D(name=at.name)(x)


def _gmp(x, at: At):
    return layers.GlobalMaxPooling2D(name=at.name)(x)


def _dropout(x, at: At):
    return layers.Dropout(at.step.number, name=at.name)(x)


OPERATIONS: dict[str, Callable[[Any, At], Any]] = {
    "conv": _conv,
    "sepconv": _sepconv,
    "norm": _norm,
    "groupnorm": _groupnorm,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "pool": _pool,
    "lstm": _lstm,
    "se": _se,
    "semax": _semax,
    "residual": _residual,
    "gap": _gap,
    "gmp": _gmp,
    "dropout": _dropout,
}
"""Every word of `bnet.models.language.WORDS`, as a function of (tensor, place)."""


def concatenate(pieces: list, name: str):
    """The concatenation of maps over their channels; a single piece as it is."""
    return pieces[0] if len(pieces) == 1 else layers.Concatenate(name=name)(pieces)


JOINS: dict[str, Callable[[list, str], Any]] = {"broadcast": concatenate, "chain": lambda pieces, name: pieces[-1]}
"""What a block sees of the stem and the blocks before it, by `Variant.connection`."""
