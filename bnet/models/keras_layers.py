"""Keras layers of our own. A network that was saved with one of them wants this module imported to be loaded."""

from __future__ import annotations

import keras
from keras import layers, ops

from bnet import backend


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
        frames = ops.shape(x)[1]
        sequences = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, frames, channels))
        y = ops.reshape(self.lstm(sequences), (-1, bands, frames, self.lstm.units))
        return ops.transpose(y, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape):
        """The input's shape, with units for channels."""
        return (*input_shape[:3], self.lstm.units)

    def get_config(self):
        """For saving the layer."""
        initializer = keras.initializers.serialize(self.lstm.kernel_initializer)
        return {**super().get_config(), "units": self.lstm.units, "kernel_initializer": initializer}


@keras.saving.register_keras_serializable("bnet")
class MaxPooling2D(layers.MaxPooling2D):
    """Keras's max-pooling as comparisons of the map with itself, moved: the same values and gradient, for JAX.

    XLA's own gradient scatters, which is slow on a GPU where a run is to repeat exactly. Where several elements of a
    window are equal, the first one, row by row, gets the gradient; that is XLA's rule too. Each row is pooled along
    itself first, then the columns, so that a window of k x k costs 2 (k - 1) comparisons.
    """

    def call(self, inputs):
        """Maps [shape=(batch, frames, bands, channels)] to maxima of their windows."""
        return self._along(self._along(inputs, 2), 1)

    def _along(self, x, axis: int):
        size, stride, length = self.pool_size[axis - 1], self.strides[axis - 1], x.shape[axis]
        if self.padding == "same":
            outputs = -(-length // stride)
            lacking = max(0, (outputs - 1) * stride + size - length)
            before = lacking // 2
            widths = [(0, 0)] * 4
            widths[axis] = (before, lacking - before)
            x = ops.pad(x, widths, constant_values=-float("inf")) if lacking else x
        else:
            outputs = (length - size) // stride + 1
        best = None
        for offset in range(size):
            at = [slice(None)] * 4
            at[axis] = slice(offset, offset + (outputs - 1) * stride + 1, stride)
            moved = x[tuple(at)]
            best = moved if best is None else ops.where(moved > best, moved, best)
        return best


def max_pooling() -> type[layers.MaxPooling2D]:
    """The layer that pools by maxima on the backend in use."""
    return MaxPooling2D if backend.name() == "jax" else layers.MaxPooling2D
