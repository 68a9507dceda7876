"""An LSTM along the frames of each mel band by itself (`bnet.models.recurrence`), forward and backward, in NumPy.

Clips are the ranges that run side by side; what a kernel is given, and in which order, is told in `kernels`.
"""

from __future__ import annotations

import functools
import threading

import numpy as np
from threadpoolctl import ThreadpoolController

from bnet.training.lean.memory import Map
from bnet.training.lean.operations import Operations, finalising
from bnet.training.lean.plan import CHANNELS, Convolution

UNITS = 4 * CHANNELS
"""Of the gates, in Keras's order: input, forget, cell, output."""
SCALE = np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), CHANNELS)
"""A sigmoid is ``tanh(x / 2) / 2 + 1 / 2``, so that all gates take one function."""


def _maps(memory, size, slots, clip, shape):
    """Views of one clip's maps [each shape=(frames, bands, 32)]."""
    slot_floats, floats = size * CHANNELS, shape[0] * shape[1] * CHANNELS
    starts = [slot * slot_floats + clip * floats for slot in slots]
    return [memory[start : start + floats].reshape(*shape, CHANNELS) for start in starts]


def _opened(z):
    """The gates, in place, of what flows into them: input, forget, cell and output."""
    np.tanh(z, out=z)
    z *= SCALE
    z += 1 - SCALE
    return np.split(z, 4, axis=-1)


def lstm_forward(lo, hi, memory, size, slots, weights, shape, sums):
    """The output sequences of clips `lo` to `hi`.

    Weights are the kernel and the recurrent kernel [each shape=(32, 128)] and the bias; `sums` gains sums and squares
    of the output.
    """
    kernel, recurrent, bias = (each * SCALE for each in weights)
    for clip in range(lo, hi):
        x, y = _maps(memory, size, slots, clip, shape)
        z, cells = x @ kernel + bias, np.zeros(y.shape[1:], np.float32)
        for t in range(len(z)):
            if t:
                z[t] += y[t - 1] @ recurrent
            enters, stays, new, leaves = _opened(z[t])
            cells = enters * new + stays * cells
            np.multiply(leaves, np.tanh(cells), out=y[t])
        sums += np.concatenate([each.sum((0, 1), dtype=float) for each in (y, y * y)])


def lstm_backward(lo, hi, memory, size, slots, final, weights, shape, by_kernel, by_recurrent, by_bias):
    """Backward pass of `lstm_forward`, whose gates and cells are computed again: writes its input's gradient."""
    (kernel, recurrent, bias), (offset, slope) = weights, final
    for clip in range(lo, hi):
        x, dx, y, dy = _maps(memory, size, slots, clip, shape)
        z = x @ (kernel * SCALE) + bias * SCALE
        z[1:] += y[:-1] @ (recurrent * SCALE)
        enters, stays, new, leaves = _opened(z)
        cells = enters * new
        for t in range(1, len(z)):
            cells[t] += stays[t] * cells[t - 1]
        ended, whole, into_cell = np.tanh(cells), dy + (slope * y + offset), 0
        for t in reversed(range(len(z))):  # from here on, z becomes the gradient of what flows into the gates
            into_cell = into_cell + whole[t] * leaves[t] * (1 - ended[t] ** 2)
            leaves[t] = whole[t] * ended[t] * leaves[t] * (1 - leaves[t])
            passed, before = into_cell * stays[t], cells[t - 1] if t else 0
            stays[t] = into_cell * before * stays[t] * (1 - stays[t])
            new[t], enters[t] = (
                into_cell * enters[t] * (1 - new[t] ** 2),
                into_cell * new[t] * enters[t] * (1 - enters[t]),
            )
            into_cell = passed
            if t:
                whole[t - 1] += z[t] @ recurrent.T
        np.matmul(z, kernel.T, out=dx)
        flat = z.reshape(-1, UNITS)
        by_kernel += (x.reshape(-1, CHANNELS).T @ flat).ravel()
        by_recurrent += (y[:-1].reshape(-1, CHANNELS).T @ z[1:].reshape(-1, UNITS)).ravel()
        by_bias += flat.sum(0, dtype=float)


_ONE_AT_A_TIME = threading.Lock()
"""Two that limit the libraries' threads at the same time would leave them limited."""


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


class Recurrence(Operations):
    """Those operations, and an LSTM."""

    def _lstm(self, source: Map, step: Convolution) -> Map:
        target, clips, shape = Map(self.memory.take()), len(self.x), (self.height, self.bands)
        names = [f"{step.conv}/{kind}" for kind in ("kernel", "recurrent_kernel", "bias")]
        rest = ([self.weights[name] for name in names], shape)

        def run(kernel, slots, *more, sums):
            # products are small: more threads than ours would only wait
            with _ONE_AT_A_TIME, _libraries().limit(limits=1, user_api="blas"):
                return self.workers.run(kernel, clips, 1, (self.memory.array, self.size, slots, *more, *rest), sums)

        (sums,) = run(lstm_forward, (source.slot, target.slot), sums=(2 * CHANNELS,))
        self._note(target, sums)

        def back():
            self.memory.new_grad(source)
            slots = (source.slot, source.grad, target.slot, target.grad)
            lengths = [self.weights[name].size for name in names]
            found = run(lstm_backward, slots, finalising([target]), sums=lengths)
            self.results |= {
                name: each.reshape(self.weights[name].shape) for name, each in zip(names, found, strict=True)
            }
            self.memory.give(target)

        self._remember(back)
        return target
