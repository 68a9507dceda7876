"""The consumers of a block: normalisation, ReLU and 1x1 convolution of all groups of feature maps made so far."""

from __future__ import annotations

from typing import NamedTuple

import jax
from jax import Array, lax
from jax import numpy as jnp


class Consumers(NamedTuple):
    """Consumers of the same groups, one entry per group in each tuple.

        y[r] = sum over groups of relu((group - mean) * scale[r] + shift[r]) @ weights[r], plus bias[r]

    Parameters
    ----------
    mean
        Of a group's channels over the batch, or the moving one [shape=(channels,)].
    scale, shift
        What each consumer multiplies and adds [shape=(consumers, channels)].
    weights
        Of the 1x1 convolutions [shape=(consumers, channels, 32), the groups' dtype].
    bias
        [shape=(consumers, 32)].
    """

    mean: tuple[Array, ...]
    scale: tuple[Array, ...]
    shift: tuple[Array, ...]
    weights: tuple[Array, ...]
    bias: Array


def _product(a: Array, b: Array, contracted: tuple, each: tuple[int, ...] = (0,), dtype=None) -> Array:
    """One matrix product for each of the first axes, summed over the `contracted` axes of both; in float32 or wider."""
    return lax.dot_general(a, b, (contracted, (each, each)), preferred_element_type=dtype or statistics(a.dtype))


def statistics(dtype) -> jnp.dtype:
    """The dtype in which sums are made: float32, or float64 for float64."""
    return jnp.promote_types(dtype, jnp.float32)


def _before_relu(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    centred = x.astype(mean.dtype) - mean
    return centred * scale[:, None, None, None] + shift[:, None, None, None]


def linear(groups: tuple[Array, ...], weights: tuple[Array, ...], bias: Array) -> Array:
    """1x1 convolutions without normalisation: `consume` without it."""
    pairs = zip(groups, weights, strict=True)
    total = sum(jnp.einsum("bfmc,rcd->rbfmd", x, w, preferred_element_type=bias.dtype) for x, w in pairs)
    return (total + bias[:, None, None, None]).astype(groups[0].dtype)


@jax.custom_vjp
def consume(groups: tuple[Array, ...], consumers: Consumers) -> Array:
    """All consumers of the same groups.

    Parameters
    ----------
    groups
        Feature maps [each shape=(batch, frames, bands, channels)], the channels of one group a multiple of 32.

    Returns
    -------
    Array
        [shape=(consumers, batch, frames, bands, 32)], in the dtype of the groups; sums are float32. Only the groups are
        kept for the backward pass, which normalises again.
    """
    total = 0.0
    for x, *affine, weights in zip(groups, *consumers[:4], strict=True):
        total += _product(jax.nn.relu(_before_relu(x, *affine)).astype(x.dtype), weights, ((4,), (1,)))
    return (total + consumers.bias[:, None, None, None]).astype(groups[0].dtype)


def _forward(groups, consumers):
    return consume(groups, consumers), (groups, consumers)


def _backward(kept, gradient):
    groups, consumers = kept
    gradients = []
    for x, mean, scale, shift, weights in zip(groups, *consumers[:4], strict=True):
        before = _before_relu(x, mean, scale, shift)
        # clip by clip, then added: one long sum over all pixels would leave most of a GPU idle
        d_weights = _product(jax.nn.relu(before).astype(x.dtype), gradient, ((2, 3), (2, 3)), (0, 1)).sum(1)
        d_after = _product(gradient, weights, ((4,), (2,)), dtype=x.dtype)
        d_before = jnp.where(before > 0, d_after, 0).astype(mean.dtype)
        d_x = (d_before * scale[:, None, None, None]).sum(0)
        d_shift = d_before.sum((1, 2, 3))
        d_scale = (d_before * (x.astype(mean.dtype) - mean)).sum((1, 2, 3))
        d_mean = -(d_shift * scale).sum(0)
        gradients.append((d_x.astype(x.dtype), d_mean, d_scale, d_shift, d_weights.astype(weights.dtype)))
    d_groups, *rest = zip(*gradients, strict=True)
    d_bias = gradient.astype(consumers.bias.dtype).sum((1, 2, 3))
    return d_groups, Consumers(*rest, d_bias)


consume.defvjp(_forward, _backward)
