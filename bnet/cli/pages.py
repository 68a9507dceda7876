"""``bnet pages``: execute page sources with papermill, and build the book."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bnet.cli import options
from bnet.cli.options import show
from bnet.errors import say
from bnet.paths import write_text

app = typer.Typer(no_args_is_help=True, help="Execute page sources with papermill, and build the book.")
ProfileOption = Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")]


def _book(profile: str | None = None, results: Path | None = None):
    """The book of this checkout, as the options want it."""
    from bnet.audit.settings import CUSTOM
    from bnet.book.pages import this_book
    from bnet.training.config import get_profile

    book = this_book()
    if profile and profile != CUSTOM:
        get_profile(profile)
    return replace(book, profile=profile or book.profile, results=results.resolve() if results else book.results)


@app.command("list")
def pages_list(as_json: options.Json = False) -> None:
    """All executed pages: source, parameters, and whether each is up to date."""
    import pandas as pd

    from bnet.book import freshness

    show(pd.DataFrame(freshness.overview(_book())), as_json)


@app.command("convert")
def pages_convert(
    name: Annotated[str, typer.Argument(help="Page, as `bnet pages list` names it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The notebook to write.")],
) -> None:
    """Write a page's notebook, not executed, for papermill or Jupyter.

    Example: bnet pages convert corpora/tunes -o tunes.ipynb && papermill tunes.ipynb out.ipynb -p profile smoke
    """
    import nbformat

    from bnet.book.notebooks import notebook

    book = _book()
    write_text(output, nbformat.writes(notebook(book, book.page(name))) + "\n")
    print(output)


@app.command("update")
def pages_update(
    names: Annotated[list[str] | None, typer.Argument(help="Pages [default: all].")] = None,
    profile: ProfileOption = None,
    results: options.Results = None,
    force: Annotated[bool, typer.Option("--force", help="Execute pages that are up to date, too.")] = False,
) -> None:
    """Execute the pages that are missing or stale."""
    from bnet.book import build

    executed = build.update(_book(profile, results), names or None, force=force)
    print(f"{len(executed)} pages executed{': ' + ', '.join(executed) if executed else ''}")


@app.command("build")
def pages_build(profile: ProfileOption = None, results: options.Results = None) -> None:
    """Execute stale pages, build the book strictly, and check every page, link, image and sound."""
    from bnet.book import build

    print(f"the book: {build.build(_book(profile, results))}")


@app.command("check")
def pages_check() -> None:
    """Check the built book: links, figures, players. Exit status 1 if there is a finding."""
    from bnet.book import gate

    here = _book()
    html = here.folder / "_build" / "html"
    findings = gate.check_html(html, here.root)
    for finding in findings:
        print(finding)
    say(f"{len(findings)} findings in {html}")
    if findings:
        raise typer.Exit(1)


@app.command("pdf")
def pages_pdf(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file [default: book/_build/book.pdf].")
    ] = None,
) -> None:
    """Print the built book to one PDF with all tables and figures, by Chromium."""
    from bnet.book import printing

    build = _book().folder / "_build"
    print(printing.pdf(build / "html", output or build / "book.pdf"))


@app.command("finding")
def pages_finding() -> None:
    """Write the picture and the sentences of the finding, as README shows them, from the records in results/."""
    from bnet.audit import finding

    root = _book().root
    changed = finding.write(root, root / "results")
    for path in changed:
        print(path)
    say(f"{len(changed)} files changed")
