"""What a picture of a network shows: sections (stem, blocks ...), each a tree of steps and branches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bnet.models.drawing.steps import Step

_BRANCH = re.compile(r"_branch(\d+)(?=_|$)")
_BLOCK = re.compile(r"block(\d+)")


@dataclass(frozen=True)
class Parallel:
    """Branches side by side, each a series of steps; an empty one is a connection that skips the others."""

    branches: tuple[Series, ...]


Series = tuple["Step | Parallel", ...]
"""What happens one after the other."""


@dataclass(frozen=True)
class Section:
    """A part of a network with a name of its own.

    Parameters
    ----------
    name
        ``input``, ``stem``, ``block2_input``, ``block2``, ``broadcast``, ``transition``, ``decision``, or ``network``.
    body
        Its steps.
    sources
        Names of the sections that feed it, in the order in which they are joined.
    shapes
        Of what each source gives, without the batch.
    shape
        Of its output.
    status
        In a comparison: '', 'added' or 'removed'.
    rebuilt
        In a comparison: whether it is so different that removed steps are not shown.
    """

    name: str
    body: Series
    sources: tuple[str, ...] = ()
    shapes: tuple[tuple[int | None, ...], ...] = ()
    shape: tuple[int | None, ...] = ()
    status: str = ""
    rebuilt: bool = False

    @property
    def number(self) -> int | None:
        """Of a block; None for other sections."""
        match = _BLOCK.fullmatch(self.name)
        return int(match[1]) if match else None

    @property
    def title(self) -> str:
        """``Block 2``, ``Stem``."""
        return f"Block {self.number}" if self.number else self.name.replace("_", " ").capitalize()

    @property
    def parameters(self) -> int:
        """Of all its layers."""
        return sum(step.parameters for step in steps_of(self.body) if step.status != "removed")

    @property
    def is_join(self) -> bool:
        """Whether it does nothing but join what other sections give."""
        return len(self.sources) > 1 and len(self.body) == 1 and bool(getattr(self.body[0], "joined", ()))

    @property
    def channels(self) -> tuple[int | None, int | None]:
        """Channels that come in (of all sources together) and that go out."""
        known = [shape[-1] for shape in self.shapes if shape]
        total = None if None in known or not known else sum(known)
        return total, self.shape[-1] if self.shape else None


@dataclass(frozen=True)
class Diagram:
    """A network as it is drawn.

    Parameters
    ----------
    title
        What to call it.
    sections
        In the order of the data's way.
    parameters
        Of the whole model.
    initialisers
        Class names of the kernel initialisers of its layers, sorted.
    compared, notes
        In a comparison: title of the reference, and sentences on what the picture can't show.
    """

    title: str
    sections: tuple[Section, ...]
    parameters: int
    initialisers: tuple[str, ...] = ()
    compared: str = ""
    notes: tuple[str, ...] = ()

    @property
    def flow(self) -> tuple[Section, ...]:
        """The sections that are part of the network (not those that a comparison finds removed)."""
        return tuple(section for section in self.sections if section.status != "removed")

    @property
    def blocks(self) -> tuple[Section, ...]:
        """Those that are blocks."""
        return tuple(section for section in self.flow if section.number)

    def seen_by(self, section: Section) -> tuple[str, ...]:
        """Names of the sections that feed one, looked at through what only joins them."""
        by_name = {other.name: other for other in self.flow}
        found: list[str] = []
        for name in section.sources:
            found += self.seen_by(by_name[name]) if by_name[name].is_join else [name]
        return tuple(found)


def signature(series: Series) -> tuple:
    """What makes two trees look alike: their steps and branches, and what a comparison says of them."""
    return tuple(
        (*item.key, item.status, item.was) if isinstance(item, Step) else tuple(map(signature, item.branches))
        for item in series
    )


def laid_together(trees: Sequence[Series]) -> Series:
    """Trees that are alike as one, whose steps stand for the layers of all."""
    return tuple(
        replace(items[0], layers=tuple(name for item in items for name in item.layers))
        if isinstance(items[0], Step)
        else Parallel(tuple(map(laid_together, zip(*(item.branches for item in items), strict=True))))
        for items in zip(*trees, strict=True)
    )


def alike(sections: Iterable[Section]) -> list[list[Section]]:
    """Sections in groups of the same inside, in order."""
    groups: dict[tuple, list[Section]] = {}
    for section in sections:
        groups.setdefault(signature(section.body), []).append(section)
    return list(groups.values())


def branch_number(branch: Series) -> int | None:
    """The number that the names of its layers give a branch; None where they do not agree on one."""
    steps = steps_of(branch)
    own = [step for step in steps if step.status != "removed"] or steps
    found = {match[1] for step in own for name in step.layers if (match := _BRANCH.search(name))}
    return int(found.pop()) if len(found) == 1 else None


def steps_of(series: Iterable[Step | Parallel]) -> list[Step]:
    """All steps of a tree, in order."""
    found: list[Step] = []
    for item in series:
        if isinstance(item, Step):
            found.append(item)
        else:
            found += [step for branch in item.branches for step in steps_of(branch)]
    return found
