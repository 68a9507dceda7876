"""``bnet plan``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bnet import paths
from bnet.audit.paper import CORPUS_TITLES
from bnet.cli import options
from bnet.cli.options import profile_of, say, words

CORPORA = ",".join(CORPUS_TITLES)
GIB = 2**30


def plan(
    corpus: Annotated[list[str] | None, typer.Option("--corpus", "-c", help=f"Corpora, or `all` [{CORPORA}].")] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option("--variants", "--variant", "-v", help="Networks and baselines, `all` networks, all `baselines`."),
    ] = None,
    protocol: Annotated[list[str] | None, typer.Option("--protocol", help="How to split [holdout,grouped].")] = None,
    profile: options.Profile = "paper",
    settings: options.Set = None,
    results: options.Results = None,
    exclude: options.Exclude = "",
    data: options.Data = None,
    partial: options.Partial = False,
    measure: Annotated[bool, typer.Option("--measure/--no-measure", help="Estimate hours and memory.")] = True,
    as_json: options.Json = False,
) -> None:
    """What a full execution will do: runs, hours on this machine, disk and memory. Writes nothing.

    The first network is timed on this machine, for a minute at most; the hours of the others are estimates, in
    proportion to their multiply-adds. Lists take commas.

    Examples:

      bnet plan --profile paper

      bnet plan --profile paper --corpus gtzan --variants all --protocol holdout

      bnet plan --profile laptop --corpus tunes --variants bbnn,proposed --protocol grouped
    """
    from bnet.runs import plan as plans

    made = plans.make(
        corpus or [CORPORA],
        variant or ["bbnn,proposed"],
        protocol or ["holdout,grouped"],
        profile_of(profile, settings),
        results or paths.results_dir(),
        words(exclude),
    )
    if measure:
        from bnet.runs import speed

        made = speed.measure(made, say)
    if as_json:
        print(json.dumps(made.to_dict(), indent=1, ensure_ascii=False))
    else:
        _print(made)


def _print(made) -> None:
    machine, total = made.machine, made.total()
    networks = made.networks
    on = sorted(set(networks["backend"] + " on " + networks["device"])) if len(networks) else ["not measured"]
    print(f"profile {made.profile.name}; {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB")
    print(f"training: {', '.join(on)}\n")
    tasks = made.tasks.drop(columns=["record_bytes", "frames"])
    stores = made.features.drop(columns="seconds")
    for kind in ("store", "download"):
        stores[f"{kind}_gib"] = stores.pop(f"{kind}_bytes") / GIB
    tables = {"runs": tasks, "features": stores}
    if len(networks):
        tables["networks"] = networks[
            ["variant", "frames", "step_s", "clip_s", "start_s", "parameters", "step", "how"]
        ].assign(memory_gib=networks["memory"].astype(float) / GIB)
    for name, table in tables.items():
        if len(table):
            print(f"{name}\n{table.to_string(index=False, float_format='{:.2f}'.format, na_rep='-')}\n")
    for note in made.notes:
        print(f"note: {note}")
    most = "at most " if made.profile.training.stop_patience else ""
    hours = (
        f"{most}{total['training_hours'] or 0:.1f} hours of training, {total['feature_hours'] or 0:.1f} of features"
        if len(networks) or not total["to_do"]
        else "hours not measured"
    )
    print(
        f"\ntotal: {total['runs']} runs, {total['done']} done, {total['to_do']} to do; {hours}\n"
        f"disk: features {_gib(total['new_store_bytes'])} more, records {_gib(total['record_bytes'])}, "
        f"downloads {_gib(total['download_bytes'])} before unpacking\n"
        f"memory: training {_gib(total['training_memory'])}, on the GPU {_gib(total['device_memory'])}, "
        f"features {_gib(total['feature_memory'])} in {1 + machine['cores']} processes"
    )


def _gib(value: float | None) -> str:
    return "not known" if value is None else f"{value / GIB:.2f} GiB"
