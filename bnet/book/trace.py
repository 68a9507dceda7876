"""From a number in the book back to its runs: the provenance that follows a table or figure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bnet.book import freshness
from bnet.book.pages import Book
from bnet.errors import BnetError, unknown

_RUN = re.compile(r"`((?:[a-z0-9]+-)+[0-9a-f]{10})`")
_TABLE = re.compile(r"::::\{table\} (.*)\n:name: (\S+)")


@dataclass(frozen=True)
class Item:
    """A table or figure of an executed page.

    Parameters
    ----------
    name, caption
        Its label, such as ``tab-luck-draws``, and its caption.
    cell
        Number of its cell in the notebook, from 0.
    sources
        The lines of provenance that follow it: those of its own cell, else of the next cell that has some.
    """

    name: str
    caption: str
    cell: int
    sources: list[str] = field(default_factory=list)

    @property
    def runs(self) -> list[str]:
        """Names of the runs that the provenance lists."""
        return sorted({name for line in self.sources for name in _RUN.findall(line)})


def items(book: Book, page: str) -> list[Item]:
    """The tables and figures of the executed page called `page`, in order.

    Raises
    ------
    BnetError
        If there is no such page, or it was not executed.
    """
    cells = freshness.read(book, book.page(page)).get("cells")
    if cells is None:
        raise BnetError(f"page {page!r} is not executed; build it with `bnet pages build`")
    found, waiting = [], []
    for number, cell in enumerate(cells):
        if figure := cell["metadata"].get("mystnb", {}).get("figure"):
            waiting.append(Item(figure["name"], figure["caption"], number))
        texts = ["".join(output.get("data", {}).get("text/markdown", "")) for output in cell.get("outputs", [])]
        waiting += [Item(match[2], match[1], number) for match in map(_TABLE.match, texts) if match]
        lines = [line for text in texts if "bnet-provenance" in text for line in text.splitlines()]
        lines = [line[2:] for line in lines if line.startswith("- ")]
        if lines:
            for item in waiting:
                item.sources.extend(lines)
            found, waiting = found + waiting, []
    return found + waiting


def item(book: Book, address: str) -> Item:
    """The item at ``PAGE#item``; a `BnetError` if page or item are unknown."""
    page, _, name = address.partition("#")
    there = {one.name: one for one in items(book, page)}
    if name not in there:
        raise unknown("item", name, there)
    return there[name]
