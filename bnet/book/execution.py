"""Execute pages with papermill: each whole, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnet import backend, paths
from bnet.book import freshness
from bnet.book.myst import FIGURE
from bnet.book.notebooks import notebook, number_cells
from bnet.book.pages import Book, Page
from bnet.book.reference import PACKAGE
from bnet.paths import write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode


def run(book: Book, pages: Sequence[Page], jobs: int = 1) -> list[str]:
    """Execute pages, `jobs` at a time, and move each notebook into ``book/``; what went wrong, a line for each page
    that failed, whose older notebook stays. Interrupted, it keeps the pages that are done.

    The pages run in the book's root, see ``BNET_RESULTS`` and show no progress bars. What their cells write to standard
    error goes to a log, not onto the page.
    """
    import nbformat

    if not pages:
        return []
    book.logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bnet-pages-") as name:
        folder = Path(name)
        for page in pages:
            nbformat.write(notebook(book, page), folder / f"{page.slug}.ipynb")
        commit, changed = paths.commit(book.root, "bnet", "book")
        machine = backend.machine()
        where = {
            "commit": commit and commit[:8] + "+" * changed,
            "machine": f"{machine['processor']}, {machine['cores']} cores",
        }
        command = [sys.executable, "-m", "bnet.book.runner", str(folder), str(book.logs), str(jobs)]
        try:
            subprocess.run(
                command, cwd=book.root, env=_environment(book, folder), stdin=subprocess.DEVNULL, check=False
            )
        finally:
            said = [_result(book, page, folder / page.slug, where) for page in pages]
        return list(filter(None, said))


def _environment(book: Book, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "BNET_RESULTS": str(book.results),
        "IPYTHONDIR": str(folder / "ipython"),
        "KERAS_BACKEND": "tensorflow",
        "MPLBACKEND": "agg",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")])),
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:IProgress not found"])),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TQDM_DISABLE": "1",
    }


def _result(book: Book, page: Page, path: Path, where: Mapping[str, Any]) -> str:
    """Move what was executed at `path` (without a suffix) into the book; '', or what went wrong."""
    import nbformat

    node = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    ran, failed = node.metadata.bnet, path.with_suffix(".failed")
    if "reads" not in ran:
        what = failed.read_text(encoding="utf-8") if failed.exists() else "died, perhaps for want of memory"
        log = book.logs / f"{page.slug}.log"
        return f"page {page.name!r} {what} (book/{page.source}; all that it printed: {log}); nothing was replaced"
    started = datetime.fromtimestamp(ran.started, UTC).isoformat(" ", timespec="minutes").removesuffix("+00:00")
    node.metadata["bnet"] = {
        "page": page.name,
        "parameters": ran.parameters,
        "inputs": freshness.inputs(book, page, freshness.below(book, ran.reads), ran.started),
        **where,
        "started": started,
        "seconds": ran.seconds,
    }
    _clean(node)
    number_cells(node, page)
    write_text(book.notebook_path(page), nbformat.writes(node) + "\n")
    return ""


def _clean(node: NotebookNode) -> None:
    """Make the executed notebook repeatable and fit for the book."""
    node.metadata.pop("papermill", None)
    for cell in node.cells:
        cell.metadata.pop("papermill", None)
        tags = cell.metadata.setdefault("tags", [])
        if cell.cell_type == "code" and not cell.outputs and "remove-cell" not in tags:
            tags.append("remove-cell")  # its code is in the notebook to download
    node.cells = [part for cell in _told(node.cells) for part in _one_figure_each(cell)]


def _told(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells without the headings of sections (from the second level) that hold code only, which shows nothing."""
    starts = [i for i, cell in enumerate(cells) if cell.cell_type == "markdown" and cell.source.startswith(("#", ":"))]
    idle = set()
    for start, end in zip(starts, [*starts[1:], len(cells)], strict=True):
        section = cells[start + 1 : end]
        told = any(cell.cell_type == "markdown" or cell.outputs for cell in section)
        if cells[start].source.startswith("##") and section and not told:
            idle.add(start)
    return [cell for i, cell in enumerate(cells) if i not in idle]


def _one_figure_each(cell: NotebookNode) -> list[NotebookNode]:
    """The cell; if it shows a figure, one cell for each output, for myst-nb keeps caption and label by cell."""
    from nbformat.v4 import new_code_cell

    outputs = cell.get("outputs", [])
    if not any(FIGURE in output.get("metadata", {}) for output in outputs):
        return [cell]
    number, look = cell.execution_count, {"tags": ["remove-input"]}
    rest = [new_code_cell("# Shown by the cell above.", metadata=look, execution_count=number) for _ in outputs[1:]]
    for part, output in zip([cell, *rest], outputs, strict=True):
        part.outputs = [output]
        if FIGURE in output.get("metadata", {}):
            part.metadata["mystnb"] = output.metadata.pop(FIGURE)
    return [cell, *rest]
