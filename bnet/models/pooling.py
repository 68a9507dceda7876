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
        return pool(inputs, self.pool_size, self.strides, self.padding)


def pool(x, size: tuple[int, int], strides: tuple[int, int], padding: str):
    """Maxima of windows of `size` of maps [shape=(batch, frames, bands, channels)], as comparisons; see `MaxPooling2D`.

    `padding` is ``same`` or ``valid``.
    """
    for axis in (2, 1):
        x = _along(x, axis, size[axis - 1], strides[axis - 1], padding)
    return x


def _along(x, axis: int, size: int, stride: int, padding: str):
    length = x.shape[axis]
    if padding == "same":
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
