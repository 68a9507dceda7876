"""Layout: a chain is a row of boxes, a block a stack of rows; connections between blocks are bands on the left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bnet.models.drawing.canvas import BANDS, SIZES, Canvas, width, wrap
from bnet.models.drawing.parts import Box, Diagram, Fork, Panel, alike, body
from bnet.models.drawing.words import number, shape_text
from bnet.models.layers import LOOKS

WIDTH = 376.0
"""Units; on a phone of 390 pixels with margins of 16 one is about a pixel."""
_STATUS = {"added": "added", "changed": "changed", "removed": "removed", "same": "the same"}
_MARGIN, _BAR, _GAP, _ROW, _LINE = 8.0, 22.0, 9.0, 8.0, 13.6
_INNER = WIDTH - _MARGIN - 6


class End(NamedTuple):
    """Of something drawn: height of its beginning, point of its end, its bottom; whether it ends in a bar."""

    start: float
    x: float
    y: float
    bottom: float
    bar: bool = False


@dataclass
class Figure(Canvas):
    """A canvas on which networks are drawn, with the parameters of every step or without."""

    parameters: bool = False

    def block(self, network: Diagram, title: str, count: int) -> float:
        """One block alone, and the legend; returns their height."""
        part = network.blocks[count - 1]
        end = self._part(part, [part], self._heading(title, f"in: {shape_text(part.entered)}"), _MARGIN)
        self.text(_MARGIN, end.bottom + 14, f"out: {shape_text(part.shape)}", "small", "start", "muted")
        return self._legend(network, [part], end.bottom + 26)

    def network(self, network: Diagram, title: str) -> float:
        """The whole network from the top down, and the legend; returns their height.

        Each part reads from the bands beside it and adds one of its own, as wide as its maps are many.
        """
        y = self._heading(title, f"{number(network.parameters)} parameters") + 2
        broadcast, present = network.variant.connection == "broadcast", network.present
        compared = any(step.status for step in present[-1].steps)
        room = 30.0 if broadcast else 12.0
        left, middle, x = _MARGIN + room + 8, _MARGIN + room / 2, _MARGIN
        unit = (room - 1.5 * (len(present) - 2)) / sum(part.shape[-1] for part in present[:-2])
        groups = {} if self.parameters else alike(network.blocks)
        at, bands, way = len(self.elements), [], [(left, y + _BAR / 2), (middle, y + _BAR / 2)]
        self._pill(left, y, f"log-mel, {shape_text(network.input)}")
        y += _BAR + 12
        for i, part in enumerate(network.parts):
            if part.status == "removed":
                self.box(left, y, WIDTH - _MARGIN - left, 24, "removed", 6)
                self.text(left + 10, y + 16.4, part.title, "head", "start", "removed")
                self._mark(left + 2, y + 2, "removed")
                y += 30
                continue
            end = self._part(part, groups.get(part.name, [part]), y, left)
            target = (left + (8 if part.join else 0), end.start)
            self.line(
                *([(bands[0][0], end.start)] if bands else [*way, (middle, end.start)]), target, end=bool(part.join)
            )
            for centre, *_ in bands:
                self.dot(centre, end.start)
            self.line((end.x, end.y), (left, end.y))
            way = [(left, end.y), (middle, end.y)]
            if broadcast and part in present[:-2]:
                wide = max(1.6, unit * part.shape[-1])
                look = f"band-{part.status or 'same'}" if compared else f"band-{i % len(BANDS)}"
                bands.append((x + wide / 2, end.y, wide, look))
                self.box(x, end.y - 2, left - x, 4, look, 0, at=at)
                x += wide + 1.5
            elif bands:  # the transition, in which all of them end
                for centre, top, wide, look in bands:
                    self.box(centre - wide / 2, top, wide, end.start - top, look, 0, at=at)
                bands = []
            self.text(left + 2, end.bottom + 13.5, shape_text(part.shape), "small", "start", "muted")
            y = end.bottom + 21
        self.line(*way, (middle, y + _BAR / 2), (left, y + _BAR / 2), end=True)
        self._pill(left, y, "class probabilities")
        return self._legend(network, network.parts, y + _BAR + 12)

    def _heading(self, title: str, below: str) -> float:
        """The title and a line below it; returns where the next thing may begin."""
        y = 25.0
        for line in wrap(title, WIDTH - 2 * _MARGIN, *SIZES["title"]):
            self.text(_MARGIN, y, line, "title", "start")
            y += 18
        self.text(_MARGIN, y, below, "small", "start", "muted")
        return y + 10

    def _part(self, part: Panel, group: list[Panel], y: float, left: float) -> End:
        """A part in a panel: what it concatenates, and its chains; of blocks that are alike the first in full."""
        at, top, inner, start, above = len(self.elements), y, left + 8, None, None
        self.text(left + 9, y + 17, part.title + " (rebuilt)" * part.rebuilt, "head", "start")
        self.text(_INNER, y + 17, f"{number(part.parameters)} parameters", "small", "end", "muted")
        y += 27
        if part.join:
            self._bar(part.join, inner, _INNER, y)
            start, above, y = y + _BAR / 2, y + _BAR, y + _BAR + _ROW
        if group[0] is part:
            end = self._series(body(group), inner, _INNER, y, left, above)
        else:
            middle = y + _BAR / 2
            self.box(inner, y, _INNER - inner, _BAR, "plain")
            self.text((inner + _INNER) / 2, y + 15.2, f"the same as block {group[0].number}", look="muted")
            self.line(*([(inner + 6, above), (inner + 6, y)] if above else [(left, middle), (inner, middle)]), end=True)
            end = End(middle, inner if above else _INNER, middle, y + _BAR, bar=bool(above))
        bottom = end.bottom + 9
        if not end.bar:
            low = end.bottom + 7
            self.line((end.x, end.y), (end.x + 5, end.y), (end.x + 5, low), (left, low))
            end, bottom = end._replace(x=left, y=low), low + 7
        self.box(left, top, WIDTH - _MARGIN - left, bottom - top, part.status or "panel", 6, at=at)
        self._mark(left + 2, top + 2, part.status)
        return end._replace(start=start or end.start, bottom=bottom)

    def _series(
        self, series: list, left: float, right: float, y: float, entry: float, above: float | None, look: str = ""
    ) -> End:
        """Rows of steps, and forks, from `y` down; a line leads to them from x = `entry`, or down from y = `above`."""
        end, spine, start = End(y + 6, left, y + 6, y + 12), left + 6, None
        if not series:
            self.line((entry, y + 6), (left, y + 6))
        for i, line in enumerate(self._lines(series, right - left, bool(above))):
            if i and not end.bar:
                above = end.bottom + _ROW / 2
                self.line((end.x, end.y), (end.x + 4, end.y), (end.x + 4, above), (spine, above))
            if isinstance(line, Fork):
                end = self._fork(line, left, right, y)
                self.line((spine, above) if above else (entry, end.start), (spine, end.start))
            else:
                high = max(self._text(step)[2] for step in line)
                middle, first = y + high / 2, left + (18 if above else 0)
                way = [(spine, above), (spine, middle)] if above else [(entry, middle)]
                self.line(*way, (first, middle), end=True, look=look)
                end = End(middle, self._row(line, first, middle), middle, y + high)
            start = end.start if start is None else start
            y, above = end.bottom + _ROW, end.bottom
        return end._replace(start=end.start if start is None else start)

    def _lines(self, series: list, room: float, indented: bool) -> list[Fork | list[Box]]:
        """The series broken into rows that fit, and forks."""
        lines: list = []
        used = room
        for item in series:
            wide = 0.0 if isinstance(item, Fork) else self._text(item)[1]
            if isinstance(item, Fork):
                lines.append(item)
                used = room
            elif used + _GAP + wide > room - 4:
                used = wide + (18 if lines or indented else 0)
                lines.append([item])
            else:
                used += _GAP + wide
                lines[-1].append(item)
        return lines

    def _fork(self, fork: Fork, left: float, right: float, y: float) -> End:
        """Branches from a line on the left to one on the right, and the bar in which they join."""
        spine, rail, ends = left + 6, right - 6, []
        for count, branch, gone in fork.branches:
            end = self._series(branch, left + 22, rail - 7, y, spine, None, "faint" if gone else "")
            self.line((rail - 7 if end.bar else end.x, end.y), (rail, end.y), look="faint" if gone else "")
            if count and not gone:
                self.text(spine + 7, end.start - 3.5, str(count), "small", look="muted")
            ends.append(end)
            y = end.bottom + _ROW
        self.line((spine, ends[0].start), (spine, ends[-1].start))
        self.line((rail, ends[0].y), (rail, y if fork.join else ends[-1].y), end=bool(fork.join))
        if not fork.join:
            return End(ends[0].start, rail, ends[-1].y, y - _ROW)
        self._bar(fork.join, left, right, y)
        return End(ends[0].start, left, y + _BAR / 2, y + _BAR, bar=True)

    def _text(self, step: Box) -> tuple[list[tuple[str, str]], float, float]:
        """The lines of a box and their classes; its width and height."""
        texts = [(step.head, "label"), (step.tail, "label"), (f"was {step.was}" if step.was else "", "small")]
        texts += [(number(step.parameters), "small")] if self.parameters and step.parameters else []
        lines = [(line, kind) for text, kind in texts if text for line in wrap(text, 70, *SIZES[kind])]
        wide = max(width(text, *SIZES[kind]) for text, kind in lines) + 8
        return lines, wide, 7 + _LINE * max(len(lines), 2)

    def _row(self, steps: list[Box], x: float, middle: float) -> float:
        """Boxes from left to right with arrows between; returns where the last one ends."""
        for i, step in enumerate(steps):
            if i:
                self.line((x, middle), (x + _GAP, middle), end=True)
                x += _GAP
            lines, wide, high = self._text(step)
            self._box(step, x, middle - high / 2, wide, high)
            for n, (line, kind) in enumerate(lines):
                look = "removed" if step.status == "removed" else "muted" if kind == "small" else ""
                self.text(x + wide / 2, middle - _LINE * len(lines) / 2 + 10.6 + _LINE * n, line, kind, look=look)
            x += wide
        return x

    def _bar(self, step: Box, left: float, right: float, y: float) -> None:
        self._box(step, left, y, right - left, _BAR)
        self.text((left + right) / 2, y + 15.2, step.label, look="removed" if step.status == "removed" else "")

    def _box(self, step: Box, x: float, y: float, wide: float, high: float) -> None:
        tip = f"{step.label}: {shape_text(step.shape)}, {number(step.parameters)} parameters"
        data = {"layers": " ".join(step.layers), "shape": shape_text(step.shape), "parameters": step.parameters}
        self.box(x, y, wide, high, step.status or step.kind, tip=tip, **(data if step.layers else {}))
        self._mark(x + 1, y + 1, step.status)

    def _pill(self, x: float, y: float, text: str) -> None:
        wide = width(text, *SIZES["label"]) + 22
        self.box(x, y, wide, _BAR, "plain", _BAR / 2)
        self.text(x + wide / 2, y + 15.2, text)

    def _mark(self, x: float, y: float, status: str) -> None:
        """A plus on the corner of what is added, a minus on what is removed."""
        if status in ("added", "removed"):
            self.box(x - 5.5, y - 5.5, 11, 11, f"mark-{status}", 5.5)
            self.line((x - 3, y), (x + 3, y), look="mark")
        if status == "added":
            self.line((x, y - 3), (x, y + 3), look="mark")

    def _legend(self, network: Diagram, parts: Iterable[Panel], y: float) -> float:
        """Explain the colours that occur, from `y` down; in a comparison its marks and notes."""
        notes = [*network.notes, *["The number in a box counts its parameters."] * self.parameters]
        found = {step.status or step.kind for part in parts for step in part.steps} | {part.status for part in parts}
        for line in wrap(" ".join(notes), WIDTH - 2 * _MARGIN, *SIZES["small"]) if notes else ():
            self.text(_MARGIN, y + 10.6, line, "small", "start", "muted")
            y += 16
        x, y = _MARGIN, y + (4 if notes else 0)
        for kind, text in (*_STATUS.items(), *LOOKS.items()):
            wide = 19 + width(text, *SIZES["small"])
            if kind in found:
                if x + wide > WIDTH - _MARGIN:
                    x, y = _MARGIN, y + 19
                self.box(x, y, 13, 13, kind, 3)
                self._mark(x + 1, y + 1, kind)
                self.text(x + 19, y + 10.6, text, "small", "start", "muted")
                x += wide + 14
        return y + 23
