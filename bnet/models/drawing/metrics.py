"""How wide a text is, so that boxes fit their texts and no two texts meet."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import matplotlib

FONTS = 'Arial, "Liberation Sans", Helvetica, Roboto, sans-serif'
"""Families of nearly the same widths; the metrics are Helvetica's, which Matplotlib brings along."""

_FILES = {"normal": "phvr8a.afm", "bold": "phvb8a.afm"}
_NAMES = {"×": "multiply", "·": "periodcentered", "−": "minus", "–": "endash", "\u00a0": "space", "\u202f": "space"}
_OTHER = 600
_LINE = re.compile(r"^C (-?\d+) ; WX (\d+) ; N (\w+)", re.MULTILINE)


@functools.cache
def _widths(weight: str) -> dict[str, int]:
    """Character -> width in thousandths of the font's size."""
    text = (Path(matplotlib.get_data_path()) / "fonts" / "afm" / _FILES[weight]).read_text(encoding="latin-1")
    found = [(int(code), int(width), name) for code, width, name in _LINE.findall(text)]
    named = {name: width for _, width, name in found}
    plain = {chr(code): width for code, width, _ in found if 32 <= code < 127}
    return {**plain, **{character: named[name] for character, name in _NAMES.items()}}


def width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line in units of the picture."""
    widths = _widths(weight)
    return size * sum(widths.get(character, _OTHER) for character in text) / 1000


def wrap(text: str, room: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text at spaces into lines no wider than `room`; a word that is too wide keeps a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
