"""A network up to its transition as a pure function of arrays: what XLA compiles and differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
from jax import Array, lax
from jax import numpy as jnp

from bnet.models.pooling import pool
from bnet.training.gpu.consumers import Consumers, linear, statistics
from bnet.training.lean.plan import Convolution, Plan, Stem

Arrays = dict[str, Array]


class Group(NamedTuple):
    """Feature maps that are read together [shape=(batch, frames, bands, channels)], with their channels' statistics.

    `mean` and `variance` [each shape=(channels,), float32] are computed once and serve every normalisation.
    """

    maps: Array
    mean: Array
    variance: Array


def group(maps: Array) -> Group:
    """Feature maps with their statistics, from one pass over them.

    Sums are those of the distance from one pixel: a mean that is large beside the spread costs no digits.
    """
    x = maps.astype(statistics(maps.dtype))
    pixel = lax.stop_gradient(x[0, x.shape[1] // 2, x.shape[2] // 2])
    distance = x - pixel
    mean, square = distance.mean((0, 1, 2)), (distance * distance).mean((0, 1, 2))
    return Group(maps, pixel + mean, jnp.maximum(square - mean * mean, 0))  # but for rounding, never less


class Trunk:
    """One forward pass of a plan.

    Parameters
    ----------
    plan, epsilon
        What to compute; what every normalisation adds to its variances.
    weights
        ``"<layer>/kernel"``, ``bias``, ``gamma`` and ``beta`` of the plan's layers.
    moving
        ``"<layer>/moving_mean"`` and ``moving_variance``, to infer with; None to train: with the batch's own.
    consume
        Reads groups for the normalised consumers of a block: `bnet.training.gpu.consumers.consume`, or another
        function that computes the same.

    After a call `found` holds ``"<layer>/mean"`` and ``variance`` of the batch for every normalisation [float32];
    nothing when inferring.
    """

    def __init__(self, plan: Plan, epsilon: float, weights: Arrays, moving: Arrays | None, consume: Callable):
        self.plan, self.epsilon, self.weights, self.moving, self.consume = plan, epsilon, weights, moving, consume
        self.found: Arrays = {}

    def __call__(self, x: Array) -> Array:
        """The transition's convolution [shape=(batch, frames, bands, 32) after the stem's pool] of log-mels
        [shape=(batch, frames, bands, 1)], in their dtype: float32 or bfloat16."""
        groups, pooled = (self._stem(x, self.plan.stem),), {}
        for block in self.plan.blocks:
            ends = {}
            for first in dict.fromkeys((branch[0].pool, branch[0].norm is None) for branch in block):
                branches = [branch for branch in block if (branch[0].pool, branch[0].norm is None) == first]
                sources = groups if first[0] is None else self._pooled(groups, first[0], pooled)
                starts = self._read(sources, [branch[0] for branch in branches])
                for branch, start in zip(branches, starts, strict=True):
                    ends[branch] = self._follow(start, branch[1:])
            groups = (*groups, group(jnp.concatenate([ends[branch] for branch in block], -1)))
        return self._read(groups, [self.plan.transition])[0]

    def _affine(self, norm: str, groups: tuple[Group, ...]) -> tuple[Array, Array, Array]:
        """Mean, scale and shift of a normalisation of concatenated groups [each shape=(channels,)]."""
        if self.moving is None:
            mean, variance = (jnp.concatenate([getattr(g, kind) for g in groups]) for kind in ("mean", "variance"))
            self.found[f"{norm}/mean"], self.found[f"{norm}/variance"] = mean, variance
        else:
            mean, variance = (self.moving[f"{norm}/moving_{kind}"] for kind in ("mean", "variance"))
        return mean, self.weights[f"{norm}/gamma"] * lax.rsqrt(variance + self.epsilon), self.weights[f"{norm}/beta"]

    def _normalised(self, maps: Array, norm: str) -> Callable[[Array], Array]:
        """Normalisation and ReLU of one group, by its own statistics."""
        mean, scale, shift = self._affine(norm, (group(maps),))
        return lambda x: jax.nn.relu((x.astype(mean.dtype) - mean) * scale + shift).astype(x.dtype)

    def _convolved(self, x: Array, conv: str) -> Array:
        kernel, bias = self.weights[f"{conv}/kernel"].astype(x.dtype), self.weights[f"{conv}/bias"].astype(x.dtype)
        return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias

    def _stem(self, x: Array, step: Stem) -> Group:
        maps = self._convolved(x, step.conv)
        normalised = self._normalised(maps, step.norm)
        return group(jax.checkpoint(lambda x: pool(normalised(x), step.pool, step.pool, "valid"))(maps))

    def _pooled(self, groups: tuple[Group, ...], size: tuple[int, int], known: dict) -> tuple[Group, ...]:
        """The pooled groups; those made before are taken from `known`."""
        for place, source in enumerate(groups):
            if (place, size) not in known:
                pooled = jax.checkpoint(lambda x: pool(x, size, (1, 1), "same"))(source.maps)
                known[place, size] = group(pooled)
        return tuple(known[place, size] for place in range(len(groups)))

    def _read(self, groups: tuple[Group, ...], steps: list[Convolution]) -> Array:
        """Consumers of the same groups, all normalised or none [shape=(consumers, batch, frames, bands, 32)]."""
        edges = [sum(g.mean.size for g in groups[:i]) for i in range(1, len(groups))]
        maps = tuple(g.maps for g in groups)
        kernels = jnp.stack([self.weights[f"{step.conv}/kernel"][0, 0] for step in steps]).astype(maps[0].dtype)
        bias = jnp.stack([self.weights[f"{step.conv}/bias"] for step in steps]).astype(groups[0].mean.dtype)
        parts = tuple(jnp.split(kernels, edges, 1))
        if steps[0].norm is None:
            return linear(maps, parts, bias)
        means, scales, shifts = zip(*(self._affine(step.norm, groups) for step in steps), strict=True)
        if self.moving is not None:  # each consumer has a mean of its own
            shifts = [t - (mean - means[0]) * s for mean, s, t in zip(means, scales, shifts, strict=True)]
        scale, shift = (tuple(jnp.split(jnp.stack(each), edges, 1)) for each in (scales, shifts))
        return self.consume(maps, Consumers(tuple(jnp.split(means[0], edges)), scale, shift, parts, bias))

    def _follow(self, maps: Array, steps: tuple[Convolution, ...]) -> Array:
        """What comes after the first convolution of a branch."""
        for step in steps:
            maps = self._normalised(maps, step.norm)(maps) if step.norm else maps
            maps = self._convolved(maps, step.conv) if step.conv else maps
        return maps
