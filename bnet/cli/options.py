"""Options that several commands share, and how commands speak: results on stdout, lines for people on stderr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from bnet import paths
from bnet.errors import BnetError
from bnet.training.config import PROFILES

Corpus = Annotated[str, typer.Option("--corpus", "-c", help="Corpus; `bnet corpora list` shows all.")]
Profile = Annotated[str, typer.Option("--profile", "-p", help=f"How much work: {', '.join(PROFILES)}.")]
Protocol = Annotated[str, typer.Option("--protocol", help="How to split: grouped, holdout, kfold or official.")]
OnlyProfile = Annotated[str | None, typer.Option("--profile", "-p", help="Only this profile.")]
OnlyProtocol = Annotated[str | None, typer.Option("--protocol", help="Only this protocol.")]
Results = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="Folder of records [default: results].",
        callback=lambda folder: folder or paths.results_dir(),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes [default: all cores].")]
_LONGEST = 86_400.0

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder of your corpora, or of this one [default: $BNET_DATA, else data].",
        callback=lambda folder: _set("BNET_DATA", folder),
    ),
]
Partial = Annotated[
    bool,
    typer.Option(
        "--partial",
        help="Use an incomplete copy as it is [$BNET_PARTIAL].",
        callback=lambda wanted: _set("BNET_PARTIAL", "1" if wanted else None),
    ),
]
Exclude = Annotated[
    str, typer.Option("--exclude", help="Leave out, with commas: duplicates, faults (what the corpus knows of).")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting of the profile (then called 'custom'); repeatable."
    ),
]
Step = Annotated[
    str,
    typer.Option(
        help="How a training step is computed: auto, lean (where network, backend and device have it), kernels (JAX: "
        "lean with Pallas kernels) or plain."
    ),
]
Device = Annotated[str, typer.Option(help="Train on: auto (a GPU where there is one), cpu or gpu.")]
DeviceSetting = Annotated[
    list[str] | None,
    typer.Option(
        "--device-setting",
        metavar="KEY=VALUE",
        help="How the device is used: jit_compile, resident (log-mels lie on the device), deterministic=yes or no; "
        "steps_per_execution=N; memory_share=0.25 of a GPU; repeatable. Chosen where not given.",
    ),
]

VariantFile = Annotated[
    Path | None,
    typer.Option("--variant-file", help="YAML file of networks of your own: name, base, and what they change."),
]


def _set(variable: str, value: Any) -> Any:
    """Put an option where the whole program looks for it: this command, its workers and the pages it executes."""
    if value is not None:
        os.environ[variable] = str(value)
    return value


def clip_seconds(value: float) -> float:
    """The same length of a clip, in s; a `BnetError` if it is none."""
    if not 0 < value <= _LONGEST:
        raise BnetError(f"--seconds is the length of a clip, more than 0 and at most {_LONGEST:g}; got {value:g}")
    return value


def show(frame: Any, as_json: bool) -> None:
    """Print a data frame as a plain table, or as JSON."""
    if as_json:
        print(frame.to_json(orient="records", indent=1))
    else:
        print(
            frame.to_string(index=False, float_format=lambda value: f"{value:.3f}", na_rep="-")
            if len(frame)
            else "none"
        )


def profile_of(name: str, settings: list[str] | None):
    """The profile called `name`, with the ``KEY=VALUE`` settings."""
    from bnet.training.config import get_profile

    return get_profile(name, _pairs("--set", settings))


def execution_of(step: str, device: str, settings: list[str] | None):
    """How runs are to be executed (`bnet.training.device.Settings`), with the further ``KEY=VALUE`` settings of the
    device."""
    from bnet.training.device import parse

    return parse(_pairs("--device-setting", settings), step=step, device=device)


def _pairs(option: str, items: list[str] | None) -> dict[str, str]:
    pairs = {}
    for item in items or []:
        key, equals, value = item.partition("=")
        if not equals:
            raise BnetError(f"{option} takes KEY=VALUE; got {item!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def own_variants(path: Path | None) -> dict[str, Any]:
    """The networks of a variant file, by name; none without a file. Names of baselines and groups are taken."""
    if path is None:
        return {}
    from bnet.models import variants
    from bnet.training.baselines import BASELINES

    return variants.load(path, taken=[*BASELINES, "all", "baselines"])
