"""The process that executes notebooks: it imports the common libraries once and forks a process for each notebook.

papermill does the work, with an engine that runs cells in an IPython shell of the forked process: no kernel to start,
no ports, and nothing of one page is left in the next. `bnet.book.execution` starts it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import multiprocessing
import os
import re
import sys
import time
from multiprocessing import connection
from pathlib import Path
from typing import Any

import nbformat
import papermill
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from bnet.paths import write_text

PRELOADED = (
    "pandas", "matplotlib.pyplot", "seaborn", "scipy.signal", "scipy.stats", "sklearn.metrics", "sklearn.svm",
    "sklearn.pipeline", "statsmodels.stats.proportion", "soundfile", "librosa.core", "librosa.feature",
    "librosa.display",
)  # fmt: skip
"""What many pages import, and nothing of `bnet`: the modules of ours that a page imports are among what it reads."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ARROW = re.compile(r"^-+> \d+ +(.*?) *$", re.MULTILINE)


class ShellEngine(Engine):
    """Runs the cells of a notebook in this very process, up to the first that fails."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
        shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        shell.display_pub = CapturingDisplayPublisher()
        shown, failed = shell.display_pub.outputs, []
        shell.display_trap.hook = CapturingDisplayHook(shell, shown)
        shell._showtraceback = lambda kind, error, lines: failed.append(
            new_output("error", ename=kind.__name__, evalue=str(error), traceback=lines)
        )
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            if cell.cell_type == "code" and cell.source.strip():
                cell.execution_count = shell.execution_count
                with contextlib.redirect_stdout(io.StringIO()) as printed:  # standard error goes to the log
                    shell.run_cell(cell.source, store_history=True)
                text = printed.getvalue()
                cell.outputs = [new_output("stream", name="stdout", text=text)] if text else []
                cell.outputs += [new_output("display_data", o["data"], metadata=o["metadata"] or {}) for o in shown]
                cell.outputs += failed
                shown.clear()
                if failed:
                    nb_man.cell_exception(cell, index)
                    return
            nb_man.cell_complete(cell, index)


def _execute(path: Path, log: Path) -> None:
    """Execute the notebook at `path` in place, with what it read in its metadata; or write what failed beside it.

    What the process prints, a traceback too, goes to the file `log`.
    """
    stream, opened, started = open(log, "wb"), set(), time.time()  # noqa: SIM115
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)

    def hook(event: str, args: tuple) -> None:
        """Keep the paths which the process opens to read, or lists."""
        if event == "open" and isinstance(args[0], str) and not (args[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            opened.add(os.path.abspath(args[0]))
        elif event in ("os.listdir", "os.scandir") and not isinstance(args[0], int):
            opened.add(os.path.abspath(os.fsdecode(args[0] or ".")))

    sys.addaudithook(hook)
    papermill_engines.register("shell", ShellEngine)
    node = nbformat.read(path, as_version=4)
    try:
        done = papermill.execute_notebook(node, None, engine_name="shell", progress_bar=False)
    except PapermillExecutionError as error:
        traceback = _COLOUR.sub("", "\n".join(error.traceback))
        print(f"cell {error.cell_index}\n\n{error.source}\n\n{traceback}", flush=True)
        at = f" at '{line[1]}'" if (line := _ARROW.search(traceback)) else ""
        what = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
        path.with_suffix(".failed").write_text(f"failed in cell {error.cell_index}{at}: {what}", encoding="utf-8")
        sys.exit(1)
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    done.metadata.bnet.update(
        reads=sorted(opened.union(filter(None, files))), started=started, seconds=round(time.time() - started, 1)
    )
    write_text(path, nbformat.writes(done))


def main(folder: Path, logs: Path, jobs: int) -> None:
    """Execute the notebooks in `folder`, `jobs` at a time, and say of each when it is done."""
    for name in PRELOADED:
        importlib.import_module(name)
    context = multiprocessing.get_context("fork")
    todo, running = sorted(folder.glob("*.ipynb")), {}
    while todo or running:
        while todo and len(running) < jobs:
            path = todo.pop(0)
            process = context.Process(target=_execute, args=(path, logs / f"{path.stem}.log"))
            process.start()
            running[process.sentinel] = path, process, time.time()
        for sentinel in connection.wait(list(running)):
            path, process, began = running.pop(sentinel)
            process.join()
            how = "failed" if process.exitcode else f"executed in {time.time() - began:.1f} s"
            print(f"page {path.stem}: {how}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
