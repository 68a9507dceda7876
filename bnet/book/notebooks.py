"""How a row of the table of pages becomes a notebook.

A page's source is a py:percent file below ``book/``. Before jupytext reads it, ``{{ word }}`` is replaced in the source
*text*, so that one template serves many pages with titles, labels and figure names of their own. The words are ``page``
(the page's name), ``slug`` (the same with hyphens for slashes), ``title`` and the row's parameters.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bnet.book.pages import Book, Page
from bnet.errors import BnetError, unknown
from bnet.paths import sha256

if TYPE_CHECKING:
    from nbformat import NotebookNode

_WORD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def notebook(book: Book, page: Page) -> NotebookNode:
    """The page as a notebook, not executed, ready for papermill.

    The defaults of its ``parameters`` cell are those of the source, of the row, and the book's profile; later ones win.
    After that cell stands one that refuses unknown parameters (`start_page`), and the last cell tells how the page was
    made. Cell ids depend on page and position only.

    Raises
    ------
    BnetError
        If the source is missing, has an unknown placeholder, or a parameters cell that holds anything but ``name =
        value``; or if the row has a parameter that the source does not declare.
    """
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell

    node = jupytext.reads(_source_text(book, page), fmt="py:percent")
    node.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    if not any("parameters" in cell.metadata.get("tags", []) for cell in node.cells):
        node.cells.insert(1, new_code_cell("# This page has no parameters.", metadata={"tags": ["parameters"]}))
    at, cell = next(row for row in enumerate(node.cells) if "parameters" in row[1].metadata.get("tags", []))
    declared = _declared(cell.source, f"the parameters cell of book/{page.source}")
    for name in page.parameters:
        if name not in declared:
            raise unknown(f"parameter of page {page.name!r}:", name, declared)
    values = {name: page.parameters.get(name, default) for name, (default, _) in declared.items()}
    if book.profile and "profile" in values:
        values["profile"] = book.profile
    cell.source = "\n".join(f"{name} = {values[name]!r}{comment}" for name, (_, comment) in declared.items())
    cell.metadata["tags"] = sorted({*cell.metadata["tags"], "remove-cell"})
    call = f"start_page(globals(), page={page.name!r}, known={values!r})"
    start = f"from bnet.book.parameters import start_page\n\n{call}"
    node.cells.insert(at + 1, new_code_cell(start, metadata={"tags": ["remove-cell"]}))
    node.cells.append(new_markdown_cell(_made(page, values)))
    number_cells(node, page)
    node.metadata["bnet"] = {"page": page.name, "parameters": values}
    return node


def number_cells(node: NotebookNode, page: Page) -> None:
    """Give each cell an id that depends on page and position only (jupytext and papermill draw random ones)."""
    for index, cell in enumerate(node.cells):
        cell["id"] = f"{index:03d}-{sha256(f'{page.name}:{index}')[:8]}"


def _source_text(book: Book, page: Page) -> str:
    """The page's source with its placeholders filled; a `BnetError` for one that the page does not have."""
    path = book.folder / page.source
    words = {"page": page.name, "slug": page.slug, "title": page.title, **page.parameters}

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BnetError(
            f"cannot read the source of page {page.name!r}, {path} ({error.strerror}); "
            "restore it, or mend the row in bnet/book/pages.py"
        ) from error
    for word in _WORD.findall(text):
        if word not in words:
            raise unknown(f"placeholder in book/{page.source}:", word, words)
    return _WORD.sub(lambda match: str(words[match[1]]), text)


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


def _made(page: Page, values: Mapping[str, Any]) -> str:
    options = "".join(f" -p {name} {shlex.quote(str(value))}" for name, value in values.items())
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
