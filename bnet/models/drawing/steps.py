"""The words of a chain as steps that a figure shows: 'conv 3×1, 32' or 'BN · ReLU', with layers, shape, parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bnet.models.counting import LAYERS
from bnet.models.shapes import Operation, Shape
from bnet.models.variant import Variant

KINDS = {
    "convolution": "convolution", "normalisation": "normalisation (BN: batch), activation", "pooling": "pooling",
    "joining": "concatenation, sum", "dense": "dense", "attention": "channel weights", "recurrence": "recurrence",
    "other": "other",
}  # fmt: skip
"""Every kind of step, and what the legend calls it."""


@dataclass(frozen=True)
class Step:
    """One box of a figure: a Keras layer, or a normalisation with its activation.

    `kind` is of `KINDS`; `head`, `sep` and `tail` make its label (``conv 3×1, 32``); `layers` are Keras names, `shape`
    that of their output, `parameters` theirs together. In a comparison `status` is 'same', 'added', 'changed' or
    'removed', and `old` the step that the reference has in its place.
    """

    kind: str
    head: str
    tail: str = ""
    layers: tuple[str, ...] = ()
    shape: Shape = ()
    parameters: int = 0
    sep: str = " "
    status: str = ""
    old: Step | None = None

    @property
    def label(self) -> str:
        """The step in one line."""
        return self.head + (self.sep + self.tail if self.tail else "")

    @property
    def was(self) -> str:
        """What the reference has in its place: only what differs, where the operation is the same."""
        if not self.old:
            return ""
        mine, theirs = self.tail.split(", "), self.old.tail.split(", ")
        return ", ".join(part for part in theirs if part not in mine and self.old.head == self.head) or self.old.label


class Op(NamedTuple):
    """A word of a chain, read: its `steps`, what to call it; `word` where it forks (``se``, ``residual``)."""

    steps: tuple[Step, ...]
    name: str
    word: str = ""


def operation(op: Operation, row: Variant) -> Op:
    """The steps of an operation: labels from `LABELS`, shapes and parameters as `bnet.models.counting` counts them."""
    known = [tuple(-1 if size is None else size for size in shape) for shape in (op.before, op.after)]
    layers = LAYERS[op.step.word](op.step, *known)
    steps = []
    for kind, head, sep, tail, suffixes in LABELS[op.step.word](op, row):
        own, layers = layers[: len(suffixes)], layers[len(suffixes) :]
        names = tuple(op.name + suffix for suffix in suffixes)
        shape = tuple(None if size == -1 else size for size in own[0].shape)
        steps.append(Step(kind, head, tail, names, shape, sum(layer.parameters for layer in own), sep))
    if len(steps) == 1:
        return Op((steps[0],), steps[0].label)
    inside = "; ".join(step.label for step in steps)
    return Op(
        tuple(steps),
        f"{'residual connection' if op.step.word == 'residual' else 'squeeze-and-excitation'} ({inside})",
        op.step.word,
    )


Label = tuple[str, str, str, str, tuple[str, ...]]
"""Kind, head, separator and tail of a step, and what the names of its layers append to that of the operation."""


def _conv(op: Operation, row: Variant) -> list[Label]:
    step = op.step
    details = [f"stride {step.stride}"] * (step.stride > 1) + ["unpadded"] * (step.valid and step.size != (1, 1))
    head = "separable conv" if step.word == "sepconv" else "conv"
    return [("convolution", head, " ", ", ".join([_size(op), str(op.after[-1]), *details]), ("",))]


def _norm(op: Operation, row: Variant) -> list[Label]:
    known = {"leaky_relu": "leaky ReLU", "relu": "ReLU", "silu": "SiLU", "tanh": "tanh"}
    activation, suffixes = known.get(row.activation, row.activation.upper()), ("", f"_{row.activation}")
    if op.step.word == "norm":
        return [("normalisation", "BN", " · ", activation, suffixes)]
    return [("normalisation", "group norm", " · ", f"{activation}, {op.step.number:g} a group", suffixes)]


def _pool(op: Operation, row: Variant) -> list[Label]:
    stride = f", stride {op.step.strides[0]}" if op.step.strides != op.step.size else ""
    return [("pooling", "avg-pool" if op.step.word == "avgpool" else "max-pool", " ", _size(op) + stride, ("",))]


def _excite(op: Operation, row: Variant) -> list[Label]:
    channels = op.after[-1]
    return [
        ("pooling", "global", " ", "avg-pool" if op.step.word == "se" else "max-pool", ("_squeeze",)),
        ("dense", f"dense {channels // int(op.step.number)}", ", ", "ReLU", ("_reduce",)),
        ("dense", f"dense {channels}", ", ", "sigmoid", ("_expand",)),
        ("attention", "multiply", "", "", ("",)),
    ]


def _residual(op: Operation, row: Variant) -> list[Label]:
    return [
        ("convolution", "conv", " ", f"1×1, {op.after[-1]}", ("_conv1x1",)),
        ("joining", "add", " ", "the block's input", ("",)),
    ]


def _size(op: Operation) -> str:
    return "×".join(map(str, op.step.size))


LABELS: dict[str, Callable[[Operation, Variant], list[Label]]] = {
    **dict.fromkeys(("conv", "sepconv"), _conv),
    **dict.fromkeys(("norm", "groupnorm"), _norm),
    **dict.fromkeys(("maxpool", "avgpool", "pool"), _pool),
    **dict.fromkeys(("se", "semax"), _excite),
    "residual": _residual,
    "lstm": lambda op, row: [("recurrence", f"LSTM {op.after[-1]}", ", ", "per band", ("",))],
    "gap": lambda op, row: [("pooling", "global", " ", "avg-pool", ("",))],
    "gmp": lambda op, row: [("pooling", "global", " ", "max-pool", ("",))],
    "dropout": lambda op, row: [("other", "dropout", " ", f"{100 * op.step.number:g} %", ("",))],
}
"""Every word of `bnet.models.language.WORDS` as the labels of its steps."""
