"""The panels of a picture beside the overview: the inside of a block, the legend."""

from __future__ import annotations

from collections.abc import Sequence

from bnet.models.drawing import tree
from bnet.models.drawing.canvas import SIZES, Canvas
from bnet.models.drawing.metrics import width, wrap
from bnet.models.drawing.steps import KINDS, Step, number
from bnet.models.drawing.structure import Diagram, Section, alike, laid_together, steps_of
from bnet.models.drawing.words import listed, titles

MARGIN = 10.0
_STATUS = {"added": "added", "changed": "changed", "removed": "removed", "same": "the same"}
"""Marks of a comparison, as the legend names them."""

INSET = 4.0
"""What a panel leaves free on either side of a tree."""


def needed(network: Diagram) -> float:
    """The least width of a picture in which every part of a network can be drawn."""
    widths = [tree.narrowest(section.body) for section in network.flow if not section.is_join]
    return max(widths) + 2 * (MARGIN + INSET)


def shape_text(shape: Sequence[int | None]) -> str:
    """``161 × 128 × 32``; an open length is 'any'."""
    return " × ".join("any" if size is None else str(size) for size in shape)


def parameters_text(count: int) -> str:
    """``46 208 parameters``."""
    return f"{number(count)} parameter{'' if count == 1 else 's'}"


def insides(canvas: Canvas, network: Diagram, y: float) -> float:
    """Draw the inside of the blocks from `y` down, blocks that are alike but for their channels once."""
    for group in alike(network.blocks):
        every = len(group) == len(network.blocks) > 1
        title = "Inside every block" if every else f"Inside {titles(group)[0].lower()}{titles(group)[1:]}"
        y = block(canvas, network, group, y, title=title, parameters=False) + 12
    return y


def block(
    canvas: Canvas, network: Diagram, sections: Sequence[Section], y: float, *, title: str, parameters: bool
) -> float:
    """Draw the inside of blocks that are alike, once, from `y` down; return where it ends.

    With `parameters`, each chip tells how many it has, and the panel how many they are together.
    """
    at, top, x, first = len(canvas.shapes), y, canvas.width / 2, sections[0]
    room = canvas.width - 2 * (MARGIN + INSET)
    canvas.text(MARGIN + 9, y + 18, title + (" (built anew)" if first.rebuilt else ""), "head", "start")
    if parameters:
        said = parameters_text(first.parameters)
        canvas.text(canvas.width - MARGIN - 9, y + 18, said, "small", "end", look="muted")
    y += 39
    for line in wrap(_entry(network, sections), room - 8, *SIZES["small"]):
        canvas.text(x, y, line, "small", look="muted")
        y += 15
    y -= 9
    body = laid_together([section.body for section in sections])
    straight = bool(body) and isinstance(body[0], Step)
    canvas.line((x, y), (x, y + 15 if straight else y + 6), end="arrow" if straight else "")
    y = tree.draw(canvas, body, x, y + (15 if straight else 6), tree.fitting(body, room, parameters))
    canvas.line((x, y), (x, y + 15), end="arrow")
    out = shape_text(first.shape) if len(sections) == 1 else _channels([s.shape[-1] for s in sections])
    canvas.text(x, y + 28, f"out: {out}", "small", look="muted")
    canvas.box(MARGIN, top, canvas.width - 2 * MARGIN, y + 37 - top, "panel", radius=6)
    canvas.shapes.insert(at, canvas.shapes.pop())
    return y + 37


def _entry(network: Diagram, sections: Sequence[Section]) -> str:
    """What comes in: for one block its shape and where it comes from, for several their channels."""
    first = sections[0]
    if len(sections) > 1:
        return f"in: {_channels([section.channels[0] for section in sections])}"
    named = {section.name: section.title for section in network.flow}
    origin = listed([named[name] for name in network.seen_by(first)]).lower()
    return f"in: {shape_text((*first.shapes[0][:-1], first.channels[0]))}, from {origin}"


def _channels(counts: Sequence[int | None]) -> str:
    known = list(dict.fromkeys(counts)) if len(set(counts)) == 1 else counts
    return f"{', '.join(str(count or 'any') for count in known)} channels"


def legend(
    canvas: Canvas, network: Diagram, y: float, *, sections: Sequence[Section], parameters: bool = False
) -> float:
    """Explain the colours that occur in `sections`, from `y` down; in a comparison its marks and notes.

    With `parameters`, say that chips tell theirs.
    """
    notes = [*network.notes, *(["The number in a box counts its parameters."] if parameters else [])]
    steps = [step for section in sections for step in steps_of(section.body) if step.operation != "input"]
    found = {step.status or step.kind for step in steps} | {section.status for section in sections}
    entries = [(kind, text) for kind, text in (*_STATUS.items(), *KINDS.items()) if kind in found]
    for line in wrap(" ".join(notes), canvas.width - 2 * MARGIN, *SIZES["small"]) if notes else ():
        canvas.text(MARGIN, y + 10.6, line, "small", "start", look="muted")
        y += 16
    x, y = MARGIN, y + (4 if notes else 0)
    for kind, text in entries:
        wide = 19 + width(text, *SIZES["small"])
        if x > MARGIN and x + wide > canvas.width - MARGIN:
            x, y = MARGIN, y + 19
        canvas.box(x, y, 13, 13, kind, radius=3)
        tree.mark(canvas, x + 1, y + 1, kind)
        canvas.text(x + 19, y + 10.6, text, "small", "start", look="muted")
        x += wide + 14
    return y + 15
