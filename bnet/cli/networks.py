"""``bnet networks``, ``bnet summary`` and ``bnet draw``: networks as tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet.cli import options
from bnet.cli.options import own_variants, show
from bnet.errors import BnetError, say


def networks(
    classes: Annotated[int, typer.Option(min=2, help="Number of classes.")] = 10,
    seconds: Annotated[float, typer.Option(help="Length of a clip.", callback=options.clip_seconds)] = 30.0,
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
    classes: Annotated[int, typer.Option(min=2, help="Number of classes.")] = 10,
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


def draw(
    network: Annotated[str, typer.Argument(help="Network, such as proposed; `bnet summary` lists all.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else NETWORK.svg here.")] = None,
    block: Annotated[
        str | None, typer.Option("--block", metavar="N|all", help="One block alone, or every block, with parameters.")
    ] = None,
    difference_from: Annotated[
        str | None, typer.Option("--difference-from", metavar="NETWORK", help="Mark what differs from this network.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, max=10_000, help="Number of classes.")] = 10,
    seconds: Annotated[
        float, typer.Option(help="Length of a clip, for the shapes.", callback=options.clip_seconds)
    ] = 30.0,
) -> None:
    """Draw a network as an SVG: its layers, what feeds what, shapes, channels and parameters.

    The figure is drawn from the network's row, the same that `bnet train` builds. What it shows is also printed in
    words; with --difference-from, what differs, line by line.

    Example: bnet draw proposed --difference-from bbnn -o proposed.svg
    """
    from bnet import paths
    from bnet.models import drawing, get_variant
    from bnet.sound import log_mel

    row, other = get_variant(network), get_variant(difference_from) if difference_from else None
    path = _svg(output or Path(f"{network}.svg"))
    number = _block(block)
    size = {"classes": classes, "frames": log_mel.frames(seconds)}
    paths.write_text(path, drawing.svg(row, reference=other, block=number, **size))
    said = drawing.differences(row, other, **size) if other else [drawing.alt(row, block=number, **size)]
    print("\n".join(said or ["no difference in the network itself"]))
    say(f"{path}: {row.title}" + (f" compared with {other.title}" if other else ""))


def _svg(path: Path) -> Path:
    if path.suffix.lower() != ".svg":
        raise BnetError(f"figures are written as SVG; got {str(path)!r}, give a file name that ends in .svg")
    if path.is_dir():
        raise BnetError(f"{path} is a folder; give the name of a file in it: -o {path / 'network.svg'}")
    return path


def _block(text: str | None) -> int | str | None:
    if text is None or text == "all":
        return text
    if not text.isascii() or not text.isdigit():
        raise BnetError(f"--block takes the number of a block, or 'all'; got {text!r}")
    return int(text)
