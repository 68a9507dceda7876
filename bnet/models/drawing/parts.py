"""A variant as a reader sees it: stem, blocks, transition, decision; each of chains of labelled steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from bnet.models import shapes
from bnet.models.layers import KINDS, Layer, Shape
from bnet.models.operations import WORDS, Operation
from bnet.models.variant import Variant


@dataclass(frozen=True)
class Box:
    """One box of a figure: a Keras layer, or a normalisation with its activation.

    `kind` is of `bnet.models.layers.LOOKS`; `head`, `sep` and `tail` make its label (``conv 3×1, 32``); `layers` are
    Keras names, `shape` that of their output, `parameters` theirs together. In a comparison `status` is 'same',
    'added', 'changed' or 'removed', and `old` the step that the reference has in its place.
    """

    kind: str
    head: str
    tail: str = ""
    layers: tuple[str, ...] = ()
    shape: Shape = ()
    parameters: int = 0
    sep: str = " "
    status: str = ""
    old: Box | None = None

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
    """A word of a chain, read: its `steps`, what to call it; what its last step takes `beside` the one before it."""

    steps: tuple[Box, ...]
    name: str
    beside: str = ""


class Chain(NamedTuple):
    """Operations one after the other; `number` is that of a branch, `status` of a whole branch in a comparison."""

    ops: tuple[Op, ...] = ()
    number: int = 0
    status: str = ""


_NOTHING = Chain()


@dataclass(frozen=True)
class Panel:
    """A part of a network: `name` is ``stem``, ``block2``, ``transition`` or ``decision``.

    A block has a chain per branch, their concatenation `merge`, and the chain `after` it; other parts have one chain.
    `join` is the concatenation of what comes in, None where it is one thing. `status` is 'added' or 'removed' for a
    whole block in a comparison; `rebuilt` that so much differs that what is removed is not shown.
    """

    name: str
    chains: tuple[Chain, ...]
    entered: Shape
    shape: Shape
    join: Box | None = None
    merge: Box | None = None
    after: Chain = _NOTHING
    number: int = 0
    status: str = ""
    rebuilt: bool = False

    @property
    def title(self) -> str:
        """``Block 2``, ``Stem``."""
        return f"Block {self.number}" if self.number else self.name.capitalize()

    @property
    def inside(self) -> list[Box]:
        """All steps but `join`."""
        branches, after = ([op for chain in chains for op in chain.ops] for chains in (self.chains, [self.after]))
        merge = [self.merge] if self.merge else []
        return [*(step for op in branches for step in op.steps), *merge, *(step for op in after for step in op.steps)]

    @property
    def steps(self) -> list[Box]:
        """All steps."""
        return [*([self.join] if self.join else []), *self.inside]

    @property
    def parameters(self) -> int:
        """Of all its layers; a concatenation has none."""
        return sum(step.parameters for step in self.inside if step.status != "removed")


@dataclass(frozen=True)
class Diagram:
    """A variant as it is drawn; in a comparison `notes` say what no box shows."""

    variant: Variant
    input: Shape
    parts: tuple[Panel, ...]
    notes: tuple[str, ...] = ()

    @property
    def present(self) -> list[Panel]:
        """Its parts, without blocks that a comparison finds removed."""
        return [part for part in self.parts if part.status != "removed"]

    @property
    def blocks(self) -> list[Panel]:
        """Those that are blocks."""
        return [part for part in self.present if part.number]

    @property
    def parameters(self) -> int:
        """Of the whole network."""
        return sum(part.parameters for part in self.present)


def read(variant: Variant, classes: int, frames: int | None) -> Diagram:
    """The parts of a variant, for a number of classes and of frames (None: any length); errors as `shapes.sections`."""
    parts = []
    for section in shapes.sections(variant, frames):
        chains = (Chain(tuple(map(_op, ops)), i * bool(section.number)) for i, ops in enumerate(section.branches, 1))
        join = _concatenation(section.join, section.sources, section.source)
        merge = _concatenation(section.merge, section.ends, section.name)
        after = Chain(tuple(map(_op, section.after)))
        place = section.name, tuple(chains), section.entered, section.shape
        parts.append(Panel(*place, join, merge, after, section.number))
    *others, last = parts
    dense = _step(shapes.probabilities(variant, last.shape, classes), "probabilities")
    ending = Chain((*last.chains[0].ops, Op((dense,), dense.label)))
    return Diagram(variant, parts[0].entered, (*others, replace(last, chains=(ending,), shape=(classes,))))


def _op(op: Operation) -> Op:
    steps: list[Box] = []
    for layer in op.layers:
        step = _step(layer, op.name + layer.suffix)
        if steps and layer.kind == "Activation":  # one box with the normalisation before it
            norm = steps.pop()
            tail = ", ".join(filter(None, [step.head, norm.tail]))
            step = replace(norm, tail=tail, layers=norm.layers + step.layers)
        steps.append(step)
    if len(steps) == 1:
        return Op((steps[0],), steps[0].label)
    inside = "; ".join(step.label for step in steps)
    return Op(tuple(steps), f"{WORDS[op.step.word].group} ({inside})", layer.beside)


def _step(layer: Layer, name: str) -> Box:
    head, sep, details = layer.label
    return Box(KINDS[layer.kind].look, head, ", ".join(details), (name,), layer.shape, layer.parameters, sep)


def _concatenation(layer: Layer | None, channels: tuple[int, ...], name: str) -> Box | None:
    return layer and replace(_step(layer, name), tail=addition(channels))


def addition(channels: Iterable[int]) -> str:
    """Channels that are concatenated, runs of equal ones as a product.

    >>> addition([32, 128, 128]), addition([32, 128])
    ('32 + 2 × 128 = 288', '32 + 128 = 160')
    """
    runs = [(len(list(run)), count) for count, run in groupby(channels)]
    terms = [f"{times} × {count}" if times > 1 else str(count) for times, count in runs]
    return f"{' + '.join(terms)} = {sum(times * count for times, count in runs)}"


class Fork(NamedTuple):
    """Branches side by side, each (its number, its steps, whether removed), and the step that joins them, if any."""

    branches: list[tuple[int, list, bool]]
    join: Box | None


def alike(blocks: Iterable[Panel]) -> dict[str, list[Panel]]:
    """Name of a block -> all blocks whose inside looks the same, in order."""
    groups: dict[tuple, list[Panel]] = {}
    for part in blocks:
        chains = tuple(tuple(op.name for op in chain.ops) for chain in (*part.chains, part.after))
        marks = tuple((step.label, step.status, step.was) for step in part.inside)
        groups.setdefault((chains, marks), []).append(part)
    return {part.name: group for group in groups.values() for part in group}


def body(group: list[Panel]) -> list[Box | Fork]:
    """The inside of blocks that are alike, once: its boxes stand for the layers of all of them."""
    part, merged = group[0], []
    for steps in zip(*(other.inside for other in group), strict=True):
        layers = tuple(name for step in steps for name in step.layers)
        merged.append(replace(steps[0], layers=layers, parameters=sum(step.parameters for step in steps)))
    following = iter(merged)

    def expand(chain: Chain, series: list) -> list:
        for op in chain.ops:
            series = _grown(series, op, [next(following) for _ in op.steps])
        return series

    branches = [(chain.number, expand(chain, []), chain.status == "removed") for chain in part.chains]
    body = [Fork(branches, next(following) if part.merge else None)] if len(branches) > 1 else branches[0][1]
    return expand(part.after, body)


def _grown(series: list, op: Op, steps: list[Box]) -> list:
    """A series with one more operation; excitation works beside its input, a residual adds to that of the block."""
    gone = steps[0].status == "removed"
    if op.beside == "input":
        return [*series, Fork([(0, [], False), (0, steps[:-1], gone)], steps[-1])]
    if op.beside == "block":
        return [Fork([(0, [], False), (0, [*series, *steps[:-1]], False)], steps[-1])]
    return [*series, *steps]
