"""From page sources to a book: execute what is stale, build strictly, check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bnet.book import execution, freshness, gate
from bnet.book.pages import Book
from bnet.errors import BnetError
from bnet.paths import disk_errors, write_text

EXECUTED = "BNET_PAGES_EXECUTED"
"""Of the environment: set where the pages were looked at just before, so that `bnet.book.sphinx_extension` need not."""
JUPYTER_BOOK = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"


def update(book: Book, names: Iterable[str] | None = None, *, force: bool = False) -> list[str]:
    """Execute the pages that are missing or stale, one a core but at most four at the same time, and write the status
    page.

    Parameters
    ----------
    names
        Pages to look at; all by default.
    force
        Execute them even if they are up to date.

    Returns
    -------
    list of str
        The executed pages.

    Raises
    ------
    BnetError
        If pages failed, after the others were executed: one line each, with where the whole traceback is.
    """
    chosen = [book.page(name) for name in names] if names else book.pages
    todo = [page for page in chosen if force or freshness.stale(book, page)]
    failures = execution.run(book, todo, min(4, os.cpu_count() or 1))
    freshness.write_status(book)
    if failures:
        raise BnetError("\n".join(failures))
    return [page.name for page in todo]


def build(book: Book) -> Path:
    """Execute stale pages, build the book with every warning an error, check all of it, and put it in place.

    Returns
    -------
    pathlib.Path
        ``book/_build/html/index.html``; an earlier book there stays if this one fails anywhere.

    Raises
    ------
    BnetError
        If a page fails, Sphinx warns, or the gate finds something; the message lists all of it.
    """
    update(book)
    target = book.folder / "_build" / "html"
    target.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"the book in {target}"), tempfile.TemporaryDirectory(dir=target.parent, prefix=".strict-") as new:
        html = _jupyter_book(book, Path(new))
        if findings := gate.check_html(html, book.root):
            raise BnetError("\n- ".join([f"the gate refused the built book, {len(findings)} findings:", *findings]))
        shutil.rmtree(target, ignore_errors=True)
        html.rename(target)
    return target / "index.html"


def _jupyter_book(book: Book, output: Path) -> Path:
    """Run Jupyter Book strictly into the folder `output`; the folder of its pages."""
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(book.folder), "--path-output", str(output)]
    settled = {"BNET_RESULTS": str(book.results), "BNET_PROFILE": book.profile or "", EXECUTED: "1"}
    done = subprocess.run(
        [*command, "-W", "-n", "--keep-going", "--all"],
        cwd=book.root,
        env={**os.environ, **settled},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log = book.logs / "jupyter-book.log"
    write_text(log, done.stdout)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "WARNING" in line or "ERROR" in line or "rror:" in line]
        said = "\n".join(lines or done.stdout.splitlines()[-15:])
        raise BnetError(f"jupyter-book refused the book (all of its output: {log}):\n{said}")
    return output / "_build" / "html"
