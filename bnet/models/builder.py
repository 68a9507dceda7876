"""From a variant to a Keras model, on any Keras backend."""

from __future__ import annotations

import keras
from keras import layers

from bnet.models.layers import Layer
from bnet.models.pooling import max_pooling
from bnet.models.recurrence import BandLSTM
from bnet.models.shapes import N_MELS, Chain, probabilities, sections
from bnet.models.variant import Variant
from bnet.models.variants import get_variant


def build(variant: str | Variant, classes: int, frames: int | None = None, n_mels: int = N_MELS) -> keras.Model:
    """Build a network.

    Parameters
    ----------
    variant
        A name in `bnet.models.VARIANTS`, or a variant of your own.
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
    variant = get_variant(variant) if isinstance(variant, str) else variant
    parts = sections(variant, frames, n_mels)
    last = probabilities(variant, parts[-1].shape, classes)
    x = inputs = keras.Input((frames, n_mels, 1), name="log_mel")
    made = []
    for part in parts:
        seen = _concatenate(made, part.source) if part.join else x
        ends = [_apply(chain, seen, seen) for chain in part.branches]
        x = _apply(part.after, _concatenate(ends, part.name), seen)
        made.append(x)
    whole = keras.config.dtype_policy().variable_dtype  # float32 where maps are bfloat16
    outputs = layers.Dense(**last.arguments, dtype=whole, name="probabilities")(x)
    return keras.Model(inputs, outputs, name=variant.name.replace("-", "_"))


def _apply(chain: Chain, x, seen):
    """Apply a chain of operations."""
    for op in chain:
        beside = {"input": x, "block": seen}
        for layer in op.layers:
            made = _class(layer)(**layer.arguments, name=op.name + layer.suffix)
            x = made([beside[layer.beside], x] if layer.beside else x)
    return x


def _class(layer: Layer) -> type[layers.Layer]:
    own = {"BandLSTM": BandLSTM, "MaxPooling2D": max_pooling()}
    return own.get(layer.kind) or getattr(layers, layer.kind)


def _concatenate(maps: list, name: str):
    """The concatenation of maps over their channels; a single one as it is."""
    return maps[0] if len(maps) == 1 else layers.Concatenate(name=name)(maps)
