"""When a page is stale, and the overview of all pages that follows from it."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bnet.book.notebooks import notebook
from bnet.book.pages import Book, Page
from bnet.book.reference import PACKAGE
from bnet.errors import BnetError
from bnet.paths import sha256, sha256_file, write_text


def inputs(book: Book, page: Page, reads: Iterable[str], started: float = math.inf) -> dict[str, str]:
    """What decides a page, name -> hash: ``source`` (its notebook before execution, parameters included), and what it
    read, by the names of `below`; so the same records in another folder are the same.

    What changed after `started` (in seconds since the epoch) has no hash: the page may have seen it before or after,
    and is stale.
    """
    import nbformat

    source = sha256(nbformat.writes(notebook(book, page)))
    return {"source": source, **{name: _hash(book, name, started) for name in sorted(reads)}}


def below(book: Book, paths: Iterable[str]) -> set[str]:
    """Of the `paths` that an execution opened or listed, those that decide what it shows, by the names of `inputs`:
    records, code and what else lies in the checkout, but nothing hidden, and nothing of the folder ``book``, to which
    executions write (but the page's source, which `inputs` has anyway)."""
    found, roots = set(), _roots(book)
    for path in map(Path, paths):
        name, root = next((row for row in roots.items() if path.is_relative_to(row[1])), ("", None))
        if root is not None:
            parts = [name, *path.relative_to(root).parts]
            if not any(part.startswith(".") or part == "__pycache__" for part in parts):
                found.add("/".join(filter(None, parts)))
    return {name for name in found if name and not name.startswith("book/")}  # '': imports list the checkout itself


def _roots(book: Book) -> dict[str, Path]:
    """First part of a name -> its folder; the checkout, whose names have none, comes last."""
    return {"results": book.results, "bnet": PACKAGE, "": book.root}


def _hash(book: Book, name: str, started: float) -> str:
    """A short hash of a file's content or of the names in a folder; '' for none, '?' if it changed meanwhile."""
    first, _, rest = name.partition("/")
    folder = _roots(book).get(first)
    path = folder / rest if folder else book.root / name
    try:
        status = path.stat()
        return "?" if status.st_mtime >= started else _hash_of(path, status.st_mtime_ns, status.st_size)
    except (OSError, BnetError):
        return ""


@functools.cache
def _hash_of(path: Path, changed: int, size: int) -> str:
    """As `_hash`; what has the same time and size is read once."""
    if path.is_file():
        return sha256_file(path)[:16]
    return sha256("\n".join(sorted(name for name in os.listdir(path) if name[0] != "." and name != "__pycache__")))[:16]


def read(book: Book, page: Page) -> dict[str, Any]:
    """The page's executed notebook; {} if there is none that can be read, which executing it again cures."""
    try:
        return json.loads(book.notebook_path(page).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def stale(book: Book, page: Page, node: dict[str, Any] | None = None) -> str:
    """Why the page has to be executed again; '' if it is up to date. `node` is its notebook, where it was `read`."""
    node = read(book, page) if node is None else node
    if not node:
        return "damaged" if book.notebook_path(page).exists() else "missing"
    then = node.get("metadata", {}).get("bnet", {}).get("inputs", {})
    if not then:
        return "not executed by this version of bnet"
    now = inputs(book, page, then.keys() - {"source"})
    changed = [name for name, hash in now.items() if then.get(name) != hash]
    return f"{changed[0]}{f' and {len(changed) - 1} more' * (len(changed) > 1)} changed" if changed else ""


def overview(book: Book) -> list[dict[str, Any]]:
    """One row per page: source, state (``ok``, ``stale``, ``missing``), why, and how it was made."""
    rows = []
    for page in book.pages:
        node = read(book, page)
        reason, made = stale(book, page, node), node.get("metadata", {}).get("bnet", {})
        rows.append(
            {
                "page": page.name,
                "source": f"book/{page.source}",
                "state": "ok" if not reason else "stale" if node else "missing",
                "reason": reason,
                "executed": made.get("started", ""),
                "seconds": made.get("seconds"),
                "commit": made.get("commit") or "",
                "machine": made.get("machine", ""),
                "parameters": " ".join(f"{k}={v}" for k, v in made.get("parameters", page.parameters).items()),
            }
        )
    return rows


def write_status(book: Book) -> None:
    """Write ``book/status.md`` from the notebooks' metadata; were it executed itself, it would be stale at once."""
    import pandas as pd

    from bnet.book import myst

    frame = pd.DataFrame(overview(book)).drop(columns="source")
    there = frame["page"].map(lambda name: book.notebook_path(book.page(name)).exists())
    frame["page"] = frame["page"].map("{{doc}}`{0} </{0}>`".format).where(there, frame["page"])
    for name in ("commit", "parameters"):
        frame[name] = frame[name].map(lambda text: text and f"`{text}`")
    frame.columns = map(str.capitalize, frame)
    table = myst.table_text(frame, "Executed pages.", "tab-status", formats={"Seconds": ".1f"})
    text, path = f"{_STATUS}{table}\n", book.folder / "status.md"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


_STATUS = """\
# Execution status

Every page with numbers or figures is a notebook, executed by papermill when its source, its parameters or one of its
input files has changed: records, benchmarks, modules of the package. {numref}`tab-status` is generated from what
those notebooks say about themselves; times are UTC. 'Commit' is the one that was checked out, with a '+' where `bnet/`
or `book/` had changes beyond it.

"""
