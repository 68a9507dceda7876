"""``bnet probe``."""

from __future__ import annotations

from typing import Annotated

import typer

from bnet import paths
from bnet.cli.options import DataOption, JsonOption, PartialOption, ResultsOption, say, show
from bnet.errors import BnetError


def probe(
    run: Annotated[
        list[str] | None, typer.Argument(help="Runs, networks or baselines: names, their beginnings or folders.")
    ] = None,
    probes: Annotated[
        list[str] | None,
        typer.Option("--probe", help="Which, repeatable or with commas [default: all that apply]; see --list."),
    ] = None,
    list_too: Annotated[bool, typer.Option("--list", help="List the probes, or of a run, which are done.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes that make sound and features.")] = 1,
    results: ResultsOption = None,
    data: DataOption = None,
    partial: PartialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Question trained runs: other tempo, pitch, level, noise, MP3, bands muted, blocks taken out, where they look.

    The answers lie beside each run's record, in its folder `probes`; a probe that is done is not done again. A table of
    accuracies goes to stdout.

    Examples:

      bnet probe tunes/proposed-grouped-0-laptop

      bnet probe results/tunes/*-grouped-0-laptop-* --probe time-stretch,transposition

      bnet probe --list
    """
    import pandas as pd

    from bnet.audit.probes import PROBES
    from bnet.audit.probes.bench import Bench
    from bnet.audit.probes.reading import accuracies
    from bnet.audit.probes.running import chosen, done
    from bnet.audit.probes.running import run as ask
    from bnet.deploy.networks import find_run

    names = [name.strip() for item in probes or [] for name in item.split(",") if name.strip()]
    records = [find_run(results or paths.results_dir(), name, weights=False) for name in run or []]
    if list_too and not records:
        show(
            pd.DataFrame([{"probe": row.name, "title": row.title, "unit": row.unit} for row in PROBES.values()]),
            as_json,
        )
        return
    if not records:
        raise BnetError(
            "no run was named; expected one or more, such as tunes/proposed-grouped-0-laptop (--list: probes)"
        )
    if list_too:
        rows = []
        for record in records:
            bench = Bench(record)
            rows += [
                {"run": record.name, "probe": row.name, "state": "done" if done(bench, row) else "to do"}
                for row in chosen(bench, names)
            ]
        show(pd.DataFrame(rows), as_json)
        return
    found = [probed for record in records for probed in ask(record, names, jobs=jobs, say=say)]
    probed = [[one for one in found if one.name == name and PROBES[name].answers] for name in PROBES]
    tables = [accuracies(some) for some in probed if some]
    columns = ["corpus", "variant", "probe", "value", "unit", "runs", "clips", "accuracy", "low", "high"]
    columns += ["change", "change_low", "change_high", "lost"]
    show(pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(), as_json)
