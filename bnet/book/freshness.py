"""When a page is stale, and the overview of all pages that follows from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnet.book.notebooks import notebook, source_text
from bnet.book.pages import Book, Page
from bnet.paths import sha256, sha256_file, write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

_INPUTS = {
    "source": "source",
    "parameters": "parameters",
    "records": "records",
    "benchmarks": "benchmarks",
    "bnet": "the bnet package",
}


def inputs(book: Book, page: Page, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a page: source text, resolved parameters, the records and benchmarks it reads, the package's code.

    Records are taken by content and by their path below the results folder, so the same records elsewhere are the same.
    """
    return {
        "source": sha256(source_text(book, page)),
        "parameters": dict(parameters),
        "records": records_digest(book.results, [name.format(**parameters) for name in page.records]),
        "benchmarks": benchmarks_digest(book.benchmarks, page.benchmarks),
        "bnet": package_digest(book.package),
    }


def key(inputs: Mapping[str, Any]) -> str:
    """One hash of a page's `inputs`."""
    return sha256(json.dumps(inputs, sort_keys=True))


def records_digest(results: Path, corpora: list[str]) -> str:
    """Hash of the record files of `corpora` (``*``: of all): their relative paths and contents."""
    folders = [results] if "*" in corpora else [results / name for name in sorted(set(corpora))]
    files = {path for folder in folders for suffix in ("json", "csv") for path in folder.rglob(f"*.{suffix}")}
    return _digest(results, [path for path in files if not _hidden(path.relative_to(results))])


def benchmarks_digest(folder: Path, names: Iterable[str]) -> str:
    """Hash of the records of these benchmarks: their names and contents, of those that are there."""
    files = [folder / f"{name}.json" for name in sorted(set(names))]
    return _digest(folder, [path for path in files if path.is_file()])


def package_digest(package: Path) -> str:
    """Hash of the files of the package: their relative paths and contents."""
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return _digest(package, [path for path in files if not _hidden(path.relative_to(package))])


def read(book: Book, page: Page) -> NotebookNode | None:
    """The page's executed notebook, or None if there is none that can be read."""
    import nbformat

    try:
        return nbformat.read(book.notebook_path(page), as_version=4)
    except Exception:  # missing, cut off, not JSON, not a notebook: all are mended by executing it again
        return None


def stale(book: Book, page: Page) -> str | None:
    """Why the page has to be executed again; None if it is up to date."""
    node = read(book, page)
    if node is None:
        return "damaged" if book.notebook_path(page).exists() else "missing"
    made = node.metadata.get("bnet", {})
    resolved = notebook(book, page).metadata["bnet"]["parameters"]
    now, then = inputs(book, page, resolved), made.get("inputs")
    if not then:
        return "not executed by bnet"
    changed = [words for name, words in _INPUTS.items() if then.get(name) != now[name]]
    if changed:
        return f"{' and '.join(changed)} changed"
    lost = [name for name in made.get("files", []) if not (book.folder / name).is_file()]
    return f"{lost[0]} is missing" if lost else None


def overview(book: Book) -> list[dict[str, Any]]:
    """One row a page: source, parameters, state (``ok``, ``stale``, ``missing`` or ``failed``) and how it was made."""
    rows = []
    for page in book.pages:
        reason = stale(book, page)
        node = read(book, page)
        made = node.metadata.get("bnet", {}) if node else {}
        failed = (book.logs / f"{page.slug}.failed.log").exists()
        state = "ok" if reason is None else "failed" if failed else "missing" if node is None else "stale"
        rows.append(
            {
                "page": page.name,
                "source": f"book/{page.source}",
                "state": state,
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
    columns = ["Page", "State", "Executed", "Seconds", "Commit", "Key", "Standard error", "Machine", "Parameters"]
    lines = [_row(columns), _row([":--"] * 3 + ["--:"] + [":--"] * 5)]
    for row in overview(book):
        state = row["state"] + (f": {row['reason']}" if row["reason"] else "")
        seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f}"
        code = [f"`{row[name]}`" if row[name] else "–" for name in ("parameters", "commit", "key")]
        date = row["executed"].replace("T", " ")[:16] or "–"
        said = f"{row['stderr_lines']} lines" if row["stderr_lines"] else "none"
        made = book.notebook_path(book.page(row["page"])).exists()
        name = f"{{doc}}`{row['page']} </{row['page']}>`" if made else f"`{row['page']}`"
        lines.append(_row([name, state, date, seconds, code[1], code[2], said, row["machine"] or "–", code[0]]))
    text = _STATUS.format(table="\n".join(lines))
    path = book.folder / "status.md"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


_STATUS = """\
# Execution status

Every page with numbers or pictures is a notebook, executed by papermill when its source, its parameters, the records or
benchmarks it reads or the package changed. {{numref}}`tab-status` is generated from what those notebooks say about
themselves; times are UTC. The key is the hash of all five; equal keys mean equal inputs. 'Commit' is the one that was
checked out, with a '+' where `bnet/` or `book/` had changes beyond it.

::::{{table}} Executed pages.
:name: tab-status
:class: bnet-nowrap

{table}
::::
"""


def _row(values: list[Any]) -> str:
    return "| " + " | ".join(str(value) for value in values) + " |"


def _digest(root: Path, files: list[Path]) -> str:
    return sha256("\n".join(f"{path.relative_to(root).as_posix()} {sha256_file(path)}" for path in sorted(files)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
