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
    template
        The py:percent file, relative to ``book/``, if it is not ``<name>.py``.
    parameters
        Parameters that differ from the defaults in the source's ``parameters`` cell.
    title
        What the source's ``{{ title }}`` is.
    """

    name: str
    template: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    @property
    def source(self) -> str:
        """The py:percent file, relative to ``book/``."""
        return self.template or f"{self.name}.py"

    @property
    def slug(self) -> str:
        """The name without slashes, for file names and labels."""
        return self.name.replace("/", "-")


def _corpus(name: str, title: str, profile: str = "", protocol: str = "") -> Page:
    """The page of a corpus; '' is whatever profile or protocol has records."""
    parameters = {"corpus": name, "profile": profile, "protocol": protocol}
    return Page(f"corpora/{name}", "corpora/corpus.py", parameters, title)


PAGES: tuple[Page, ...] = (
    *map(Page, ("index", "networks", "features", "corpora/table-1")),
    _corpus("tunes", "Tunes, at traditional tempo", "laptop", "grouped"),
    _corpus("tunes-free", "Tunes, at random tempo", "laptop", "grouped"),
    _corpus("gtzan", "GTZAN"),
    _corpus("homburg", "HOMBURG, the 'Audio Benchmark'"),
    _corpus("extended-ballroom", "Extended Ballroom"),
    _corpus("fma-small", "FMA-small"),
    Page("corpora/fma-full"),
    _corpus("folder", "Your own music"),
    *map(Page, ("own-variant", "speed", "listen", "ablations", "claims", "table-2", "luck", "outside", "sources")),
    *map(Page, ("small-device", "inside", "runs", "your-run")),
    *map(Page, ("reference/api", "reference/cli", "reference/cite", "reference/faults", "rhythm-or-tempo")),
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
