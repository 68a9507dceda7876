"""The command line ``bnet``: corpora, features, train, evaluate, compare, predict, export, pages, doctor and more."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

import bnet
from bnet.cli import audit, corpora, deploy, doctor, networks, pages, runs
from bnet.errors import OUT_OF_MEMORY, BnetError, memory_ran_out

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
    runs.plan,
    runs.features,
    runs.train,
    runs.evaluate,
    audit.compare,
    deploy.predict,
    deploy.export,
    networks.networks,
    networks.summary,
    networks.draw,
    audit.probe,
    audit.outside,
    audit.trace,
    doctor.doctor,
):
    app.command()(command)


def main() -> None:
    """Run the command line; a `BnetError`, or a lack of memory or of room for the output, is one message on stderr and
    exit status 2."""
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BnetError as error:
        _fail(str(error))
    except OSError as error:
        if memory_ran_out(error):
            _fail(OUT_OF_MEMORY)
        if error.errno not in (*_NO_ROOM, errno.EPIPE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes once more at its end
        if error.errno == errno.EPIPE:  # nobody reads on, as after `| head`
            sys.exit(1)
        where = f" {error.filename}" if error.filename else ""
        _fail(f"cannot write{where} ({error.strerror}); expected room for the output; free some, or write elsewhere")
    except Exception as error:
        if memory_ran_out(error):
            _fail(OUT_OF_MEMORY)
        raise
    except SystemExit as end:
        if isinstance(getattr(end.__context__, "__cause__", None), KeyboardInterrupt):  # no command told of the Ctrl-C
            print("bnet: interrupted; finished runs and features are kept, the same command goes on", file=sys.stderr)
        raise


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _fail(message: str) -> None:
    print(f"bnet: {message}", file=sys.stderr)
    sys.exit(2)


def _open_standard_streams() -> None:
    """Give what was closed (``2>&-``) to nowhere: else the next file that is opened, a sound file, takes its number."""
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"bnet {bnet.__version__}")
        raise typer.Exit
