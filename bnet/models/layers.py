"""Keras layers as plain data: a network's shapes, costs and figures need no Keras; `bnet.models.builder` makes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Shape = tuple[int | None, ...]
"""(frames, bands, channels), or (channels,) after a global pool; frames None for any length."""


@dataclass(frozen=True)
class Layer:
    """One layer where it stands.

    Parameters
    ----------
    kind
        Its class in `keras.layers`, or of our own (`bnet.models.builder`); a key of `KINDS`.
    shape
        Of its output, without the batch.
    arguments
        Of its class.
    suffix
        What its name adds to that of its operation.
    beside
        What it takes besides the output of the layer before it: the ``input`` of its operation, the ``block``'s input,
        or nothing.
    entered
        Channels of the layer before it.
    """

    kind: str
    shape: Shape
    arguments: dict[str, Any] = field(default_factory=dict)
    suffix: str = ""
    beside: str = ""
    entered: int = 0

    @property
    def kernels(self) -> int:
        """Weights that multiply."""
        count = KINDS[self.kind].kernels
        return count(self) if count else 0

    @property
    def parameters(self) -> int:
        """All its weights."""
        return self.kernels + KINDS[self.kind].vectors * self.shape[-1]

    @property
    def frozen(self) -> int:
        """Weights that training leaves alone: moving means and variances."""
        return KINDS[self.kind].frozen * self.shape[-1]

    @property
    def macs(self) -> int:
        """Multiply-adds for one clip, of as many frames as its `shape` has."""
        return self.kernels * math.prod(self.shape[:-1]) if self.kernels else 0

    @property
    def label(self) -> tuple[str, str, list[str]]:
        """What a figure calls it: head, separator and details, as in ``conv 3×1, 32``."""
        kind = KINDS[self.kind]
        head, *details = kind.label(self)
        return head, kind.separator, [detail for detail in details if detail]


class Kind(NamedTuple):
    """What is known of a Keras class.

    `look` is its colour in figures, a key of `LOOKS`; `label` gives head and details of its label. `kernels` counts
    weights that multiply; `vectors` and `frozen` are weights per channel of the output, all and those not trained.
    """

    look: str
    label: Callable[[Layer], tuple[str, ...]]
    separator: str = " "
    kernels: Callable[[Layer], int] | None = None
    vectors: int = 0
    frozen: int = 0
    convolves: bool = False


LOOKS = {
    "convolution": "convolution", "normalisation": "normalisation (BN: batch), activation", "pooling": "pooling",
    "joining": "concatenation, sum", "dense": "dense", "attention": "channel weights", "recurrence": "recurrence",
    "other": "other",
}  # fmt: skip
"""The kinds of layers that figures tell apart, and what the legend calls them."""
_ACTIVATIONS = {
    "elu": "ELU",
    "gelu": "GELU",
    "leaky_relu": "leaky ReLU",
    "relu": "ReLU",
    "selu": "SELU",
    "silu": "SiLU",
}


def _size(layer: Layer) -> str:
    size = layer.arguments.get("kernel_size") or layer.arguments["pool_size"]
    return "×".join(map(str, size))


def _stride(layer: Layer, usual: tuple[int, int]) -> str:
    strides = layer.arguments.get("strides", usual)
    return f"stride {strides[0]}" if strides != usual else ""


def _activation(layer: Layer) -> str:
    name = layer.arguments["activation"]
    return _ACTIVATIONS.get(name, name)


def _conv(head: str) -> Callable[[Layer], tuple[str, ...]]:
    def label(layer: Layer) -> tuple[str, ...]:
        size = layer.arguments["kernel_size"]
        cut = "unpadded" if layer.arguments.get("padding") == "valid" and size != (1, 1) else ""
        return head, _size(layer), str(layer.shape[-1]), _stride(layer, (1, 1)), cut

    return label


def _pool(head: str) -> Callable[[Layer], tuple[str, ...]]:
    return lambda layer: (head, _size(layer), _stride(layer, layer.arguments["pool_size"]))


def _dense(layer: Layer) -> int:
    return layer.entered * layer.shape[-1]


KINDS: dict[str, Kind] = {
    "Conv2D": Kind(
        "convolution",
        _conv("conv"),
        kernels=lambda layer: math.prod(layer.arguments["kernel_size"]) * _dense(layer),
        vectors=1,
        convolves=True,
    ),
    "SeparableConv2D": Kind(
        "convolution",
        _conv("separable conv"),
        kernels=lambda layer: math.prod(layer.arguments["kernel_size"]) * layer.entered + _dense(layer),
        vectors=1,
        convolves=True,
    ),
    "BatchNormalization": Kind("normalisation", lambda layer: ("BN",), " · ", vectors=4, frozen=2),
    "GroupNormalization": Kind(
        "normalisation",
        lambda layer: ("group norm", f"{layer.shape[-1] // layer.arguments['groups']} a group"),
        " · ",
        vectors=2,
    ),
    "Activation": Kind("normalisation", lambda layer: (_activation(layer),)),
    "MaxPooling2D": Kind("pooling", _pool("max-pool")),
    "AveragePooling2D": Kind("pooling", _pool("avg-pool")),
    "GlobalAveragePooling2D": Kind("pooling", lambda layer: ("global", "avg-pool")),
    "GlobalMaxPooling2D": Kind("pooling", lambda layer: ("global", "max-pool")),
    "BandLSTM": Kind(
        "recurrence",
        lambda layer: (f"LSTM {layer.shape[-1]}", "per band"),
        ", ",
        kernels=lambda layer: 4 * (layer.entered + layer.shape[-1]) * layer.shape[-1],  # four gates of input and state
        vectors=4,
    ),
    "Dense": Kind(
        "dense", lambda layer: (f"dense {layer.shape[-1]}", _activation(layer)), ", ", kernels=_dense, vectors=1
    ),
    "Multiply": Kind("attention", lambda layer: ("multiply",)),
    "Add": Kind("joining", lambda layer: ("add", "the block's input")),
    "Concatenate": Kind("joining", lambda layer: ("concatenate",)),
    "Dropout": Kind("other", lambda layer: ("dropout", f"{100 * layer.arguments['rate']:g} %")),
}
"""Every class of layers that networks are made of."""
