"""An LSTM along the frames of each mel band by itself (`bnet.models.recurrence`), forward and backward, in NumPy.

Clips are the ranges that run side by side; what a kernel is given, and in which order, is told in `kernels`.
"""

from __future__ import annotations

import functools

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


def lstm_forward(lo, hi, memory, size, slots, gates, cells, weights, shape, sums):
    """The output sequences of clips `lo` to `hi`.

    Keeps `gates` [shape=(clips, frames, bands, 128)] and `cells` [shape=(clips, frames, bands, 32)]; weights are the
    kernel and the recurrent kernel [each shape=(32, 128)] and the bias; `sums` gains sums and squares of the output.
    """
    kernel, recurrent, bias = (each * SCALE for each in weights)
    for clip in range(lo, hi):
        (x, y), z, c = _maps(memory, size, slots, clip, shape), gates[clip], cells[clip]
        np.matmul(x, kernel, out=z)
        z += bias
        for t in range(len(z)):
            if t:
                z[t] += y[t - 1] @ recurrent
            np.tanh(z[t], out=z[t])
            z[t] *= SCALE
            z[t] += 1 - SCALE
            enters, stays, new, leaves = np.split(z[t], 4, axis=-1)
            np.multiply(enters, new, out=c[t])
            if t:
                c[t] += stays * c[t - 1]
            np.multiply(leaves, np.tanh(c[t]), out=y[t])
        sums += np.concatenate([(y**power).sum((0, 1), dtype=float) for power in (1, 2)])


def lstm_backward(lo, hi, memory, size, slots, final, gates, cells, weights, shape, by_kernel, by_recurrent, by_bias):
    """Backward pass of `lstm_forward`: writes its input's gradient. `gates` hold their own gradients afterwards."""
    (kernel, recurrent, _), (offset, slope) = weights, final
    for clip in range(lo, hi):
        (x, dx, y, dy), z, c = _maps(memory, size, slots, clip, shape), gates[clip], cells[clip]
        whole = dy + (slope * y + offset)
        into_cell = np.zeros_like(c[0])
        for t in reversed(range(len(z))):
            enters, stays, new, leaves = np.split(z[t], 4, axis=-1)
            ended = np.tanh(c[t])
            into_cell += whole[t] * leaves * (1 - ended**2)
            before = c[t - 1] if t else np.zeros_like(c[0])
            leaves[...] = whole[t] * ended * leaves * (1 - leaves)
            passed = into_cell * stays
            stays[...] = into_cell * before * stays * (1 - stays)
            new[...], enters[...] = into_cell * enters * (1 - new**2), into_cell * new * enters * (1 - enters)
            into_cell = passed
            if t:
                whole[t - 1] += z[t] @ recurrent.T
        np.matmul(z, kernel.T, out=dx)
        flat = z.reshape(-1, UNITS)
        by_kernel += (x.reshape(-1, CHANNELS).T @ flat).ravel()
        by_recurrent += (y[:-1].reshape(-1, CHANNELS).T @ z[1:].reshape(-1, UNITS)).ravel()
        by_bias += flat.sum(0, dtype=float)


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


class Recurrence(Operations):
    """Those operations, and an LSTM."""

    def _lstm(self, source: Map, step: Convolution) -> Map:
        target, clips, shape = Map(self.memory.take()), len(self.x), (self.height, self.bands)
        names = [f"{step.conv}/{kind}" for kind in ("kernel", "recurrent_kernel", "bias")]
        gates, cells = (np.empty((clips, *shape, n), np.float32) for n in (UNITS, CHANNELS))
        rest = (gates, cells, [self.weights[name] for name in names], shape)

        def run(kernel, slots, *more, sums):
            with _libraries().limit(limits=1, user_api="blas"):  # small products: threads of its own only wait
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
