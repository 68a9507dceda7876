"""The operations on maps that each have one input, forward and backward, on NumPy arrays, and what all operations need.

The gradient through mean and variance is ``offset + slope * x`` per channel. All consumers' shares add up; it is
applied when the whole gradient is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from bnet.training.lean import kernels, stem
from bnet.training.lean.memory import Map, Memory
from bnet.training.lean.plan import CHANNELS, Convolution, Plan
from bnet.training.lean.workers import Workers, shared

Arrays = dict[str, np.ndarray]


class Affine(NamedTuple):
    """A normalisation as ``scale * x + shift`` [each shape=(channels,), float32], with the mean it took away."""

    mean: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    rstd: np.ndarray

    def of(self, place: int) -> Affine:
        """For the feature map at `place` of the concatenation."""
        return Affine(*(a[channels(place)] for a in self))


def channels(place: int) -> slice:
    """The channels of the feature map at `place` of a concatenation."""
    return slice(place * CHANNELS, (place + 1) * CHANNELS)


def finalising(maps: Sequence[Map]) -> tuple[np.ndarray, np.ndarray]:
    """Offset and slope of maps [each shape=(maps * 32,)], as kernels take them."""
    offset, slope = (np.concatenate([getattr(m, kind) for m in maps]) for kind in ("offset", "slope"))
    return offset.astype(np.float32), slope.astype(np.float32)


class Operations:
    """A step of a plan; `trunk.Trunk` says which operation is done when, and explains the parameters."""

    def __init__(self, plan: Plan, epsilon: float, workers: Workers | None = None):
        self.plan, self.epsilon, self.workers = plan, epsilon, workers or shared()
        self.memory, self.slots = Memory(), 0

    def begin(self, x: np.ndarray, weights: Arrays, moving: Arrays | None) -> None:
        """Begin a forward pass: nothing is kept of the one before."""
        self.x, self.weights, self.moving = np.ascontiguousarray(x), dict(weights), moving
        (ph, pw), (batch, self.frames, self.width) = self.plan.stem.pool, x.shape
        self.height, self.bands = self.frames // ph, self.width // pw
        self.lines, self.size = batch * self.height, batch * self.height * self.bands
        self.memory.lay_out(self.size, self.slots)
        self.tape: list[Callable[[], None]] = []
        self.found: Arrays = {}

    def _run(self, kernel, slots: tuple, *rest, sums: Sequence[int] = (2 * CHANNELS,), products: Sequence[int] = ()):
        """Run a kernel over all lines of the maps, or over all rows for those kernels that take blocks of them."""
        total, unit = (self.size, kernels.BLOCK) if kernel in kernels.BY_ROWS else (self.lines, 1)
        arguments = (self.memory.array, self.size, slots, *rest)
        return self.workers.run(kernel, total, unit, arguments, sums, products)

    def _remember(self, back: Callable[[], None]) -> None:
        """Put an operation's backward pass on the tape."""
        if self.moving is None:
            self.tape.append(back)

    def _conv_weights(self, conv: str) -> tuple[np.ndarray, np.ndarray]:
        return np.ravel(self.weights[f"{conv}/kernel"]), self.weights[f"{conv}/bias"]

    def _kind(self, norm: str | None) -> int:
        return kernels.KINDS[self.plan.activation] if norm else 0

    def _shared(self, values: np.ndarray) -> np.ndarray:
        """The mean over the channels that share their statistics, for each of them; over one, the values themselves."""
        group = self.plan.group or 1
        return values.reshape(-1, group).mean(1).repeat(group)

    def _note(self, maps: Map, sums: np.ndarray, n: int = 0) -> None:
        """Mean and variance of maps from sums and sums of squares [shape=(64,)] of n values per channel (`size`)."""
        mean, squares = self._shared(sums / (n or self.size)).reshape(2, -1)
        maps.mean, maps.variance = mean, np.maximum(squares - mean**2, 0)

    def _affine(self, norm: str | None, maps: Sequence[Map]) -> Affine:
        """The normalisation of concatenated maps; without a norm zeros, of which nothing is read."""
        if norm is None:
            return Affine(*np.zeros((4, len(maps) * CHANNELS), np.float32))
        if self.moving is None:
            mean, variance = (np.concatenate([getattr(m, kind) for m in maps]) for kind in ("mean", "variance"))
            self.found[f"{norm}/mean"], self.found[f"{norm}/variance"] = mean, variance
        else:
            mean, variance = (self.moving[f"{norm}/moving_{kind}"].astype(float) for kind in ("mean", "variance"))
        rstd = 1 / np.sqrt(variance + self.epsilon)
        scale = self.weights[f"{norm}/gamma"] * rstd
        shift = self.weights[f"{norm}/beta"] - mean * scale
        return Affine(*(a.astype(np.float32) for a in (mean, scale, shift)), rstd)

    def _norm_back(
        self, norm: str, affine: Affine, sums: np.ndarray, n: int, maps: Map, part: slice = slice(None)
    ) -> None:
        """From sums of dy and dy * (x - mean) over n pixels: gradients of gamma and beta, offset and slope of the maps.

        For the channels in `part` of the normalisation, of which `affine` and `sums` are.
        """
        dy, product = sums.reshape(2, -1)
        gamma = self.weights[f"{norm}/gamma"]
        for kind, found in (("gamma", product * affine.rstd), ("beta", dy)):
            self.results.setdefault(f"{norm}/{kind}", np.empty(gamma.size))[part] = found
        scale = gamma[part] * affine.rstd
        slope = self._shared(-scale * affine.rstd**2 * product / n)
        maps.offset = maps.offset + self._shared(-scale * dy / n) - slope * affine.mean
        maps.slope = maps.slope + slope

    def _stem(self) -> Map:
        step, target, n = self.plan.stem, Map(self.memory.take()), self.x.size
        kernel, bias = self._conv_weights(step.conv)
        (kh, kw), layer, inner = step.size, (self.x.reshape(-1), kernel, bias), Map(None)
        shape, pooled = (self.frames, self.width, kh, kw), (self.height, self.bands, *step.pool)
        if self.moving is None:
            lines = len(self.x) * self.frames
            (sums,) = self.workers.run(stem.stem_moments, lines, 1, (layer, shape), (2 * CHANNELS,))
            self._note(inner, sums, n)
            beside = sums[:CHANNELS] - n * inner.mean  # nothing where each channel has a mean of its own
        affine = self._affine(step.norm, [inner])
        rest = (layer, self._kind(step.norm), affine[:3], shape, pooled)
        (sums,) = self._run(stem.stem_forward, (target.slot,), *rest)
        self._note(target, sums)

        def back():
            lengths = (2 * CHANNELS, CHANNELS * CHANNELS, CHANNELS * CHANNELS, CHANNELS)
            slots, final = (target.slot, target.grad), finalising([target])
            sums, *found = self._run(stem.stem_backward, slots, final, *rest, sums=lengths)
            self._norm_back(step.norm, affine, sums, n, inner)
            by_gradient, by_map, patches = (a.reshape(-1, CHANNELS) for a in found)
            scale = self.weights[f"{step.norm}/gamma"] * affine.rstd
            offset = inner.offset + inner.slope * affine.mean  # by_map is of the convolution without its mean
            whole = scale * by_gradient + offset * patches.T + inner.slope * by_map
            self.results[f"{step.conv}/kernel"] = whole[: kh * kw].reshape(kh, kw, 1, CHANNELS)
            self.results[f"{step.conv}/bias"] = scale * sums[:CHANNELS] + offset * n + inner.slope * beside

        self._remember(back)
        return target

    def _conv(self, source: Map, step: Convolution) -> Map:
        target, affine = Map(self.memory.take()), self._affine(step.norm, [source])
        (weights, bias), (kh, kw), kind = self._conv_weights(step.conv), step.size, self._kind(step.norm)
        shape = (self.height, self.bands, kh, kw)
        rest = (kind, affine[:3], weights, bias, shape)
        (sums,) = self._run(kernels.conv_forward, (source.slot, target.slot), *rest)
        self._note(target, sums)

        def back():
            transposed = weights.reshape(kh, kw, CHANNELS, CHANNELS)[::-1, ::-1].transpose(0, 1, 3, 2)
            self.memory.new_grad(source)
            weight_grads, sums, bias_grads = self._run(
                kernels.conv_backward,
                (source.slot, source.grad, target.slot, target.grad),
                finalising([target]),
                kind,
                affine[:3],
                np.ascontiguousarray(transposed).reshape(-1),
                shape,
                sums=(2 * CHANNELS, CHANNELS),
                products=(weights.size,),
            )
            self.results[f"{step.conv}/kernel"] = weight_grads.reshape(kh, kw, CHANNELS, CHANNELS)
            self.results[f"{step.conv}/bias"] = bias_grads
            if kind:
                self._norm_back(step.norm, affine, sums, self.size, source)
            self.memory.give(target)

        self._remember(back)
        return target

    def _norm(self, source: Map, step: Convolution) -> Map:
        target, affine, kind = Map(self.memory.take()), self._affine(step.norm, [source]), self._kind(step.norm)
        (sums,) = self._run(kernels.norm_forward, (source.slot, target.slot), kind, affine[:3])
        self._note(target, sums)

        def back():
            self.memory.new_grad(source)
            slots = (source.slot, source.grad, target.slot, target.grad)
            (sums,) = self._run(kernels.norm_backward, slots, finalising([target]), kind, affine[:3])
            self._norm_back(step.norm, affine, sums, self.size, source)
            self.memory.give(target)

        self._remember(back)
        return target

    def _excite(self, sources: list[Map], name: str) -> list[Map]:
        """Squeeze-and-excitation of a block's maps: in every clip, each is weighted by what the means of all say."""
        clips, pixels, shape = len(self.x), self.height * self.bands, (self.height, self.bands)
        reduce, expand = (self.weights[f"{name}_{layer}/kernel"].astype(float) for layer in ("reduce", "expand"))
        moments = [
            self._run(kernels.clip_moments, (m.slot,), shape, sums=(clips * 2 * CHANNELS,))[0].reshape(clips, -1)
            for m in sources
        ]
        squeezed = np.concatenate([each[:, :CHANNELS] for each in moments], 1) / pixels
        hidden = np.maximum(squeezed @ reduce + self.weights[f"{name}_reduce/bias"], 0)
        gates = 1 / (1 + np.exp(-(hidden @ expand + self.weights[f"{name}_expand/bias"])))
        each_gate = [gates[:, channels(place)] for place in range(len(sources))]
        flat = [gate.astype(np.float32).reshape(-1) for gate in each_gate]
        targets = [Map(self.memory.take()) for _ in sources]
        for source, target, moment, gate, g in zip(sources, targets, moments, each_gate, flat, strict=True):
            self._run(kernels.scale_forward, (source.slot, target.slot), g, shape, sums=())
            powers = np.concatenate([gate, gate**2], 1)  # of the gate, by which sums and squares grow
            self._note(target, (moment * powers).sum(0))
            if self.moving is not None:
                self.memory.give(source)

        def back():
            by_gate = []
            for source, target, g in zip(sources, targets, flat, strict=True):
                self.memory.new_grad(source)
                slots = (source.slot, source.grad, target.slot, target.grad)
                rest = (finalising([target]), g, shape)
                by_gate.append(self._run(kernels.scale_backward, slots, *rest, sums=(clips * CHANNELS,))[0])
                self.memory.give(target)
            into_gates = np.concatenate([found.reshape(clips, -1) for found in by_gate], 1) * gates * (1 - gates)
            into_hidden = into_gates @ expand.T * (hidden > 0)
            for layer, read, gradient in (("expand", hidden, into_gates), ("reduce", squeezed, into_hidden)):
                self.results[f"{name}_{layer}/kernel"] = read.T @ gradient
                self.results[f"{name}_{layer}/bias"] = gradient.sum(0)
            of_means = (into_hidden @ reduce.T / pixels).astype(np.float32)
            for place, source in enumerate(sources):
                rows = self.memory.rows(source.grad).reshape(clips, -1, CHANNELS)
                rows += of_means[:, None, channels(place)]

        self._remember(back)
        return targets
