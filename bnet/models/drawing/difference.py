"""What a network changes against another: a difference of chains, operation by operation."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bnet.models.drawing.parts import Box, Chain, Diagram, Op, Panel

REBUILT = 0.6
"""Share of steps that would have to be added, removed or changed, above which a part counts as rebuilt."""


def compare(network: Diagram, reference: Diagram) -> Diagram:
    """The network laid over a reference: each step says whether it is 'same', 'added', 'changed' or 'removed'.

    Parts are matched by name (blocks beyond those of the reference with its last one), branches and operations by the
    cheapest way to turn one chain into the other.
    """
    theirs = {part.name: part for part in reference.parts}
    parts = []
    for part in network.parts:
        laid = _overlay(part, theirs.get(part.name, reference.blocks[-1]))
        parts.append(replace(laid, status="" if part.name in theirs else "added"))
        if part.number == network.variant.blocks:
            gone = reference.blocks[part.number :]
            parts += [replace(_marked(other, "removed"), status="removed") for other in gone]
    return replace(network, parts=tuple(parts))


def _overlay(part: Panel, other: Panel) -> Panel:
    cost, chains = _aligned(part.chains, other.chains, _chains, lambda chain: _weight(chain) or 0.5, _chain)
    more, after = _chains(part.after, other.after)
    join = part.join and replace(part.join, status="same")
    if part.inside and cost + more > REBUILT * (len(part.inside) + len(other.inside)):
        return replace(_marked(part, "added"), join=join, rebuilt=True)
    merge = part.merge and replace(part.merge, status="same" if other.merge else "added")
    return replace(part, chains=chains, after=after, join=join, merge=merge or _step(other.merge, "removed"))


def _marked(part: Panel, status: str) -> Panel:
    """A part with one status for every step."""
    chains = tuple(_chain(chain, status) for chain in part.chains)
    return replace(part, chains=chains, merge=_step(part.merge, status), after=_chain(part.after, status))


def _chain(chain: Chain, status: str) -> Chain:
    return chain._replace(ops=tuple(_op(op, status) for op in chain.ops), status=status)


def _op(op: Op, status: str) -> Op:
    return op._replace(steps=tuple(_step(step, status) for step in op.steps))


def _step(step: Box | None, status: str) -> Box | None:
    return step and replace(step, status=status, layers=() if status == "removed" else step.layers)


def _weight(chain: Chain) -> int:
    return sum(len(op.steps) for op in chain.ops)


def _chains(new: Chain, old: Chain) -> tuple[float, Chain]:
    cost, ops = _aligned(new.ops, old.ops, _pair, lambda op: len(op.steps), _op)
    return cost, new._replace(ops=ops)


def _pair(new: Op, old: Op) -> tuple[float, Op | None]:
    """Cost of turning an operation into another, and the two as one; infinite where they are of different kinds."""
    kinds = [[(step.kind, step.head * (step.kind == "other")) for step in op.steps] for op in (new, old)]
    if kinds[0] != kinds[1]:
        return math.inf, None
    pairs = zip(new.steps, old.steps, strict=True)
    steps = tuple(_step(a, "same") if a.label == b.label else replace(a, status="changed", old=b) for a, b in pairs)
    return float(sum(step.status == "changed" for step in steps)), new._replace(steps=steps)


def _aligned(
    new: Sequence[Any], old: Sequence[Any], pair: Callable, weight: Callable, one_sided: Callable
) -> tuple[float, tuple]:
    """The cheapest way to keep, change, add and remove items in order; of equal ways the one that matches first."""

    @functools.cache
    def best(i: int, j: int) -> tuple[float, tuple]:
        if i == len(new) and j == len(old):
            return 0.0, ()
        ways = []
        if i < len(new) and j < len(old):
            ways.append((pair(new[i], old[j]), best(i + 1, j + 1)))
        if j < len(old):
            ways.append(((weight(old[j]), one_sided(old[j], "removed")), best(i, j + 1)))
        if i < len(new):
            ways.append(((weight(new[i]), one_sided(new[i], "added")), best(i + 1, j)))
        (cost, item), rest = min(ways, key=lambda way: way[0][0] + way[1][0])
        return cost + rest[0], (item, *rest[1])

    return best(0, 0)
