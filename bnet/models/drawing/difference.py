"""What a network changes against another: one diagram laid over the other, place by place."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bnet.models.drawing.steps import Step
from bnet.models.drawing.structure import Diagram, Parallel, Section, Series, steps_of

REBUILT = 0.6
"""Share of steps that would have to be added, removed or changed, above which a section counts as rebuilt."""


def compare(network: Diagram, reference: Diagram) -> Diagram:
    """Lay a network over a reference.

    Sections are matched by name (``block2`` with ``block2``; blocks beyond those of the reference with its last one),
    what is inside them by the cheapest way to turn one series of steps and branches into the other.

    Returns
    -------
    Diagram
        The network, in which every step says whether it is 'same', 'added' or 'changed', and which also holds the
        steps, branches and blocks of the reference that are 'removed'. A section of which more than `REBUILT` would
        differ is marked so and shows what is new alone.
    """
    theirs = {section.name: section for section in reference.sections}
    last = reference.blocks[-1] if reference.blocks else None
    sections = []
    for section in network.sections:
        counterpart = theirs.get(section.name) or (last if section.number else None)
        laid = _overlay(section, counterpart)
        if section.number and section.name not in theirs:
            laid = replace(laid, status="added")
        sections.append(laid)
        if section.number and section.name == network.blocks[-1].name:
            ours = {block.name for block in network.blocks}
            gone = (block for block in reference.blocks if block.name not in ours)
            sections += [replace(block, body=_all(block.body, "removed"), status="removed") for block in gone]
    return replace(network, sections=tuple(sections), compared=reference.title)


def _overlay(section: Section, counterpart: Section | None) -> Section:
    if section.is_join or section.name == "input":
        return replace(section, body=_all(section.body, "same"))
    if counterpart is None:
        return replace(section, body=_all(section.body, "added"), rebuilt=True)
    cost, body = _match(section.body, counterpart.body)
    both = _weight(section.body) + _weight(counterpart.body)
    if both and cost / both > REBUILT:
        return replace(section, body=_all(section.body, "added"), rebuilt=True)
    return replace(section, body=body)


def _all(series: Series, status: str) -> Series:
    """A tree with one status for every step."""
    return tuple(
        replace(item, status=status)
        if isinstance(item, Step)
        else Parallel(tuple(_all(branch, status) for branch in item.branches))
        for item in series
    )


def _weight(series: Series) -> float:
    """What adding or removing a tree costs: one a step; a connection that skips counts a little."""
    return len(steps_of(series)) or 0.5


def _item_weight(item: Step | Parallel) -> float:
    return 1.0 if isinstance(item, Step) else sum(_weight(branch) for branch in item.branches)


def _match(new: Series, old: Series) -> tuple[float, Series]:
    """Cost of turning one series into the other, and the two as one."""
    return _aligned(new, old, pair=_pair, weight=_item_weight, one_sided=lambda item, status: _all((item,), status)[0])


def _pair(new: Step | Parallel, old: Step | Parallel) -> tuple[float, Any]:
    """Cost of turning an item into another, and the two as one; infinite where they are of different kinds."""
    if isinstance(new, Parallel) and isinstance(old, Parallel):
        cost, branches = _aligned(new.branches, old.branches, pair=_match, weight=_weight, one_sided=_all)
        return cost, Parallel(branches)
    if isinstance(new, Parallel) or isinstance(old, Parallel) or new.kind != old.kind:
        return math.inf, None
    if new.key == old.key:
        return 0.0, replace(new, status="same")
    if new.kind in ("other", "joining") and new.operation != old.operation:
        return math.inf, None
    return 1.0, replace(new, status="changed", was=_was(new, old), old=old.label)


def _was(new: Step, old: Step) -> str:
    """What the reference has there: only what differs, where that is one thing."""
    differing = [a for a, b in zip(old.key, new.key, strict=True) if a != b]
    return differing[0] if len(differing) == 1 and differing[0] else old.label


def _aligned(
    new: Sequence[Any],
    old: Sequence[Any],
    *,
    pair: Callable[[Any, Any], tuple[float, Any]],
    weight: Callable[[Any], float],
    one_sided: Callable[[Any, str], Any],
) -> tuple[float, tuple]:
    """The cheapest way to keep, change, add and remove items in order; of equal ways the one that matches first."""

    @functools.cache
    def best(i: int, j: int) -> tuple[float, tuple]:
        if i == len(new) and j == len(old):
            return 0.0, ()
        ways = []
        if i < len(new) and j < len(old):
            cost, item = pair(new[i], old[j])
            if cost < math.inf:
                ways.append(_after(cost, item, best(i + 1, j + 1)))
        if j < len(old):
            ways.append(_after(weight(old[j]), one_sided(old[j], "removed"), best(i, j + 1)))
        if i < len(new):
            ways.append(_after(weight(new[i]), one_sided(new[i], "added"), best(i + 1, j)))
        return min(ways, key=lambda way: way[0])

    return best(0, 0)


def _after(cost: float, item: Any, rest: tuple[float, tuple]) -> tuple[float, tuple]:
    return cost + rest[0], (item, *rest[1])
