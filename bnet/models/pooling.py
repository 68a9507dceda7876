"""Max-pooling for JAX: XLA's own gradient of it scatters, which is slow on a GPU where a run is to repeat exactly."""

from __future__ import annotations

import keras
from keras import layers, ops

from bnet import backend


@keras.saving.register_keras_serializable("bnet")
class MaxPooling2D(layers.MaxPooling2D):
    """Keras's layer as comparisons of the map with itself, moved: the same values, the same gradient, the same name.

    Pictures and costs tell layers by their name. A network saved on JAX wants `bnet` imported to be loaded.

    Where several elements of a window are equal, the first one, row by row, gets the gradient; that is XLA's rule too.
    Each row is pooled along itself first, then the columns, so that a window of k x k costs 2 (k - 1) comparisons.
    """

    def call(self, inputs):
        """Maps [shape=(batch, frames, bands, channels)] to maxima of their windows."""
        x = inputs
        for axis in (2, 1):
            x = self._along(x, axis)
        return x

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
