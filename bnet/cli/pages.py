"""``bnet pages``: execute page sources with papermill, and build the book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet.cli.options import JsonOption, ResultsOption, show

app = typer.Typer(no_args_is_help=True, help="Execute page sources with papermill, and build the book.")


@app.command("list")
def pages_list(as_json: JsonOption = False) -> None:
    """All executed pages: source, parameters, and whether each is up to date."""
    import pandas as pd

    from bnet import book

    show(pd.DataFrame(book.overview()), as_json)


@app.command("convert")
def pages_convert(
    name: Annotated[str, typer.Argument(help="Page, as `bnet pages list` names it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The notebook to write.")],
) -> None:
    """Write a page's notebook, not executed, for papermill or Jupyter.

    Example: bnet pages convert corpora/tunes -o tunes.ipynb && papermill tunes.ipynb out.ipynb -p profile smoke
    """
    from bnet import book

    book.convert(name, output)
    print(output)


@app.command("update")
def pages_update(
    names: Annotated[list[str] | None, typer.Argument(help="Pages [default: all].")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")] = None,
    results: ResultsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Execute pages that are up to date, too.")] = False,
) -> None:
    """Execute the pages that are missing or stale."""
    from bnet import book

    _book_environment(profile, results)
    executed = book.update(names or None, force=force)
    print(f"{len(executed)} pages executed{': ' + ', '.join(executed) if executed else ''}")


@app.command("build")
def pages_build(
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")] = None,
    results: ResultsOption = None,
) -> None:
    """Execute stale pages, build the book strictly, and check every page, link, image and sound."""
    from bnet import book

    _book_environment(profile, results)
    print(f"the book: {book.build()}")


def _book_environment(profile: str | None, results: Path | None) -> None:
    """Pages are executed in processes of their own: hand the choice over by environment variables."""
    import os

    from bnet.config import get_profile

    if profile:
        os.environ["BNET_PROFILE"] = get_profile(profile).name
    if results:
        os.environ["BNET_RESULTS"] = str(results.resolve())
