"""A figure as SVG text: boxes, texts and lines; text is text, colours follow the reader's light or dark theme."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from bnet.paths import sha256

FONTS = 'Arial, "Liberation Sans", Helvetica, Roboto, sans-serif'
"""Families of nearly the same widths, those of Helvetica."""
SIZES = {"label": (12.2, "normal"), "small": (11.6, "normal"), "head": (13, "bold"), "title": (15, "bold")}
"""Class of a text -> size and weight, in units of about one pixel of a phone."""
SCALE = 1.25
"""Pixels of a unit where there is room; a narrower page shrinks the figure."""

_COLOURS = {
    "ground": ("#ffffff", "#14181d"), "ink": ("#1b1f24", "#eceff3"), "muted": ("#545c66", "#b7c1cb"),
    "line": ("#57606a", "#9aa5b1"), "panel": ("#f6f8fa #c9d1d9", "#1b2127 #3b444e"),
    "plain": ("#ffffff #7b858f", "#14181d #7d8894"), "convolution": ("#cfe4f7 #0072b2", "#17415f #58b4ef"),
    "normalisation": ("#eceff2 #7b858f", "#2b323a #7d8894"), "pooling": ("#fce6c3 #b87400", "#553c11 #e0a13c"),
    "joining": ("#cdeee2 #00805c", "#10483a #35c296"), "dense": ("#f3dcea #a8558a", "#4f2a42 #d98fbd"),
    "attention": ("#fbf4b5 #8d7f00", "#4a4410 #d8c93c"), "recurrence": ("#fbdac9 #c05000", "#5a2c12 #f08a4b"),
    "other": ("#ffffff #7b858f", "#14181d #7d8894"), "same": ("#f3f5f7 #a3adb8", "#20262d #56606b"),
    "added": ("#bfe0fb #0062a3", "#0b3d63 #62bdff"), "changed": ("#ffdfae #b35c00", "#573705 #ffb454"),
    "removed": ("#ffffff #8b949e", "#14181d #7d8894"),
}  # fmt: skip
THEMES = tuple({name: pair[theme] for name, pair in _COLOURS.items()} for theme in (0, 1))
"""Light and dark: name of a colour, or kind of a box -> its colour, or its fill and edge."""
BANDS = ("#8a949e", "#2f7fc1", "#d9772f", "#1f9e77", "#c0679a", "#c79a1e", "#5aa9d6")
"""Colours of connections, one per source; they stand out from both grounds."""

_CHARACTERS = {
    222: "'ijl", 278: " !,./:;I[]ft·\u00a0\u202f", 333: "()-r", 500: "Jckvsxyz", 584: "+<=>×", 611: "FTZ",
    667: "&ABEKPSVXY", 722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W",
}  # fmt: skip
_WIDTHS = {character: wide for wide, characters in _CHARACTERS.items() for character in characters}
"""Character -> its width in Helvetica, in thousandths of the font's size; 556 for all others."""


def width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text in units of the figure."""
    bold = 1.12 if weight == "bold" else 1
    return bold * size * sum(_WIDTHS.get(character, 556) for character in text) / 1000


def wrap(text: str, room: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text at spaces, and words that are too wide at their hyphens, into lines no wider than `room`; what can't
    be broken keeps a line of its own."""
    lines: list[str] = []
    words = [word.replace("-", "-\0 ") if width(word, size, weight) > room else word for word in text.split(" ")]
    for word in " ".join(words).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line.replace("\0 ", "").rstrip("\0") for line in lines]


@dataclass
class Canvas:
    """A figure being drawn, from the top down: the elements so far, as SVG text."""

    width: float
    elements: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, wide: float, high: float, kind: str, radius: float = 4, tip: str = "",
        at: int | None = None, **data,
    ) -> None:  # fmt: skip
        """Add a rectangle (behind all from element `at`); `kind` gives its look, `data` its ``data-`` attributes."""
        more = "".join(f" data-{key}={quoteattr(str(value))}" for key, value in data.items())
        size = f'x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(high)}" rx="{_n(radius)}"'
        element = f'<rect class="{kind}" {size}{more}>{f"<title>{escape(tip)}</title>" * bool(tip)}</rect>'
        self.elements.insert(len(self.elements) if at is None else at, element)

    def text(self, x: float, y: float, text: str, kind: str = "label", anchor: str = "middle", look: str = "") -> None:
        """Add a line of text; `x`, `y` is its anchor (start, middle or end) on the base line."""
        looks = f"{kind} {look}".strip()
        place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"'
        self.elements.append(f'<text class="{looks}" {place}>{escape(text)}</text>')

    def line(self, *points: tuple[float, float], end: bool = False, look: str = "") -> None:
        """Add a line through points; with `end` it has an arrow's head there."""
        way = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self.elements.append(f'<path class="{f"{look} arrow".strip() if end else look}" d="{way}"/>')

    def dot(self, x: float, y: float) -> None:
        """Add a point at which lines join."""
        self.elements.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.4"/>')


def render(canvas: Canvas, height: float, title: str, description: str) -> str:
    """The canvas, `height` high, as SVG text: an ``<svg>`` element with no declaration.

    `title` and `description` are what a screen reader says. Equal figures are equal bytes; ids hold the hash of the
    content. Where the page says ``data-theme`` (or, for a file of its own, the reader's system does), it is dark.
    """
    content, wide, high = "".join(canvas.elements), canvas.width, height
    name = "bnet-" + sha256(f"{title}\n{description}\n{content}\n{_css('x')}")[:10]
    size = f'viewBox="0 0 {_n(wide)} {_n(high)}" width="{_n(wide * SCALE)}" height="{_n(high * SCALE)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" {size} style="max-width:100%;height:auto">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
        f"<style>{escape(_css(f'#{name}'))}</style>"
        f'<marker id="{name}-head" markerUnits="userSpaceOnUse" markerWidth="6" markerHeight="6.4" refX="6" refY="3.2" '
        'orient="auto"><path d="M0 0L6 3.2L0 6.4Z"/></marker>'
        f'<rect class="ground" width="{_n(wide)}" height="{_n(high)}" rx="8"/>{content}</svg>\n'
    )


def _css(scope: str) -> str:
    """The rules of one figure, none of which reaches beyond it."""
    light, dark = (
        "".join(f"--{key}:{look.split()[0]};--{key}-edge:{look.split()[-1]};" for key, look in theme.items())
        for theme in THEMES
    )
    rules = [
        "text{fill:var(--ink)}",
        "path{fill:none;stroke:var(--line);stroke-width:1.2;stroke-linejoin:round}",
        f"path.arrow{{marker-end:url({scope}-head)}}",
        "marker path{fill:var(--line);stroke:none}",
        "circle{fill:var(--ground);stroke:var(--line);stroke-width:1.2}",
        "path.faint{stroke-dasharray:3 3}",
        *(
            f"rect.{kind}{{fill:var(--{kind});stroke:var(--{kind}-edge)}}"
            for kind, pair in THEMES[0].items()
            if " " in pair
        ),
        ".ground{fill:var(--ground);stroke:none}",
        "rect.added,rect.changed{stroke-width:2}",
        "rect.removed{stroke-dasharray:4 3}",
        *(f".band-{i}{{fill:{colour}}}" for i, colour in enumerate(BANDS)),
        ".band-same,.mark-removed{fill:var(--removed-edge)}",
        ".band-added,.mark-added{fill:var(--added-edge)}",
        "path.mark{stroke:var(--ground);stroke-width:1.6}",
        "text.muted,text.removed{fill:var(--muted)}",
        "text.removed{text-decoration:line-through}",
        *(f".{kind}{{font-size:{size}px;font-weight:{weight}}}" for kind, (size, weight) in SIZES.items()),
    ]
    scoped = "".join(f"{scope} {rule.replace(',', f',{scope} ')}" for rule in rules)
    media = f"@media (prefers-color-scheme:dark){{svg{scope}:root{{{dark}}}}}html[data-theme=dark] {scope}{{{dark}}}"
    return f"{scope}{{{light}font-family:{FONTS}}}{media}{scoped}"


def _n(value: float) -> str:
    """A number in at most one decimal, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
