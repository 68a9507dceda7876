"""Inside a trained network: its parts by their places in the builder's layer names, parts replaced by their mean, and
patches of its input covered. Keras is imported only where a model is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bnet import backend
from bnet.models import Variant
from bnet.models.shapes import PATCH

if TYPE_CHECKING:
    import keras

LOOKS = ("right, most certain", "right, least certain", "wrong, most certain", "wrong, least certain")
"""Kinds of clips for which it is asked where a network looks."""
CLIPS = 2
"""So many clips of each of `LOOKS`."""


def blocks(row: Variant) -> tuple[str, ...]:
    """The places whose output later parts see: ``stem, block1, ...``."""
    return ("stem", *(f"block{number}" for number in range(1, row.blocks + 1)))


def branches(row: Variant) -> tuple[str, ...]:
    """The branches that hold an operation, of blocks with several: ``block1_branch1, ...``."""
    chains = {number: row.branches_of(number) for number in range(1, row.blocks + 1)}
    return tuple(
        f"block{number}_branch{i}"
        for number, some in chains.items()
        for i, chain in enumerate(some, 1)
        if chain and len(some) > 1
    )


def last_layer(model: keras.Model, place: str) -> str:
    """The layer whose output is that of a place: the end of a chain, or a block's concatenation (`models.builder`)."""
    names = [layer.name for layer in model.layers if layer.name == place or layer.name.startswith(f"{place}_")]
    own = [name for name in names if not name.startswith((f"{place}_branch", f"{place}_input"))]
    return (own or names)[-1]


def means(
    model: keras.Model, layers: Iterable[str], log_mels: np.ndarray, batch_size: int = 8
) -> dict[str, np.ndarray]:
    """Layer -> mean of its output over clips and frames [shape=(bands, channels)]."""
    backend.prepare()
    import keras

    layers = list(dict.fromkeys(layers))
    part = keras.Model(model.inputs, [model.get_layer(name).output for name in layers])
    sums, count = [0.0] * len(layers), 0
    for start in range(0, len(log_mels), batch_size):
        batch = np.asarray(log_mels[start : start + batch_size], "float32")[..., None]
        outputs = part.predict_on_batch(batch)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        sums = [total + np.asarray(y, float).mean(axis=1).sum(axis=0) for total, y in zip(sums, outputs, strict=True)]
        count += len(batch)
    return {name: total / count for name, total in zip(layers, sums, strict=True)}


def replaced(model: keras.Model, layer: str, mean: np.ndarray) -> keras.Model:
    """The network, sharing its weights, with the output of one layer replaced by `mean` [shape=(bands, channels)].

    All that comes after it sees the same for every clip and frame: what this part knew of the clip is gone.
    """
    backend.prepare()
    import keras

    constant = np.asarray(mean, "float32")

    def call(one, *args, **kwargs):
        y = one(*args, **kwargs)
        return keras.ops.zeros_like(y) + constant if one.name == layer else y

    return keras.models.clone_model(model, clone_function=lambda one: one, call_function=call)


def covered(log_mel: np.ndarray, patch: Sequence[int] = PATCH) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Copies of a log-mel [shape=(patches, frames, n_mels)], each with one patch covered (within it, every band is at
    its mean over the whole clip), after the first frame and first band of each patch."""
    frames, bands = log_mel.shape
    corners = [(frame, band) for frame in range(0, frames, patch[0]) for band in range(0, bands, patch[1])]
    copies = np.repeat(log_mel[None], len(corners), axis=0)
    mean = log_mel.mean(axis=0)
    for copy, (frame, band) in zip(copies, corners, strict=True):
        copy[frame : frame + patch[0], band : band + patch[1]] = mean[band : band + patch[1]]
    return corners, copies


def drops(
    predict: Callable[[np.ndarray], np.ndarray], log_mel: np.ndarray, label: int, patch: Sequence[int] = PATCH
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """How much the probability of class `label` falls when a patch is covered: corners, and a number for each.

    Occlusion (Zeiler and Fergus 2014) needs no gradients, so that it works on every Keras backend, and its result is in
    units of probability. A negative number: the patch spoke against the class.
    """
    corners, copies = covered(log_mel, patch)
    return corners, predict(log_mel[None])[0, label] - predict(copies)[:, label]


def looked_at(truth: np.ndarray, probabilities: np.ndarray, kind: str) -> np.ndarray:
    """Rows of the clips of one of `LOOKS`; certainty is the highest probability, of equals the first comes first."""
    right = probabilities.argmax(axis=1) == truth
    rows = np.flatnonzero(right if kind.startswith("right") else ~right)
    certain = probabilities[rows].max(axis=1)
    return rows[np.argsort(-certain if kind.endswith("most certain") else certain, kind="stable")[:CLIPS]]
