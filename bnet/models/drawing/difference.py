"""What a network changes against another: a difference of chains, box by box."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bnet.models.drawing.parts import Box, Chain, Diagram, Panel


def compare(network: Diagram, reference: Diagram) -> Diagram:
    """The network laid over a reference: each box says whether it is 'same', 'added', 'changed' or 'removed'.

    Parts are matched by name (blocks beyond those of the reference with its last one), branches and boxes by the
    cheapest way to turn one chain into the other.
    """
    theirs, last = {part.name: part for part in reference.parts}, reference.blocks[-1]
    laid = [
        replace(_overlay(part, theirs.get(part.name, last)), status="" if part.name in theirs else "added")
        for part in network.parts
    ]
    gone = [replace(part, status="removed", join=None, chains=[], tail=[]) for part in reference.blocks]
    laid[-2:-2] = gone[len(network.blocks) :]  # before transition and decision
    return Diagram(network.variant, laid, reference)


def _overlay(part: Panel, other: Panel) -> Panel:
    pairs = _aligned(part.chains, other.chains, _chain_cost)[1]
    chains = [Chain((mine or theirs).number, _laid(_boxes(mine), _boxes(theirs))) for mine, theirs in pairs]
    join = part.join and replace(part.join, status="same")
    return replace(part, join=join, chains=chains, tail=_laid(part.tail, other.tail))


def _laid(new: Sequence[Box], old: Sequence[Box]) -> list[Box]:
    """The boxes of a chain, each with its status against another chain; what that has besides is 'removed'."""
    found = []
    for mine, theirs in _aligned(new, old, _box_cost)[1]:
        if not mine:
            found.append(replace(theirs, status="removed", layers=()))
        elif not theirs:
            found.append(replace(mine, status="added"))
        elif _box_cost(mine, theirs):
            found.append(replace(mine, status="changed", old=theirs))
        else:
            found.append(replace(mine, status="same"))
    return found


def _boxes(chain: Chain | None) -> list[Box]:
    return chain.boxes if chain else []


def _chain_cost(new: Chain | None, old: Chain | None) -> float:
    return _aligned(_boxes(new), _boxes(old), _box_cost)[0]


def _box_cost(new: Box | None, old: Box | None) -> float:
    """Cost of adding, removing or changing a box; infinite where the two are of different kinds. What goes into a
    concatenation is no change of it."""
    if not (new and old):
        return 1.0
    if new.kind != old.kind or (new.kind in ("other", "joining") and new.label.split()[0] != old.label.split()[0]):
        return math.inf
    return float(new.label != old.label and not new.concatenates)


def _aligned(new: Sequence[Any], old: Sequence[Any], cost: Callable[[Any, Any], float]) -> tuple[float, tuple]:
    """Cost, and pairs (new or None, old or None), of the cheapest way to keep, change, remove and add items in order;
    of equal ways the one that matches first."""

    @functools.cache
    def best(i: int, j: int) -> tuple[float, tuple]:
        ways = []
        for mine, theirs in ((1, 1), (0, 1), (1, 0)):
            if i + mine <= len(new) and j + theirs <= len(old):
                pair = new[i] if mine else None, old[j] if theirs else None
                rest = best(i + mine, j + theirs)
                ways.append((cost(*pair) + rest[0], (pair, *rest[1])))
        return min(ways, key=lambda way: way[0], default=(0.0, ()))

    return best(0, 0)
