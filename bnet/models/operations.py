"""Every word of the chain language in one place: what it takes, what it does to a shape, and its layers. No Keras here.

A new operation is a row of `WORDS`; a layer of a class that no network had before is a row of
`bnet.models.layers.KINDS`, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bnet.models.layers import Layer, Shape
from bnet.models.variant import Variant


@dataclass(frozen=True)
class Step:
    """A token, read: `size` in (frames, bands) or None, `stride` (frames and bands alike) or 0 where not given."""

    token: str
    word: str
    size: tuple[int, int] | None = None
    valid: bool = False
    stride: int = 0
    number: float | None = None

    @property
    def base(self) -> str:
        """The word and its size, for the name of a layer: ``conv3x1``."""
        return self.word + ("x".join(map(str, self.size)) if self.size else "")

    @property
    def strides(self) -> tuple[int, int]:
        """Stride in (frames, bands): of a downsampling pool its size, otherwise 1, unless given."""
        return (self.stride,) * 2 if self.stride else self.size if WORDS[self.word].shrinks else (1, 1)

    @property
    def padded(self) -> bool:
        """Whether the borders are padded ('same'), so that nothing is lost there."""
        return not self.valid and not WORDS[self.word].shrinks

    @property
    def keeps_size(self) -> bool:
        """Whether frames and bands stay as many as they were."""
        return self.padded and self.strides == (1, 1) and not WORDS[self.word].flattens


class Operation(NamedTuple):
    """A step where it stands: `name` of its layers, shapes `before` and `after`, its block's input `seen`."""

    name: str
    step: Step
    variant: Variant
    before: Shape
    after: Shape
    seen: Shape | None = None

    @property
    def layers(self) -> list[Layer]:
        """Its layers, in the order in which they are applied."""
        entered, found = self.before[-1], []
        for layer in WORDS[self.step.word].layers(self):
            found.append(replace(layer, entered=entered))
            entered = layer.shape[-1]
        return found


def _plain(kind: str, **arguments: Any) -> Callable[[Operation], list[Layer]]:
    """One layer without weights."""
    return lambda op: [Layer(kind, op.after, arguments)]


def _convolution(op: Operation) -> dict[str, Any]:
    padding = "same" if op.step.padded else "valid"
    return {"filters": op.after[-1], "kernel_size": op.step.size, "strides": op.step.strides, "padding": padding}


def _conv(op: Operation) -> list[Layer]:
    return [Layer("Conv2D", op.after, {**_convolution(op), "kernel_initializer": op.variant.initializer})]


def _sepconv(op: Operation) -> list[Layer]:
    initializers = dict.fromkeys(("depthwise_initializer", "pointwise_initializer"), op.variant.initializer)
    return [Layer("SeparableConv2D", op.after, {**_convolution(op), **initializers})]


def _norm(op: Operation) -> list[Layer]:
    return [Layer("BatchNormalization", op.after, {"momentum": 0.99, "epsilon": 1e-3}), _activation(op)]


def _groupnorm(op: Operation) -> list[Layer]:
    groups = op.after[-1] // int(op.step.number)
    return [Layer("GroupNormalization", op.after, {"groups": groups, "epsilon": 1e-3}), _activation(op)]


def _activation(op: Operation) -> Layer:
    return Layer("Activation", op.after, {"activation": op.variant.activation}, f"_{op.variant.activation}")


def _pool(kind: str, **arguments: Any) -> Callable[[Operation], list[Layer]]:
    return lambda op: [Layer(kind, op.after, {"pool_size": op.step.size, "strides": op.step.strides, **arguments})]


def _lstm(op: Operation) -> list[Layer]:
    return [Layer("BandLSTM", op.after, {"units": op.after[-1], "kernel_initializer": op.variant.initializer})]


def _excitation(squeeze: str) -> Callable[[Operation], list[Layer]]:
    """Two dense layers turn the squeezed channels into a weight from 0 to 1 per channel, and scale the maps by it."""

    def layers(op: Operation) -> list[Layer]:
        channels = op.after[-1]
        reduced = channels // int(op.step.number)
        return [
            Layer(squeeze, (1, 1, channels), {"keepdims": True}, "_squeeze"),
            dense(op.variant, (1, 1, reduced), "relu", "_reduce"),
            dense(op.variant, (1, 1, channels), "sigmoid", "_expand"),
            Layer("Multiply", op.after, beside="input"),
        ]

    return layers


def dense(variant: Variant, shape: Shape, activation: str, suffix: str = "", entered: int = 0) -> Layer:
    """A dense layer, its weights initialised as those of the variant."""
    arguments = {"units": shape[-1], "activation": activation, "kernel_initializer": variant.initializer}
    return Layer("Dense", shape, arguments, suffix, entered=entered)


def _residual(op: Operation) -> list[Layer]:
    arguments = {"filters": op.after[-1], "kernel_size": (1, 1), "kernel_initializer": op.variant.initializer}
    return [Layer("Conv2D", op.after, arguments, "_conv1x1"), Layer("Add", op.after, beside="block")]


def _dropout(op: Operation) -> list[Layer]:
    return [Layer("Dropout", op.after, {"rate": op.step.number})]


class Word(NamedTuple):
    """What a word is, the `layers` that it makes, and what it takes (`size`, `stride`, `valid` padding, `number`).

    `number` is ``""`` (none), ``"count"`` or ``"rate"``; `needs` an example of it where it must be given. `makes` says
    that the word makes new maps (`filters`, or as many as its number); `divides` that its number must divide the
    channels; `shrinks` that it pools to a smaller map; `flattens` that it ends in a vector; `vector` that it also works
    on one. `group` is what figures call several layers together.
    """

    what: str
    layers: Callable[[Operation], list[Layer]]
    size: bool = False
    stride: bool = False
    valid: bool = False
    number: str = ""
    needs: str = ""
    makes: bool = False
    divides: bool = False
    shrinks: bool = False
    flattens: bool = False
    vector: bool = False
    group: str = ""


_KERNELS = {"size": True, "stride": True, "valid": True, "number": "count", "makes": True}
_POOLS = {"size": True, "stride": True, "shrinks": True}
_SHARES = {"number": "count", "divides": True}
_EXCITES = {"needs": "8", "group": "squeeze-and-excitation", **_SHARES}
WORDS: dict[str, Word] = {
    "conv": Word("convolution, with bias", _conv, **_KERNELS),
    "sepconv": Word("depthwise-separable convolution: a kernel per channel, then 1x1", _sepconv, **_KERNELS),
    "norm": Word("batch normalisation, then the activation", _norm, vector=True),
    "groupnorm": Word("group normalisation and activation", _groupnorm, needs="16", vector=True, **_SHARES),
    "maxpool": Word("max-pooling, stride equal to its size unless given", _pool("MaxPooling2D"), **_POOLS),
    "avgpool": Word("average pooling, likewise", _pool("AveragePooling2D"), **_POOLS),
    "pool": Word("max-pooling with stride 1, keeps the size", _pool("MaxPooling2D", padding="same"), size=True),
    "lstm": Word("LSTM along each band's frames, the same for all", _lstm, number="count", makes=True),
    "se": Word("squeeze-and-excitation by the mean", _excitation("GlobalAveragePooling2D"), **_EXCITES),
    "semax": Word("squeeze-and-excitation by the maximum", _excitation("GlobalMaxPooling2D"), **_EXCITES),
    "residual": Word("1x1 convolution, sum with the block's input", _residual, group="residual connection"),
    "gap": Word("global average pooling", _plain("GlobalAveragePooling2D"), flattens=True),
    "gmp": Word("global max-pooling", _plain("GlobalMaxPooling2D"), flattens=True),
    "dropout": Word("dropout", _dropout, number="rate", needs="0.4", vector=True),
}
"""Every word of the chain language."""
