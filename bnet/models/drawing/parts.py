"""A row of the table as a reader sees it: stem, blocks, transition, decision; each of chains of labelled steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from bnet.models.drawing.steps import Op, Step, operation
from bnet.models.shapes import N_MELS, Shape, walk
from bnet.models.variant import Variant


class Chain(NamedTuple):
    """Operations one after the other; `number` is that of a branch, `status` of a whole branch in a comparison."""

    ops: tuple[Op, ...] = ()
    number: int = 0
    status: str = ""


_NOTHING = Chain()


@dataclass(frozen=True)
class Part:
    """A part of a network: `name` is ``stem``, ``block2``, ``transition`` or ``decision``.

    A block has a chain per branch, their concatenation `merge`, and the chain `after` it; other parts have one chain.
    `join` is the concatenation of what comes in, None where it is one thing. `status` is 'added' or 'removed' for a
    whole block in a comparison; `rebuilt` that so much differs that what is removed is not shown.
    """

    name: str
    chains: tuple[Chain, ...]
    entered: Shape
    shape: Shape
    join: Step | None = None
    merge: Step | None = None
    after: Chain = _NOTHING
    number: int = 0
    status: str = ""
    rebuilt: bool = False

    @property
    def title(self) -> str:
        """``Block 2``, ``Stem``."""
        return f"Block {self.number}" if self.number else self.name.capitalize()

    @property
    def inside(self) -> list[Step]:
        """All steps but `join`."""
        branches, after = ([op for chain in chains for op in chain.ops] for chains in (self.chains, [self.after]))
        merge = [self.merge] if self.merge else []
        return [*(step for op in branches for step in op.steps), *merge, *(step for op in after for step in op.steps)]

    @property
    def steps(self) -> list[Step]:
        """All steps."""
        return [*([self.join] if self.join else []), *self.inside]

    @property
    def parameters(self) -> int:
        """Of all its layers; a concatenation has none."""
        return sum(step.parameters for step in self.inside if step.status != "removed")


@dataclass(frozen=True)
class Network:
    """A row as it is drawn; in a comparison `notes` say what no box shows."""

    row: Variant
    input: Shape
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    @property
    def present(self) -> list[Part]:
        """Its parts, without blocks that a comparison finds removed."""
        return [part for part in self.parts if part.status != "removed"]

    @property
    def blocks(self) -> list[Part]:
        """Those that are blocks."""
        return [part for part in self.present if part.number]

    @property
    def parameters(self) -> int:
        """Of the whole network."""
        return sum(part.parameters for part in self.present)


def read(row: Variant, classes: int, frames: int | None) -> Network:
    """The parts of a row, for a number of classes and of frames (None: any length); errors as `shapes.shapes`."""
    shapes, done = walk(row, frames)
    shapes["log_mel"] = (frames, N_MELS, 1)
    chains = {place: Chain(tuple(operation(op, row) for op in ops)) for place, ops in done.items()}
    pieces: list[int] = []

    def part(name: str, entered: str, branches: tuple[Chain, ...], number: int = 0) -> Part:
        broadcast = row.connection == "broadcast" and entered not in chains
        join = _concatenation(pieces, entered, shapes[entered]) if broadcast else None
        made = Part(name, branches, shapes[entered], shapes[name], join, number=number)
        pieces.append(shapes[name][-1])
        return made

    parts = [part("stem", "log_mel", (chains["stem"],))]
    for number in range(1, row.blocks + 1):
        name, count = f"block{number}", len(row.branches_of(number))
        branches = tuple(chains[f"{name}_branch{i}"]._replace(number=i) for i in range(1, count + 1))
        ends = [shapes[f"{name}_branch{i}"][-1] for i in range(1, count + 1)]
        merge = _concatenation(ends, name, (*shapes["stem"][:2], sum(ends)))
        parts.append(replace(part(name, f"{name}_input", branches, number), merge=merge, after=chains[name]))
    parts.append(part("transition", "broadcast", (chains["transition"],)))
    parameters, shapes["decision"] = (shapes["decision"][0] + 1) * classes, (classes,)
    dense = Step("dense", f"dense {classes}", "softmax", ("probabilities",), (classes,), parameters, ", ")
    parts.append(part("decision", "transition", (Chain((*chains["decision"].ops, Op((dense,), dense.label))),)))
    return Network(row, shapes["log_mel"], tuple(parts))


def _concatenation(channels: list[int], name: str, shape: Shape) -> Step | None:
    return Step("joining", "concatenate", addition(channels), (name,), shape) if len(channels) > 1 else None


def addition(channels: list[int]) -> str:
    """Channels that are concatenated, runs of equal ones as a product.

    >>> addition([32, 128, 128]), addition([32, 128])
    ('32 + 2 × 128 = 288', '32 + 128 = 160')
    """
    runs = [(len(list(run)), count) for count, run in groupby(channels)]
    terms = [f"{times} × {count}" if times > 1 else str(count) for times, count in runs]
    return f"{' + '.join(terms)} = {sum(channels)}"


class Fork(NamedTuple):
    """Branches side by side, each (its number, its steps, whether removed), and the step that joins them, if any."""

    branches: list[tuple[int, list, bool]]
    join: Step | None


def alike(blocks: Iterable[Part]) -> dict[str, list[Part]]:
    """Name of a block -> all blocks whose inside looks the same, in order."""
    groups: dict[tuple, list[Part]] = {}
    for part in blocks:
        chains = tuple(tuple(op.name for op in chain.ops) for chain in (*part.chains, part.after))
        marks = tuple((step.label, step.status, step.was) for step in part.inside)
        groups.setdefault((chains, marks), []).append(part)
    return {part.name: group for group in groups.values() for part in group}


def body(group: list[Part]) -> list[Step | Fork]:
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


def _grown(series: list, op: Op, steps: list[Step]) -> list:
    """A series with one more operation; excitation works beside its input, a residual adds to that of the block."""
    gone = steps[0].status == "removed"
    if op.word in ("se", "semax"):
        return [*series, Fork([(0, [], False), (0, steps[:-1], gone)], steps[-1])]
    if op.word == "residual":
        return [Fork([(0, [], False), (0, [*series, *steps[:-1]], False)], steps[-1])]
    return [*series, *steps]
