"""``bnet compare``, ``bnet probe``, ``bnet outside`` and ``bnet trace``: questions to records and trained networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet.cli import options
from bnet.cli.options import show
from bnet.errors import BnetError, say


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of records, such as results/.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The other folder, such as reproduced/.")],
    corpus: Annotated[str | None, typer.Option("--corpus", "-c", help="Only this corpus.")] = None,
    profile: options.OnlyProfile = None,
    protocol: options.OnlyProtocol = None,
    as_json: options.Json = False,
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
    results: options.Results = None,
    data: options.Data = None,
    partial: options.Partial = False,
    as_json: options.Json = False,
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

    from bnet.audit.probes import PROBES, chosen, done
    from bnet.audit.probes import run as ask
    from bnet.audit.probes.bench import Bench
    from bnet.audit.probes.reading import accuracies
    from bnet.deploy.networks import find_run
    from bnet.runs.jobs import words

    names = words(probes or [])
    records = [find_run(results, name, weights=False) for name in run or []]
    if not records and not list_too:
        raise BnetError(
            "no run was named; expected one or more, such as tunes/proposed-grouped-0-laptop (--list: probes)"
        )
    if not records:
        rows = [{"probe": row.name, "title": row.title, "unit": row.unit} for row in PROBES.values()]
        return show(pd.DataFrame(rows), as_json)
    if list_too:
        rows = [
            {"run": bench.record.name, "probe": row.name, "state": "done" if done(bench, row) else "to do"}
            for bench in map(Bench, records)
            for row in chosen(bench, names)
        ]
        return show(pd.DataFrame(rows), as_json)
    found = [probed for record in records for probed in ask(record, names, jobs=jobs, say=say)]
    probed = [[one for one in found if one.name == name] for name in PROBES if name != "looks"]
    tables = [accuracies(some) for some in probed if some]
    columns = ["corpus", "variant", "probe", "value", "unit", "runs", "clips", "accuracy", "low", "high"]
    columns += ["change", "change_low", "change_high", "lost"]
    show(pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(), as_json)


def outside(
    network: Annotated[
        list[str],
        typer.Argument(
            help="Trained networks: runs, shipped/..., weights files that BBNN's authors published (.hdf5), or folders "
            "of those."
        ),
    ],
    corpus: options.Corpus = "emotify",
    per_class: Annotated[int, typer.Option(help="At most so many clips of each class; 0 for all.")] = 0,
    results: options.Results = None,
    data: options.Data = None,
    partial: options.Partial = False,
    as_json: options.Json = False,
) -> None:
    """Evaluate trained networks on a corpus that they were not trained on: what they say of each of its classes.

    The probabilities of every clip go to a record below RESULTS/outside, which the book's page 'Music from outside'
    shows; a record that is there is not made again. How often which class was named goes to stdout.

    Examples:

      bnet outside ~/published/0_fold_GTZAN_model.hdf5 --corpus emotify --data ~/corpora

      bnet outside ~/published --corpus drums

      bnet outside gtzan-images/proposed-official-0-desktop --corpus emotify
    """
    import pandas as pd

    from bnet.audit.outside import hear, networks
    from bnet.audit.outside.reading import confusion
    from bnet.corpora import get_corpus

    found, tables = get_corpus(corpus), []
    for one in networks(network, results):
        heard = hear(one, found, results, per_class=per_class or None, say=say)
        counts = confusion(heard)
        table = counts.rename_axis("label").reset_index().melt("label", var_name="named", value_name="clips")
        table = table[table["clips"] > 0].sort_values(["label", "clips"], ascending=[True, False])
        tables.append(table.assign(network=one.name, corpus=corpus))
    show(pd.concat(tables)[["network", "corpus", "label", "named", "clips"]], as_json)


def trace(
    address: Annotated[str, typer.Argument(metavar="PAGE[#ITEM]", help="Such as luck#tab-luck-draws.")],
) -> None:
    """Lead from a table or figure of the executed book to its records, commits, machines and commands.

    Without #ITEM, the items of the page are listed.

    Example: bnet trace table-2#tab-table-2
    """
    from bnet.audit.settings import command
    from bnet.book import trace as tracing
    from bnet.book.pages import this_book
    from bnet.runs import records

    book = this_book()
    if "#" not in address:
        for item in tracing.items(book, address):
            print(f"{address}#{item.name}\t{len(item.runs)} runs\t{item.caption}")
        return
    item = tracing.item(book, address)
    print(f"{item.name}: {item.caption}\nsource: book/{book.page(address.partition('#')[0]).source}, cell {item.cell}")
    for line in item.sources:
        if not any(name in line for name in item.runs):
            print(f"- {line}")
    folders = {folder.name: folder for folder in records.folders(book.results)}
    for run in item.runs:
        if run not in folders:
            print(f"{run}: no record below {book.results}")
            continue
        record = records.read(folders[run])
        made, config = record.run["made"], record.config
        print(
            f"{record.folder}\n  corpus {config.corpus}, protocol {config.protocol}, fold {config.fold}, profile "
            f"{config.profile}, configuration {record.run['hash'][:10]}\n  commit {made['commit']}"
            f"{' with changes' if made['changed'] else ''}, {made['started']}, {made['device']['name']}, "
            f"{made['machine']['cores']} cores, {made['wall_s']:.0f} s\n  {command(config)}"
        )
    if not item.runs:
        say("no run lies behind it: counted on models, from the paper's numbers or records named above, or not run")
