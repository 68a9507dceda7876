"""Gradients and moving statistics on JAX, of the lean step and of the plain graph, against a float64 graph.

`equality.py` does this for TensorFlow; `gpu_step.py` does it on a GPU before it measures, tests do on small inputs.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

CLASSES, FRAMES, BANDS = 4, 33, 13
TILE = 40, 20
"""Frames and bands of the noise that larger inputs repeat. Among millions of different values one or two lie so near an
activation's or a maximum's edge that rounding decides the side, of which one changes whole gradients by 1e-4; so few
values leave rounding alone to be compared."""


@contextlib.contextmanager
def numbers(policy: str) -> Iterator[None]:
    """Networks are built and computed in this dtype, by Keras's name for it.

    On JAX Keras takes float32 for float64, by a table of its own, which holds float64 here.
    """
    import jax
    import keras
    from keras.src.backend.common import dtypes

    before, narrowed = keras.config.dtype_policy(), dtypes.BIT64_TO_BIT32_DTYPE
    keras.config.set_dtype_policy(policy)
    try:
        dtypes.BIT64_TO_BIT32_DTYPE = {} if policy == "float64" else narrowed
        with jax.enable_x64(policy == "float64"):
            yield
    finally:
        dtypes.BIT64_TO_BIT32_DTYPE = narrowed
        keras.config.set_dtype_policy(before)


def small(row, frames: int = FRAMES, bands: int = BANDS, policy: str = "float32"):
    """A network with no weight at its special initial value."""
    import keras

    from bnet.models import build

    with numbers(policy):
        keras.utils.set_random_seed(0)
        network, generator = build(row, CLASSES, frames, bands), np.random.default_rng(2)
        for variable in network.trainable_variables:
            if not variable.path.endswith("kernel"):
                variable.assign(variable.path.endswith("gamma") + 0.2 * generator.normal(size=variable.shape))
    return network


def log_mels(batch: int, frames: int = FRAMES, bands: int = BANDS, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noise in the range of log-mels [shape=(batch, frames, bands, 1)], repeated after `TILE`, and one-hot classes."""
    generator = np.random.default_rng(seed)
    tile = generator.uniform(-80, 0, (batch, min(frames, TILE[0]), min(bands, TILE[1]), 1)).astype("float32")
    x = np.tile(tile, (1, -(-frames // TILE[0]), -(-bands // TILE[1]), 1))[:, :frames, :bands]
    return x, np.eye(CLASSES, dtype="float32")[generator.integers(0, CLASSES, batch)]


def learner(model, policy: str) -> Callable[..., tuple[float, dict[str, np.ndarray]]]:
    """A compiled function of log-mels and classes: the loss; path -> gradient, and moving statistic after the step."""
    import jax
    import keras

    variables = (model.trainable_variables, model.non_trainable_variables)
    trained, fixed = ([variable.value for variable in each] for each in variables)
    paths = [variable.path for each in variables for variable in each]

    def loss(trained, x, y):
        probabilities, moving = model.stateless_call(trained, fixed, x, training=True)
        return keras.losses.categorical_crossentropy(y, probabilities).mean(), moving

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def learn(x, y):
        with numbers(policy):
            (value, moving), gradients = step(trained, x.astype("float64" if policy == "float64" else "float32"), y)
        found = dict(zip(paths, map(np.asarray, [*gradients, *moving]), strict=True))
        return float(value), {path: value for path, value in found.items() if "seed" not in path}

    return learn


def distances(
    row, frames: int, bands: int, batch: int, draws: int, policy: str = "float32", steps: Sequence[str] = ("lean",)
) -> dict[str, Any]:
    """Relative distances (L2) from float64 of the plain graph's and of some steps' gradients and statistics.

    Returns
    -------
    dict
        ``paths``; ``plain`` [shape=(paths,)] and ``ours`` [shape=(steps, paths)], of each the median over `draws`
        batches, for where rounding puts a value on the other side of an activation's or a maximum's edge, which happens
        to all, all gradients of that batch move; ``losses`` [shape=(draws, steps + 2): float64, plain, ours]. Weights
        whose true gradient is zero (biases in front of a normalisation) are left out.
    """
    import keras

    from bnet.training import lean

    network, exact = small(row, frames, bands, policy), small(row, frames, bands, "float64")
    with numbers("float64"):
        exact.set_weights(network.get_weights())  # a seed draws other numbers in float64
    learners = [learner(exact, "float64"), learner(network, policy)]
    for step in steps:
        with numbers(policy):
            fast, _ = lean.choose(network, row, step)
            fast(keras.Input((frames, bands, 1), batch_size=1))  # traced, not computed
        learners.append(learner(fast, policy))
    losses, far = [], []
    for seed in range(draws):
        of, (true, *found) = zip(*(learn(*log_mels(batch, frames, bands, seed)) for learn in learners), strict=True)
        losses.append(of)
        sizes = {path: np.linalg.norm(value) for path, value in true.items()}
        paths = [path for path, size in sizes.items() if size > 1e-9]
        far.append([[np.linalg.norm(each[p].astype(float) - true[p]) / sizes[p] for p in paths] for each in found])
    plain, *ours = np.median(far, axis=0)
    return {"paths": paths, "plain": plain, "ours": np.array(ours), "losses": np.array(losses)}


def with_blocks(name: str, blocks: int | None = None):
    """A row of the table, with so many blocks."""
    from bnet.models import get_variant

    row = get_variant(name)
    return dataclasses.replace(row, blocks=blocks or row.blocks)
