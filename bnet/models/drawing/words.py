"""A network, and what one changes against another, in words that are computed from the diagrams."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from bnet.models.drawing.difference import compare
from bnet.models.drawing.steps import NO_BREAK, Step, number
from bnet.models.drawing.structure import Diagram, Parallel, Section, Series, alike, branch_number, steps_of

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SAME = "The networks are the same; what differs, if anything, lies in their training."


def describe(network: Diagram) -> str:
    """A network in a few sentences: its input, its parts in order, the branches of its blocks, how they are joined."""
    said = [f"{network.title}, a network with {network.parameters} parameters."]
    told = False
    for section in network.flow:
        if section.number:
            said += [] if told else [_blocks(network), connection(network)]
            told = True
        elif section.name == "input":
            said.append(f"Input: {shape(section.shape)}.")
        elif not section.is_join:
            said.append(f"{section.title}: {series(section.body)}; the output is {shape(section.shape)}.")
    return " ".join(filter(None, said))


def describe_block(section: Section) -> str:
    """The inside of one block in a sentence or two."""
    entered, left = section.channels
    return f"{section.title}, from {entered or 'any number of'} to {left} channels: {series(section.body)}."


def _blocks(network: Diagram) -> str:
    groups = alike(network.blocks)
    count = len(network.blocks)
    noun = "block" if count == 1 else "blocks"
    if len(groups) > 1:
        inside = " ".join(f"{titles(group)}: {series(group[0].body)}." for group in groups)
        return f"{capital(counted(count))} {noun}. {inside}"
    return f"{capital(counted(count))} {noun}; {'it' if count == 1 else 'each'} has {series(groups[0][0].body)}."


def connection(network: Diagram) -> str:
    """How the blocks are joined, in a sentence; '' for a network without blocks."""
    return _CONNECTIONS[_connection(network)]


_CONNECTIONS = {
    "": "",
    "broadcast": "Every block, and what follows the last, sees the concatenation of the stem and all earlier blocks.",
    "chain": "Every block sees the output of the one before it alone.",
    "mixed": "The blocks see some, not all, of those before them.",
}


def _connection(network: Diagram) -> str:
    names = [section.name for section in network.flow if not section.is_join]
    first = names.index(network.blocks[0].name) if network.blocks else len(names)
    following = [s for s in network.flow if s.name in names[first + 1 : first + len(network.blocks) + 1]]
    seen = [set(network.seen_by(section)) for section in following]
    if not seen:
        return ""
    broadcast = [set(names[max(first - 1, 0) : names.index(section.name)]) for section in following]
    chain = [{names[names.index(section.name) - 1]} for section in following]
    return {True: "broadcast"}.get(seen == broadcast, "chain" if seen == chain else "mixed")


def series(items: Series, depth: int = 0) -> str:
    """A tree in words: steps with commas, branches numbered, branches of branches with letters."""
    said = ""
    for i, item in enumerate(items):
        after = i and isinstance(items[i - 1], Parallel)
        said += ("; of all these the " if after else ", then " if i else "") + _item(item, depth)
    return said or "the input unchanged"


def _item(item: Step | Parallel, depth: int) -> str:
    if isinstance(item, Step):
        total = item.sum.rpartition("= ")[2]
        return f"{item.spoken} to {total} channels" if total else item.spoken
    marks = (string.ascii_lowercase if depth else "123456789")[: len(item.branches)]
    parts = zip(marks, item.branches, strict=False)
    branches = "; ".join(f"({mark}) {series(branch, depth + 1)}" for mark, branch in parts)
    return f"{counted(len(item.branches))} branches: {branches}"


def shape(sizes: Sequence[int | None]) -> str:
    """``161 frames by 128 bands by 32 channels``, or the number of values."""
    said = ["any number of" if size is None else str(size) for size in sizes]
    if len(sizes) == 3:
        return f"{said[0]} frames by {said[1]} bands by {said[2]} channel{'' if sizes[2] == 1 else 's'}"
    return f"{' by '.join(said)} values"


def counted(count: int) -> str:
    """A small number as a word."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def capital(text: str) -> str:
    """With a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def titles(sections: Sequence[Section]) -> str:
    """``Block 2``, ``Blocks 1 to 3``, ``Blocks 1 and 4``."""
    numbers = [section.number or 0 for section in sections]
    if len(numbers) == 1:
        return f"Block {numbers[0]}"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"Blocks {numbers[0]} to {numbers[-1]}"
    return f"Blocks {listed([str(number) for number in numbers])}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def initialiser(network: Diagram) -> str:
    """``lecun normal``."""
    return listed([" ".join(re.findall(r"[A-Z][a-z]*", name)).lower() for name in network.initialisers]) or "none"


def notes(network: Diagram, reference: Diagram) -> list[str]:
    """What differs beyond single steps: number of blocks, connections, initialiser, parameters."""
    said = []
    ours, theirs = len(network.blocks), len(reference.blocks)
    if ours != theirs:
        said.append(f"{capital(counted(ours))} block{'' if ours == 1 else 's'} instead of {counted(theirs)}.")
    if _connection(network) != _connection(reference):
        said.append(connection(network))
    if network.initialisers != reference.initialisers:
        said.append(f"Initial kernels: {initialiser(network)} instead of {initialiser(reference)}.")
    return said


def differences(network: Diagram, reference: Diagram) -> list[str]:
    """What a network changes against a reference, in short sentences; none where they are the same."""
    laid = compare(network, reference)
    everywhere = _everywhere(laid)
    said = [f"Everywhere, {was} becomes {now} ({times} times)." for (was, now), times in everywhere.items()]
    told: dict[tuple[str, ...], list[Section]] = {}
    for section in laid.flow:
        told.setdefault(tuple(_section(section, everywhere)), []).append(section)
    for sentences, sections in told.items():
        said += [f"{_where(sections, laid)}: {sentence}." for sentence in sentences]
    said += notes(network, reference)
    if said and network.parameters != reference.parameters:
        said.append(f"{number(network.parameters)} parameters instead of {number(reference.parameters)}.")
    return [sentence.replace(NO_BREAK, " ") for sentence in said]


def _where(sections: Sequence[Section], network: Diagram) -> str:
    blocks = [section for section in sections if section.number]
    others = [section.title for section in sections if not section.number]
    every = len(blocks) == len(network.blocks) > 1
    named = ["every block" if every else titles(blocks)] if blocks else []
    return capital(listed([*others, *named]))


def _everywhere(network: Diagram) -> dict[tuple[str, str], int]:
    """Changes (old, new) of normalisation that occur in several sections and spare no step of the old kind."""
    steps = [(section.name, step) for section in network.flow for step in steps_of(section.body)]
    changed = [(name, (step.old, step.label)) for name, step in steps if step.status == "changed" and _is_norm(step)]
    kept = {step.label for _, step in steps if step.status == "same"}
    wide = {pair for _, pair in changed if len({name for name, other in changed if other == pair}) > 1}
    counts = Counter(pair for _, pair in changed)
    return {pair: count for pair, count in counts.items() if pair in wide and pair[0] not in kept}


def _is_norm(step: Step) -> bool:
    return step.kind == "normalisation"


def _section(section: Section, everywhere: dict) -> list[str]:
    if section.rebuilt:
        steps = [step.label for step in steps_of(section.body)]
        return [f"built anew: {listed(steps)}" if len(steps) <= 4 else f"built anew, of {len(steps)} steps"]
    return _series(section.body, "", everywhere)


def _series(items: Series, place: str, everywhere: dict) -> list[str]:
    ahead = f"{place}, " if place else ""
    steps = [item for item in items if isinstance(item, Step)]
    pairs = [(step.old, step.label) for step in steps if step.status == "changed"]
    said = [f"{old} becomes {new}" for old, new in pairs if (old, new) not in everywhere]
    moved = {step.label for step in steps if step.status == "added"}
    moved &= {step.label for step in steps if step.status == "removed"}
    present = [step for step in steps if step.status != "removed"]
    for before, step in zip([None, *present], present, strict=False):
        if step.label in moved and step.status == "added":
            said.append(f"{step.label} moves {f'behind {before.label}' if before else 'to the front'}")
    for status in ("removed", "added"):
        found = [_named(item) for item in items if _status(item) == status and _named(item) not in moved]
        said += [f"{listed(found)} {'is' if len(found) == 1 else 'are'} {status}"] if found else []
    said = [ahead + sentence for sentence in said]
    for item in items:
        if isinstance(item, Parallel) and not _status(item):
            said += _branches(item, everywhere)
    return said


def _branches(item: Parallel, everywhere: dict) -> list[str]:
    said: list[str] = []
    for i, branch in enumerate(item.branches, 1):
        name = f"branch {branch_number(branch) or i}"
        status = _status(Parallel((branch,))) if branch else ""
        if status:
            said.append(f"{name} is {status}: {listed([_named(part) for part in branch])}")
        else:
            said += _series(branch, name, everywhere)
    return said


def _status(item: Step | Parallel) -> str:
    """'added' or 'removed' where all of an item is, else ''."""
    found = {step.status for step in steps_of((item,))}
    return found.pop() if found in ({"added"}, {"removed"}) else ""


def _named(item: Step | Parallel) -> str:
    if isinstance(item, Step):
        return item.label
    ways = [listed([_named(part) for part in branch]) or "the maps unchanged" for branch in item.branches]
    return f"a fork ({' beside '.join(ways)})"
