"""What a network costs, counted without building it: parameters, multiply-adds, memory of its maps. No Keras here."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bnet.errors import BnetError
from bnet.models.shapes import N_MELS, probabilities, sections
from bnet.models.variant import Variant

BYTES = 4
"""Of a float32, in which networks are trained here."""


@dataclass(frozen=True)
class Cost:
    """What a network costs for one clip.

    Parameters
    ----------
    parameters, trainable
        Numbers that it holds, and those of them that training changes.
    kernels
        Parameters of convolutions, LSTMs and dense layers: kernels and biases, without normalisation.
    convolutions
        Number of convolutions; a separable one is one.
    macs
        Multiply-adds of one forward pass, a multiplication with its addition once: in convolutions, dense layers and
        LSTMs; not biases, normalisation, activation, pooling, sums of maps and products with squeeze-and-excitation's
        weights, which are small beside them. None for any number of frames.
    activation_bytes
        Outputs of all its layers, as float32, input and concatenations included (backends make them); not what a
        separable convolution or an LSTM keeps inside itself. None for any number of frames.
    """

    parameters: int
    trainable: int
    kernels: int
    convolutions: int
    macs: int | None
    activation_bytes: int | None


def cost(variant: Variant, classes: int, frames: int | None = None) -> Cost:
    """Count what a network costs for one clip of `frames`; None for any length, which costs no definite work.

    Raises
    ------
    BnetError
        If the variant is not possible, or too deep for so few frames.
    """
    parts = sections(variant, frames)
    layers = [layer for part in parts for layer in part.layers]
    layers.append(probabilities(variant, parts[-1].shape, classes))
    parameters = sum(layer.parameters for layer in layers)
    return Cost(
        parameters,
        parameters - sum(layer.frozen for layer in layers),
        sum(layer.parameters for layer in layers if layer.kernels),
        sum(layer.kind.endswith("Conv2D") for layer in layers),
        sum(layer.macs for layer in layers) if frames else None,
        BYTES * (frames * N_MELS + sum(math.prod(layer.shape) for layer in layers)) if frames else None,
    )


def table(variants: Iterable[Variant], classes: int, frames: int | None) -> pd.DataFrame:
    """One line per network: ``variant, title, parameters, trainable, kernels, convolutions, macs, activation_mib``, for
    a clip of `frames`.

    Networks that are too deep for so few frames have no costs (missing values).
    """
    counted = ["parameters", "trainable", "kernels", "convolutions", "macs"]
    lines = []
    for variant in variants:
        line = {"variant": variant.name, "title": variant.title}
        with contextlib.suppress(BnetError):
            found = cost(variant, classes, frames)
            line |= {name: getattr(found, name) for name in counted}
            line["activation_mib"] = None if frames is None else found.activation_bytes / 2**20
        lines.append(line)
    frame = pd.DataFrame(lines, columns=["variant", "title", *counted, "activation_mib"])
    return frame.astype(dict.fromkeys(counted, "Int64"))
