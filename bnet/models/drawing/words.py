"""A network, and what one changes against another, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from bnet.models.drawing.parts import Box, Diagram, Panel
from bnet.models.layers import Shape

SAME = "The networks are the same; what differs, if anything, lies in their training."
_CONNECTIONS = {
    "broadcast": "Every block, and what follows the last, sees the concatenation of the stem and all earlier blocks.",
    "chain": "Every block sees the output of the one before it alone.",
}


def describe(network: Diagram) -> str:
    """A network in a few sentences: its input, its parts in order, the branches of its blocks, how they are joined."""
    variant, given = network.variant, shape_text(network.parts[0].entered)
    said = [f"{variant.title}, a network with {network.parameters} parameters. Input: {given}."]
    kinds: dict[str, list[Panel]] = {}
    for part in network.parts:
        kinds.setdefault(_inside(part), []).append(part)
    for inside, parts in kinds.items():
        ends = "" if parts[0].number else f"; output: {shape_text(parts[0].shape)}"
        said.append(f"{_titles(network, parts)}: {inside}{ends}.")
        if parts[0].number == 1:
            said.append(_CONNECTIONS[variant.connection])
    return " ".join(said)


def describe_block(part: Panel) -> str:
    """The inside of one block in a sentence."""
    return f"{part.title}, from {part.entered[-1]} to {part.shape[-1]} channels: {_inside(part)}."


def _inside(part: Panel) -> str:
    if len(part.chains) == 1:
        return _spoken([*part.chains[0].boxes, *part.tail])
    ways = "; ".join(f"({chain.number}) {_spoken(chain.boxes)}" for chain in part.chains)
    return f"{len(part.chains)} branches: {ways}; then {_spoken(part.tail)}"


def _spoken(boxes: Iterable[Box]) -> str:
    """``batch normalisation and ReLU, then conv 1×1 to 32 channels``."""
    said = re.sub(r"(conv \d+×\d+), (\d+)", r"\1 to \2 channels", ", then ".join(box.label for box in boxes))
    return said.replace("BN · ", "batch normalisation and ").replace(" · ", " and ")


def shape_text(shape: Shape) -> str:
    """``161 × 128 × 32``: frames, bands and channels; an open length is 'any'."""
    return " × ".join("any" if size is None else str(size) for size in shape)


def number(count: int) -> str:
    """A count in groups of three."""
    return f"{count:,}".replace(",", "\u202f")


def _titles(network: Diagram, parts: Sequence[Panel]) -> str:
    """``Stem and block 2``, ``Every block``, ``Blocks 1 and 4``."""
    titles = [part.title.lower() for part in parts if not part.number]
    numbers = [str(part.number) for part in parts if part.number]
    if len(numbers) == network.variant.blocks > 1:
        titles.append("every block")
    elif numbers:
        titles.append(f"block{'s' * (len(numbers) > 1)} {_listed(numbers)}")
    said = _listed(titles)
    return said[0].upper() + said[1:]


def _listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    *first, last = words
    return " and ".join(filter(None, (", ".join(first), last)))


def notes(laid: Diagram) -> list[str]:
    """What differs beyond single boxes: number of blocks, connections, initialiser."""
    said, variant, other = [], laid.variant, laid.reference.variant
    if variant.blocks != other.blocks:
        said.append(f"{variant.blocks} block{'s' * (variant.blocks != 1)} instead of {other.blocks}.")
    if variant.connection != other.connection:
        said.append(_CONNECTIONS[variant.connection])
    if variant.initializer != other.initializer:
        said.append(f"Initial kernels: {variant.initializer} instead of {other.initializer}.".replace("_", " "))
    return said


def differences(laid: Diagram) -> list[str]:
    """What a network that was compared changes against its reference, in short sentences; none where they are equal."""
    told: dict[str, list[tuple[Panel, int]]] = {}
    for part in laid.present:
        for branch, sentence in _changes(part):
            told.setdefault(sentence, []).append((part, branch))
    said = []
    for sentence, places in told.items():
        parts = {part.name: part for part, _ in places}
        branches = {branch for _, branch in places}
        where = f", branch {branches.pop()}" if len(branches) == 1 and branches != {0} else ""
        said.append(f"{_titles(laid, [*parts.values()])}{where}: {sentence}.")
    said += notes(laid)
    if said and laid.parameters != laid.reference.parameters:
        said.append(f"{number(laid.parameters)} parameters instead of {number(laid.reference.parameters)}.")
    return said


def _changes(part: Panel) -> Iterator[tuple[int, str]]:
    """Each change in a part: the number of the branch (0: in none), and what it is."""
    for chain in part.chains:
        if chain.number and chain.status:
            yield 0, f"branch {chain.number} is {chain.status}: {_listed([box.label for box in chain.boxes])}"
        else:
            yield from ((chain.number, sentence) for sentence in _in_chain(chain.boxes))
    yield from ((0, sentence) for sentence in _in_chain([box for box in part.tail if not box.concatenates]))


def _in_chain(boxes: Sequence[Box]) -> Iterator[str]:
    for box in boxes:
        if box.old:
            group = "(" in box.label  # of several layers together only those that differ
            old, new = (box.was, box.without(box.old)) if group else (box.old.label, box.label)
            yield f"{old} becomes {new}"
    by = {status: [box.label for box in boxes if box.status == status] for status in ("removed", "added")}
    moved = set(by["removed"]) & set(by["added"])
    present = [box for box in boxes if box.status != "removed"]
    for before, box in zip([None, *present], present, strict=False):
        if box.label in moved and box.status == "added":
            yield f"{box.label} moves {f'behind {before.label}' if before else 'to the front'}"
    for status, labels in by.items():
        if labels := [label for label in labels if label not in moved]:
            yield f"{_listed(labels)} {'is' if len(labels) == 1 else 'are'} {status}"
