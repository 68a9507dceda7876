"""``bnet networks`` and ``bnet summary``."""

from __future__ import annotations

from typing import Annotated

import typer

from bnet.cli import options
from bnet.cli.options import own_variants, show


def networks(
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 10,
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 30.0,
    variant_file: options.VariantFile = None,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Instead: what the paper leaves open, and what we do.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """The networks: what each changes, its parameters, and multiply-adds and memory of activations for one clip.

    Examples:

      bnet networks --seconds 10

      bnet networks --variant-file mine.yaml
    """
    from bnet import models

    if decisions:
        show(models.decisions(), as_json)
        return
    from bnet.models.cost import table
    from bnet.sound.log_mel import frames

    show(table([*models.VARIANTS.values(), *own_variants(variant_file).values()], classes, frames(seconds)), as_json)


def summary(
    variant: Annotated[str | None, typer.Argument(help="Network; without it, a table of all.")] = None,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 10,
    frames: Annotated[int, typer.Option(help="Frames of the log-mel (646 for 30 s).")] = 646,
    variant_file: options.VariantFile = None,
    as_json: options.Json = False,
) -> None:
    """The networks: parameters of all, or the layers of one."""
    if variant is None:
        from bnet.audit import tables

        show(tables.parameters(classes), as_json)
        return
    from bnet import backend

    backend.prepare()
    from bnet.models import build

    model = build(own_variants(variant_file).get(variant, variant), classes, frames)
    if as_json:
        print(model.to_json(indent=1))
    else:
        model.summary(line_length=110)
