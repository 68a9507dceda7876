"""The consumers of a block as Pallas kernels: a group's pixels are loaded once for all consumers.

They compute what `bnet.training.gpu.consumers.consume` computes. On a GPU Triton compiles them; elsewhere they are
interpreted, which is slow and serves their tests. One forward kernel reads all groups, `ROWS` pixels per program. The
backward kernel reads one group, and a program walks over many blocks of pixels with its sums in registers: gradients of
weights, scales and shifts come as one partial sum per program, added in a fixed order, so that a run repeats exactly.
"""

from __future__ import annotations

import functools

import jax
from jax import Array
from jax import numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from bnet.training.gpu.consumers import Consumers
from bnet.training.lean.plan import CHANNELS

ROWS = 128
"""Pixels of a block: a power of two, as Triton wants."""
PROGRAMS = 264
"""The most programs that share a group's pixels: two for each of an H100's 132 multiprocessors."""


def _before_relu(x, mean, scale_ref, shift_ref, at=slice(None)):
    """32 channels without their mean, and what the ReLU of each consumer is given."""
    centred = x.astype(mean.dtype) - mean[None]
    return centred, [centred * scale_ref[r, at][None] + shift_ref[r, at][None] for r in range(scale_ref.shape[0])]


def _forward_kernel(groups, *refs):
    x_refs, mean_refs, scale_refs, shift_refs, weight_refs = (refs[i * groups : (i + 1) * groups] for i in range(5))
    bias_ref, y_ref = refs[5 * groups :]
    consumers, whole = bias_ref.shape[0], bias_ref.dtype
    sums = [jnp.zeros((ROWS, CHANNELS), whole) for _ in range(consumers)]
    for x, mean, scale, shift, weights in zip(x_refs, mean_refs, scale_refs, shift_refs, weight_refs, strict=True):
        for start in range(0, mean.shape[0], CHANNELS):
            at = pl.ds(start, CHANNELS)
            _, before = _before_relu(x[:, at], mean[at], scale, shift, at)
            for r in range(consumers):
                after = jnp.maximum(before[r], 0).astype(x.dtype)
                sums[r] += jnp.dot(after, weights[r, at], preferred_element_type=whole)
    for r in range(consumers):
        y_ref[r] = (sums[r] + bias_ref[r][None]).astype(y_ref.dtype)


def _backward_kernel(x_ref, mean_ref, scale_ref, shift_ref, weight_ref, g_ref, dx_ref, dw_ref, ds_ref, dt_ref):
    consumers, whole = weight_ref.shape[0], mean_ref.dtype
    mean, weights = mean_ref[...], [weight_ref[r] for r in range(consumers)]

    def block(step, sums):
        centred, before = _before_relu(x_ref[step], mean, scale_ref, shift_ref)
        dx, added = jnp.zeros((ROWS, CHANNELS), whole), []
        for r, (dw, ds, dt) in enumerate(sums):
            gradient, after = g_ref[r, step], jnp.maximum(before[r], 0).astype(x_ref.dtype)
            d_after = jnp.dot(gradient, weights[r].T, preferred_element_type=whole)
            d_before = jnp.where(before[r] > 0, d_after, 0.0)
            dx += d_before * scale_ref[r][None]
            dw += jnp.dot(after.T, gradient, preferred_element_type=whole)
            added.append((dw, ds + (d_before * centred).sum(0), dt + d_before.sum(0)))
        dx_ref[step] = dx.astype(dx_ref.dtype)
        return tuple(added)

    zeros = jnp.zeros((CHANNELS, CHANNELS), whole), jnp.zeros(CHANNELS, whole), jnp.zeros(CHANNELS, whole)
    sums = jax.lax.fori_loop(0, x_ref.shape[0], block, (zeros,) * consumers)
    for r, found in enumerate(sums):
        dw_ref[r], ds_ref[r], dt_ref[r] = found


def _call(kernel, **layout):
    """A kernel as a function of arrays: compiled by Triton on a GPU, interpreted elsewhere."""
    more = {"interpret": True} if interpreted() else {"compiler_params": triton.CompilerParams(num_warps=4)}
    return pl.pallas_call(kernel, **layout, **more)


def interpreted() -> bool:
    """Whether there is no GPU here that Triton compiles for."""
    return jax.default_backend() != "gpu"


def _blocks(x: Array) -> Array:
    """Pixels in blocks [shape=(..., blocks, ROWS, channels)], with zeros behind the last one where any are lacking."""
    *before, _, _, _, channels = x.shape
    x = x.reshape(*before, -1, channels)
    lacking = -x.shape[-2] % ROWS
    x = jnp.pad(x, ((0, 0),) * (x.ndim - 2) + ((0, lacking), (0, 0))) if lacking else x
    return x.reshape(*before, -1, ROWS, channels)


def _all(x: Array) -> pl.BlockSpec:
    """A whole array for every program."""
    return pl.BlockSpec(x.shape, lambda i: (0,) * x.ndim)


@jax.custom_vjp
def consume(groups: tuple[Array, ...], consumers: Consumers) -> Array:
    """As `bnet.training.gpu.consumers.consume`."""
    blocks, number = [_blocks(x) for x in groups], len(consumers.bias)
    count, rest = len(blocks[0]), (*(x for kind in consumers[:4] for x in kind), consumers.bias)
    y = _call(
        functools.partial(_forward_kernel, len(groups)),
        grid=(count,),
        in_specs=[*(pl.BlockSpec((None, *x.shape[1:]), lambda i: (i, 0, 0)) for x in blocks), *map(_all, rest)],
        out_specs=pl.BlockSpec((number, None, ROWS, CHANNELS), lambda i: (0, i, 0, 0)),
        out_shape=jax.ShapeDtypeStruct((number, count, ROWS, CHANNELS), groups[0].dtype),
    )(*blocks, *rest)
    batch, frames, bands, _ = groups[0].shape
    return y.reshape(number, -1, CHANNELS)[:, : batch * frames * bands].reshape(number, batch, frames, bands, CHANNELS)


def _forward(groups, consumers):
    return consume(groups, consumers), (groups, consumers)


def _backward(kept, gradient):
    groups, consumers = kept
    found = [_group_backward(gradient, *each) for each in zip(groups, *consumers[:4], strict=True)]
    d_groups, *rest = zip(*found, strict=True)
    return d_groups, Consumers(*rest, gradient.astype(consumers.bias.dtype).sum((1, 2, 3)))


def _group_backward(gradient, x, mean, scale, shift, weights):
    """Gradients of a group, and of what each consumer does with it."""
    blocks, gradients, (number, channels) = _blocks(x), _blocks(gradient), scale.shape
    programs = next(n for n in range(min(PROGRAMS, len(blocks)), 0, -1) if len(blocks) % n == 0)
    blocks, gradients = (a.reshape(*a.shape[:-3], programs, -1, *a.shape[-2:]) for a in (blocks, gradients))
    steps = blocks.shape[1]
    walked = pl.BlockSpec((None, steps, ROWS, CHANNELS), lambda p, c: (p, 0, 0, c))
    affine = pl.BlockSpec((number, CHANNELS), lambda p, c: (0, c))
    partial = pl.BlockSpec((None, number, CHANNELS), lambda p, c: (p, 0, c))
    products = jax.ShapeDtypeStruct((programs, number, channels, CHANNELS), mean.dtype)
    sums = jax.ShapeDtypeStruct((programs, number, channels), mean.dtype)
    dx, dw, ds, dt = _call(
        _backward_kernel,
        grid=(programs, channels // CHANNELS),
        in_specs=[
            walked,
            pl.BlockSpec((CHANNELS,), lambda p, c: (c,)),
            affine,
            affine,
            pl.BlockSpec((number, CHANNELS, CHANNELS), lambda p, c: (0, c, 0)),
            pl.BlockSpec((number, None, steps, ROWS, CHANNELS), lambda p, c: (0, p, 0, 0, 0)),
        ],
        out_specs=[
            walked,
            pl.BlockSpec((None, number, CHANNELS, CHANNELS), lambda p, c: (p, 0, c, 0)),
            partial,
            partial,
        ],
        out_shape=[jax.ShapeDtypeStruct(blocks.shape, x.dtype), products, sums, sums],
    )(blocks, mean, scale, shift, weights, gradients)
    dx = dx.reshape(-1, channels)[: x.size // channels].reshape(x.shape)
    dt = dt.sum(0)
    return dx, -(dt * scale).sum(0), ds.sum(0), dt, dw.sum(0).astype(weights.dtype)


consume.defvjp(_forward, _backward)
