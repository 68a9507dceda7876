"""A tree of steps in small: cells from left to right, branches as rows, colours without words."""

from __future__ import annotations

from bnet.models.drawing.canvas import Canvas
from bnet.models.drawing.steps import Step
from bnet.models.drawing.structure import Parallel, Series

_CELL = 7.5
_BETWEEN = 4.5
_ROW = 3.5
_SMALLEST = 0.35


def fitting(series: Series, room: float) -> tuple[float, tuple[float, float]]:
    """The scale, at most 1, at which a tree fits into the width `room`; its width and height then."""
    wide, high = size(series, 1.0)
    scale = max(_SMALLEST, min(1.0, room / wide))
    return scale, (wide * scale, high * scale)


def size(series: Series, scale: float) -> tuple[float, float]:
    """Width and height of a series, with the line that leads to each of its items."""
    wide, high = 0.0, _CELL
    for item in series:
        w, h = (_CELL, _CELL) if isinstance(item, Step) else _parallel_size(item)
        wide, high = wide + _BETWEEN + w, max(high, h)
    return wide * scale, (high if series else _ROW) * scale


def draw(canvas: Canvas, series: Series, x: float, y: float, scale: float) -> float:
    """Draw a series from `x` to the right, `y` being its top; return where it ends."""
    high = size(series, scale)[1]
    middle, cell, gap = y + high / 2, _CELL * scale, _BETWEEN * scale
    for item in series:
        canvas.line((x, middle), (x + gap, middle), look="thin")
        x += gap
        if isinstance(item, Step):
            tall = max(cell, high) if item.joined else cell
            canvas.box(x, middle - tall / 2, cell, tall, f"{item.status or item.kind} mini", radius=1.5 * scale)
            x += cell
        else:
            x = _branches(canvas, item, x, middle, scale)
    return x


def _parallel_size(item: Parallel) -> tuple[float, float]:
    sizes = [size(branch, 1.0) for branch in item.branches]
    return max(w for w, _ in sizes) + _BETWEEN, sum(h for _, h in sizes) + _ROW * (len(sizes) - 1)


def _branches(canvas: Canvas, item: Parallel, x: float, middle: float, scale: float) -> float:
    wide, high = (scale * value for value in _parallel_size(item))
    top, end, rows = middle - high / 2, x + wide, []
    for branch in item.branches:
        tall = size(branch, scale)[1]
        rows.append(top + tall / 2)
        done = draw(canvas, branch, x, top, scale)
        canvas.line((done, rows[-1]), (end, rows[-1]), look="thin")
        top += tall + _ROW * scale
    canvas.line((x, rows[0]), (x, rows[-1]), look="thin")
    canvas.line((end, rows[0]), (end, rows[-1]), look="thin")
    return end
