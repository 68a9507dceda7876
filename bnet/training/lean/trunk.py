"""A network up to its transition, forward and backward, on NumPy arrays: which kernel runs on which maps, and when.

The words and the idea are those of `bnet.training.lean`. A feature map's gradient is gathered once, from all its
consumers, when it is its turn; normalised and activated maps are recomputed then, block of rows by block of rows.

The gradient through mean and variance is ``offset + slope * x`` per channel. All consumers' shares add up; it is
applied when the whole gradient is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bnet.training.lean import kernels, stem
from bnet.training.lean.memory import CHANNELS, Map, Memory
from bnet.training.lean.plan import Convolution, Plan
from bnet.training.lean.workers import Idle, Workers, shared

Arrays = dict[str, np.ndarray]


class Affine(NamedTuple):
    """A normalisation as ``scale * x + shift`` [each shape=(channels,), float32], with the mean it took away."""

    mean: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    rstd: np.ndarray

    def of(self, place: int) -> Affine:
        """For the feature map at `place` of the concatenation."""
        return Affine(*(a[_part(place)] for a in self))


@dataclass
class _Consumer:
    """A consumer in the backward pass: its gradient is known, and its feature maps' follow from it one after the other.

    Parameters
    ----------
    step, sources, target
        What it is, the feature maps that it read and the maps that it wrote.
    affine, transposed
        Its normalisation, and its weights [shape=(sources, 32, 32)] with inputs and outputs swapped.
    finalised
        Whether its gradient holds what flows through mean and variance.
    """

    step: Convolution
    sources: Sequence[Map]
    target: Map
    affine: Affine
    transposed: np.ndarray
    finalised: bool = False

    def __post_init__(self):
        self.left = len(self.sources)


def _part(place: int) -> slice:
    """The channels of the feature map at `place` of a concatenation."""
    return slice(place * CHANNELS, (place + 1) * CHANNELS)


def _finalising(maps: Sequence[Map]) -> tuple[np.ndarray, np.ndarray]:
    """Offset and slope of maps [each shape=(maps * 32,)], as kernels take them."""
    offset, slope = (np.concatenate([getattr(m, kind) for m in maps]) for kind in ("offset", "slope"))
    return offset.astype(np.float32), slope.astype(np.float32)


class Trunk:
    """Runs a plan: a forward pass, then (where it was for training) one backward pass.

    Parameters
    ----------
    plan
        What to compute.
    epsilon
        That every normalisation adds to its variances.
    workers
        Run the kernels; None: on all cores.
    """

    def __init__(self, plan: Plan, epsilon: float, workers: Workers | None = None):
        self.plan, self.epsilon, self.workers = plan, epsilon, workers or shared()
        self.memory, self.slots = Memory(), 0

    def forward(self, x: np.ndarray, weights: Arrays, moving: Arrays | None = None) -> tuple[np.ndarray, Arrays]:
        """Compute the transition's convolution.

        Parameters
        ----------
        x
            Log-mels [shape=(batch, frames, bands)].
        weights
            ``"<layer>/kernel"``, ``bias``, ``gamma`` and ``beta`` of the plan's layers.
        moving
            ``"<layer>/moving_mean"`` and ``moving_variance``, to infer with; None to train: with the batch's own.

        Returns
        -------
        tuple
            Maps [shape=(batch, frames, bands, 32) after the stem's pool], and ``"<layer>/mean"`` and ``variance`` of
            the batch for every normalisation (nothing when inferring).
        """
        self.count_slots(weights)
        self.x, self.weights, self.moving = np.ascontiguousarray(x), weights, moving
        (ph, pw), (batch, self.frames, self.width) = self.plan.stem.pool, x.shape
        self.height, self.bands = self.frames // ph, self.width // pw
        self.lines, self.size = batch * self.height, batch * self.height * self.bands
        self.memory.lay_out(self.size, self.slots)
        self.tape: list[Callable[[], None]] = []
        self.found: Arrays = {}
        features, pooled = self._made([self._stem()]), {}
        for block in self.plan.blocks:
            ends = {}
            for pool in dict.fromkeys(branch[0].pool for branch in block):
                group = [branch for branch in block if branch[0].pool == pool]
                sources = features if pool is None else self._pooled(features, pool, pooled)
                ends |= dict(zip(group, self._read(sources, [branch[0] for branch in group]), strict=True))
            features = [*features, *self._made([self._follow(ends[branch], branch[1:]) for branch in block])]
        for maps in pooled.values():
            self.memory.give_values(maps)
        (self.last,) = self._read(features, [self.plan.transition])
        return self.memory.rows(self.last.slot).reshape(batch, self.height, self.bands, CHANNELS), self.found

    def backward(self, gradient: np.ndarray) -> Arrays:
        """Gradients by the names of the weights, from that of the maps that `forward` gave. Ends what it kept."""
        self.results: Arrays = {}
        self.open: list[_Consumer] = []
        self.memory.new_grad(self.last)
        np.copyto(self.memory.rows(self.last.grad), gradient.reshape(-1, CHANNELS))
        while self.tape:
            self.tape.pop()()
        return self.results

    def count_slots(self, weights: Arrays) -> int:
        """The most slots that are in use at a time: found once, by a step of one pixel that computes nothing."""
        if not self.slots:
            trial = Trunk(self.plan, self.epsilon, Idle())
            trial.slots = 100 * len(self.plan.steps)
            maps, _ = trial.forward(np.zeros((1, *self.plan.stem.pool), np.float32), weights)
            trial.backward(maps)
            self.slots = trial.memory.most
        return self.slots

    # What every operation needs

    def _run(self, kernel, slots: tuple, *rest, sums: Sequence[int] = (2 * CHANNELS,), products: Sequence[int] = ()):
        """Run a kernel over all lines of the maps, or over all rows for those kernels that take blocks of them."""
        total, unit = (self.size, kernels.BLOCK) if kernel in kernels.BY_ROWS else (self.lines, 1)
        arguments = (self.memory.array, self.size, *slots, *rest)
        return self.workers.run(kernel, total, unit, arguments, sums, products)

    def _remember(self, back: Callable[[], None]) -> None:
        """Put an operation's backward pass on the tape."""
        if self.moving is None:
            self.tape.append(back)

    def _conv_weights(self, conv: str) -> tuple[np.ndarray, np.ndarray]:
        return np.ravel(self.weights[f"{conv}/kernel"]), self.weights[f"{conv}/bias"]

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
        slope = -scale * affine.rstd**2 * product / n
        maps.offset = maps.offset - scale * dy / n - slope * affine.mean
        maps.slope = maps.slope + slope

    # Operations, each with its backward pass

    def _stem(self) -> Map:
        step, target, n = self.plan.stem, Map(self.memory.take()), self.x.size
        kernel, bias = self._conv_weights(step.conv)
        (kh, kw), x, inner = step.size, self.x.reshape(-1), Map(None)
        if self.moving is None:
            lines, shape = len(self.x) * self.frames, (self.frames, self.width, kh, kw)
            (sums,) = self.workers.run(stem.stem_moments, lines, 1, (x, kernel, bias, *shape), (2 * CHANNELS,))
            inner.note(sums, n)
        affine = self._affine(step.norm, [inner])
        shape = (self.frames, self.width, self.height, self.bands, kh, kw, *step.pool)
        (sums,) = self._run(stem.stem_forward, (target.slot,), x, kernel, bias, affine.scale, affine.shift, *shape)
        target.note(sums, self.size)

        def back():
            lengths = (2 * CHANNELS, CHANNELS * CHANNELS, CHANNELS * CHANNELS, CHANNELS)
            rest = (*_finalising([target]), x, kernel, bias, *affine[:3], *shape)
            sums, *found = self._run(stem.stem_backward, (target.slot, target.grad), *rest, sums=lengths)
            self._norm_back(step.norm, affine, sums, n, inner)
            by_gradient, by_map, patches = (a.reshape(-1, CHANNELS) for a in found)
            scale = self.weights[f"{step.norm}/gamma"] * affine.rstd
            offset = inner.offset + inner.slope * affine.mean  # by_map is of the convolution without its mean
            whole = scale * by_gradient + offset * patches.T + inner.slope * by_map
            self.results[f"{step.conv}/kernel"] = whole[: kh * kw].reshape(kh, kw, 1, CHANNELS)
            self.results[f"{step.conv}/bias"] = scale * sums[:CHANNELS] + offset * n

        self._remember(back)
        return target

    def _made(self, features: list[Map]) -> list[Map]:
        """Feature maps that were made together: in the backward pass, their gradients are gathered here."""
        self._remember(lambda: self._gather(features))
        return features

    def _pooled(self, features: list[Map], pool: tuple[int, int], known: dict) -> list[Map]:
        """The pooled feature maps; those made before are taken from `known`."""
        shape = (self.height, self.bands, *pool)
        new = [feature for feature in features if (feature, pool) not in known]
        made = [Map(self.memory.take()) for _ in new]
        for source, target in zip(new, made, strict=True):
            known[source, pool] = target
            (sums,) = self._run(kernels.pool_forward, (source.slot, target.slot), *shape)
            target.note(sums, self.size)

        def back():
            for source, target in zip(new, made, strict=True):  # again: forward did not keep them
                target.slot = self.memory.take()
                self._run(kernels.pool_forward, (source.slot, target.slot), *shape)
            self._gather(made)
            for source, target in zip(new, made, strict=True):
                fresh = self.memory.new_grad(source)
                slots = (source.slot, source.grad, fresh, target.slot, target.grad)
                self._run(kernels.pool_backward, slots, *_finalising([target]), *shape, sums=())
                self.memory.give(target)

        self._remember(back)
        return [known[feature, pool] for feature in features]

    def _read(self, sources: list[Map], consumers: list[Convolution]) -> list[Map]:
        """Consumers of the same feature maps, in one pass over them."""
        targets = [Map(self.memory.take()) for _ in consumers]
        affines = [self._affine(consumer.norm, sources) for consumer in consumers]
        weights, biases = zip(*(self._conv_weights(consumer.conv) for consumer in consumers), strict=True)
        (sums,) = self._run(
            kernels.read_forward,
            (np.array([m.slot for m in sources]), np.array([m.slot for m in targets])),
            np.array([consumer.norm is not None for consumer in consumers]),
            np.concatenate([affine.scale for affine in affines]),
            np.concatenate([affine.shift for affine in affines]),
            np.concatenate(weights),
            np.concatenate(biases),
            sums=(len(consumers) * 2 * CHANNELS,),
        )
        for target, total in zip(targets, sums.reshape(len(consumers), -1), strict=True):
            target.note(total, self.size)

        def back():
            for target, consumer, affine, own in zip(targets, consumers, affines, weights, strict=True):
                transposed = np.ascontiguousarray(own.reshape(-1, CHANNELS, CHANNELS).transpose(0, 2, 1))
                self.open.append(_Consumer(consumer, sources, target, affine, transposed))
                self.results[f"{consumer.conv}/kernel"] = np.empty((1, 1, len(sources) * CHANNELS, CHANNELS))

        self._remember(back)
        return targets

    def _gather(self, features: list[Map]) -> None:
        """Gradients of feature maps from all their consumers, whose own gradients are known."""
        consumers = [consumer for consumer in self.open if features[0] in consumer.sources]
        places = [[consumer.sources.index(feature) for feature in features] for consumer in consumers]
        affines = [
            [consumer.affine.of(place) for place in own] for consumer, own in zip(consumers, places, strict=True)
        ]
        targets = [consumer.target for consumer in consumers]
        fresh = [self.memory.new_grad(feature) for feature in features]
        pending = np.array([not consumer.finalised for consumer in consumers])
        transposed = np.concatenate([consumer.transposed[own] for consumer, own in zip(consumers, places, strict=True)])
        weight_grads, sums, bias_grads = self._run(
            kernels.gather,
            (
                np.array([feature.slot for feature in features]),
                np.array([feature.grad for feature in features]),
                fresh[0],
            ),
            np.array([m.slot if m.slot is not None else -1 for m in targets]),
            np.array([m.grad for m in targets]),
            pending,
            *_finalising(targets),
            np.array([consumer.step.norm is not None for consumer in consumers]),
            np.concatenate([feature.mean for feature in features]).astype(np.float32),
            *(np.concatenate([affine[i] for own in affines for affine in own]) for i in (1, 2)),
            transposed.reshape(-1),
            sums=(len(transposed) * 2 * CHANNELS, len(consumers) * CHANNELS),
            products=(transposed.size,),
        )
        weight_grads = weight_grads.reshape(len(consumers), len(features), CHANNELS, CHANNELS)
        sums = sums.reshape(len(consumers), len(features), -1)
        for r, consumer in enumerate(consumers):
            if not consumer.finalised:
                self.results[f"{consumer.step.conv}/bias"] = bias_grads[_part(r)]
                self.memory.give_values(consumer.target)
                consumer.finalised = True
            for i, (feature, place) in enumerate(zip(features, places[r], strict=True)):
                self.results[f"{consumer.step.conv}/kernel"][0, 0, _part(place)] = weight_grads[r, i]
                if consumer.step.norm:
                    self._norm_back(consumer.step.norm, affines[r][i], sums[r, i], self.size, feature, _part(place))
            consumer.left -= len(features)
            if not consumer.left:
                self.memory.give_grad(consumer.target)

    def _follow(self, maps: Map, steps: Sequence[Convolution]) -> Map:
        """What comes after the consumer in a branch."""
        for step in steps:
            source, maps = maps, (self._conv(maps, step) if step.conv else self._norm(maps, step))
            if self.moving is not None:
                self.memory.give(source)
        return maps

    def _conv(self, source: Map, step: Convolution) -> Map:
        target, affine = Map(self.memory.take()), self._affine(step.norm, [source])
        (weights, bias), (kh, kw), normed = self._conv_weights(step.conv), step.size, step.norm is not None
        shape = (self.height, self.bands, kh, kw)
        rest = (normed, affine.scale, affine.shift, weights, bias, *shape)
        (sums,) = self._run(kernels.conv_forward, (source.slot, target.slot), *rest)
        target.note(sums, self.size)

        def back():
            transposed = weights.reshape(kh, kw, CHANNELS, CHANNELS)[::-1, ::-1].transpose(0, 1, 3, 2)
            self.memory.new_grad(source)
            weight_grads, sums, bias_grads = self._run(
                kernels.conv_backward,
                (source.slot, source.grad, target.slot, target.grad),
                *_finalising([target]),
                normed,
                *affine[:3],
                np.ascontiguousarray(transposed).reshape(-1),
                *shape,
                sums=(2 * CHANNELS, CHANNELS),
                products=(weights.size,),
            )
            self.results[f"{step.conv}/kernel"] = weight_grads.reshape(kh, kw, CHANNELS, CHANNELS)
            self.results[f"{step.conv}/bias"] = bias_grads
            if normed:
                self._norm_back(step.norm, affine, sums, self.size, source)
            self.memory.give(target)

        self._remember(back)
        return target

    def _norm(self, source: Map, step: Convolution) -> Map:
        target, affine = Map(self.memory.take()), self._affine(step.norm, [source])
        (sums,) = self._run(kernels.norm_forward, (source.slot, target.slot), affine.scale, affine.shift)
        target.note(sums, self.size)

        def back():
            self.memory.new_grad(source)
            slots = (source.slot, source.grad, target.slot, target.grad)
            (sums,) = self._run(kernels.norm_backward, slots, *_finalising([target]), *affine[:3])
            self._norm_back(step.norm, affine, sums, self.size, source)
            self.memory.give(target)

        self._remember(back)
        return target
