"""A variant as a reader sees it: stem, blocks, transition, decision; each of chains of boxes, one per operation."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from bnet.models import shapes
from bnet.models.layers import KINDS, Layer, Shape
from bnet.models.operations import WORDS, Operation
from bnet.models.variant import Variant


@dataclass
class Box:
    """An operation of a chain, the last dense layer, or a concatenation.

    `kind` is of `bnet.models.layers.LOOKS`, `label` its text (``conv 3×1, 32``); `layers` are Keras names, `shape` that
    of their output, `parameters` theirs together. In a comparison `status` is 'same', 'added', 'changed' or 'removed',
    and `old` the box that the reference has in its place.
    """

    kind: str
    label: str
    layers: tuple[str, ...] = ()
    shape: Shape = ()
    parameters: int = 0
    status: str = ""
    old: Box | None = None

    @property
    def concatenates(self) -> bool:
        """Whether it is the concatenation of branches or of what comes in."""
        return self.label.startswith("concatenate ")

    @property
    def was(self) -> str:
        """What the reference has in its place: only what differs, where the operation is the same."""
        return self.old.without(self) if self.old else ""

    def without(self, other: Box) -> str:
        """What this box says and another of the same operation does not; of another operation all."""
        mine, theirs = (re.findall(r"[^ ,;()]+", box.label) for box in (self, other))
        return ", ".join(word for word in mine if word not in theirs and mine[0] == theirs[0]) or self.label


@dataclass
class Chain:
    """Boxes one after the other, one at least; `number` is that of a branch, 0 where there is but one chain."""

    number: int
    boxes: list[Box]

    @property
    def status(self) -> str:
        """'added' or 'removed' where the whole branch is."""
        found = {box.status for box in self.boxes}
        return found.pop() if found in ({"added"}, {"removed"}) else ""


@dataclass
class Panel:
    """A part of a network: `name` is ``stem``, ``block2``, ``transition`` or ``decision``.

    A block has a chain per branch; other parts have one. `tail` are the boxes behind them: the concatenation of several
    branches, and what follows it. `join` is the concatenation of what comes in, None where it is one thing. In a
    comparison `status` is 'added' or 'removed' for a whole block.
    """

    name: str
    number: int
    entered: Shape
    shape: Shape
    join: Box | None
    chains: list[Chain]
    tail: list[Box]
    status: str = ""

    @property
    def title(self) -> str:
        """``Block 2``, ``Stem``."""
        return f"Block {self.number}" if self.number else self.name.capitalize()

    @property
    def inside(self) -> list[Box]:
        """All boxes but `join`."""
        return [*(box for chain in self.chains for box in chain.boxes), *self.tail]

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
        chains = [
            Chain(i * bool(section.number), [*map(_box, ops)] or [Box("plain", "the input unchanged")])
            for i, ops in enumerate(section.branches, 1)
        ]
        join = section.join and _concatenation(section.join, section.sources, section.source)
        merge = [_concatenation(section.merge, section.ends, section.name)] if section.merge else []
        place = section.name, section.number, section.entered, section.shape
        parts.append(Panel(*place, join, chains, [*merge, *map(_box, section.after)]))
    dense = shapes.probabilities(variant, parts[-1].shape, classes)
    parts[-1].chains[0].boxes.append(_of_layers(dense.label, [dense], ["probabilities"]))
    parts[-1].shape = dense.shape
    return Diagram(variant, parts)


def _box(op: Operation) -> Box:
    group, labels = WORDS[op.step.word].group, [layer.label for layer in op.layers]
    label = f"{group} ({'; '.join(labels)})" if group else " · ".join(labels)
    return _of_layers(label, op.layers, [op.name + layer.suffix for layer in op.layers])


def _of_layers(label: str, layers: list[Layer], names: list[str]) -> Box:
    last = layers[-1]
    return Box(KINDS[last.kind].look, label, tuple(names), last.shape, sum(layer.parameters for layer in layers))


def _concatenation(layer: Layer, channels: Iterable[int], name: str) -> Box:
    """Runs of equal numbers of channels as a product: ``32 + 2 × 128 = 288``."""
    runs = [(len(list(run)), count) for count, run in groupby(channels)]
    sums = " + ".join(f"{times} × {count}" if times > 1 else str(count) for times, count in runs)
    return _of_layers(f"{layer.label} {sums} = {layer.shape[-1]}", [layer], [name])


def alike(blocks: Iterable[Panel]) -> dict[str, list[Panel]]:
    """Name of a block -> all blocks whose inside looks the same, in order."""
    groups: dict[tuple, list[Panel]] = {}
    for part in blocks:
        chains = [chain.boxes for chain in part.chains]
        looks = tuple(tuple((box.label, box.status, box.was) for box in boxes) for boxes in (*chains, part.tail))
        groups.setdefault(looks, []).append(part)
    return {part.name: group for group in groups.values() for part in group}


def merged(group: list[Panel]) -> Panel:
    """Blocks that are alike as one, whose boxes stand for the layers of all of them."""
    whole = copy.deepcopy(group[0])
    for box, *others in zip(whole.inside, *(part.inside for part in group[1:]), strict=True):
        box.layers += tuple(name for other in others for name in other.layers)
        box.parameters += sum(other.parameters for other in others)
    return whole
