"""When a page is stale, and the overview of all pages that follows from it."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bnet
from bnet.book.notebooks import notebook, source_text
from bnet.book.pages import Book, Page
from bnet.errors import BnetError
from bnet.paths import sha256, sha256_file, write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode


def inputs(
    book: Book, page: Page, parameters: Mapping[str, Any], reads: Iterable[str], started: float = math.inf
) -> dict[str, Any]:
    """What decides a page: its source text, resolved parameters, and what it read, as a hash for each name of `reads`.

    Names are those of `below`, so the same records in another folder are the same. What changed after `started` (in
    seconds since the epoch) has no hash: the page may have seen it before or after, and is stale.
    """
    return {
        "source": sha256(source_text(book, page)),
        "parameters": dict(parameters),
        "reads": {name: _hash(book, name, started) for name in sorted(reads)},
    }


def key(inputs: Mapping[str, Any]) -> str:
    """One hash of a page's `inputs`."""
    return sha256(json.dumps(inputs, sort_keys=True))


def below(book: Book, paths: Iterable[str]) -> set[str]:
    """Of the `paths` that an execution opened or listed, those that decide what it shows, by the names of `inputs`:
    records, code and what else lies in the checkout, but nothing hidden, and nothing of the folder ``book``, to which
    executions write (but the page's source, which `inputs` has anyway)."""
    found = set()
    for path in map(Path, paths):
        name, root = next((row for row in _roots(book).items() if path.is_relative_to(row[1])), ("", None))
        if root is not None:
            parts = [name, *path.relative_to(root).parts]
            if not any(part.startswith(".") or part == "__pycache__" for part in parts):
                found.add("/".join(filter(None, parts)))
    return {name for name in found if name and not name.startswith("book/")}  # '': imports list the checkout itself


def _roots(book: Book) -> dict[str, Path]:
    """First part of a name -> its folder; the checkout, whose names have none, comes last."""
    return {"results": book.results, "bnet": Path(bnet.__file__).resolve().parent, "": book.root}


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


def read(book: Book, page: Page) -> NotebookNode | None:
    """The page's executed notebook, or None if there is none that can be read."""
    import nbformat

    try:
        return nbformat.read(book.notebook_path(page), as_version=4)
    except Exception:  # missing, cut off, not JSON, not a notebook: executing it again cures all
        return None


def stale(book: Book, page: Page, node: NotebookNode | None = None) -> str | None:
    """Why the page has to be executed again; None if it is up to date. `node` is its notebook, where it was `read`."""
    node = node or read(book, page)
    if node is None:
        return "damaged" if book.notebook_path(page).exists() else "missing"
    made = node.metadata.get("bnet", {})
    then = made.get("inputs", {})
    if "reads" not in then:
        return "not executed by this version of bnet"
    now = inputs(book, page, notebook(book, page).metadata["bnet"]["parameters"], then["reads"])
    changed = [name for name in ("source", "parameters") if then.get(name) != now[name]]
    changed += [name for name, hash in now["reads"].items() if then["reads"][name] != hash]
    if changed:
        return f"{changed[0]}{f' and {len(changed) - 1} more' * (len(changed) > 1)} changed"
    lost = [name for name in made.get("files", []) if not (book.folder / name).is_file()]
    return f"{lost[0]} is missing" if lost else None


def overview(book: Book) -> list[dict[str, Any]]:
    """One row per page: source, parameters, state (``ok``, ``stale``, ``missing``, ``failed``) and how it was made."""
    rows = []
    for page in book.pages:
        node = read(book, page)
        reason = stale(book, page, node)
        made = node.metadata.get("bnet", {}) if node else {}
        failed = (book.logs / f"{page.slug}.failed.log").exists()
        rows.append(
            {
                "page": page.name,
                "source": f"book/{page.source}",
                "state": "ok" if not reason else "failed" if failed else "stale" if node else "missing",
                "reason": reason or "",
                "parameters": " ".join(f"{k}={v}" for k, v in made.get("parameters", page.parameters).items()),
                "key": made.get("key", "")[:8],
                "commit": made.get("commit") or "",
                "executed": made.get("started", ""),
                "seconds": made.get("seconds"),
                "machine": made.get("machine", ""),
                "stderr_lines": made.get("stderr_lines", 0),
            }
        )
    return rows


def write_status(book: Book) -> None:
    """Write ``book/status.md`` from the notebooks' metadata; were it executed itself, it would be stale at once."""
    lines = []
    for row in overview(book):
        made = book.notebook_path(book.page(row["page"])).exists()
        cells = [
            f"{{doc}}`{row['page']} </{row['page']}>`" if made else f"`{row['page']}`",
            row["state"] + (f": {row['reason']}" if row["reason"] else ""),
            row["executed"].replace("T", " ")[:16] or "–",
            "" if row["seconds"] is None else f"{row['seconds']:.1f}",
            *(f"`{row[name]}`" if row[name] else "–" for name in ("commit", "key")),
            f"{row['stderr_lines']} lines" if row["stderr_lines"] else "none",
            row["machine"] or "–",
            f"`{row['parameters']}`" if row["parameters"] else "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    text = _STATUS.format(table="\n".join(lines))
    path = book.folder / "status.md"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


_STATUS = """\
# Execution status

Every page with numbers or figures is a notebook, executed by papermill when its source, its parameters or a file that
it read last time changed: records, benchmarks, modules of the package. {{numref}}`tab-status` is generated from what
those notebooks say about themselves; times are UTC. The key is a hash of all inputs; equal keys mean equal inputs.
'Commit' is the one that was checked out, with a '+' where `bnet/` or `book/` had changes beyond it.

::::{{table}} Executed pages.
:name: tab-status
:class: bnet-nowrap

| Page | State | Executed | Seconds | Commit | Key | Standard error | Machine | Parameters |
| :-- | :-- | :-- | --: | :-- | :-- | :-- | :-- | :-- |
{table}
::::
"""
