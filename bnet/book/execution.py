"""Execute one page with papermill: whole, or not at all."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import bnet
from bnet import backend
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


def execute(book: Book, page: Page, parameters: Mapping[str, Any] | None = None) -> Path:
    """Execute `page` and move its notebook into ``book/``.

    The kernel runs in the book's root, sees ``BNET_RESULTS``, shows no progress bars and keeps no history. What its
    cells write to standard error goes to a log, not onto the page; the status page counts its lines.

    Raises
    ------
    BnetError
        For an unknown parameter; for a failing cell, with page, cell and exception. An older notebook then stays.
    """
    node = notebook(book, page, **(parameters or {}))
    resolved = node.metadata["bnet"]["parameters"]
    before = freshness.inputs(book, page, resolved)
    started, clock = datetime.now(UTC), time.monotonic()
    log, failed = book.logs / f"{page.slug}.log", book.logs / f"{page.slug}.failed.log"
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        done = _papermill(book, page, node, resolved, stderr, failed)
        said = _clean(done, page)
        stderr.seek(0)
        write_text(log, "".join([*said, stderr.read()]))
    made = {
        "page": page.name,
        "parameters": resolved,
        "inputs": before,
        "key": freshness.key(before),
        "files": _files(done),
        "bnet": bnet.__version__,
        "commit": _commit(book.root),
        "machine": _machine(),
        "started": started.isoformat(timespec="seconds").removesuffix("+00:00"),
        "seconds": round(time.monotonic() - clock, 1),
        "stderr_lines": sum(text.count("\n") for text in said),
    }
    done.metadata["bnet"] = made
    _write(book.notebook_path(page), done)
    failed.unlink(missing_ok=True)
    return book.notebook_path(page)


def _papermill(
    book: Book, page: Page, node: NotebookNode, parameters: dict[str, Any], stderr: IO[str], failed: Path
) -> NotebookNode:
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    with tempfile.TemporaryDirectory(prefix="bnet-ipython-") as ipython:
        try:
            for attempt in (1, 2, 3):
                try:
                    return papermill.execute_notebook(
                        node,
                        None,
                        parameters=parameters,
                        progress_bar=False,
                        start_timeout=300,
                        kernel_manager_class=_kernel(book, ipython, stderr),
                        record_timing=False,
                    )
                except RuntimeError as error:  # two kernels that start at once may draw the same port
                    if "before replying" not in str(error) or attempt == 3:
                        raise
        except PapermillExecutionError as error:
            traceback = _COLOUR.sub("", "\n".join(error.traceback))
            write_text(failed, f"page {page.name}, cell {error.cell_index}\n\n{error.source}\n\n{traceback}\n")
            line = _ARROW.search(traceback)
            at = f" at '{line[1]}'" if line else ""
            what = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
            raise BnetError(
                f"page {page.name!r} failed in cell {error.cell_index}{at}: {what} (book/{page.source}; the whole "
                f"traceback: {failed}); nothing was replaced"
            ) from error
        except NoSuchKernel as error:
            raise BnetError(f"page {page.name!r}: {error}; install it with: pip install ipykernel") from error
        except DeadKernelError as error:
            stderr.seek(0)
            write_text(failed, f"page {page.name}: the kernel died\n\n{stderr.read()}\n")
            raise BnetError(
                f"page {page.name!r}: its kernel died, perhaps for want of memory (what it said: {failed}); "
                "nothing was replaced"
            ) from error


def _kernel(book: Book, ipython: str, stderr: IO[str]) -> type:
    """A kernel manager whose kernels start in the book's root with the book's environment, and keep quiet."""
    from jupyter_client import AsyncKernelManager

    environment = {
        **os.environ,
        "BNET_RESULTS": str(book.results),
        "IPYTHONDIR": ipython,
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:IProgress not found"])),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TQDM_DISABLE": "1",
    }

    class PageKernel(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> Any:
            return await super().start_kernel(
                **{**options, "cwd": str(book.root), "env": environment, "stderr": stderr}
            )

    return PageKernel


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
            if (
                not cell.outputs and "remove-cell" not in tags
            ):  # nothing to see: the code is in the notebook to download
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
        if (
            cells[start].source.startswith("##")
            and section
            and not any(cell.cell_type == "markdown" or cell.outputs for cell in section)
        ):
            idle.add(start)
    return [cell for i, cell in enumerate(cells) if i not in idle]


def _one_figure_each(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, split so that each figure is the only output of one: myst-nb keeps caption and label by cell."""
    from nbformat.v4 import new_code_cell

    groups: list[list[NotebookNode]] = []
    for output in cell.get("outputs", []):
        alone = FIGURE in output.get("metadata", {})
        if alone or not groups or FIGURE in groups[-1][0].get("metadata", {}):
            groups.append([])
        groups[-1].append(output)
    cells = [cell]
    for group in groups[1:]:
        metadata = {"tags": ["remove-input"], "papermill": dict(cell.metadata["papermill"])}
        cells.append(
            new_code_cell("# Shown by the cell above.", metadata=metadata, execution_count=cell.execution_count)
        )
        cells[-1].outputs = group
    if groups:
        cell.outputs = groups[0]
    for part in cells:
        for output in part.get("outputs", []):
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
    try:
        commit = _git(root, "rev-parse", "--short=8", "HEAD")
        return commit + ("+" if _git(root, "status", "--porcelain", "--", "bnet", "book") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _machine() -> str:
    machine = backend.machine()
    return f"{machine['processor']}, {machine['cores']} cores"


def _write(path: Path, node: NotebookNode) -> None:
    import nbformat

    write_text(path, nbformat.writes(node) + "\n")
