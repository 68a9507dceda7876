"""The process that executes notebooks: it imports the common libraries once and forks a process for each notebook.

papermill does the work, with an engine that runs cells in an IPython shell of the forked process: no kernel to start,
no ports, and nothing of one page is left in the next. `bnet.book.execution` starts it and reads what it prints.
"""

from __future__ import annotations

import importlib
import io
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path
from typing import Any

import nbformat
import papermill
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets import Type
from traitlets.config import Config

from bnet.paths import write_text

PRELOADED = (
    "pandas", "matplotlib.pyplot", "seaborn", "scipy.stats", "sklearn.metrics", "sklearn.svm", "sklearn.pipeline",
    "statsmodels.stats.proportion", "soundfile", "librosa.core", "librosa.feature", "librosa.display",
)  # fmt: skip
"""What many pages import, and nothing of `bnet`: the modules of ours that a page imports are among what it reads."""

FAILED = 3
"""Exit status of a process whose notebook has a failing cell; any other but 0: it died."""


class _Publisher(DisplayPublisher):
    def publish(self, data: dict, metadata: dict | None = None, **_: Any) -> None:
        self.shell.outputs.append(new_output("display_data", data, metadata=metadata or {}))


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None: ...

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        number = self.shell.execution_count
        self.shell.outputs.append(
            new_output("execute_result", format_dict, metadata=md_dict or {}, execution_count=number)
        )

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Shell(InteractiveShell):
    """An IPython shell that keeps what a cell shows, in order, as outputs of a notebook."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    outputs: list

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.outputs.append(new_output("error", ename=etype.__name__, evalue=str(evalue), traceback=stb))

    def run(self, source: str) -> tuple[list, bool]:
        """Run one cell: its outputs, and whether it came to its end."""
        self.outputs = []
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (_Stream(self, name) for name in ("stdout", "stderr"))
        try:
            done = self.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = before
        return self.outputs, done.success


class _Stream(io.TextIOBase):
    """Standard output or error of a cell."""

    def __init__(self, shell: _Shell, name: str) -> None:
        self.shell, self.name = shell, name

    def write(self, text: str) -> int:
        last = self.shell.outputs[-1] if self.shell.outputs else {}
        if last.get("name") == self.name:
            last["text"] += text
        elif text:
            self.shell.outputs.append(new_output("stream", name=self.name, text=text))
        return len(text)


class ShellEngine(Engine):
    """Runs the cells of a notebook in this very process, up to the first that fails."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
        shell = _Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            if cell.cell_type == "code" and cell.source.strip():
                cell.execution_count = shell.execution_count
                cell.outputs, done = shell.run(cell.source)
                if not done:
                    nb_man.cell_exception(cell, index)
                    return
            nb_man.cell_complete(cell, index)


class _Opened:
    """An audit hook that keeps the paths which the process opens to read or lists, in order."""

    def __init__(self) -> None:
        self.paths: dict[str, None] = {}

    def __call__(self, event: str, args: tuple) -> None:
        if event == "open" and isinstance(args[0], str) and not (args[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            self.paths[os.path.abspath(args[0])] = None
        elif event in ("os.listdir", "os.scandir") and not isinstance(args[0], int):
            self.paths[os.path.abspath(os.fsdecode(args[0] or "."))] = None


def _modules() -> Iterator[str]:
    for module in list(sys.modules.values()):
        if path := getattr(module, "__file__", None):
            yield path


def _execute(path: Path) -> None:
    """Execute the notebook at `path` in place; what it reads goes beside it, and so does what made it fail."""
    log, opened, started = open(path.with_suffix(".log"), "wb"), _Opened(), time.time()  # noqa: SIM115
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.addaudithook(opened)
    papermill_engines.register("shell", ShellEngine)
    node = nbformat.read(path, as_version=4)
    try:
        done = papermill.execute_notebook(
            node, None, parameters=node.metadata.bnet.parameters, engine_name="shell", progress_bar=False
        )
    except PapermillExecutionError as error:
        told = {name: getattr(error, name) for name in ("cell_index", "source", "ename", "evalue", "traceback")}
        write_text(path.with_suffix(".failed"), json.dumps(told))
        sys.exit(FAILED)
    used = os.times()
    done.metadata.bnet.update(
        reads=[*opened.paths, *_modules()],
        started=started,
        seconds=round(time.time() - started, 1),
        processor_seconds=round(used.user + used.system + used.children_user + used.children_system, 1),
    )
    nbformat.write(done, path)


def main(folder: Path, jobs: int) -> None:
    """Execute the notebooks in `folder`, `jobs` at a time, in the order of their names; print the name and exit status
    of each when it is done."""
    for name in PRELOADED:
        importlib.import_module(name)
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    todo, running = sorted(folder.glob("*.ipynb")), {}
    while todo or running:
        while todo and len(running) < jobs:
            path = todo.pop(0)
            process = context.Process(target=_execute, args=(path,))
            process.start()
            running[process.sentinel] = path, process
        for sentinel in connection.wait(list(running)):
            path, process = running.pop(sentinel)
            process.join()
            print(path.stem, process.exitcode, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
