"""Separable convolutions: one with a kernel for each channel (its loops are as those in `kernels`), then a consumer."""

from __future__ import annotations

import numpy as np

from bnet.training.lean.kernels import STRIP, clear, flush, kernel, strip, through
from bnet.training.lean.lanes import WIDTH, fma, load, store, zero
from bnet.training.lean.memory import Map
from bnet.training.lean.operations import Operations, channels
from bnet.training.lean.plan import CHANNELS, Convolution


@kernel
def _taps(z, at, pitch, kh, kw, weights, count, out):
    """`count` pixels of the convolution of what stands at `at` in z."""
    for v in range(0, CHANNELS, WIDTH):
        for w in range(0, count * CHANNELS, CHANNELS):
            total = zero()
            for dh in range(kh):
                for dw in range(kw):
                    value = load(z, at + dh * pitch + dw * CHANNELS + w + v)
                    total = fma(value, load(weights, (dh * kw + dw) * CHANNELS + v), total)
            store(out, w + v, total)


@kernel
def depth_forward(lo, hi, memory, size, slots, kind, affine, weights, shape):
    """A depthwise convolution of one activated feature map, 'same' padding: lines `lo` to `hi` of the target.

    weights [shape=(kh * kw * 32,)].
    """
    (source, target), (_, scale, shift), (_, width, kh, kw) = slots, affine, shape
    top, left = (kh - 1) // 2, (kw - 1) // 2
    pitch = (width + kw - 1) * CHANNELS
    z = np.zeros((STRIP + kh - 1) * pitch, np.float32)
    line = lo
    while line < hi:
        lines = strip(memory, size, source, line, hi, top, left, shape, pitch, kind, scale, shift, z)
        for j in range(lines):
            at = (target * size + (line + j) * width) * CHANNELS
            _taps(z, j * pitch, pitch, kh, kw, weights, width, memory[at : at + width * CHANNELS])
        line += lines


@kernel
def depth_backward(lo, hi, memory, size, slots, fresh, kind, affine, mirrored, shape, weight_grads, sums):
    """Backward pass of `depth_forward`: adds to the gradient of the feature map, or writes it where `fresh`.

    Sums: weight_grads [shape=(kh * kw * 32,)], and `sums` as in `gather`.
    """
    (source, source_grad, target_grad), (mean, scale, shift), (_, width, kh, kw) = slots, affine, shape
    top, left = (kh - 1) // 2, (kw - 1) // 2
    under, right = kh - 1 - top, kw - 1 - left
    pitch, floats = (width + kw - 1) * CHANNELS, width * CHANNELS
    z = np.zeros((STRIP + kh - 1) * pitch, np.float32)
    d = np.zeros((STRIP + kh - 1) * pitch, np.float32)
    dz = np.empty(floats, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    weight_part = np.zeros(kh * kw * CHANNELS, np.float32)
    line = lo
    while line < hi:
        lines = strip(memory, size, source, line, hi, top, left, shape, pitch, kind, scale, shift, z)
        strip(memory, size, target_grad, line, hi, under, right, shape, pitch, 0, scale, shift, d)
        for j in range(lines):
            here = (j + under) * pitch + right * CHANNELS
            for dh in range(kh):
                for dw in range(kw):
                    read, where = (j + dh) * pitch + dw * CHANNELS, (dh * kw + dw) * CHANNELS
                    for v in range(0, CHANNELS, WIDTH):
                        total = load(weight_part, where + v)
                        for w in range(v, floats, CHANNELS):
                            total = fma(load(z, read + w), load(d, here + w), total)
                        store(weight_part, where + v, total)
            _taps(d, j * pitch, pitch, kh, kw, mirrored, width, dz)
            to = (source_grad * size + (line + j) * width) * CHANNELS
            if fresh:
                clear(memory, to, floats)
            at = (source * size + (line + j) * width) * CHANNELS
            through(memory, at, width, kind, mean, 0, scale, shift, 0, dz, memory, to, part)
            flush(part, sums)
            flush(weight_part, weight_grads)
        line += lines


class Depthwise(Operations):
    """Those operations, and the parts of a separable convolution."""

    def _pointwise(self, step: Convolution) -> list[Convolution]:
        """Its second part as consumers, one for each feature map that it makes; they have weights of their own."""
        pointwise, bias = (self.weights[f"{step.conv}/{kind}"] for kind in ("pointwise_kernel", "bias"))
        consumers = [Convolution(f"{step.conv}/{i}", None) for i in range(step.makes)]
        for i, consumer in enumerate(consumers):
            self.weights[f"{consumer.conv}/kernel"] = pointwise[..., channels(i)]
            self.weights[f"{consumer.conv}/bias"] = bias[channels(i)]
        return consumers

    def _convolved(self, features: list[Map], step: Convolution) -> list[Map]:
        """Its first part: each feature map, convolved channel by channel."""
        affine, kind, made = self._affine(step.norm, features), self._kind(step.norm), [Map(None) for _ in features]
        weights, shape = self.weights[f"{step.conv}/depthwise_kernel"], (self.height, self.bands, *step.size)
        weights = weights.reshape(*step.size, len(features), CHANNELS)

        def convolve(place: int):
            made[place].slot = self.memory.take()
            rest = (kind, affine.of(place)[:3], weights[:, :, place].ravel(), shape)
            self._run(depth_forward, (features[place].slot, made[place].slot), *rest, sums=())

        def back():
            gradient = np.empty(weights.shape)
            for place, (source, target) in enumerate(zip(features, made, strict=True)):
                convolve(place)  # again: forward did not keep it
                self._gather([target])
                fresh, own = self.memory.new_grad(source), affine.of(place)
                mirrored = weights[::-1, ::-1, place].ravel()
                found, sums = self._run(
                    depth_backward,
                    (source.slot, source.grad, target.grad),
                    fresh,
                    kind,
                    own[:3],
                    mirrored,
                    shape,
                    sums=(mirrored.size, 2 * CHANNELS),
                )
                gradient[:, :, place] = found.reshape(*step.size, CHANNELS)
                if step.norm:
                    self._norm_back(step.norm, own, sums, self.size, source, channels(place))
                self.memory.give(target)
            self.results[f"{step.conv}/depthwise_kernel"] = gradient.reshape(*step.size, -1, 1)
            for what, name in (("kernel", "pointwise_kernel"), ("bias", "bias")):
                parts = [self.results.pop(f"{step.conv}/{i}/{what}") for i in range(step.makes)]
                self.results[f"{step.conv}/{name}"] = np.concatenate(parts, -1)

        for place in range(len(features)):
            convolve(place)
        self._remember(back)
        return made
