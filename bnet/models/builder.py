"""From a row of `bnet.models.variants` to a Keras model, on any Keras backend."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import keras
from keras import layers

from bnet.errors import BnetError, unknown
from bnet.models.variants import Variant, get_variant

N_MELS = 128
_TOKEN = re.compile(r"([a-z]+?)(?:(\d+)x(\d+))?")


def build(variant: str | Variant, classes: int, frames: int | None = None, n_mels: int = N_MELS) -> keras.Model:
    """Build a network.

    Parameters
    ----------
    variant
        A name in `bnet.models.VARIANTS`, or a row of one's own.
    classes
        Number of classes, 2 or more.
    frames
        Frames of the log-mel (646 for 30 s); None for any length. The weights do not depend on it.
    n_mels
        Mel bands.

    Returns
    -------
    keras.Model
        From log-mel in dB [shape=(batch, frames, n_mels, 1)] to class probabilities [shape=(batch, classes)], which
        sum to 1. Layers are named for their place: ``block2_branch3_conv3x1``.

    Raises
    ------
    BnetError
        If the name or an operation is unknown, or there are fewer than two classes.
    """
    row = get_variant(variant) if isinstance(variant, str) else variant
    if classes < 2:
        raise BnetError(f"a classifier needs 2 classes or more; got {classes}")
    inputs = keras.Input((frames, n_mels, 1), name="log_mel")
    pieces = [_chain(row, row.stem, inputs, "stem")]
    for number in range(1, row.blocks + 1):
        seen = _concatenate(pieces, f"block{number}_input")
        branches = [_chain(row, b, seen, f"block{number}_branch{i}") for i, b in enumerate(row.branches, 1)]
        pieces.append(_concatenate(branches, f"block{number}"))
    x = _chain(row, row.transition, _concatenate(pieces, "broadcast"), "transition")
    x = _chain(row, row.decision, x, "decision")
    outputs = layers.Dense(classes, "softmax", kernel_initializer=row.initializer, name="probabilities")(x)
    return keras.Model(inputs, outputs, name=row.name.replace("-", "_"))


def _conv(row: Variant, x, name: str, size: tuple[int, int]):
    return layers.Conv2D(row.filters, size, padding="same", kernel_initializer=row.initializer, name=name)(x)


def _norm(row: Variant, x, name: str, size):
    x = layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)(x)
    return layers.Activation(row.activation, name=f"{name}_{row.activation}")(x)


def _maxpool(row: Variant, x, name: str, size: tuple[int, int]):
    return layers.MaxPooling2D(size, name=name)(x)


def _avgpool(row: Variant, x, name: str, size: tuple[int, int]):
    return layers.AveragePooling2D(size, name=name)(x)


def _pool(row: Variant, x, name: str, size: tuple[int, int]):
    return layers.MaxPooling2D(size, strides=1, padding="same", name=name)(x)


def _gap(row: Variant, x, name: str, size):
    return layers.GlobalAveragePooling2D(name=name)(x)


OPERATIONS: dict[str, Callable] = {
    "conv": _conv,
    "norm": _norm,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "pool": _pool,
    "gap": _gap,
}
"""Every word of a chain, as a function of (row, tensor, layer name, size)."""


def _chain(row: Variant, chain: str, x, place: str):
    """Apply a chain of operations; repeated ones are numbered, so that every layer has a name of its own."""
    total, seen = Counter(chain.split()), Counter()
    for token in chain.split():
        match = _TOKEN.fullmatch(token)
        if not match or match[1] not in OPERATIONS:
            raise unknown(f"operation in {place} of network {row.name!r}:", token, OPERATIONS)
        seen[token] += 1
        number = str(seen[token]) if total[token] > 1 else ""
        size = (int(match[2]), int(match[3])) if match[2] else None
        x = OPERATIONS[match[1]](row, x, f"{place}_{token}{number and '_' + number}", size)
    return x


def _concatenate(pieces: list, name: str):
    return pieces[0] if len(pieces) == 1 else layers.Concatenate(name=name)(pieces)
