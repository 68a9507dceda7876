"""A network, and what one changes against another, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from bnet.models.drawing.difference import compare
from bnet.models.drawing.parts import Box, Chain, Diagram, Op, Panel
from bnet.models.layers import Shape

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SAME = "The networks are the same; what differs, if anything, lies in their training."
_CONNECTIONS = {
    "broadcast": "Every block, and what follows the last, sees the concatenation of the stem and all earlier blocks.",
    "chain": "Every block sees the output of the one before it alone.",
}


def describe(network: Diagram) -> str:
    """A network in a few sentences: its input, its parts in order, the branches of its blocks, how they are joined."""
    said = [f"{network.variant.title}, a network with {network.parameters} parameters. Input: {_spelt(network.input)}."]
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
            said.append(f"{part.title}: {_spoken(part.chains[0].ops)}; the output is {_spelt(part.shape)}.")
    return " ".join(said)


def describe_block(part: Panel) -> str:
    """The inside of one block in a sentence or two."""
    return f"{part.title}, from {part.entered[-1]} to {part.shape[-1]} channels: {_inside(part)}."


def _inside(part: Panel) -> str:
    if not part.merge:
        return _spoken((*part.chains[0].ops, *part.after.ops))
    ways = "; ".join(f"({chain.number}) {_spoken(chain.ops)}" for chain in part.chains)
    said = f"{_counted(len(part.chains))} branches: {ways}; of all these the concatenation "
    said += f"to {part.merge.shape[-1]} channels"
    return said + (f", then {_spoken(part.after.ops)}" if part.after.ops else "")


def _spoken(ops: Iterable[Op]) -> str:
    """``batch normalisation and ReLU, then conv 1×1 to 32 channels``."""
    said = ", then ".join(op.name for op in ops) or "the input unchanged"
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


def notes(network: Diagram, reference: Diagram) -> list[str]:
    """What differs beyond single steps: number of blocks, connections, initialiser."""
    said, variant, other = [], network.variant, reference.variant
    if variant.blocks != other.blocks:
        said.append(f"{_blocks(network).capitalize()} instead of {_counted(other.blocks)}.")
    if variant.connection != other.connection:
        said.append(_CONNECTIONS[variant.connection])
    if variant.initializer != other.initializer:
        said.append(f"Initial kernels: {variant.initializer} instead of {other.initializer}.".replace("_", " "))
    return said


def differences(network: Diagram, reference: Diagram) -> list[str]:
    """What a network changes against a reference, in short sentences; none where they are the same."""
    laid = compare(network, reference)
    everywhere = _everywhere(laid)
    said = [f"Everywhere, {was} becomes {now} ({times} times)." for (was, now), times in everywhere.items()]
    told: dict[str, list[Panel]] = {}
    for part in laid.present:
        for sentence in _changes(part, everywhere):
            told.setdefault(sentence, []).append(part)
    for sentence, where in told.items():
        blocks = [part for part in where if part.number]
        every = len(blocks) == network.variant.blocks > 1
        named = [part.title for part in where if not part.number]
        named += [("every block" if named else "Every block") if every else _titles(blocks)] if blocks else []
        said.append(f"{_listed(named)}: {sentence}.")
    said += notes(network, reference)
    if said and network.parameters != reference.parameters:
        said.append(f"{number(network.parameters)} parameters instead of {number(reference.parameters)}.")
    return said


def _everywhere(network: Diagram) -> dict[tuple[str, str], int]:
    """Changes (old, new) of normalisation that occur in several parts and spare no step of the old kind."""
    steps = [(part.name, step) for part in network.present for step in part.inside]
    changed = [(name, _pair(step)) for name, step in steps if step.old and step.kind == "normalisation"]
    kept = {step.label for _, step in steps if step.status == "same"}
    places = Counter(pair for _, pair in set(changed))
    return {
        pair: count
        for pair, count in Counter(pair for _, pair in changed).items()
        if places[pair] > 1 and pair[0] not in kept
    }


def _pair(step: Box) -> tuple[str, str]:
    return step.old.label, step.label


def _changes(part: Panel, everywhere: dict) -> list[str]:
    if part.rebuilt:
        steps = [step.label for step in part.inside]
        return [f"rebuilt: {_listed(steps)}" if len(steps) <= 4 else f"rebuilt of {len(steps)} steps"]
    said = _of_chain(part.after, "", everywhere)
    for chain in part.chains:
        name = f"branch {chain.number}"
        if chain.status:
            said.append(
                f"{name} is {chain.status}: {_listed([op.name for op in chain.ops] or ['the input unchanged'])}"
            )
        else:
            said += _of_chain(chain, f"{name}, " if chain.number else "", everywhere)
    return said


def _of_chain(chain: Chain, ahead: str, everywhere: dict) -> list[str]:
    pairs = [_pair(step) for op in chain.ops for step in op.steps if step.old]
    said = [f"{old} becomes {new}" for old, new in pairs if (old, new) not in everywhere]
    by = {status: [op.name for op in chain.ops if op.steps[0].status == status] for status in ("removed", "added")}
    moved = set(by["removed"]) & set(by["added"])
    present = [op for op in chain.ops if op.steps[0].status != "removed"]
    for before, op in zip([None, *present], present, strict=False):
        if op.name in moved and op.steps[0].status == "added":
            said.append(f"{op.name} moves {f'behind {before.name}' if before else 'to the front'}")
    for status, names in by.items():
        if names := [name for name in names if name not in moved]:
            said.append(f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {status}")
    return [ahead + sentence for sentence in said]
