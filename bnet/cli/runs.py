"""``bnet plan``, ``bnet features``, ``bnet train`` and ``bnet evaluate``."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

import typer

from bnet.audit.paper import CORPUS_TITLES
from bnet.cli import options
from bnet.cli.options import execution_of, own_variants, profile_of, show
from bnet.errors import BnetError, log, say, unknown

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

      bnet plan --profile laptop --corpus tunes --variants bbnn,proposed --protocol grouped --results my-runs
    """
    from bnet.runs import plan as plans

    made = plans.make(
        corpus or [CORPORA],
        variant or ["bbnn,proposed"],
        protocol or ["holdout,grouped"],
        profile_of(profile, settings),
        results,
        [exclude],
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
        f"disk: features {gib['new_store_bytes']} more, records {gib['record_bytes']}; "
        f"memory: training {gib['training_memory']}"
    )


def features(
    corpus: options.Corpus = "tunes",
    profile: options.Profile = "smoke",
    jobs: options.Jobs = None,
    settings: options.Set = None,
    exclude: options.Exclude = "",
    data: options.Data = None,
    partial: options.Partial = False,
) -> None:
    """Extract the log-mels that a profile needs: once, in parallel, resumable.

    Example: bnet features --corpus tunes --profile laptop
    """
    from bnet.corpora import get_corpus
    from bnet.runs.jobs import clip_seconds, extract, selected

    chosen, found = profile_of(profile, settings), get_corpus(corpus)
    tracks = selected(found, chosen.training, [exclude])
    extract(found, tracks, clip_seconds(found, chosen.training), jobs, say)


def train(
    corpus: options.Corpus = "tunes",
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            "-v",
            "--variants",
            help="Network or baseline, repeatable or with commas; `all` networks, all `baselines`.",
        ),
    ] = None,
    protocol: options.Protocol = "grouped",
    profile: options.Profile = "smoke",
    fold: Annotated[list[int] | None, typer.Option("--fold", "-f", help="Fold, from 0; repeatable.")] = None,
    settings: options.Set = None,
    results: options.Results = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            help="Runs side by side, on equal shares of the cores, as far as memory allows [default: 1, on all cores]; "
            "before that, processes that extract features [default: all cores].",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="Do the runs on the workers of this dask scheduler."),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(
            "--records",
            help="With --cluster: how records come here. `shared`: workers write them, they see the same folder; "
            "`returned`: they send them; `auto`: each as it can.",
        ),
    ] = "auto",
    exclude: options.Exclude = "",
    data: options.Data = None,
    partial: options.Partial = False,
    variant_file: options.VariantFile = None,
    step: options.Step = "auto",
    device: options.Device = "auto",
    device_settings: options.DeviceSetting = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only list the runs and which are done.")] = False,
) -> None:
    """Train networks or baselines on the folds of a corpus; every finished run is a record, done once.

    Stop it whenever you like: the same command resumes, fold by fold.

    Examples:

      bnet train --corpus tunes --variant proposed --profile smoke

      bnet train -c tunes -v baselines,bbnn,proposed --profile laptop --fold 0 --fold 1

      bnet train -v proposed --profile laptop --set epochs=30 --set learning_rate=0.002

      bnet train --variant-file mine.yaml -v bbnn,my-network   (without -v: all networks of the file)

      bnet train -c gtzan --data ~/corpora -v bbnn,proposed --protocol official --exclude faults --profile paper

      bnet train -v all --profile laptop --jobs 4   (four runs side by side, the same records)

      bnet train -v proposed --profile paper --device gpu --set precision=tf32   (other arithmetic: runs of their own)

      bnet train -v all --profile laptop --cluster tcp://head:8786   (see the page 'On a cluster')
    """
    from bnet.runs.jobs import jobs as make_jobs
    from bnet.runs.jobs import run_all, state

    executor, execution = _executor(jobs, cluster, keep), execution_of(step, device, device_settings)
    own = own_variants(variant_file)
    todo = make_jobs(
        corpus,
        variant or [*own] or ["proposed"],
        protocol,
        profile_of(profile, settings),
        fold or None,
        [exclude],
        own,
    )
    if plan:
        for job in todo:
            print(f"{state(job, results):8} {job.folder(results)}")
    else:
        run_all(todo, results, jobs, say, execution, executor)


def _executor(jobs: int | None, cluster: str | None, keep: str):
    """How `bnet.runs.jobs.run_all` is to do the runs; None: one after the other, in this process."""
    if jobs is not None and jobs < 1:
        raise BnetError(f"{jobs} jobs; expected 1 or more (--jobs)")
    if cluster and jobs:
        raise BnetError("--jobs is for this machine; how many runs a worker does at once says its own --nthreads")
    if cluster:
        from bnet.runs.cluster import spread

        return partial(spread, address=cluster, keep=keep)
    if keep != "auto":
        raise BnetError("--records is for runs on a cluster; expected --cluster with it")
    if jobs and jobs > 1:
        from bnet.runs.pool import side_by_side

        return partial(side_by_side, jobs=jobs)
    return None


def evaluate(
    corpus: options.Corpus = "tunes",
    profile: options.OnlyProfile = None,
    protocol: options.OnlyProtocol = None,
    runs_too: Annotated[bool, typer.Option("--runs", help="One row per run, not a network.")] = False,
    against: Annotated[
        str | None, typer.Option(help="Also compare all others with this one, on the folds and clips that both have.")
    ] = None,
    results: options.Results = None,
    data: options.Data = None,
    partial: options.Partial = False,
    as_json: options.Json = False,
) -> None:
    """Tabulate records: mean and spread over folds, and an interval over all tested clips (whole groups resampled).

    Example: bnet evaluate --corpus tunes --profile laptop --protocol grouped --against bbnn
    """
    from bnet.audit import report, tables
    from bnet.corpora import get_corpus
    from bnet.runs import records

    get_corpus(corpus)
    wanted = {key: value for key, value in (("profile", profile), ("protocol", protocol)) if value}
    chosen = records.find(results, corpus=corpus, **wanted)
    if not chosen:
        raise BnetError(
            f"no records of {corpus} {wanted or ''}; make some: bnet train --corpus {corpus} --profile smoke"
        )
    if runs_too:
        show(tables.scores(chosen), as_json)
    else:
        groups = tables.groups_of(corpus)
        if not groups:
            log(f"{corpus} is not here (--data DIR): its groups are not known, and intervals resample single clips")
        show(tables.summary(chosen, groups), as_json)
    if against:
        reports = [r for r in report.load(corpus, results, profile or "", protocol or "") if r.of(against)]
        if not reports:
            raise unknown("network or baseline", against, {record.config.variant for record in chosen})
        pairs = [(part, name) for part in reports for name in part.variants if name != against]
        lines = [f"{part.profile}, {part.protocol}: {part.compare(name, against)}" for part, name in pairs]
        (say if as_json else print)("\n".join(lines).replace("**", ""))
