"""The pages that papermill executes, as a table, and the book that they belong to."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnet.corpora import other_forms
from bnet.errors import BnetError, unknown
from bnet.models import TABLE_3, VARIANTS
from bnet.paths import project_dir, results_dir

_PLAIN = (str, int, float, bool, type(None), list, tuple, dict)
_IPYTHON = {"In", "Out"}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


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
    records
        Corpora whose records the page reads, ``{name}`` standing for a parameter; ``*`` for all. When one of them
        changes, the page is stale.
    words
        Further words for the source's ``{{ placeholders }}``.
    benchmarks
        Benchmarks whose records the page reads, by the names of their files below ``benchmarks/results/``. When one of
        them changes, comes or goes, the page is stale.
    """

    name: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    benchmarks: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The name without slashes, for file names and labels."""
        return self.name.replace("/", "-")


def _corpus(name: str, title: str, profile: str = "", protocol: str = "", more: str = "") -> Page:
    """The page of a corpus; '' is whatever profile or protocol has records; `more` a further corpus that it reads."""
    parameters = {"corpus": name, "profile": profile, "protocol": protocol}
    read = ("{corpus}", *filter(None, [more]), *(other.name for other in other_forms(name)))
    return Page(f"corpora/{name}", "corpora/corpus.py", parameters, read, {"title": title})


ABLATED = ("gtzan", *(other.name for other in other_forms("gtzan")), "tunes")
"""Corpora on which variations of BBNN are shown: the paper's, else our own."""


def _ablation(name: str) -> Page:
    """The page of a variation of BBNN."""
    return Page(
        f"ablations/{name}", "ablations/ablation.py", {"network": name}, ABLATED, {"title": VARIANTS[name].title}
    )


SPEED = ("training_step", "equality", "roofline", "features", "features_scale", "inference", "jobs", "gpu")
"""Benchmarks that the page 'Speed' draws."""

PAGES: tuple[Page, ...] = (
    Page("index", "index.py", records=("*",)),
    Page("networks", "networks.py"),
    Page("features", "features.py"),
    Page("corpora/table-1", "corpora/table1.py"),
    _corpus("tunes", "Tunes, at traditional tempo", "laptop", "grouped"),
    _corpus("tunes-free", "Tunes, at random tempo", "laptop", "grouped", "tunes"),
    _corpus("gtzan", "GTZAN"),
    _corpus("homburg", "HOMBURG, the 'Audio Benchmark'"),
    _corpus("extended-ballroom", "Extended Ballroom"),
    _corpus("fma-small", "FMA-small"),
    Page("corpora/fma-full", "corpora/fma_full.py", benchmarks=("features_scale", "plan_fma_small", "gpu")),
    _corpus("folder", "Your own music"),
    Page("ablations/table-3", "ablations/table3.py", records=ABLATED),
    *map(_ablation, (*TABLE_3, "squeeze-excitation-released")),
    Page("own-variant", "own-variant.py"),
    Page("speed", "speed.py", benchmarks=SPEED),
    Page("listen", "listen.py"),
    Page("ablations/steps", "ablations/steps.py", records=("tunes",)),
    Page("claims", "claims.py", records=("*",), benchmarks=("inference",)),
    Page("table-2", "table-2.py", records=("*",), benchmarks=("intervals",)),
    Page("luck", "luck.py", records=("*",)),
    Page("confusions", "confusions.py", records=("*",)),
    Page("outside", "outside.py", records=("outside",)),
    Page("differences", "differences.py"),
    Page("since", "since.py"),
    Page("small-device", "small-device.py", benchmarks=("inference",)),
    Page("inside", "inside.py", records=("tunes", "tunes-free")),
    Page("runs", "runs.py", records=("*",)),
    Page("reference/api", "reference/api.py"),
    Page("reference/cli", "reference/cli.py"),
    Page("reference/decisions", "reference/decisions.py"),
    Page("reference/licences", "reference/licences.py"),
    Page("rhythm-or-tempo", "rhythm-or-tempo.py", records=("tunes", "tunes-free")),
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
    package
        Folder of the code that pages call; a change in it makes every page stale.
    """

    root: Path
    results: Path
    profile: str | None = None
    pages: tuple[Page, ...] = PAGES
    package: Path = Path(__file__).resolve().parents[1]

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


def typed(page: str, name: str, value: Any, default: Any) -> Any:
    """The value of a page's parameter as the type of its default.

    A command line gives text: ``true``, ``yes``, ``1``, ``false``, ``no`` and ``0``, in any case, are truth values.

    Raises
    ------
    BnetError
        If `value` is of another type.
    """
    kind = type(default)
    if kind is bool and str(value).strip().lower() in _TRUTH:
        return _TRUTH[str(value).strip().lower()]
    if kind is float and type(value) is int:
        return float(value)
    if kind in _WORDS and type(value) is not kind:
        raise BnetError(
            f"parameter {name} of page {page!r} is {value!r} ({type(value).__name__}); expected {_WORDS[kind]}, "
            f"such as its default {default!r}"
        )
    return value


def start_page(
    namespace: MutableMapping[str, Any],
    *,
    page: str,
    known: Mapping[str, Any],
    named_for: Mapping[str, Any] | None = None,
) -> None:
    """Open a page: refuse parameters that it does not declare or that are of another type, and tell
    `bnet.book.myst` where it is.

    `notebook` puts the call after the ``parameters`` cell and after whatever papermill injects there. At that point the
    only plain values in `namespace` are parameters, so any other name was given by a user who mistyped it.

    Parameters
    ----------
    namespace
        The page's ``globals()``; its parameters are set to values of their defaults' types.
    page
        Its name.
    known
        The parameters that it declares, with their defaults.
    named_for
        Values that stand in its title and labels; if the parameters differ from them, it says so.
    """
    from bnet.book import myst

    for name, value in namespace.items():
        if isinstance(value, _PLAIN) and not name.startswith("_") and name not in {*_IPYTHON, *known}:
            raise unknown(f"parameter of page {page!r}:", name, known)
    namespace.update({name: typed(page, name, namespace[name], default) for name, default in known.items()})
    myst.set_page(page)
    for name, value in (named_for or {}).items():
        if namespace.get(name) != value:
            print(
                f"Note: titles and labels here are those of {name} {value!r}; the results are of {namespace[name]!r}."
            )
