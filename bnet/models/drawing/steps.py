"""From Keras layers to the steps that a reader sees: 'conv 3×1, 32' or 'BN · ReLU'."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

KINDS = {
    "convolution": "convolution",
    "normalisation": "normalisation (BN: batch), activation",
    "pooling": "pooling",
    "joining": "concatenation, sum",
    "dense": "dense",
    "attention": "channel weights",
    "recurrence": "recurrence",
    "other": "other",
}
"""Every kind of step, and what the legend calls it."""

_ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "selu": "SELU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}


NO_BREAK = "\u00a0"
_SPOKEN = {"concatenate": "concatenation", "add": "sum", "multiply": "product"}


@dataclass(frozen=True)
class Step:
    """One step of a network: a layer, or layers that a reader takes as one.

    Parameters
    ----------
    kind
        A key of `KINDS`; it gives the colour.
    operation, size, width, detail
        What it does (``conv``), its kernel (``3×1``), its output channels or units (``32``), and what else defines it
        (``stride 2``, ``ReLU``). These four are what two steps are compared by.
    layers
        Names of the Keras layers, in order.
    parameters
        Of these layers together.
    joined
        Channels of each input, for a step that joins several.
    shape
        Of the output, without the batch; None stands for any length.
    status, was, old
        In a comparison: 'same', 'added', 'removed' or 'changed'; what the reference has in its place, in short (what
        differs alone) and as its label. Else ''.
    """

    kind: str
    operation: str
    size: str = ""
    width: str = ""
    detail: str = ""
    layers: tuple[str, ...] = ()
    parameters: int = 0
    joined: tuple[int | None, ...] = ()
    shape: tuple[int | None, ...] = ()
    status: str = ""
    was: str = ""
    old: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two steps the same step."""
        return self.kind, self.operation, self.size, self.width, self.detail

    @property
    def label(self) -> str:
        """The step in one line: ``conv 3×1, 32``."""
        return ", ".join(filter(None, (f"{self.operation} {self.size}".strip(), self.width, self.detail)))

    @property
    def spoken(self) -> str:
        """The step for somebody who hears it: ``conv 3×1 to 32 channels``."""
        operation = _SPOKEN.get(self.operation, self.operation).replace(NO_BREAK, " ")
        operation = operation.replace("BN", "batch normalisation").replace(" · ", " and ")
        width = f"to {self.width} channels" if self.width else ""
        said = " ".join(filter(None, (operation, self.size, width)))
        return ", ".join(filter(None, (said, self.detail))).replace(NO_BREAK, " ")

    @property
    def sum(self) -> str:
        """For a concatenation the channels that meet: ``32 + 2 × 128 = 288``."""
        return addition(self.joined) if self.operation == "concatenate" else ""


def describe(layer: Any) -> Step:
    """The step of one Keras layer (or operation); a kind that is not known is called by its class name."""
    made = _DESCRIPTIONS.get(type(layer).__name__, _other)(layer)
    return replace(
        made,
        layers=(layer.name,),
        parameters=sum(math.prod(weight.shape) for weight in getattr(layer, "weights", ())),
    )


def merge(steps: Iterable[Any]) -> tuple[Any, ...]:
    """Make one step of neighbours that a reader takes as one: an activation joins what it follows, reshapes each other.

    `steps` may hold other things than steps (parallel branches); they are kept as they are.
    """
    merged: list[Any] = []
    for step in steps:
        before = merged[-1] if merged else None
        if isinstance(step, Step) and isinstance(before, Step) and (together := _together(before, step)):
            merged[-1] = together
        else:
            merged.append(step)
    return tuple(merged)


def _together(first: Step, second: Step) -> Step | None:
    both = {
        "layers": first.layers + second.layers,
        "parameters": first.parameters + second.parameters,
        "shape": second.shape,
    }
    if second.operation in _NAMES_OF_ACTIVATIONS and first.kind == "normalisation" and "·" not in first.operation:
        space = " " if " " in first.operation else NO_BREAK
        return replace(first, operation=f"{first.operation}{space}·{NO_BREAK}{second.operation}", **both)
    if second.operation in _NAMES_OF_ACTIVATIONS and first.kind in ("convolution", "dense", "joining"):
        return replace(first, detail=", ".join(filter(None, (first.detail, second.operation))), **both)
    if first.operation == second.operation == "reshape":
        return replace(first, **both)
    return None


def addition(channels: Iterable[int | None]) -> str:
    """Channels that are concatenated, runs of equal ones as a product.

    >>> addition([32, 128, 128]), addition([32, 128])
    ('32 + 2 × 128 = 288', '32 + 128 = 160')
    """
    runs: list[list[int]] = []
    for count in channels:
        if count is None:
            return ""
        if runs and runs[-1][1] == count:
            runs[-1][0] += 1
        else:
            runs.append([1, count])
    terms = [f"{times} × {count}" if times > 1 else str(count) for times, count in runs]
    return f"{' + '.join(terms)} = {sum(times * count for times, count in runs)}"


def number(count: int) -> str:
    """A count in groups of three."""
    return f"{count:,}".replace(",", "\u202f")


def _times(sizes: Iterable[int]) -> str:
    return "×".join(str(size) for size in sizes)


def _activation_name(function: Any) -> str:
    name = getattr(function, "__name__", str(function))
    return "" if name == "linear" else _ACTIVATIONS.get(name, name)


def _stride(layer: Any, usual: tuple[int, ...]) -> str:
    strides = tuple(layer.strides)
    if strides == tuple(usual):
        return ""
    return f"stride{NO_BREAK}{strides[0] if len(set(strides)) == 1 else _times(strides)}"


def _convolution(operation: str) -> Callable[[Any], Step]:
    def made(layer: Any) -> Step:
        unpadded = layer.padding == "valid" and math.prod(layer.kernel_size) > 1
        stride = _stride(layer, (1,) * len(layer.strides))
        details = (stride, "unpadded" if unpadded else "", _activation_name(layer.activation))
        width = str(getattr(layer, "filters", None) or "")
        return Step("convolution", operation, _times(layer.kernel_size), width, ", ".join(filter(None, details)))

    return made


def _pooling(operation: str) -> Callable[[Any], Step]:
    def made(layer: Any) -> Step:
        return Step("pooling", operation, _times(layer.pool_size), detail=_stride(layer, layer.pool_size))

    return made


def _plain(kind: str, operation: str) -> Callable[[Any], Step]:
    return lambda layer: Step(kind, operation)


def _dense(layer: Any) -> Step:
    return Step("dense", "dense", str(layer.units), detail=_activation_name(layer.activation))


def _group_norm(layer: Any) -> Step:
    return Step("normalisation", "group norm", detail=f"{layer.gamma.shape[0] // layer.groups} a group")


def _dropout(layer: Any) -> Step:
    return Step("other", "dropout", f"{100 * layer.rate:g}{NO_BREAK}%")


def _recurrent(operation: str) -> Callable[[Any], Step]:
    return lambda layer: Step("recurrence", operation, str(layer.units))


def _band_lstm(layer: Any) -> Step:
    return Step("recurrence", "LSTM", str(layer.lstm.units), detail="per band")


def _bidirectional(layer: Any) -> Step:
    inner = describe(layer.forward_layer)
    return replace(inner, operation=f"two-way {inner.operation}", size=f"2 × {inner.size}")


def _each_frame(layer: Any) -> Step:
    inner = describe(layer.layer)
    return replace(inner, detail=", ".join(filter(None, (inner.detail, "each frame"))))


def _activation(layer: Any) -> Step:
    return Step("normalisation", _activation_name(layer.activation) or "linear")


def _rescaling(layer: Any) -> Step:
    return Step("other", "scale", f"× {layer.scale:g}")


def _other(layer: Any) -> Step:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[A-Z]*", type(layer).__name__)
    return Step("other", " ".join(word if word.isupper() else word.lower() for word in words))


_RESHAPES = ("Reshape", "Permute", "Flatten", "RepeatVector", "Transpose", "ExpandDims", "Squeeze", "Broadcast")
_NAMES_OF_ACTIVATIONS = {*_ACTIVATIONS.values(), "sigmoid", "tanh", "softmax", "leaky ReLU", "hard sigmoid"}

_DESCRIPTIONS: dict[str, Callable[[Any], Step]] = {
    "InputLayer": _plain("other", "input"),
    **{f"Conv{n}D": _convolution("conv") for n in (1, 2)},
    **{f"SeparableConv{n}D": _convolution("separable conv") for n in (1, 2)},
    **{f"DepthwiseConv{n}D": _convolution("depthwise conv") for n in (1, 2)},
    **{f"MaxPooling{n}D": _pooling("max-pool") for n in (1, 2)},
    **{f"AveragePooling{n}D": _pooling("avg-pool") for n in (1, 2)},
    **{f"GlobalMaxPooling{n}D": _plain("pooling", "global max-pool") for n in (1, 2)},
    **{f"GlobalAveragePooling{n}D": _plain("pooling", "global avg-pool") for n in (1, 2)},
    "BatchNormalization": _plain("normalisation", "BN"),
    "LayerNormalization": _plain("normalisation", "layer norm"),
    "GroupNormalization": _group_norm,
    "Activation": _activation,
    "ReLU": _plain("normalisation", "ReLU"),
    "LeakyReLU": _plain("normalisation", "leaky ReLU"),
    "Softmax": _plain("normalisation", "softmax"),
    "Concatenate": _plain("joining", "concatenate"),
    "Add": _plain("joining", "add"),
    "Multiply": _plain("attention", "multiply"),
    "MultiHeadAttention": _plain("attention", "attention"),
    "Dense": _dense,
    "Dropout": _dropout,
    "SpatialDropout2D": _dropout,
    "LSTM": _recurrent("LSTM"),
    "GRU": _recurrent("GRU"),
    "SimpleRNN": _recurrent("RNN"),
    "BandLSTM": _band_lstm,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _each_frame,
    "Rescaling": _rescaling,
    **{name: _plain("other", "reshape") for name in _RESHAPES},
}
"""Class name of a layer -> function that describes it."""
