"""``bnet pages``: execute page sources with papermill, and build the book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet.cli.options import JsonOption, ResultsOption, say, show

app = typer.Typer(no_args_is_help=True, help="Execute page sources with papermill, and build the book.")


@app.command("list")
def pages_list(as_json: JsonOption = False) -> None:
    """All executed pages: source, parameters, and whether each is up to date."""
    import pandas as pd

    from bnet.book import freshness
    from bnet.book.pages import this_book

    show(pd.DataFrame(freshness.overview(this_book())), as_json)


@app.command("convert")
def pages_convert(
    name: Annotated[str, typer.Argument(help="Page, as `bnet pages list` names it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The notebook to write.")],
) -> None:
    """Write a page's notebook, not executed, for papermill or Jupyter.

    Example: bnet pages convert corpora/tunes -o tunes.ipynb && papermill tunes.ipynb out.ipynb -p profile smoke
    """
    from bnet.book import build

    build.convert(name, output)
    print(output)


@app.command("update")
def pages_update(
    names: Annotated[list[str] | None, typer.Argument(help="Pages [default: all].")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")] = None,
    results: ResultsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Execute pages that are up to date, too.")] = False,
) -> None:
    """Execute the pages that are missing or stale."""
    from bnet.book import build

    _book_environment(profile, results)
    executed = build.update(names or None, force=force)
    print(f"{len(executed)} pages executed{': ' + ', '.join(executed) if executed else ''}")


@app.command("build")
def pages_build(
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")] = None,
    results: ResultsOption = None,
) -> None:
    """Execute stale pages, build the book strictly, and check every page, link, image and sound."""
    from bnet.book import build

    _book_environment(profile, results)
    print(f"the book: {build.build()}")


@app.command("check")
def pages_check() -> None:
    """Check the built book: links, figures, players. Exit status 1 if there is a finding."""
    from bnet.book import gate
    from bnet.book.pages import this_book

    here = this_book()
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
    from bnet.book.pages import this_book

    build = this_book().folder / "_build"
    print(printing.pdf(build / "html", output or build / "book.pdf"))


@app.command("finding")
def pages_finding() -> None:
    """Write the picture and the sentences of the finding, as README shows them, from the records in results/."""
    from bnet.audit import finding
    from bnet.book.pages import this_book

    root = this_book().root
    changed = finding.write(root, root / "results")
    for path in changed:
        print(path)
    say(f"{len(changed)} files changed")


def _book_environment(profile: str | None, results: Path | None) -> None:
    """Pages are executed in processes of their own: hand the choice over by environment variables."""
    import os

    from bnet.training.config import get_profile

    if profile:
        os.environ["BNET_PROFILE"] = get_profile(profile).name
    if results:
        os.environ["BNET_RESULTS"] = str(results.resolve())
