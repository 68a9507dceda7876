"""The pages that papermill executes: a table, and how a row of it becomes a notebook.

A page's source is a py:percent file below ``book/``. Before jupytext reads it, ``{{ word }}`` is replaced in the source
*text*, so that one template serves many pages with titles, labels and figure names of their own. The words are ``page``
(the page's name), ``slug`` (the same with hyphens for slashes), the row's parameters and the row's `words`.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnet.errors import BnetError, unknown
from bnet.paths import project_dir, results_dir, sha256

if TYPE_CHECKING:
    from nbformat import NotebookNode

_WORD = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PLAIN = (str, int, float, bool, type(None), list, tuple, dict)
_IPYTHON = {"In", "Out"}
_HEADER = "---\njupyter:\n  kernelspec:\n    display_name: Python 3\n    language: python\n    name: python3\n---"


@dataclass(frozen=True)
class Page:
    """One executed page.

    Parameters
    ----------
    name
        Name in ``_toc.yml``, with hyphens, without a suffix: ``corpora/tunes``.
    source
        The py:percent file, relative to ``book/``.
    parameters
        Parameters that differ from the defaults in the source's ``parameters`` cell.
    records
        Corpora whose records the page reads, ``{name}`` standing for a parameter; ``*`` for all. When one of them
        changes, the page is stale.
    words
        Further words for the source's ``{{ placeholders }}``.
    """

    name: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name without slashes, for file names and labels."""
        return self.name.replace("/", "-")


PAGES: tuple[Page, ...] = (
    Page("index", "index.py", records=("*",)),
    Page("networks", "networks.py"),
    Page("features", "features.py"),
    Page("corpora/tunes", "corpora/corpus.py", {"corpus": "tunes"}, ("{corpus}",)),
    Page("corpora/tunes-free", "corpora/corpus.py", {"corpus": "tunes-free"}, ("{corpus}", "tunes")),
)


@dataclass(frozen=True)
class Book:
    """A book on disk: its checkout, the records it shows, and its pages.

    Parameters
    ----------
    root
        Folder that holds ``_toc.yml`` and ``book/``; pages are executed there.
    results
        Folder of run records, one folder a corpus.
    profile
        Value of the parameter ``profile`` for the pages that have one; None for the source's own.
    pages
        The executed pages.
    package
        Folder of the code that pages call; a change in it makes every page stale.
    """

    root: Path
    results: Path
    profile: str | None = None
    pages: tuple[Page, ...] = PAGES
    package: Path = Path(__file__).resolve().parent

    @property
    def folder(self) -> Path:
        """Where the pages are: sources, executed notebooks and prose."""
        return self.root / "book"

    @property
    def logs(self) -> Path:
        """Where tracebacks and standard error of executed pages go."""
        return self.folder / "_build" / "logs"

    def page(self, name: str) -> Page:
        """The page called `name`; `BnetError` that lists the pages if there is none."""
        for page in self.pages:
            if page.name == name:
                return page
        raise unknown("page", name, [page.name for page in self.pages])

    def notebook_path(self, page: Page) -> Path:
        """Where the executed notebook of `page` is."""
        return self.folder / f"{page.name}.ipynb"


def this_book() -> Book:
    """The book of this checkout, with ``$BNET_RESULTS`` and ``$BNET_PROFILE``.

    Raises
    ------
    BnetError
        If the working directory is not within a checkout (an installed package alone has no book).
    """
    root = project_dir()
    if root is None:
        raise BnetError(
            f"no book here: {Path.cwd()} is not in a checkout of bnet; expected a folder with _toc.yml and book/; "
            "go to your clone of the repository and run the command there"
        )
    return Book(root.resolve(), results_dir().resolve(), os.environ.get("BNET_PROFILE") or None)


def fill(text: str, words: Mapping[str, Any], where: str) -> str:
    """Replace every ``{{ word }}`` in `text`; `BnetError` for a word that the page does not have."""

    def word(match: re.Match) -> str:
        if match[1] not in words:
            raise unknown(f"placeholder in {where}:", match[1], words)
        return str(words[match[1]])

    return _WORD.sub(word, text)


def source_text(book: Book, page: Page) -> str:
    """The page's source with its placeholders filled."""
    path = book.folder / page.source
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BnetError(
            f"cannot read the source of page {page.name!r}, {path} ({error.strerror}); "
            "restore it, or mend the row in bnet/pages.py"
        ) from error
    return fill(text, {"page": page.name, "slug": page.slug, **page.parameters, **page.words}, f"book/{page.source}")


def notebook(book: Book, page: Page, **parameters: Any) -> NotebookNode:
    """The page as a notebook, not executed, ready for papermill.

    The defaults of its ``parameters`` cell are the resolved parameters. After that cell stands one that refuses unknown
    parameters (`start_page`), and the last cell tells how the page was made. Cell ids depend on page and position only.

    Raises
    ------
    BnetError
        If the source is missing, has no ``python3`` kernelspec, an unknown placeholder, or a parameters cell that holds
        anything but ``name = value``; or if a parameter is unknown.
    """
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell

    node = jupytext.reads(source_text(book, page), fmt="py:percent")
    if node.metadata.get("kernelspec", {}).get("name") != "python3":
        raise BnetError(
            f"book/{page.source} names no kernel 'python3', so papermill could not run it; start it with this header, "
            f"each line after '# ':\n{_HEADER}"
        )
    where = f"the parameters cell of book/{page.source}"
    at = next((i for i, cell in enumerate(node.cells) if "parameters" in cell.metadata.get("tags", [])), None)
    if at is None:
        at = 1 if node.cells and node.cells[0].cell_type == "markdown" else 0
        node.cells.insert(at, new_code_cell("# This page has no parameters.", metadata={"tags": ["parameters"]}))
    cell = node.cells[at]
    resolved = resolve(book, page, assignments(cell.source, where), parameters)
    cell.source = _assign(cell.source, resolved, where)
    _tag(cell, "remove-cell")
    node.cells.insert(at + 1, new_code_cell(_start(page, resolved), metadata={"tags": ["remove-cell"]}))
    node.cells.append(new_markdown_cell(_made(page, resolved)))
    number_cells(node, page)
    node.metadata["bnet"] = {"page": page.name, "parameters": resolved}
    return node


def number_cells(node: NotebookNode, page: Page) -> None:
    """Give each cell an id that depends on page and position only (jupytext and papermill draw random ones)."""
    for index, cell in enumerate(node.cells):
        cell["id"] = f"{index:03d}-{sha256(f'{page.name}:{index}')[:8]}"


def assignments(source: str, where: str) -> dict[str, Any]:
    """The names and values of a cell of ``name = literal`` lines; `BnetError` if it holds anything else."""
    try:
        return {name: ast.literal_eval(statement.value) for name, statement in _statements(source)}
    except (SyntaxError, ValueError) as error:
        raise BnetError(f"{where}: expected only lines of the form name = value ({error})") from error


def resolve(
    book: Book, page: Page, defaults: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The page's parameters: the source's defaults, the row's, the book's profile, then `parameters`, later ones winning.

    Raises
    ------
    BnetError
        For a parameter that the source does not declare.
    """
    given = {**page.parameters, **(parameters or {})}
    for name in given:
        if name not in defaults:
            raise unknown(f"parameter of page {page.name!r}:", name, defaults)
    profile = {"profile": book.profile} if book.profile and "profile" in defaults else {}
    return {**defaults, **page.parameters, **profile, **(parameters or {})}


def start_page(
    namespace: Mapping[str, Any], *, page: str, known: list[str], named_for: Mapping[str, Any] | None = None
) -> None:
    """Open a page: refuse parameters that it does not declare, and tell `bnet.myst` where it is.

    `notebook` puts the call after the ``parameters`` cell and after whatever papermill injects there. At that point the
    only plain values in `namespace` are parameters, so any other name was given by a user who mistyped it.

    Parameters
    ----------
    namespace
        The page's ``globals()``.
    page
        Its name.
    known
        The parameters that it declares.
    named_for
        Values that stand in its title and labels; if the parameters differ from them, it says so.
    """
    from bnet import myst

    for name, value in namespace.items():
        if isinstance(value, _PLAIN) and not name.startswith("_") and name not in {*_IPYTHON, *known}:
            raise unknown(f"parameter of page {page!r}:", name, known)
    myst.set_page(page)
    for name, value in (named_for or {}).items():
        if namespace.get(name) != value:
            print(
                f"Note: titles and labels here are those of {name} {value!r}; the results are of {namespace[name]!r}.",
                file=sys.stdout,
            )


def _statements(source: str) -> list[tuple[str, ast.Assign]]:
    found = []
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise ValueError(f"line {statement.lineno}: {ast.unparse(statement)}")
        target = statement.targets[0]
        if not isinstance(target, ast.Name):
            raise ValueError(f"line {statement.lineno}: {ast.unparse(statement)}")
        found.append((target.id, statement))
    return found


def _assign(source: str, values: Mapping[str, Any], where: str) -> str:
    """`source` with the values that differ replaced; comments stay."""
    defaults = assignments(source, where)
    lines = source.splitlines()
    for name, statement in reversed(_statements(source)):
        if values[name] != defaults[name]:
            first, last = statement.value, lines[statement.end_lineno - 1]
            tail = last.encode()[first.end_col_offset :].decode()
            lines[statement.lineno - 1 : statement.end_lineno] = [f"{name} = {values[name]!r}{tail}"]
    return "\n".join(lines)


def _tag(cell: NotebookNode, tag: str) -> None:
    tags = cell.metadata.setdefault("tags", [])
    if tag not in tags:
        tags.append(tag)


def _start(page: Page, resolved: Mapping[str, Any]) -> str:
    named = f", named_for={dict(page.parameters)!r}" if page.parameters else ""
    call = f"start_page(globals(), page={page.name!r}, known={sorted(resolved)!r}{named})"
    return f"# Refuse a parameter that this page does not have.\nfrom bnet.pages import start_page\n\n{call}"


def _made(page: Page, resolved: Mapping[str, Any]) -> str:
    options = "".join(f" -p {name} {value}" for name, value in resolved.items())
    return f"""\
::::{{dropdown}} How this page was made
:class-container: bnet-made

Its source is {{download}}`{page.source} </{page.source}>`, executed by papermill; no number here was typed in. Commit,
machine and date stand in {{doc}}`/status`. The download button at the top gives the notebook with all outputs.
To run it again, or with other parameters:

```bash
bnet pages convert {page.name} -o {page.slug}.ipynb
papermill {page.slug}.ipynb {page.slug}-again.ipynb{options}
```
::::"""
