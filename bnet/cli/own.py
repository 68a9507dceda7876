"""The option ``--variant-file``: networks of one's own, which several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet.models import Variant

VariantFileOption = Annotated[
    Path | None,
    typer.Option("--variant-file", help="YAML file of networks of your own: name, base, and what they change."),
]


def own_variants(path: Path | None) -> dict[str, Variant]:
    """The networks of a variant file, by name; none without a file. Names of baselines and groups are taken."""
    if path is None:
        return {}
    from bnet.models import variants
    from bnet.training.baselines import BASELINES

    return variants.load(path, taken=[*BASELINES, "all", "baselines"])
