"""What a network costs, counted on its row alone, without Keras: what `bnet.models.cost.costs` counts on its model."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from bnet.errors import BnetError
from bnet.models.language import Step
from bnet.models.shapes import N_MELS, Operation, Shape, walk
from bnet.models.variant import Variant

BYTES = 4
"""Of a float32, in which networks are trained here."""


class Layer(NamedTuple):
    """A Keras layer: the shape of its output, its parameters, those of them that training leaves alone, multiply-adds,
    and whether it is a convolution (`convolves`) or has kernels at all."""

    shape: Shape
    parameters: int = 0
    frozen: int = 0
    macs: int = 0
    kernels: bool = False
    convolves: bool = False


@dataclass(frozen=True)
class Counts:
    """What a network costs for one clip, as in `bnet.models.cost.Costs`.

    Parameters
    ----------
    parameters, trainable
        Numbers that it holds, and those of them that training changes.
    kernels
        Parameters of convolutions, LSTMs and dense layers: kernels and biases, without normalisation.
    convolutions
        Number of convolutions; a separable one is one.
    macs
        Multiply-adds of one forward pass; None for any number of frames.
    activation_bytes
        Outputs of all its layers for one clip, as float32; None for any number of frames.
    """

    parameters: int
    trainable: int
    kernels: int
    convolutions: int
    macs: int | None
    activation_bytes: int | None


def count(row: Variant, classes: int, frames: int | None = None) -> Counts:
    """Count what a network costs for one clip of `frames`; None for any length, which costs no definite work.

    Raises
    ------
    BnetError
        If the row is not possible, or too deep for so few frames.
    """
    layers = list(_network(row, classes, frames or _ANY))
    parameters = sum(layer.parameters for layer in layers)
    return Counts(
        parameters,
        parameters - sum(layer.frozen for layer in layers),
        sum(layer.parameters for layer in layers if layer.kernels),
        sum(layer.convolves for layer in layers),
        sum(layer.macs for layer in layers) if frames else None,
        BYTES * sum(math.prod(layer.shape) for layer in layers) if frames else None,
    )


_ANY = 1 << 16
"""Frames enough for any row: parameters do not depend on them."""


def table(rows: Iterable[Variant], classes: int, frames: int | None) -> pd.DataFrame:
    """One line per network: ``variant, title, parameters, trainable, kernels, convolutions, macs, activation_mib``, for
    a clip of `frames`.

    Networks that are too deep for so few frames have no costs (missing values).
    """
    counted = ["parameters", "trainable", "kernels", "convolutions", "macs"]
    lines = []
    for row in rows:
        line = {"variant": row.name, "title": row.title}
        with contextlib.suppress(BnetError):
            found = count(row, classes, frames)
            line |= {name: getattr(found, name) for name in counted}
            line["activation_mib"] = None if frames is None else found.activation_bytes / 2**20
        lines.append(line)
    frame = pd.DataFrame(lines, columns=["variant", "title", *counted, "activation_mib"])
    return frame.astype(dict.fromkeys(counted, "Int64"))


def _network(row: Variant, classes: int, frames: int) -> Iterator[Layer]:
    """All layers of the model that `bnet.models.build` makes of a row."""
    at, done = walk(row, frames)
    broadcast = row.connection == "broadcast"
    yield Layer((frames, N_MELS, 1))
    yield from _layers(done["stem"])
    for number in range(1, row.blocks + 1):
        place, chains = f"block{number}", row.branches_of(number)
        seen = at[f"{place}_input"]
        if broadcast and number > 1:
            yield Layer(seen)
        for i in range(1, len(chains) + 1):
            yield from _layers(done[f"{place}_branch{i}"])
        joined = (*seen[:2], sum(at[f"{place}_branch{i}"][2] for i in range(1, len(chains) + 1)))
        if len(chains) > 1:
            yield Layer(joined)
        yield from _layers(done[place])
    if broadcast and row.blocks:
        yield Layer(at["broadcast"])
    yield from _layers(done["transition"])
    yield from _layers(done["decision"])
    yield _dense(at["decision"][-1], (classes,))


def _layers(operations: Iterable[Operation]) -> Iterator[Layer]:
    for op in operations:
        yield from LAYERS[op.step.word](op.step, op.before, op.after)


def _dense(entered: int, shape: Shape) -> Layer:
    kernels = entered * shape[-1]
    return Layer(shape, kernels + shape[-1], macs=kernels * math.prod(shape[:-1]), kernels=True)


def _convolution(kernels: int, made: Shape) -> Layer:
    return Layer(made, kernels + made[-1], macs=kernels * math.prod(made[:-1]), kernels=True, convolves=True)


def _conv(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    return [_convolution(math.prod(step.size) * shape[-1] * made[-1], made)]


def _sepconv(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    """A kernel per channel, then 1x1 from channels to maps."""
    return [_convolution((math.prod(step.size) + made[-1]) * shape[-1], made)]


def _norm(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    """Scale and shift, and a moving mean and variance that are not trained; then the activation."""
    return [Layer(made, 4 * made[-1], frozen=2 * made[-1]), Layer(made)]


def _groupnorm(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    """Scale and shift; then the activation."""
    return [Layer(made, 2 * made[-1]), Layer(made)]


def _lstm(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    """Four gates, each of the input, the state and a bias."""
    kernels = 4 * made[-1] * (shape[-1] + made[-1])
    return [Layer(made, kernels + 4 * made[-1], macs=kernels * math.prod(made[:-1]), kernels=True)]


def _excite(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    channels = made[-1]
    reduced = channels // int(step.number)
    dense = [_dense(channels, (1, 1, reduced)), _dense(reduced, (1, 1, channels))]
    return [Layer((1, 1, channels)), *dense, Layer(made)]


def _residual(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    return [_convolution(shape[-1] * made[-1], made), Layer(made)]


def _plain(step: Step, shape: Shape, made: Shape) -> list[Layer]:
    return [Layer(made)]


LAYERS: dict[str, Callable[[Step, Shape, Shape], list[Layer]]] = {
    "conv": _conv,
    "sepconv": _sepconv,
    "norm": _norm,
    "groupnorm": _groupnorm,
    "lstm": _lstm,
    "se": _excite,
    "semax": _excite,
    "residual": _residual,
    **dict.fromkeys(("maxpool", "avgpool", "pool", "gap", "gmp", "dropout"), _plain),
}
"""Every word of `bnet.models.language.WORDS`, as the layers that it makes of (step, shape before, shape after)."""
