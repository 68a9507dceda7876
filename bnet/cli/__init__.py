"""The command line ``bnet``: corpora, features, train, evaluate, compare, predict, export, pages, doctor and more."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import bnet
from bnet.cli import compare, corpora, draw, export, networks, outside, pages, plan, predict, probe, runs, trace
from bnet.errors import BnetError

app = typer.Typer(
    name="bnet",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Broadcast networks for music genre classification: train, evaluate, predict, and build the book.",
    epilog="Folders: BNET_DATA (your corpora), BNET_CACHE (features), BNET_RESULTS (records). Start with: bnet doctor",
)
app.add_typer(corpora.app, name="corpora")
app.add_typer(pages.app, name="pages")
for command in (
    plan.plan,
    runs.features,
    runs.train,
    runs.evaluate,
    compare.compare,
    predict.predict,
    export.export,
    networks.networks,
    networks.summary,
    draw.draw,
    probe.probe,
    outside.outside,
    trace.trace,
    networks.doctor,
):
    app.command()(command)


def main() -> None:
    """Run the command line; a `BnetError` is one message on stderr and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        app()
    except BnetError as error:
        print(f"bnet: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # Ctrl-C, as typer tells it
            print("bnet: interrupted; finished runs and features are kept, the same command goes on", file=sys.stderr)
        raise


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"bnet {bnet.__version__}")
        raise typer.Exit
