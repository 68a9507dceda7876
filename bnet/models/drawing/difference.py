"""What a network changes against another: a difference of chains, box by box."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bnet.models.drawing.parts import Box, Chain, Diagram, Panel

REBUILT = 0.6
"""Share of boxes that would have to be added, removed or changed, above which a part counts as rebuilt."""


def compare(network: Diagram, reference: Diagram) -> Diagram:
    """The network laid over a reference: each box says whether it is 'same', 'added', 'changed' or 'removed'.

    Parts are matched by name (blocks beyond those of the reference with its last one), branches and boxes by the
    cheapest way to turn one chain into the other.
    """
    theirs = {part.name: part for part in reference.parts}
    parts = []
    for part in network.parts:
        laid = _overlay(part, theirs.get(part.name, reference.blocks[-1]))
        parts.append(laid if part.name in theirs else replace(laid, status="added"))
        if part.number == network.variant.blocks:
            gone = reference.blocks[part.number :]
            parts += [replace(_marked(other, "removed"), status="removed") for other in gone]
    return Diagram(network.variant, parts, reference)


def _overlay(part: Panel, other: Panel) -> Panel:
    cost, pairs = _aligned(part.chains, other.chains, lambda *pair: _boxes(*pair)[0], lambda c: len(c.boxes) or 0.5)
    join, merge = _marks(part.join, "same"), _marks(part.merge, "same" if other.merge else "added")
    if part.inside and cost + _boxes(part.after, other.after)[0] > REBUILT * (len(part.inside) + len(other.inside)):
        return replace(_marked(part, "added"), join=join, rebuilt=True)
    merge, after = merge or _marks(other.merge, "removed"), _laid(part.after, other.after)
    return replace(part, chains=[_laid(*pair) for pair in pairs], join=join, merge=merge, after=after)


def _laid(new: Chain | None, old: Chain | None) -> Chain:
    """A chain laid over another; one of the two may be missing."""
    if not (new and old):
        return _whole(new or old, "added" if new else "removed")
    boxes = []
    for mine, theirs in _boxes(new, old)[1]:
        if mine and theirs:
            same = mine.label == theirs.label
            boxes.append(_marks(mine, "same") if same else replace(mine, status="changed", old=theirs))
        else:
            boxes.append(_marks(mine, "added") or _marks(theirs, "removed"))
    return replace(new, boxes=boxes)


def _marked(part: Panel, status: str) -> Panel:
    """A part with one status for every box."""
    chains = [_whole(chain, status) for chain in part.chains]
    return replace(part, chains=chains, merge=_marks(part.merge, status), after=_whole(part.after, status))


def _whole(chain: Chain, status: str) -> Chain:
    return replace(chain, boxes=[_marks(box, status) for box in chain.boxes], status=status)


def _marks(box: Box | None, status: str) -> Box | None:
    return box and replace(box, status=status, layers=() if status == "removed" else box.layers)


def _boxes(new: Chain, old: Chain) -> tuple[float, tuple]:
    return _aligned(new.boxes, old.boxes, _change, lambda box: 1)


def _change(new: Box, old: Box) -> float:
    """Cost of turning a box into another; infinite where they are of different kinds."""
    if new.kind != old.kind or (new.kind == "other" and new.head != old.head):
        return math.inf
    return float(new.label != old.label)


def _aligned(new: Sequence[Any], old: Sequence[Any], change: Callable, weight: Callable) -> tuple[float, tuple]:
    """Cost, and pairs (new or None, old or None), of the cheapest way to keep, change, add and remove items in order;
    of equal ways the one that matches first."""

    @functools.cache
    def best(i: int, j: int) -> tuple[float, tuple]:
        if i == len(new) and j == len(old):
            return 0.0, ()
        ways = []
        if i < len(new) and j < len(old):
            ways.append((change(new[i], old[j]), (new[i], old[j]), best(i + 1, j + 1)))
        if j < len(old):
            ways.append((weight(old[j]), (None, old[j]), best(i, j + 1)))
        if i < len(new):
            ways.append((weight(new[i]), (new[i], None), best(i + 1, j)))
        cost, pair, rest = min(ways, key=lambda way: way[0] + way[2][0])
        return cost + rest[0], (pair, *rest[1])

    return best(0, 0)
