"""How a row of the table of pages becomes a notebook.

A page's source is a py:percent file below ``book/``. Before jupytext reads it, ``{{ word }}`` is replaced in the source
*text*, so that one template serves many pages with titles, labels and figure names of their own. The words are ``page``
(the page's name), ``slug`` (the same with hyphens for slashes), the row's parameters and the row's `words`.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bnet.book.pages import Book, Page
from bnet.book.parameters import typed
from bnet.errors import BnetError, unknown
from bnet.paths import sha256

if TYPE_CHECKING:
    from nbformat import NotebookNode

_WORD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def source_text(book: Book, page: Page) -> str:
    """The page's source with its placeholders filled; a `BnetError` for one that the page does not have."""
    path = book.folder / page.source
    words = {"page": page.name, "slug": page.slug, **page.parameters, **page.words}

    def word(match: re.Match) -> str:
        if match[1] not in words:
            raise unknown(f"placeholder in book/{page.source}:", match[1], words)
        return str(words[match[1]])

    try:
        return _WORD.sub(word, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BnetError(
            f"cannot read the source of page {page.name!r}, {path} ({error.strerror}); "
            "restore it, or mend the row in bnet/book/pages.py"
        ) from error


def notebook(book: Book, page: Page, **parameters: Any) -> NotebookNode:
    """The page as a notebook, not executed, ready for papermill.

    The defaults of its ``parameters`` cell are the resolved parameters. After that cell stands one that refuses unknown
    parameters (`start_page`), and the last cell tells how the page was made. Cell ids depend on page and position only.

    Raises
    ------
    BnetError
        If the source is missing, has an unknown placeholder, or a parameters cell that holds anything but ``name =
        value``; or if a parameter is unknown.
    """
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell

    node = jupytext.reads(source_text(book, page), fmt="py:percent")
    node.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    at = next((i for i, cell in enumerate(node.cells) if "parameters" in cell.metadata.get("tags", [])), None)
    if at is None:
        at = 1 if node.cells and node.cells[0].cell_type == "markdown" else 0
        node.cells.insert(at, new_code_cell("# This page has no parameters.", metadata={"tags": ["parameters"]}))
    cell = node.cells[at]
    declared = _declared(cell.source, f"the parameters cell of book/{page.source}")
    resolved = resolve(book, page, {name: default for name, (default, _) in declared.items()}, parameters)
    cell.source = "\n".join(f"{name} = {resolved[name]!r}{comment}" for name, (_, comment) in declared.items())
    cell.metadata["tags"] = sorted({*cell.metadata["tags"], "remove-cell"})
    node.cells.insert(at + 1, new_code_cell(_start(page, resolved), metadata={"tags": ["remove-cell"]}))
    node.cells.append(new_markdown_cell(_made(page, resolved)))
    number_cells(node, page)
    node.metadata["bnet"] = {"page": page.name, "parameters": resolved}
    return node


def number_cells(node: NotebookNode, page: Page) -> None:
    """Give each cell an id that depends on page and position only (jupytext and papermill draw random ones)."""
    for index, cell in enumerate(node.cells):
        cell["id"] = f"{index:03d}-{sha256(f'{page.name}:{index}')[:8]}"


def _declared(source: str, where: str) -> dict[str, tuple[Any, str]]:
    """Name -> default and comment of each line ``name = literal``; `BnetError` if the cell holds anything else."""
    from papermill.translators import PythonTranslator

    found = PythonTranslator.inspect({"source": source})
    try:
        if len(found) != len(ast.parse(source).body):
            raise ValueError("a line is no assignment")
        return {one.name: (ast.literal_eval(one.default), f"  # {one.help}" * bool(one.help)) for one in found}
    except (SyntaxError, ValueError) as error:
        raise BnetError(f"{where}: expected only lines of the form name = value ({error})") from error


def resolve(
    book: Book, page: Page, defaults: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The page's parameters: the source's defaults, the row's, the book's profile, `parameters`; later ones win.

    Raises
    ------
    BnetError
        For a parameter that the source does not declare, or a value of another type than its default there.
    """
    given = {**page.parameters, **(parameters or {})}
    for name in given:
        if name not in defaults:
            raise unknown(f"parameter of page {page.name!r}:", name, defaults)
    profile = {"profile": book.profile} if book.profile and "profile" in defaults else {}
    values = {**defaults, **page.parameters, **profile, **(parameters or {})}
    return {name: typed(page.name, name, value, defaults[name]) for name, value in values.items()}


def _start(page: Page, resolved: Mapping[str, Any]) -> str:
    named = f", named_for={dict(page.parameters)!r}" if page.parameters else ""
    call = f"start_page(globals(), page={page.name!r}, known={dict(sorted(resolved.items()))!r}{named})"
    return f"# Refuse a parameter that this page does not have.\nfrom bnet.book.parameters import start_page\n\n{call}"


def _made(page: Page, resolved: Mapping[str, Any]) -> str:
    options = "".join(f" -p {name} {shlex.quote(str(value))}" for name, value in resolved.items())
    return f"""\
::::{{dropdown}} Source of this page
:class-container: bnet-made

{{download}}`{page.source} </{page.source}>`, executed by papermill; {{doc}}`/status` has commit, machine and date, and
the download button at the top the notebook with all outputs. To run it again, or with other parameters:

```bash
bnet pages convert {page.name} -o {page.slug}.ipynb
papermill {page.slug}.ipynb {page.slug}-again.ipynb{options}
```
::::"""
