"""A network, and what one changes against another, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from bnet.models.drawing.parts import Box, Chain, Diagram, Panel
from bnet.models.layers import Shape

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SAME = "The networks are the same; what differs, if anything, lies in their training."
_CONNECTIONS = {
    "broadcast": "Every block, and what follows the last, sees the concatenation of the stem and all earlier blocks.",
    "chain": "Every block sees the output of the one before it alone.",
}


def describe(network: Diagram) -> str:
    """A network in a few sentences: its input, its parts in order, the branches of its blocks, how they are joined."""
    given = _spelt(network.parts[0].entered)
    said = [f"{network.variant.title}, a network with {network.parameters} parameters. Input: {given}."]
    kinds: dict[str, list[Panel]] = {}
    for part in network.blocks:
        kinds.setdefault(_inside(part), []).append(part)
    for part in network.parts:
        if part.number == 1 and len(kinds) == 1:
            each = "each" if network.variant.blocks > 1 else "it"
            said.append(f"{_blocks(network).capitalize()}; {each} has {_inside(part)}.")
        elif part.number == 1:
            said.append(f"{_blocks(network).capitalize()}.")
            said += [f"{_titles(parts)}: {inside}." for inside, parts in kinds.items()]
        if part.number == 1:
            said.append(_CONNECTIONS[network.variant.connection])
        elif not part.number:
            said.append(f"{part.title}: {_spoken(part.chains[0].boxes)}; the output is {_spelt(part.shape)}.")
    return " ".join(said)


def describe_block(part: Panel) -> str:
    """The inside of one block in a sentence or two."""
    return f"{part.title}, from {part.entered[-1]} to {part.shape[-1]} channels: {_inside(part)}."


def _inside(part: Panel) -> str:
    if not part.merge:
        return _spoken([*part.chains[0].boxes, *part.after.boxes])
    ways = "; ".join(f"({chain.number}) {_spoken(chain.boxes)}" for chain in part.chains)
    said = f"{_counted(len(part.chains))} branches: {ways}; of all these the concatenation "
    said += f"to {part.merge.shape[-1]} channels"
    return said + (f", then {_spoken(part.after.boxes)}" if part.after.boxes else "")


def _spoken(boxes: Iterable[Box]) -> str:
    """``batch normalisation and ReLU, then conv 1×1 to 32 channels``."""
    said = ", then ".join(box.label for box in boxes) or "the input unchanged"
    said = re.sub(r"(conv \d+×\d+), (\d+)", r"\1 to \2 channels", said)
    return said.replace("BN · ", "batch normalisation and ").replace(" · ", " and ")


def _spelt(shape: Shape) -> str:
    """``161 frames by 128 bands by 32 channels``, or the number of values."""
    names = ("frames", "bands", f"channel{'s' * (shape[-1] != 1)}") if len(shape) == 3 else ("values",)
    sizes = ("any number of" if size is None else size for size in shape)
    return " by ".join(f"{size} {name}" for size, name in zip(sizes, names, strict=True))


def shape_text(shape: Shape) -> str:
    """``161 × 128 × 32``; an open length is 'any'."""
    return " × ".join("any" if size is None else str(size) for size in shape)


def number(count: int) -> str:
    """A count in groups of three."""
    return f"{count:,}".replace(",", "\u202f")


def _counted(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _blocks(network: Diagram) -> str:
    return f"{_counted(network.variant.blocks)} block{'s' * (network.variant.blocks != 1)}"


def _titles(parts: Sequence[Panel]) -> str:
    """``Block 2``, ``Blocks 1 and 4``."""
    return f"Block{'s' * (len(parts) > 1)} {_listed(str(part.number) for part in parts)}"


def _listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *first, last = words
    return " and ".join(filter(None, (", ".join(first), last)))


def notes(laid: Diagram) -> list[str]:
    """What differs beyond single boxes: number of blocks, connections, initialiser."""
    said, variant, other = [], laid.variant, laid.reference.variant
    if variant.blocks != other.blocks:
        said.append(f"{_blocks(laid).capitalize()} instead of {_counted(other.blocks)}.")
    if variant.connection != other.connection:
        said.append(_CONNECTIONS[variant.connection])
    if variant.initializer != other.initializer:
        said.append(f"Initial kernels: {variant.initializer} instead of {other.initializer}.".replace("_", " "))
    return said


def differences(laid: Diagram) -> list[str]:
    """What a network that was compared changes against its reference, in short sentences; none where they are equal."""
    everywhere = _everywhere(laid)
    said = [f"Everywhere, {was} becomes {now} ({times} times)." for (was, now), times in everywhere.items()]
    told: dict[str, list[Panel]] = {}
    for part in laid.present:
        for sentence in _changes(part, everywhere):
            told.setdefault(sentence, []).append(part)
    for sentence, where in told.items():
        blocks = [part for part in where if part.number]
        every = len(blocks) == laid.variant.blocks > 1
        named = [part.title for part in where if not part.number]
        named += [("every block" if named else "Every block") if every else _titles(blocks)] if blocks else []
        said.append(f"{_listed(named)}: {sentence}.")
    said += notes(laid)
    if said and laid.parameters != laid.reference.parameters:
        said.append(f"{number(laid.parameters)} parameters instead of {number(laid.reference.parameters)}.")
    return said


def _everywhere(laid: Diagram) -> dict[tuple[str, str], int]:
    """Changes (old, new) of normalisation that occur in several parts and spare no box of the old kind."""
    boxes = [(part.name, box) for part in laid.present for box in part.inside if box.kind == "normalisation"]
    changed = [(name, _pair(box)) for name, box in boxes if box.old]
    kept = {box.label for _, box in boxes if box.status == "same"}
    places, counts = Counter(pair for _, pair in set(changed)), Counter(pair for _, pair in changed)
    return {pair: count for pair, count in counts.items() if places[pair] > 1 and pair[0] not in kept}


def _pair(box: Box) -> tuple[str, str]:
    """What was, and what is: of several layers together only those that differ."""
    return (box.was, box.without(box.old)) if box.tail.startswith("(") else (box.old.label, box.label)


def _changes(part: Panel, everywhere: dict) -> list[str]:
    if part.rebuilt:
        labels = [box.label for box in part.inside]
        return [f"rebuilt: {_listed(labels)}" if len(labels) <= 4 else f"rebuilt of {len(labels)} steps"]
    said = _of_chain(part.after, "", everywhere)
    for chain in part.chains:
        name = f"branch {chain.number}"
        if chain.status:
            labels = [box.label for box in chain.boxes] or ["the input unchanged"]
            said.append(f"{name} is {chain.status}: {_listed(labels)}")
        else:
            said += _of_chain(chain, f"{name}, " if chain.number else "", everywhere)
    return said


def _of_chain(chain: Chain, ahead: str, everywhere: dict) -> list[str]:
    pairs = [_pair(box) for box in chain.boxes if box.old]
    said = [f"{old} becomes {new}" for old, new in pairs if (old, new) not in everywhere]
    by = {status: [box.label for box in chain.boxes if box.status == status] for status in ("removed", "added")}
    moved = set(by["removed"]) & set(by["added"])
    present = [box for box in chain.boxes if box.status != "removed"]
    for before, box in zip([None, *present], present, strict=False):
        if box.label in moved and box.status == "added":
            said.append(f"{box.label} moves {f'behind {before.label}' if before else 'to the front'}")
    for status, labels in by.items():
        if labels := [label for label in labels if label not in moved]:
            said.append(f"{_listed(labels)} {'is' if len(labels) == 1 else 'are'} {status}")
    return [ahead + sentence for sentence in said]
