"""``bnet plan``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bnet import paths
from bnet.audit.paper import CORPUS_TITLES
from bnet.cli import options
from bnet.cli.options import profile_of, say, show, words

CORPORA = ",".join(CORPUS_TITLES)


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
    made = plans.timed(made, say) if measure else made
    if as_json:
        print(json.dumps(made.to_dict(), indent=1, ensure_ascii=False))
        return
    total, found = made.total(), made.measured
    gib = {key: "not known" if total[key] is None else f"{total[key] / 2**30:.2f} GiB" for key in total}
    hours = total["training_hours"]
    for table in (made.tasks.drop(columns=["frames", "macs", "record_bytes"]), made.features):
        show(table, False)
        print()
    for note in made.notes:
        print(f"note: {note}")
    if found:
        print(f"a step of {found['network']}: {found['step_s']:.3f} s with {found['backend']} on {found['device']}")
    print(
        f"total, profile {made.profile.name}: {total['runs']} runs, {total['done']} done, {total['to_do']} to do, "
        f"{'hours not measured' if hours is None else f'{hours:.1f} hours of training'}\n"
        f"disk: features {gib['new_store_bytes']} more, records {gib['record_bytes']}, "
        f"downloads {gib['download_bytes']} before unpacking\nmemory: training {gib['training_memory']}"
    )
