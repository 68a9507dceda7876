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
    def label(self) -> str:
        """What a figure calls it: ``conv 3×1, 32``."""
        return KINDS[self.kind].label(self)


class Kind(NamedTuple):
    """What is known of a Keras class.

    `look` is its colour in figures, a key of `LOOKS`, and `label` what they call it. `kernels` counts weights that
    multiply; `vectors` and `frozen` are weights per channel of the output, all and those not trained.
    """

    look: str
    label: Callable[[Layer], str]
    kernels: Callable[[Layer], int] | None = None
    vectors: int = 0
    frozen: int = 0


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


def _activation(layer: Layer) -> str:
    name = layer.arguments["activation"]
    return _ACTIVATIONS.get(name, name)


def _sized(head: str) -> Callable[[Layer], str]:
    """The label of a convolution or pool: its size, of a convolution its channels, and what is unusual."""

    def label(layer: Layer) -> str:
        kernel, given = layer.arguments.get("kernel_size"), layer.arguments
        size, usual = (kernel, (1, 1)) if kernel else (given["pool_size"], given["pool_size"])
        said = [f"{head} {size[0]}×{size[1]}"] + [str(layer.shape[-1])] * bool(kernel)
        if (strides := given.get("strides", usual)) != usual:
            said.append(f"stride {strides[0]}")
        if kernel and given.get("padding") == "valid" and size != (1, 1):
            said.append("unpadded")
        return ", ".join(said)

    return label


def _dense(layer: Layer) -> int:
    return layer.entered * layer.shape[-1]


KINDS: dict[str, Kind] = {
    "Conv2D": Kind(
        "convolution",
        _sized("conv"),
        kernels=lambda layer: math.prod(layer.arguments["kernel_size"]) * _dense(layer),
        vectors=1,
    ),
    "SeparableConv2D": Kind(
        "convolution",
        _sized("separable conv"),
        kernels=lambda layer: math.prod(layer.arguments["kernel_size"]) * layer.entered + _dense(layer),
        vectors=1,
    ),
    "BatchNormalization": Kind("normalisation", lambda layer: "BN", vectors=4, frozen=2),
    "GroupNormalization": Kind(
        "normalisation",
        lambda layer: f"group norm · {layer.shape[-1] // layer.arguments['groups']} a group",
        vectors=2,
    ),
    "Activation": Kind("normalisation", _activation),
    "MaxPooling2D": Kind("pooling", _sized("max-pool")),
    "AveragePooling2D": Kind("pooling", _sized("avg-pool")),
    "GlobalAveragePooling2D": Kind("pooling", lambda layer: "global avg-pool"),
    "GlobalMaxPooling2D": Kind("pooling", lambda layer: "global max-pool"),
    "BandLSTM": Kind(
        "recurrence",
        lambda layer: f"LSTM {layer.shape[-1]}, per band",
        kernels=lambda layer: 4 * (layer.entered + layer.shape[-1]) * layer.shape[-1],  # four gates of input and state
        vectors=4,
    ),
    "Dense": Kind("dense", lambda layer: f"dense {layer.shape[-1]}, {_activation(layer)}", kernels=_dense, vectors=1),
    "Multiply": Kind("attention", lambda layer: "multiply"),
    "Add": Kind("joining", lambda layer: "add the block's input"),
    "Concatenate": Kind("joining", lambda layer: "concatenate"),
    "Dropout": Kind("other", lambda layer: f"dropout {100 * layer.arguments['rate']:g} %"),
}
"""Every class of layers that networks are made of."""
