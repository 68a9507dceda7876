"""The pages that papermill executes, as a table, and the book that they belong to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnet.errors import BnetError, unknown
from bnet.paths import project_dir, results_dir


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
    words
        Further words for the source's ``{{ placeholders }}``.
    """

    name: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name without slashes, for file names and labels."""
        return self.name.replace("/", "-")


def _corpus(name: str, title: str, profile: str = "", protocol: str = "") -> Page:
    """The page of a corpus; '' is whatever profile or protocol has records."""
    parameters = {"corpus": name, "profile": profile, "protocol": protocol}
    return Page(f"corpora/{name}", "corpora/corpus.py", parameters, {"title": title})


PAGES: tuple[Page, ...] = (
    Page("index", "index.py"),
    Page("networks", "networks.py"),
    Page("features", "features.py"),
    Page("corpora/table-1", "corpora/table1.py"),
    _corpus("tunes", "Tunes, at traditional tempo", "laptop", "grouped"),
    _corpus("tunes-free", "Tunes, at random tempo", "laptop", "grouped"),
    _corpus("gtzan", "GTZAN"),
    _corpus("homburg", "HOMBURG, the 'Audio Benchmark'"),
    _corpus("extended-ballroom", "Extended Ballroom"),
    _corpus("fma-small", "FMA-small"),
    Page("corpora/fma-full", "corpora/fma_full.py"),
    _corpus("folder", "Your own music"),
    Page("own-variant", "own-variant.py"),
    Page("speed", "speed.py"),
    Page("listen", "listen.py"),
    Page("ablations", "ablations.py"),
    Page("claims", "claims.py"),
    Page("table-2", "table-2.py"),
    Page("luck", "luck.py"),
    Page("outside", "outside.py"),
    Page("sources", "sources.py"),
    Page("small-device", "small-device.py"),
    Page("inside", "inside.py"),
    Page("runs", "runs.py"),
    Page("your-run", "your-run.py"),
    Page("reference/api", "reference/api.py"),
    Page("reference/cli", "reference/cli.py"),
    Page("reference/cite", "reference/cite.py"),
    Page("reference/faults", "reference/faults.py"),
    Page("rhythm-or-tempo", "rhythm-or-tempo.py"),
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
    """

    root: Path
    results: Path
    profile: str | None = None
    pages: tuple[Page, ...] = PAGES

    @property
    def folder(self) -> Path:
        """Where the pages are: sources, executed notebooks and prose."""
        return self.root / "book"

    @property
    def benchmarks(self) -> Path:
        """Where the records of benchmarks are, one file each."""
        return self.root / "benchmarks" / "results"

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
