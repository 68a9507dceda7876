"""A canvas as an SVG: text is text, colours follow the reader's light or dark, equal pictures are equal bytes."""

from __future__ import annotations

from xml.etree import ElementTree

from bnet.models.drawing.canvas import SIZES, Box, Canvas, Line, Text
from bnet.models.drawing.metrics import FONTS
from bnet.paths import sha256

SCALE = 1.25
"""Pixels of a unit where there is room; a narrower page shrinks the picture."""

_LIGHT = {
    "ground": "#ffffff", "ink": "#1b1f24", "muted": "#545c66", "line": "#57606a", "lane": "#0b5c8a",
    "panel": "#f6f8fa", "edge": "#c9d1d9",
    "convolution": "#cfe4f7 #0072b2", "normalisation": "#eceff2 #7b858f", "pooling": "#fce6c3 #b87400",
    "joining": "#cdeee2 #00805c", "dense": "#f3dcea #a8558a", "attention": "#fbf4b5 #8d7f00",
    "recurrence": "#fbdac9 #c05000", "other": "#ffffff #7b858f", "plain": "#ffffff #7b858f",
    "same": "#f3f5f7 #a3adb8", "added": "#bfe0fb #0062a3", "changed": "#ffdfae #b35c00", "removed": "#ffffff #8b949e",
}  # fmt: skip
_DARK = {
    "ground": "#14181d", "ink": "#eceff3", "muted": "#b7c1cb", "line": "#9aa5b1", "lane": "#7cc4ee",
    "panel": "#1b2127", "edge": "#3b444e",
    "convolution": "#17415f #58b4ef", "normalisation": "#2b323a #7d8894", "pooling": "#553c11 #e0a13c",
    "joining": "#10483a #35c296", "dense": "#4f2a42 #d98fbd", "attention": "#4a4410 #d8c93c",
    "recurrence": "#5a2c12 #f08a4b", "other": "#14181d #7d8894", "plain": "#14181d #7d8894",
    "same": "#20262d #56606b", "added": "#0b3d63 #62bdff", "changed": "#573705 #ffb454", "removed": "#14181d #7d8894",
}  # fmt: skip


def render(canvas: Canvas, height: float, title: str, description: str) -> str:
    """The canvas as SVG text.

    Parameters
    ----------
    canvas, height
        What to draw, and how high it is.
    title, description
        What a screen reader says: the picture's name, and what is to be seen.

    Returns
    -------
    str
        An ``<svg>`` element with no declaration, to be written to a file or set in a page. Its ids hold the hash of its
        content. Where the page says ``data-theme`` (or, for a file of its own, the reader's system does), it is dark.
    """
    body = [_element(shape) for shape in canvas.shapes]
    content = "".join(ElementTree.tostring(element, encoding="unicode") for element in body)
    name = "bnet-" + sha256(f"{title}\n{description}\n{content}\n{_css('x')}")[:10]
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "id": name,
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
            "viewBox": f"0 0 {_n(canvas.width)} {_n(height)}",
            "width": _n(canvas.width * SCALE),
            "height": _n(height * SCALE),
            "style": "max-width:100%;height:auto",
        },
    )
    ElementTree.SubElement(root, "title", {"id": f"{name}-title"}).text = title
    ElementTree.SubElement(root, "desc", {"id": f"{name}-desc"}).text = description
    ElementTree.SubElement(root, "style").text = _css(f"#{name}")
    ElementTree.SubElement(
        root, "rect", {"class": "ground", "width": _n(canvas.width), "height": _n(height), "rx": "8"}
    )
    root.extend(body)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _css(scope: str) -> str:
    """The rules of one picture, none of which reaches beyond it."""
    dark = _variables(_DARK)
    kinds = [kind for kind, colours in _LIGHT.items() if " " in colours]
    rules = [
        f"{scope}{{{_variables(_LIGHT)}font-family:{FONTS}}}",
        f"@media (prefers-color-scheme:dark){{svg{scope}:root{{{dark}}}}}",
        f"html[data-theme=dark] {scope}{{{dark}}}",
        f"{scope} text{{fill:var(--ink)}}",
        f"{scope} path{{fill:none;stroke:var(--line);stroke-width:1.2;stroke-linejoin:round}}",
        f"{scope} path.head{{fill:var(--line);stroke:none}}",
        f"{scope} .lane{{stroke:var(--lane);stroke-width:1.5}}",
        f"{scope} path.head.lane,{scope} circle.lane{{fill:var(--lane);stroke:none}}",
        f"{scope} path.thin{{stroke-width:.9}}",
        f"{scope} .faint{{stroke-dasharray:3 3}}",
        f"{scope} rect{{stroke-width:1}}",
        *(f"{scope} rect.{kind}{{fill:var(--{kind});stroke:var(--{kind}-edge)}}" for kind in kinds),
        f"{scope} .ground{{fill:var(--ground)}}",
        f"{scope} .panel{{fill:var(--panel);stroke:var(--edge)}}",
        f"{scope} rect.added,{scope} rect.changed{{stroke-width:2}}",
        f"{scope} rect.removed{{stroke-dasharray:4 3}}",
        f"{scope} rect.mini{{stroke-width:1}}",
        f"{scope} rect.removed.mini{{stroke-dasharray:2.2 1.4}}",
        f"{scope} .added-mark{{fill:var(--added-edge);stroke:none}}",
        f"{scope} .removed-mark{{fill:var(--removed-edge);stroke:none}}",
        f"{scope} path.mark{{stroke:var(--ground);stroke-width:1.6}}",
        f"{scope} text.muted,{scope} text.removed{{fill:var(--muted)}}",
        f"{scope} text.removed{{text-decoration:line-through}}",
    ]
    texts = [f"{scope} .{kind}{{font-size:{size}px;font-weight:{weight}}}" for kind, (size, weight) in SIZES.items()]
    return "".join(rules + texts)


def _variables(theme: dict[str, str]) -> str:
    pairs = []
    for name, colours in theme.items():
        fill, _, edge = colours.partition(" ")
        pairs += [f"--{name}:{fill};"] + ([f"--{name}-edge:{edge};"] if edge else [])
    return "".join(pairs)


def _element(shape: Box | Text | Line) -> ElementTree.Element:
    return {Box: _box, Text: _text, Line: _line}[type(shape)](shape)


def _box(box: Box) -> ElementTree.Element:
    attributes = {
        "class": box.kind, "x": _n(box.x), "y": _n(box.y), "width": _n(box.width), "height": _n(box.height),
        "rx": _n(box.radius),
    }  # fmt: skip
    if box.layers:
        attributes["data-layers"] = " ".join(box.layers)
    element = ElementTree.Element("rect", attributes)
    if box.tip:
        ElementTree.SubElement(element, "title").text = box.tip
    return element


def _text(text: Text) -> ElementTree.Element:
    attributes = {"class": f"{text.kind} {text.look}".strip(), "x": _n(text.x), "y": _n(text.y)}
    if text.anchor != "start":
        attributes["text-anchor"] = text.anchor
    element = ElementTree.Element("text", attributes)
    element.text = text.text
    return element


def _line(line: Line) -> ElementTree.Element:
    group = ElementTree.Element("g")
    look = {"class": line.look} if line.look else {}
    if line.end == "dot":
        (x, y) = line.points[-1]
        return ElementTree.Element("circle", {**look, "cx": _n(x), "cy": _n(y), "r": "2.8"})
    way = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in line.points)
    path = ElementTree.Element("path", {**look, "d": way})
    if not line.end:
        return path
    group.append(path)
    head = {"class": f"head {line.look}".strip(), "d": _head(*line.points[-2:])}
    ElementTree.SubElement(group, "path", head)
    return group


def _head(before: tuple[float, float], tip: tuple[float, float]) -> str:
    """A filled triangle at the end of a horizontal or vertical line."""
    (x0, y0), (x, y) = before, tip
    length = max(abs(x - x0), abs(y - y0)) or 1.0
    dx, dy = (x - x0) / length, (y - y0) / length
    back = [(x - 6 * dx + 3.2 * side * dy, y - 6 * dy + 3.2 * side * dx) for side in (1, -1)]
    return "M" + "L".join(f"{_n(a)} {_n(b)}" for a, b in [(x, y), *back]) + "Z"


def _n(value: float) -> str:
    """A number in at most one decimal, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
