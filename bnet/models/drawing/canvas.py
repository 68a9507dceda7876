"""What a picture is made of: boxes, texts and lines, in units of about one pixel of a phone."""

from __future__ import annotations

from dataclasses import dataclass, field

from bnet.models.drawing import metrics

SIZES = {"label": (12.2, "normal"), "small": (11.6, "normal"), "head": (13, "bold"), "title": (15, "bold")}
"""Class of a text -> size and weight. Nothing is smaller than 11 pixels where 360 units fill a phone of 390 pixels."""

_UP, _DOWN = 0.76, 0.24


@dataclass(frozen=True)
class Box:
    """A rectangle; `kind` gives its look, `layers` the Keras layers for which it stands."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    radius: float = 4
    layers: tuple[str, ...] = ()
    tip: str = ""


@dataclass(frozen=True)
class Text:
    """A line of text; `x`, `y` is its anchor (start, middle or end) on the base line."""

    x: float
    y: float
    text: str
    kind: str = "label"
    anchor: str = "middle"
    look: str = ""

    @property
    def width(self) -> float:
        """An upper bound of its width."""
        return metrics.width(self.text, *SIZES[self.kind])

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        left = self.x - {"start": 0, "middle": 0.5, "end": 1}[self.anchor] * self.width
        size = SIZES[self.kind][0]
        return left, self.y - _UP * size, left + self.width, self.y + _DOWN * size


@dataclass(frozen=True)
class Line:
    """A line through points; `end` is '', 'arrow' or 'dot'."""

    points: tuple[tuple[float, float], ...]
    end: str = ""
    look: str = ""


@dataclass
class Canvas:
    """A picture being drawn, from the top down: the shapes so far."""

    width: float
    shapes: list[Box | Text | Line] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, kind: str, **more) -> None:
        """Add a `Box`."""
        self.shapes.append(Box(x, y, width, height, kind, **more))

    def text(self, x: float, y: float, text: str, kind: str = "label", anchor: str = "middle", look: str = "") -> None:
        """Add a `Text`."""
        self.shapes.append(Text(x, y, text, kind, anchor, look))

    def line(self, *points: tuple[float, float], end: str = "", look: str = "") -> None:
        """Add a `Line`."""
        self.shapes.append(Line(points, end, look))

    @property
    def texts(self) -> list[Text]:
        """All its texts."""
        return [shape for shape in self.shapes if isinstance(shape, Text)]

    @property
    def boxes(self) -> list[Box]:
        """All its boxes."""
        return [shape for shape in self.shapes if isinstance(shape, Box)]
