"""``bnet compare``: two folders of records, table by table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet.cli.options import JsonOption, show
from bnet.errors import BnetError


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of records, such as results/.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The other folder, such as reproduced/.")],
    corpus: Annotated[str | None, typer.Option("--corpus", "-c", help="Only this corpus.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Only this profile.")] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="Only this protocol.")] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values for a script.")] = False,
) -> None:
    """What of two folders of records agrees within its uncertainty, for each table of the book.

    The same folds are paired; a difference is B minus A, with its 95 % interval. That something differs is an answer,
    not a failure: the exit status is 0.

    Example: bnet compare results/ reproduced/
    """
    from bnet.audit import agreement

    if as_json and as_csv:
        raise BnetError("--json and --csv were both given; choose one")
    wanted = {key: value for key, value in (("corpus", corpus), ("profile", profile), ("protocol", protocol)) if value}
    rows = agreement.compare(a, b, **wanted)
    if as_csv:
        print(rows.to_csv(index=False, lineterminator="\n"), end="")
    elif as_json:
        show(rows, as_json)
    else:
        print(f"A: {a}\nB: {b}\n\n{agreement.text(rows)}")
