"""From a number in the book back to its runs: the provenance that follows a table or figure, and its records."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bnet.book.pages import Book
from bnet.errors import BnetError, unknown
from bnet.runs import records
from bnet.runs.records import Record

_RUN = re.compile(r"`((?:[a-z0-9]+-)+[0-9a-f]{10})`")
_NAME = re.compile(r"^:name: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Item:
    """A table or figure of an executed page.

    Parameters
    ----------
    name
        Its label, such as ``tab-luck-draws``.
    caption
        Its caption.
    cell
        Number of its cell in the notebook, from 0.
    sources
        The lines of provenance that follow it: those of its own cell, else of the next cell that has some.
    """

    name: str
    caption: str
    cell: int
    sources: tuple[str, ...]

    @property
    def runs(self) -> list[str]:
        """Names of the runs that the provenance lists."""
        return sorted({name for line in self.sources for name in _RUN.findall(line)})


def items(notebook: Path) -> list[Item]:
    """The tables and figures of an executed page, in order.

    Raises
    ------
    BnetError
        If the page was not executed, or its notebook can't be read.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise BnetError(
            f"no executed page at {notebook} ({type(error).__name__}); build it with `bnet pages build`"
        ) from error
    shown = [(number, *_shown(cell)) for number, cell in enumerate(cells)]
    found = []
    for number, named, _ in shown:
        sources = next((lines for later, _, lines in shown if later >= number and lines), ())
        found += [Item(name, caption, number, tuple(sources)) for name, caption in named]
    return found


def trace(book: Book, address: str) -> tuple[Item, list[Record], list[str]]:
    """The item at ``PAGE#item``, its records, and the names of runs that have no record here.

    Raises
    ------
    BnetError
        If the address has no ``#``, or page or item are unknown.
    """
    page, sign, name = address.partition("#")
    if not sign:
        raise BnetError(f"expected PAGE#item, such as luck#tab-luck-draws; got {address!r}")
    there = items(book.notebook_path(book.page(page)))
    item = next((one for one in there if one.name == name), None)
    if item is None:
        raise unknown("item", name, [one.name for one in there])
    folders = {folder.name: folder for folder in records.folders(book.results)}
    kept = [records.read(folders[run]) for run in item.runs if run in folders]
    return item, kept, [run for run in item.runs if run not in folders]


def _shown(cell: dict) -> tuple[list[tuple[str, str]], list[str]]:
    """Of one cell: (name, caption) of its tables and figures, and its lines of provenance."""
    named, lines = [], []
    for output in cell.get("outputs", []):
        text = "".join(output.get("data", {}).get("text/markdown", ""))
        if text.startswith("::::{table}") and (match := _NAME.search(text)):
            named.append((match[1], text.splitlines()[0].removeprefix("::::{table} ")))
        figure = cell.get("metadata", {}).get("mystnb", {}).get("figure")
        if figure and "image/" in " ".join(output.get("data", {})):
            named.append((figure["name"], figure["caption"]))
        if "bnet-provenance" in text:
            lines += [line[2:] for line in text.splitlines() if line.startswith("- ")]
    return named, lines
