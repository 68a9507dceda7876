"""The overview of a picture: the whole network from the top down, the broadcast connections as lanes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bnet.models.drawing import minis, tree
from bnet.models.drawing.canvas import SIZES, Canvas
from bnet.models.drawing.metrics import width
from bnet.models.drawing.panels import INSET, MARGIN, parameters_text, shape_text
from bnet.models.drawing.steps import Step, addition
from bnet.models.drawing.structure import Diagram, Parallel, Section, steps_of

_LANE = 15.0
_ALL_LANES = 100.0
_GAP = 24.0
_CHIP = 25.0
_GHOST = 24.0

Lanes = dict[str, float]
"""Name of a section whose output goes further than to the next one -> where its lane runs."""


def draw(canvas: Canvas, network: Diagram, y: float) -> float:
    """Draw the whole network from `y` down, blocks as boxes and the broadcast connections beside; return the end."""
    sections = network.flow
    lanes = _lanes(canvas, sections)
    right = min(lanes.values(), default=canvas.width - MARGIN + _LANE) - _LANE
    x = (MARGIN + right) / 2
    middles: dict[str, float] = {}
    starts: dict[str, float] = {}
    for i, section in enumerate(sections):
        top = y
        y = _draw_section(canvas, section, x, y, right)
        middles[section.name] = (top + y) / 2
        if section.number and section is network.blocks[-1]:
            y = _ghosts(canvas, network, x, y, right)
        direct = i + 1 < len(sections) and section.name in sections[i + 1].sources
        canvas.text(x - 7, y + _GAP / 2 + 3.5, shape_text(section.shape), "small", "end", look="muted")
        starts[section.name] = y + _GAP / 2
        if section.name in lanes:
            out = starts[section.name]
            canvas.line((x, out if direct else y), (x, out), (lanes[section.name], out), look="lane")
        if direct or i + 1 == len(sections):
            canvas.line((x, y), (x, y + _GAP), end="arrow")
        y += _GAP
    _draw_lanes(canvas, sections, lanes, starts, middles, right)
    last = steps_of(sections[-1].body)[-1]
    return _pill(canvas, x, y, "class probabilities" if "softmax" in last.label else "output")


def _lanes(canvas: Canvas, sections: Sequence[Section]) -> Lanes:
    """The first lane is outermost, so that no line crosses one that it does not join."""
    following = {s.name: after.name for s, after in pairwise(sections)}
    far = [
        name
        for name, after in following.items()
        if any(name in section.sources and section.name != after for section in sections)
    ]
    apart = min(_LANE, _ALL_LANES / max(len(far), 1))
    return {name: canvas.width - MARGIN - 4 - apart * i for i, name in enumerate(far)}


def _draw_lanes(
    canvas: Canvas,
    sections: Sequence[Section],
    lanes: Lanes,
    starts: dict[str, float],
    middles: dict[str, float],
    right: float,
) -> None:
    """Draw each lane down to the last section that it feeds, with a dot wherever it is joined in."""
    before = {after.name: s.name for s, after in pairwise(sections)}
    ends: dict[str, float] = {}
    for section in sections:
        joined = [name for name in section.sources if name in lanes and name != before.get(section.name)]
        if not joined:
            continue
        middle = middles[section.name]
        canvas.line((max(lanes[name] for name in joined), middle), (right, middle), look="lane", end="arrow")
        for name in joined:
            ends[name] = middle
            canvas.line((lanes[name], middle), (lanes[name], middle), look="lane", end="dot")
    for name, end in ends.items():
        canvas.line((lanes[name], starts[name]), (lanes[name], end), look="lane")


def _draw_section(canvas: Canvas, section: Section, x: float, y: float, right: float) -> float:
    if section.number:
        return _block_box(canvas, section, y, right)
    if section.is_join:
        return _join_bar(canvas, section, x, y, right)
    if section.name == "input":
        return _pill(canvas, x, y, "log-mel: frames × bands × 1" if len(section.shape) == 3 else "input")
    return _panel(canvas, section, y)


def _pill(canvas: Canvas, x: float, y: float, text: str) -> float:
    wide = tree.label_width(text) + 10
    canvas.box(x - wide / 2, y, wide, _CHIP, "plain", radius=_CHIP / 2)
    canvas.text(x, y + 16.8, text)
    return y + _CHIP


def _join_bar(canvas: Canvas, section: Section, x: float, y: float, right: float) -> float:
    step = section.body[0]
    canvas.box(MARGIN, y, right - MARGIN, _CHIP, step.status or step.kind, layers=step.layers, tip=step.label)
    room, text = right - MARGIN - 10, f"{step.label} {step.sum}".strip()
    fits = width(text, *SIZES["label"]) <= room or not step.sum
    canvas.text(x, y + 16.8, text if fits else addition(step.joined))
    return y + _CHIP


def _block_box(canvas: Canvas, section: Section, y: float, right: float) -> float:
    """A block in small: its branches as rows of coloured cells, its channels and parameters as text."""
    entered, left = section.channels
    said = [f"{entered or 'any'} → {left or 'any'} channels", parameters_text(section.parameters)]
    text_wide = max(width(section.title, *SIZES["head"]), *(width(line, *SIZES["small"]) for line in said))
    scale, (wide, tall) = minis.fitting(section.body, right - MARGIN - text_wide - 30)
    high = max(54.0, tall + 16)
    canvas.box(MARGIN, y, right - MARGIN, high, section.status or "panel", radius=6)
    tree.mark(canvas, MARGIN + 2, y + 2, section.status)
    base = y + high / 2 - 11
    canvas.text(MARGIN + 11, base, section.title, "head", "start")
    for i, line in enumerate(said, 1):
        canvas.text(MARGIN + 11, base + 15.5 * i, line, "small", "start", look="muted")
    minis.draw(canvas, section.body, right - 9 - wide, y + (high - tall) / 2, scale)
    return y + high


def _ghosts(canvas: Canvas, network: Diagram, x: float, y: float, right: float) -> float:
    """Blocks of the reference that the network has not: struck through, with the data's way passing behind."""
    for section in network.sections:
        if section.status == "removed":
            canvas.line((x, y), (x, y + 7))
            canvas.box(MARGIN, y + 7, right - MARGIN, _GHOST, "removed", radius=6)
            canvas.text(MARGIN + 11, y + 7 + 16.4, section.title, "head", "start", look="removed")
            tree.mark(canvas, MARGIN + 2, y + 9, "removed")
            y += 7 + _GHOST
    return y


def _panel(canvas: Canvas, section: Section, y: float) -> float:
    """A section in full: its chips in rows like words, or its tree if it has branches."""
    at = len(canvas.shapes)
    wide = canvas.width - 2 * MARGIN
    canvas.text(MARGIN + 9, y + 18, section.title, "head", "start")
    canvas.text(canvas.width - MARGIN - 9, y + 18, parameters_text(section.parameters), "small", "end", look="muted")
    if any(isinstance(item, Parallel) for item in section.body):
        end = tree.draw(canvas, section.body, canvas.width / 2, y + 26, tree.fitting(section.body, wide - 2 * INSET))
    else:
        end = _rows(canvas, section.body, MARGIN + 9, y + 27, wide - 18)
    canvas.box(MARGIN, y, wide, end + 10 - y, "panel", radius=6)
    canvas.shapes.insert(at, canvas.shapes.pop())
    return end + 10


def _rows(canvas: Canvas, steps: Sequence[Step], left: float, y: float, room: float) -> float:
    """Chips from left to right, going on in the next row, with arrows between."""
    x, gap = left, 14.0
    tall = _CHIP + (14 if any(step.was for step in steps) else 0)
    for i, step in enumerate(steps):
        lines = [(step.label, "label"), *([(f"was {step.was}", "small")] if step.was else [])]
        wide = max(width(text, *SIZES[kind]) for text, kind in lines) + 11
        if i and x + gap + wide > left + room:
            turn, low = x + 6, y + tall + 6
            canvas.line((x, y + tall / 2), (turn, y + tall / 2), (turn, low), (left, low), (left, low + 6 + tall / 2))
            y += tall + 12
            x = left + gap
            canvas.line((left, y + tall / 2), (x, y + tall / 2), end="arrow")
        elif i:
            canvas.line((x, y + tall / 2), (x + gap, y + tall / 2), end="arrow")
            x += gap
        tree.chip(canvas, step, x, y, wide, tall, lines)
        x += wide
    return y + tall
