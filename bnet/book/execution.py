"""Execute pages with papermill: each whole, or not at all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bnet
from bnet import backend, paths
from bnet.book import freshness
from bnet.book.myst import FIGURE
from bnet.book.notebooks import notebook, number_cells
from bnet.book.pages import Book, Page
from bnet.errors import BnetError
from bnet.paths import write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ARROW = re.compile(r"^-+> \d+ +(.*?) *$", re.MULTILINE)
_STATIC = re.compile(r"_static/[\w./-]+")


def run(book: Book, pages: Iterable[Page], jobs: int = 1) -> Iterator[tuple[Page, float | BnetError]]:
    """Execute pages, `jobs` at a time, and move each notebook into ``book/``; yields them as they are done, with the
    seconds that each took or what went wrong; an older notebook then stays.

    The pages run in the book's root, see ``BNET_RESULTS`` and show no progress bars. What their cells write to standard
    error goes to a log, not onto the page; the status page counts its lines.
    """
    import nbformat

    left = {page.slug: page for page in pages}
    if not left:
        return
    with tempfile.TemporaryDirectory(prefix="bnet-pages-") as name:
        folder = Path(name)
        for page in left.values():
            nbformat.write(notebook(book, page), folder / f"{page.slug}.ipynb")
        where = {"bnet": bnet.__version__, "commit": _commit(book.root), "machine": _machine()}
        command = [sys.executable, "-m", "bnet.book.runner", str(folder), str(jobs)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(
            command, cwd=book.root, env=_environment(book, folder), start_new_session=True, **pipes
        ) as runner:
            try:
                for line in runner.stdout:
                    slug, status = line.split()
                    page = left.pop(slug)
                    yield page, _result(book, page, folder / slug, int(status), where)
            except BaseException:
                os.killpg(runner.pid, signal.SIGTERM)
                raise
        for page in left.values():
            told = f"page {page.name!r} was not executed: the process that does it ended with {runner.returncode}"
            yield page, BnetError(f"{told}; nothing was replaced")


def _environment(book: Book, folder: Path) -> dict[str, str]:
    package = Path(bnet.__file__).resolve().parents[1]
    return {
        **os.environ,
        "BNET_RESULTS": str(book.results),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLBACKEND": "agg",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")])),
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:IProgress not found"])),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TQDM_DISABLE": "1",
    }


def _result(book: Book, page: Page, path: Path, status: int, where: Mapping[str, Any]) -> float | BnetError:
    """Move what was executed at `path` (without a suffix) into the book; its seconds, or what went wrong."""
    import nbformat

    log, failed = book.logs / f"{page.slug}.log", book.logs / f"{page.slug}.failed.log"
    printed = path.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    if path.with_suffix(".failed").exists():
        error = json.loads(path.with_suffix(".failed").read_text(encoding="utf-8"))
        traceback = _COLOUR.sub("", "\n".join(error["traceback"]))
        write_text(failed, f"page {page.name}, cell {error['cell_index']}\n\n{error['source']}\n\n{traceback}\n")
        line = _ARROW.search(traceback)
        at = f" at '{line[1]}'" if line else ""
        what = f"{error['ename']}: {error['evalue']}".strip().splitlines()[0]
        return BnetError(
            f"page {page.name!r} failed in cell {error['cell_index']}{at}: {what} (book/{page.source}; the whole "
            f"traceback: {failed}); nothing was replaced"
        )
    if status:
        write_text(failed, f"page {page.name}: its process died\n\n{printed}\n")
        return BnetError(
            f"page {page.name!r}: its process died, perhaps for want of memory (what it printed: {failed}); "
            "nothing was replaced"
        )
    node = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    ran = node.metadata.bnet
    stderr = _clean(node, page)
    write_text(log, "".join([*stderr, printed]))
    inputs = freshness.inputs(book, page, ran.parameters, freshness.below(book, ran.reads), ran.started)
    node.metadata["bnet"] = {
        "page": page.name,
        "parameters": ran.parameters,
        "inputs": inputs,
        "key": freshness.key(inputs),
        "files": _files(node),
        **where,
        "started": datetime.fromtimestamp(ran.started, UTC).isoformat(timespec="seconds").removesuffix("+00:00"),
        "seconds": ran.seconds,
        "stderr_lines": sum(text.count("\n") for text in stderr),
    }
    write_text(book.notebook_path(page), nbformat.writes(node) + "\n")
    failed.unlink(missing_ok=True)
    return ran.seconds


def _clean(node: NotebookNode, page: Page) -> list[str]:
    """Make the executed notebook repeatable and fit for the book; what its cells wrote to standard error."""
    said = []
    for cell in node.cells:
        run = cell.metadata.pop("papermill", {})
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.metadata["papermill"] = {name: run.get(name) for name in ("exception", "status")}
            said += [output.text for output in cell.outputs if output.get("name") == "stderr"]
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            tags = cell.metadata.setdefault("tags", [])
            if not cell.outputs and "remove-cell" not in tags:  # its code is in the notebook to download
                tags.append("remove-cell")
    node.cells = [part for cell in _told(node.cells) for part in _one_figure_each(cell)]
    node.metadata["papermill"] = {name: node.metadata["papermill"].get(name) for name in ("exception", "version")}
    number_cells(node, page)
    return said


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
    metadata, number = {"tags": ["remove-input"], "papermill": cell.metadata["papermill"]}, cell.execution_count
    cells = [cell]
    for _ in outputs[1:]:
        further = new_code_cell("# Shown by the cell above.", metadata=metadata, execution_count=number)
        cells.append(further)
    for part, output in zip(cells, outputs, strict=True):
        part.outputs = [output]
        if FIGURE in output.get("metadata", {}):
            part.metadata["mystnb"] = output.metadata.pop(FIGURE)
    return cells


def _files(node: NotebookNode) -> list[str]:
    """Files below ``book/`` that the page's HTML outputs show, such as sound."""
    html = [
        str(output.get("data", {}).get("text/html", "")) for cell in node.cells for output in cell.get("outputs", [])
    ]
    return sorted({name for text in html for name in _STATIC.findall(text)})


def _commit(root: Path) -> str | None:
    """The commit that is checked out, with a + where code or sources differ from it; None where there is no git."""
    commit, changed = paths.commit(root, "bnet", "book")
    return commit and commit[:8] + "+" * changed


def _machine() -> str:
    machine = backend.machine()
    return f"{machine['processor']}, {machine['cores']} cores"
