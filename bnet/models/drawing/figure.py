"""Layout: a chain is a column of boxes, a block its branches side by side; bands on the left connect the blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bnet.models.drawing import words
from bnet.models.drawing.canvas import BANDS, SIZES, Canvas, width, wrap
from bnet.models.drawing.parts import Box, Chain, Diagram, Panel, alike, merged
from bnet.models.drawing.words import number, shape_text
from bnet.models.layers import LOOKS

WIDTH = 376.0
"""Units; on a phone of 390 pixels with margins of 16 one is about a pixel."""
COLUMN = 62.0
"""Units for each branch, at least: in a narrower column the words do not fit, so the figure of many is wider."""
_STATUS = {"added": "added", "changed": "changed", "removed": "removed", "same": "the same"}
_MARGIN, _BAR, _GAP, _DROP, _LINE, _END = 8.0, 22.0, 8.0, 12.0, 13.6, 160.0


@dataclass
class Figure(Canvas):
    """A canvas on which networks are drawn, with the parameters of every box or without."""

    parameters: bool = False

    @property
    def right(self) -> float:
        """Where boxes end on the right."""
        return self.width - _MARGIN - 8

    def block(self, network: Diagram, title: str, count: int) -> float:
        """One block alone, and the legend; returns their height."""
        part = network.blocks[count - 1]
        y = self._heading(title, f"in: {shape_text(part.entered)}")
        *_, bottom = self._part(part, [part], y, _MARGIN)
        self.text(_MARGIN, bottom + 14, f"out: {shape_text(part.shape)}", "small", "start", "muted")
        return self._legend(network, [part], bottom + 26)

    def network(self, network: Diagram, title: str) -> float:
        """The whole network from the top down, and the legend; returns their height.

        Each part reads from the bands beside it and adds one of its own, as wide as its maps are many.
        """
        y = self._heading(title, f"{number(network.parameters)} parameters") + 2
        broadcast, present = network.variant.connection == "broadcast", network.present
        room = 30.0 if broadcast else 12.0
        left, middle, x = _MARGIN + room + 8, _MARGIN + room / 2, _MARGIN
        unit = (room - 1.5 * (len(present) - 2)) / sum(part.shape[-1] for part in present[:-2])
        groups = {} if self.parameters else alike(network.blocks)
        at, bands, way = len(self.elements), [], [(left, y + _BAR / 2), (middle, y + _BAR / 2)]
        self._box(Box("plain", f"log-mel, {shape_text(present[0].entered)}"), left, y, _END)
        y += _BAR + 12
        for i, part in enumerate(network.parts):
            if part.status == "removed":
                self.box(left, y, self.width - _MARGIN - left, 24, "removed", 6)
                self.text(left + 10, y + 16.4, part.title, "head", "start", "removed")
                self._mark(left + 2, y + 2, "removed")
                y += 30
                continue
            start, end, bottom = self._part(part, groups.get(part.name, [part]), y, left)
            self.line(*([(bands[0][0], start)] if bands else [*way, (middle, start)]), (left, start))
            for centre, *_ in bands:
                self.dot(centre, start)
            way = [(left, end), (middle, end)]
            if broadcast and part in present[:-2]:
                wide = max(1.6, unit * part.shape[-1])
                look = f"band-{part.status or 'same'}" if network.reference else f"band-{i % len(BANDS)}"
                bands.append((x + wide / 2, end, wide, look))
                self.box(x, end - 2, left - x, 4, look, 0, at=at)
                x += wide + 1.5
            elif bands:  # the transition, in which all of them end
                for centre, top, wide, look in bands:
                    self.box(centre - wide / 2, top, wide, start - top, look, 0, at=at)
                bands = []
            self.text(left + 2, bottom + 13.5, shape_text(part.shape), "small", "start", "muted")
            y = bottom + 21
        self.line(*way, (middle, y + _BAR / 2), (left, y + _BAR / 2), end=True)
        self._box(Box("plain", "class probabilities"), left, y, _END)
        return self._legend(network, network.parts, y + _BAR + 12)

    def _heading(self, title: str, below: str) -> float:
        """The title and a line below it; returns where the next thing may begin."""
        y = 25.0
        for line in wrap(title, self.width - 2 * _MARGIN, *SIZES["title"]):
            self.text(_MARGIN, y, line, "title", "start")
            y += 18
        self.text(_MARGIN, y, below, "small", "start", "muted")
        return y + 10

    def _part(self, part: Panel, group: list[Panel], y: float, left: float) -> tuple[float, float, float]:
        """A part in a panel; of blocks that are alike the first in full. Returns the heights at which its input and
        output meet the left edge, and its bottom."""
        at, top, inner, whole = len(self.elements), y, left + 8, merged(group)
        middle = (inner + self.right) / 2
        self.text(left + 9, y + 17, part.title, "head", "start")
        self.text(self.right, y + 17, f"{number(part.parameters)} parameters", "small", "end", "muted")
        y = start = y + 29
        if part.join:
            start = y + _BAR / 2
            self.line((left, start), (inner, start), end=True)
            y = self._box(part.join, inner, y, self.right - inner)
        if group[0] is part:
            y = self._branches(whole.chains, y, inner, None if part.join else left)
            for box in whole.tail:
                y = self._column([box], middle, y, self.right - inner)
                if "add the block's input" in box.label and not part.join:
                    self.line((left + 2, start), (left + 2, y - _BAR / 2), (inner, y - _BAR / 2), end=True)
        else:
            same = Box("plain", f"the same as block {group[0].number}")
            y = self._branches([Chain(0, [same])], y, inner, None if part.join else left)
        end = y + 7
        self.line((middle, y), (middle, end), (left, end))
        self.box(left, top, self.width - _MARGIN - left, end + 7 - top, part.status or "panel", 6, at=at)
        self._mark(left + 2, top + 2, part.status)
        return start, end, end + 7

    def _branches(self, chains: list[Chain], y: float, inner: float, left: float | None) -> float:
        """Columns side by side from `y` down: from what lies there, or from a line that comes from the `left`. Returns
        where they end."""
        wide, several = (self.right - inner + _GAP) / len(chains) - _GAP, len(chains) > 1
        centres = [inner + wide / 2 + n * (wide + _GAP) for n in range(len(chains))]
        looks = ["faint" if chain.status == "removed" else "" for chain in chains]
        if left is not None:
            self.line((left, y), (centres[-1], y))
        bottoms = []
        for chain, centre, look in zip(chains, centres, looks, strict=True):
            if several and not look:
                self.text(centre + 4, y + 9, str(chain.number), "small", "start", "muted")
            bottoms.append(self._column(chain.boxes, centre, y, wide, look))
        y = max(bottoms) + 6 * several
        for centre, bottom, look in zip(centres, bottoms, looks, strict=True):
            self.line((centre, bottom), (centre, y), look=look)
        if several:
            self.line((centres[0], y), (centres[-1], y))
        return y

    def _column(self, boxes: list[Box], centre: float, y: float, wide: float, look: str = "") -> float:
        """Boxes from the top down, with an arrow to each; returns where the last one ends."""
        for box in boxes:
            self.line((centre, y), (centre, y + _DROP), end=True, look=look)
            y = self._box(box, centre - wide / 2, y + _DROP, wide)
        return y

    def _box(self, box: Box, x: float, y: float, wide: float) -> float:
        """A box, as high as its text needs; returns where it ends."""
        fits = width(box.label, *SIZES["label"]) <= wide - 6
        label = [box.label] if fits else re.split(" (?:· )?", box.label, maxsplit=1)
        small = [f"was {box.was}"] * bool(box.was) + [number(box.parameters)] * bool(self.parameters and box.parameters)
        texts = [*((text, "label") for text in label), *((text, "small") for text in small)]
        whole = [(text.replace("stride ", "stride\u00a0"), kind) for text, kind in texts if text]
        lines = [(line, kind) for text, kind in whole for line in wrap(text, wide - 6, *SIZES[kind])]
        high = _BAR + _LINE * (len(lines) - 1)
        tip = f"{box.label}: {shape_text(box.shape)}, {number(box.parameters)} parameters" * bool(box.shape)
        data = {"layers": " ".join(box.layers), "shape": shape_text(box.shape), "parameters": box.parameters}
        self.box(x, y, wide, high, box.status or box.kind, tip=tip, **(data if box.layers else {}))
        self._mark(x + 1, y + 1, box.status)
        for n, (line, kind) in enumerate(lines):
            look = "removed" if box.status == "removed" else "muted" if kind == "small" else ""
            self.text(x + wide / 2, y + 15.2 + _LINE * n, line, kind, look=look)
        return y + high

    def _mark(self, x: float, y: float, status: str) -> None:
        """A plus on the corner of what is added, a minus on what is removed."""
        if status in ("added", "removed"):
            self.box(x - 5.5, y - 5.5, 11, 11, f"mark-{status}", 5.5)
            self.line((x - 3, y), (x + 3, y), look="mark")
        if status == "added":
            self.line((x, y - 3), (x, y + 3), look="mark")

    def _legend(self, network: Diagram, parts: Iterable[Panel], y: float) -> float:
        """Explain the colours that occur, from `y` down; in a comparison its marks and notes."""
        notes = ["The number in a box counts its parameters."] * self.parameters
        if network.reference:
            notes = [*(words.notes(network) if words.differences(network) else [words.SAME]), *notes]
        found = {box.status or box.kind for part in parts for box in part.inside} | {part.status for part in parts}
        for line in wrap(" ".join(notes), self.width - 2 * _MARGIN, *SIZES["small"]) if notes else ():
            self.text(_MARGIN, y + 10.6, line, "small", "start", "muted")
            y += 16
        x, y = _MARGIN, y + (4 if notes else 0)
        for kind, text in (*_STATUS.items(), *LOOKS.items()):
            wide = 19 + width(text, *SIZES["small"])
            if kind in found:
                if x + wide > self.width - _MARGIN:
                    x, y = _MARGIN, y + 19
                self.box(x, y, 13, 13, kind, 3)
                self._mark(x + 1, y + 1, kind)
                self.text(x + 19, y + 10.6, text, "small", "start", "muted")
                x += wide + 14
        return y + 23
