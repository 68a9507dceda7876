"""Lay out a tree of steps: a series from the top down, its branches side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnet.models.drawing.canvas import SIZES, Canvas
from bnet.models.drawing.metrics import width, wrap
from bnet.models.drawing.steps import Step, number
from bnet.models.drawing.structure import Parallel, Series, branch_number, steps_of

ARROW = 15.0
_GAP = 6.0
_SKIP = 26.0
_LINE = 15.0
_PAD = 5.0
_FORK = 12.0
_NAME = 17.0
_WIDEST = 112.0
NARROWEST = 62.0


_MARKS = {"added": ((3.0, 0.0), (0.0, 3.0)), "removed": ((3.0, 0.0),)}


@dataclass(frozen=True)
class Style:
    """How a tree is laid out: width of a column of chips, and whether chips tell their parameters."""

    column: float
    parameters: bool = False


def columns(series: Series) -> tuple[int, int]:
    """How many columns of chips, and of connections that skip, stand side by side at the widest place."""
    widest = (1, 0) if any(isinstance(item, Step) for item in series) else (0, 1)
    for item in series:
        if isinstance(item, Parallel):
            parts = [columns(branch) for branch in item.branches]
            both = sum(chips for chips, _ in parts), sum(skips for _, skips in parts)
            widest = max(widest, both, key=lambda pair: pair[0] * 1000 + pair[1])
    return widest


def fitting(series: Series, room: float, parameters: bool = False) -> Style:
    """The style in which a tree fills `room`."""
    chips, skips = columns(series)
    free = room - skips * _SKIP - (chips + skips - 1) * _GAP
    return Style(max(NARROWEST, min(_WIDEST, free / max(chips, 1))), parameters)


def narrowest(series: Series) -> float:
    """The least width in which a tree can be drawn."""
    return size(series, Style(NARROWEST))[0]


def size(series: Series, style: Style) -> tuple[float, float]:
    """Width and height of a series."""
    widest, high, span = (0.0, 0.0, 0.0) if series else (_SKIP, 0.0, 0.0)
    for i, item in enumerate(series):
        if isinstance(item, Step):
            wide = _chip_width(item, span, style)
            high += _chip_height(_lines(item, wide, style)) + (ARROW if i else 0)
            span = 0.0
        else:
            sizes = [size(branch, style) for branch in item.branches]
            wide = span = sum(w for w, _ in sizes) + _GAP * (len(sizes) - 1)
            high += _FORK / 2 + ARROW + (_NAME if _names(item) else 0) + max(h for _, h in sizes)
        widest = max(widest, wide)
    return widest, high


def draw(canvas: Canvas, series: Series, x: float, y: float, style: Style) -> float:
    """Draw a series around the middle `x` from `y` down; return where it ends.

    Steps are joined by arrows; what leads to the first and from the last is left to the caller.
    """
    span = 0.0
    for i, item in enumerate(series):
        if isinstance(item, Step):
            wide = _chip_width(item, span, style)
            if i and not span:
                canvas.line((x, y), (x, y + ARROW), end="arrow")
            y += ARROW if i else 0
            lines = _lines(item, wide, style)
            high = _chip_height(lines)
            chip(canvas, item, x - wide / 2, y, wide, high, lines)
            y += high
            span = 0.0
        else:
            span, y = _parallel(canvas, item, x, y, style, last=i == len(series) - 1)
    return y


def _parallel(canvas: Canvas, item: Parallel, x: float, y: float, style: Style, last: bool) -> tuple[float, float]:
    """Draw branches from the fork to where they meet; return their span and where they end."""
    widths = [size(branch, style)[0] for branch in item.branches]
    span = sum(widths) + _GAP * (len(widths) - 1)
    left, middles = x - span / 2, []
    for wide in widths:
        middles.append(left + wide / 2)
        left += wide + _GAP
    rule, names = y + _FORK / 2, _names(item)
    top = rule + ARROW + (_NAME if names else 0)
    bottom = top + max(size(branch, style)[1] for branch in item.branches)
    canvas.line((x, y), (x, rule))
    canvas.line((middles[0], rule), (middles[-1], rule))
    for i, (branch, middle) in enumerate(zip(item.branches, middles, strict=True)):
        look = "faint" if branch and all(step.status == "removed" for step in steps_of(branch)) else ""
        start = rule
        if names:
            canvas.line((middle, rule), (middle, rule + 5), look=look)
            canvas.text(middle, rule + 15, names[i], "small", look="muted")
            start += _NAME + 2
        if branch:
            head = "arrow" if isinstance(branch[0], Step) else ""
            canvas.line((middle, start), (middle, top), end=head, look=look)
        end = draw(canvas, branch, middle, top, style) if branch else start
        reach = bottom if last else bottom + ARROW
        canvas.line((middle, end), (middle, reach), end="" if last else "arrow", look=look)
    if last:
        canvas.line((middles[0], bottom), (middles[-1], bottom))
    return span, bottom


def _names(item: Parallel) -> list[str]:
    """``branch 1``, ``branch 2`` for branches that the names of their layers number, else none."""
    numbers = [branch_number(branch) if branch else None for branch in item.branches]
    gone = [bool(branch) and all(step.status == "removed" for step in steps_of(branch)) for branch in item.branches]
    if len(numbers) < 2 or None in numbers:
        return []
    return ["removed" if out else f"branch {count}" for count, out in zip(numbers, gone, strict=True)]


def _chip_width(step: Step, span: float, style: Style) -> float:
    """A step that joins branches is as wide as they are together."""
    return max(span, style.column) if step.joined else style.column


def _chip_height(lines: Sequence[tuple[str, str]]) -> float:
    return _PAD * 2 + _LINE * len(lines)


def _lines(step: Step, wide: float, style: Style) -> list[tuple[str, str]]:
    """The lines of a chip and their classes."""
    room = wide - 4
    text = f"{step.label} {step.sum}".strip()
    lines = [(line, "label") for line in wrap(text, room, *SIZES["label"])]
    if step.was:
        lines += [(line, "small") for line in wrap(f"was {step.was}", room, *SIZES["small"])]
    if style.parameters and step.parameters:
        lines.append((number(step.parameters), "small"))
    return lines


def chip(
    canvas: Canvas, step: Step, x: float, y: float, wide: float, high: float, lines: list[tuple[str, str]]
) -> None:
    """Draw one chip with its lines, and the mark of a comparison on its corner."""
    layers = () if step.status == "removed" else step.layers
    canvas.box(x, y, wide, high, step.status or step.kind, layers=layers, tip=step.label)
    base = y + _PAD + 11.2 + (high - _chip_height(lines)) / 2
    for i, (line, kind) in enumerate(lines):
        look = "removed" if step.status == "removed" else "muted" if kind == "small" else ""
        canvas.text(x + wide / 2, base + _LINE * i, line, kind, look=look)
    mark(canvas, x + 1, y + 1, step.status)


def mark(canvas: Canvas, x: float, y: float, status: str) -> None:
    """Draw a plus for what is added and a minus for what is removed, in a disc around a point."""
    strokes = _MARKS.get(status, ())
    if strokes:
        canvas.box(x - 5.5, y - 5.5, 11, 11, f"{status}-mark", radius=5.5)
    for dx, dy in strokes:
        canvas.line((x - dx, y - dy), (x + dx, y + dy), look="mark")


def label_width(text: str) -> float:
    """Width of a chip that holds `text` in one line."""
    return width(text, *SIZES["label"]) + 12
