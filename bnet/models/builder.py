"""From a row of `bnet.models.variants` to a Keras model, on any Keras backend."""

from __future__ import annotations

import keras
from keras import layers

from bnet.errors import BnetError
from bnet.models.language import named
from bnet.models.operations import JOINS, OPERATIONS, At, concatenate
from bnet.models.shapes import N_MELS, check
from bnet.models.variant import Variant
from bnet.models.variants import get_variant


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
        If the name or an operation is unknown, the network is too deep for its input, or there are fewer than two
        classes.
    """
    row = get_variant(variant) if isinstance(variant, str) else variant
    if classes < 2:
        raise BnetError(f"a classifier needs 2 classes or more; got {classes}")
    check(row, frames, n_mels)
    join = JOINS[row.connection]
    inputs = keras.Input((frames, n_mels, 1), name="log_mel")
    pieces = [_chain(row, row.stem, inputs, "stem")]
    for number in range(1, row.blocks + 1):
        place = f"block{number}"
        seen = join(pieces, f"{place}_input")
        branches = enumerate(row.branches_of(number), 1)
        ends = [_chain(row, chain, seen, f"{place}_branch{i}", seen) for i, chain in branches]
        pieces.append(_chain(row, row.after, concatenate(ends, place), place, seen))
    x = _chain(row, row.transition, join(pieces, "broadcast"), "transition")
    x = _chain(row, row.decision, x, "decision")
    whole = keras.config.dtype_policy().variable_dtype  # float32 where maps are bfloat16
    outputs = layers.Dense(classes, "softmax", kernel_initializer=row.initializer, dtype=whole, name="probabilities")(x)
    return keras.Model(inputs, outputs, name=row.name.replace("-", "_"))


def _chain(row: Variant, chain: str, x, place: str, seen=None):
    """Apply a chain of operations."""
    for name, step in named(chain, place, f"{place} of network {row.name!r}"):
        x = OPERATIONS[step.word](x, At(row, name, step, seen))
    return x
