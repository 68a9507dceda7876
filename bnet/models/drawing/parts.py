"""A variant as a reader sees it: stem, blocks, transition, decision; each of chains of boxes, one per operation."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from bnet.models import shapes
from bnet.models.layers import KINDS, Layer, Shape
from bnet.models.operations import WORDS, Operation
from bnet.models.variant import Variant


@dataclass
class Box:
    """An operation of a chain, the last dense layer, or a concatenation.

    `kind` is of `bnet.models.layers.LOOKS`; `head`, `sep` and `tail` make its label (``conv 3×1, 32``); `layers` are
    Keras names, `shape` that of their output, `parameters` theirs together. In a comparison `status` is 'same',
    'added', 'changed' or 'removed', and `old` the box that the reference has in its place.
    """

    kind: str
    head: str
    sep: str
    tail: str
    layers: tuple[str, ...]
    shape: Shape
    parameters: int
    status: str = ""
    old: Box | None = None

    @property
    def label(self) -> str:
        """The box in one line."""
        return self.head + (self.sep + self.tail if self.tail else "")

    @property
    def was(self) -> str:
        """What the reference has in its place: only what differs, where the operation is the same."""
        return self.old.without(self) if self.old else ""

    def without(self, other: Box) -> str:
        """What this box says and another of the same operation does not; of another operation all."""
        mine, theirs = (box.tail.strip("()").replace("; ", ", ").split(", ") for box in (self, other))
        return ", ".join(part for part in mine if part not in theirs and self.head == other.head) or self.label


@dataclass
class Chain:
    """Boxes one after the other; `number` is that of a branch, `status` of a whole branch in a comparison."""

    boxes: list[Box] = field(default_factory=list)
    number: int = 0
    status: str = ""


@dataclass
class Panel:
    """A part of a network: `name` is ``stem``, ``block2``, ``transition`` or ``decision``.

    A block has a chain per branch, their concatenation `merge`, and the chain `after` it; other parts have one chain.
    `join` is the concatenation of what comes in, None where it is one thing. `status` is 'added' or 'removed' for a
    whole block in a comparison; `rebuilt` that so much differs that what is removed is not shown.
    """

    name: str
    number: int
    entered: Shape
    shape: Shape
    join: Box | None
    chains: list[Chain]
    merge: Box | None
    after: Chain
    status: str = ""
    rebuilt: bool = False

    @property
    def title(self) -> str:
        """``Block 2``, ``Stem``."""
        return f"Block {self.number}" if self.number else self.name.capitalize()

    @property
    def inside(self) -> list[Box]:
        """All boxes but `join`."""
        branches = [box for chain in self.chains for box in chain.boxes]
        return [*branches, *([self.merge] if self.merge else []), *self.after.boxes]

    @property
    def boxes(self) -> list[Box]:
        """All boxes."""
        return [*([self.join] if self.join else []), *self.inside]

    @property
    def parameters(self) -> int:
        """Of all its layers; a concatenation has none."""
        return sum(box.parameters for box in self.inside if box.status != "removed")


@dataclass
class Diagram:
    """A variant as it is drawn; in a comparison, that with which it is compared."""

    variant: Variant
    parts: list[Panel]
    reference: Diagram | None = None

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
        chains = [Chain([*map(_box, ops)], i * bool(section.number)) for i, ops in enumerate(section.branches, 1)]
        join = section.join and _concatenation(section.join, section.sources, section.source)
        merge = section.merge and _concatenation(section.merge, section.ends, section.name)
        place = section.name, section.number, section.entered, section.shape
        parts.append(Panel(*place, join, chains, merge, Chain([*map(_box, section.after)])))
    dense = shapes.probabilities(variant, parts[-1].shape, classes)
    head, sep, details = dense.label
    box = Box("dense", head, sep, ", ".join(details), ("probabilities",), dense.shape, dense.parameters)
    parts[-1].chains[0].boxes.append(box)
    parts[-1].shape = dense.shape
    return Diagram(variant, parts)


def _box(op: Operation) -> Box:
    (head, sep, details), *more = [layer.label for layer in op.layers]
    if group := WORDS[op.step.word].group:
        said = [head + sep * bool(details) + ", ".join(details) for head, sep, details in ((head, sep, details), *more)]
        head, sep, details = group, " ", [f"({'; '.join(said)})"]
    elif more:  # a normalisation and its activation
        details = [more[0][0], *details]
    names = tuple(op.name + layer.suffix for layer in op.layers)
    parameters = sum(layer.parameters for layer in op.layers)
    return Box(KINDS[op.layers[-1].kind].look, head, sep, ", ".join(details), names, op.after, parameters)


def _concatenation(layer: Layer, channels: tuple[int, ...], name: str) -> Box:
    return Box("joining", "concatenate", " ", addition(channels), (name,), layer.shape, 0)


def addition(channels: Iterable[int]) -> str:
    """Channels that are concatenated, runs of equal ones as a product.

    >>> addition([32, 128, 128]), addition([32, 128])
    ('32 + 2 × 128 = 288', '32 + 128 = 160')
    """
    runs = [(len(list(run)), count) for count, run in groupby(channels)]
    terms = [f"{times} × {count}" if times > 1 else str(count) for times, count in runs]
    return f"{' + '.join(terms)} = {sum(times * count for times, count in runs)}"


def alike(blocks: Iterable[Panel]) -> dict[str, list[Panel]]:
    """Name of a block -> all blocks whose inside looks the same, in order."""
    groups: dict[tuple, list[Panel]] = {}
    for part in blocks:
        chains = [tuple((box.label, box.status, box.was) for box in c.boxes) for c in (*part.chains, part.after)]
        groups.setdefault((part.merge and part.merge.label, *chains), []).append(part)
    return {part.name: group for group in groups.values() for part in group}


def merged(group: list[Panel]) -> Panel:
    """Blocks that are alike as one, whose boxes stand for the layers of all of them."""
    whole = copy.deepcopy(group[0])
    for box, *others in zip(whole.inside, *(part.inside for part in group[1:]), strict=True):
        box.layers += tuple(name for other in others for name in other.layers)
        box.parameters += sum(other.parameters for other in others)
    return whole
