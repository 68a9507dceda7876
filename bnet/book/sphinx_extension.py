"""What Sphinx does here beyond Jupyter Book: pages executed first, formulas without a network."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

import bnet
from bnet.book.build import EXECUTED, update
from bnet.book.pages import this_book
from bnet.errors import BnetError


def setup(app: Sphinx) -> dict[str, Any]:
    """Execute missing or stale pages before Sphinx looks for sources, so that plain ``jupyter-book build book`` works.

    Raises
    ------
    SystemExit
        With status 2, after the message of a `BnetError`; of any other exception Jupyter Book makes three tracebacks.
    """
    try:
        if EXECUTED not in os.environ:
            update(replace(this_book(), root=Path(app.srcdir).resolve().parent))
    except BnetError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
    app.add_node(nodes.citation, override=True, html=(_open_citation, _close_citation))
    app.connect("doctree-resolved", _name_cells)
    return {"version": bnet.__version__, "parallel_read_safe": True, "parallel_write_safe": True}


def _name_cells(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put its column's name into each cell of a table that phones show as cards; elsewhere the style hides it."""
    for table in doctree.findall(lambda node: isinstance(node, nodes.table) and "bnet-cards" in node["classes"]):
        heads = [entry.astext() for entry in next(table.findall(nodes.thead)).findall(nodes.entry)]
        for row in next(table.findall(nodes.tbody)).findall(nodes.row):
            for head, entry in zip(heads, row.children, strict=True):
                if entry.astext().strip():
                    entry.insert(0, nodes.inline("", head, classes=["bnet-head"]))


def _open_citation(translator: Any, node: Any) -> None:
    """A list of list items: docutils gives the items a role that a list may not hold and that is deprecated."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        translator.body.append('<div role="list" class="citation-list">\n')
    translator.body.append(translator.starttag(node, "div", classes=["citation"], role="listitem"))


def _close_citation(translator: Any, node: Any) -> None:
    translator.body.append("</div>\n")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        translator.body.append("</div>\n")


def _math(translator: Any, node: Any) -> None:
    """A formula as MathML; no page numbers any."""
    translator.body.append(convert(node.astext(), display="block" if isinstance(node, nodes.math_block) else "inline"))
    raise nodes.SkipNode
