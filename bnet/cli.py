"""The command line: ``bnet corpora | features | train | evaluate | predict | summary | pages | doctor``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import bnet
from bnet import paths
from bnet.errors import BnetError

app = typer.Typer(
    name="bnet",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Broadcast networks for music genre classification: train, evaluate, predict, and build the book.",
    epilog="Folders: BNET_DATA (your corpora), BNET_CACHE (features), BNET_RESULTS (records). Start with: bnet doctor",
)
pages_app = typer.Typer(no_args_is_help=True, help="Execute page sources with papermill, and build the book.")
corpora_app = typer.Typer(no_args_is_help=True, help="What the corpora hold; the sound of the embedded ones as files.")
app.add_typer(pages_app, name="pages")
app.add_typer(corpora_app, name="corpora")

CorpusOption = Annotated[str, typer.Option("--corpus", "-c", help="Corpus; `bnet corpora list` shows all.")]
ProfileOption = Annotated[str, typer.Option("--profile", "-p", help="How much work: smoke, laptop or paper.")]
ProtocolOption = Annotated[str, typer.Option("--protocol", help="How to split: grouped, holdout or kfold.")]
ResultsOption = Annotated[Path | None, typer.Option("--results", help="Folder of records [default: results].")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
JobsOption = Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes [default: all cores].")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting of the profile (then called 'custom'); repeatable."
    ),
]


def main() -> None:
    """Run the command line; a `BnetError` is one message on stderr and exit status 2."""
    try:
        app()
    except BnetError as error:
        print(f"bnet: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("bnet: interrupted; finished runs and features are kept, the same command goes on", file=sys.stderr)
        sys.exit(130)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"bnet {bnet.__version__}")
        raise typer.Exit


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays clean for results."""
    print(text, file=sys.stderr, flush=True)


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


def _profile(name: str, settings: list[str] | None):
    from bnet.config import get_profile

    pairs = {}
    for item in settings or []:
        key, equals, value = item.partition("=")
        if not equals:
            raise BnetError(f"--set takes KEY=VALUE; got {item!r}")
        pairs[key.strip()] = value.strip()
    return get_profile(name, pairs)


@corpora_app.command("list")
def corpora_list(as_json: JsonOption = False) -> None:
    """All corpora, with their classes."""
    import pandas as pd

    from bnet.corpora import CORPORA

    rows = [{"corpus": c.name, "title": c.title, "classes": ", ".join(c.labels)} for c in CORPORA.values()]
    show(pd.DataFrame(rows), as_json)


@corpora_app.command("show")
def corpora_show(name: Annotated[str, typer.Argument(help="Corpus.")], as_json: JsonOption = False) -> None:
    """Tracks and groups per class."""
    import pandas as pd

    from bnet.corpora import get_corpus

    corpus = get_corpus(name)
    tracks = pd.DataFrame([vars(track) for track in corpus.tracks()])
    table = tracks.groupby("label").agg(tracks=("track_id", "size"), groups=("group", "nunique")).reset_index()
    show(table, as_json)


@corpora_app.command("export")
def corpora_export(
    name: Annotated[str, typer.Argument(help="Corpus.")],
    folder: Annotated[Path, typer.Argument(help="Where to write FOLDER/<label>/<track>.flac.")],
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 30.0,
    per_class: Annotated[int, typer.Option(help="At most so many tracks of a class; 0 for all.")] = 0,
) -> None:
    """Write the sound of a corpus as FLAC files, to listen to or to use elsewhere.

    Example: bnet corpora export tunes ~/tunes --seconds 10 --per-class 5
    """
    import soundfile
    from tqdm import tqdm

    from bnet.corpora import SR, get_corpus, select

    corpus, failed = get_corpus(name), 0
    tracks = select(corpus.tracks(), per_class or None)
    for track in tqdm(tracks, disable=None, unit="clip"):
        target = paths.writable_dir(folder / track.label, "export", "another FOLDER") / f"{track.track_id}.flac"
        try:
            y = corpus.audio(track, seconds)
        except BnetError as error:
            failed += 1
            say(f"not written: {error}")
            continue
        temporary = target.with_suffix(".part")
        with paths.disk_errors(str(target)):
            soundfile.write(temporary, y, SR, format="FLAC")
            temporary.replace(target)
    print(f"{len(tracks) - failed} clips in {folder}, {failed} failed")


@app.command()
def features(
    corpus: CorpusOption = "tunes",
    profile: ProfileOption = "smoke",
    jobs: JobsOption = None,
    settings: SetOption = None,
) -> None:
    """Extract the log-mels that a profile needs: once, in parallel, resumable.

    Example: bnet features --corpus tunes --profile laptop
    """
    from bnet import runs
    from bnet.corpora import get_corpus

    chosen, found = _profile(profile, settings), get_corpus(corpus)
    runs.extract(found, runs.selected(found, chosen), chosen.clip_seconds, jobs, say)


@app.command()
def train(
    corpus: CorpusOption = "tunes",
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            "-v",
            "--variants",
            help="Network or baseline, repeatable or with commas; `all` networks, all `baselines`.",
        ),
    ] = None,
    protocol: ProtocolOption = "grouped",
    profile: ProfileOption = "smoke",
    fold: Annotated[list[int] | None, typer.Option("--fold", "-f", help="Fold, from 0; repeatable.")] = None,
    settings: SetOption = None,
    results: ResultsOption = None,
    jobs: JobsOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only list the runs and which are done.")] = False,
) -> None:
    """Train networks or baselines on the folds of a corpus; every finished run is a record, done once.

    Stop it whenever you like: the same command goes on where it was, fold by fold.

    Examples:

      bnet train --corpus tunes --variant proposed --profile smoke

      bnet train -c tunes -v baselines,bbnn,proposed --profile laptop --fold 0 --fold 1

      bnet train -v proposed --profile laptop --set epochs=30 --set learning_rate=0.002
    """
    from bnet import runs

    folder = results or paths.results_dir()
    todo = runs.jobs(corpus, variant or ["proposed"], protocol, _profile(profile, settings), fold or None)
    if plan:
        for job in todo:
            print(f"{runs.state(job, folder):8} {job.folder(folder)}")
    else:
        runs.run_all(todo, folder, jobs, say)


@app.command()
def evaluate(
    corpus: CorpusOption = "tunes",
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Only this profile.")] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="Only this protocol.")] = None,
    runs_too: Annotated[bool, typer.Option("--runs", help="One row a run, not a network.")] = False,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tabulate records: mean and spread over folds, and an interval over all tested clips (whole groups resampled)."""
    from bnet import records, tables
    from bnet.corpora import get_corpus

    found = get_corpus(corpus)
    wanted = {key: value for key, value in (("profile", profile), ("protocol", protocol)) if value}
    chosen = records.find(results or paths.results_dir(), corpus=corpus, **wanted)
    if not chosen:
        raise BnetError(
            f"no records of {corpus} {wanted or ''}; make some: bnet train --corpus {corpus} --profile smoke"
        )
    if runs_too:
        show(tables.scores(chosen), as_json)
    else:
        groups = {track.track_id: track.group for track in found.tracks()}
        show(tables.summary(chosen, groups), as_json)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(help="Sound files: WAV, FLAC, MP3, OGG, ...")],
    run: Annotated[
        str | None, typer.Option("--run", help="Run: its name or folder [default: best by validation].")
    ] = None,
    hop: Annotated[float, typer.Option(help="Seconds between windows.")] = 1.0,
    windows: Annotated[bool, typer.Option("--windows", help="Also print every window.")] = False,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify sound files with a trained run: class probabilities over windows, and their average.

    A file that can't be used is named, the others are still done; the exit status is then 2.

    Example: bnet predict reel.mp3 --run proposed-grouped-0-smoke
    """
    from bnet import predict as prediction

    record = prediction.find_run(results or paths.results_dir(), run)
    model = prediction.load_network(record)
    say(f"network: {record.config.corpus}/{record.name}, windows of {record.config.clip_seconds:g} s")
    failed, answers = 0, []
    for path in files:
        try:
            answer = prediction.predict_file(model, record, path, hop)
        except BnetError as error:
            failed += 1
            say(f"bnet: {error}")
            continue
        answers.append(_answer(answer, windows))
        if not as_json:
            _print_answer(answers[-1])
    if as_json:
        print(json.dumps({"run": record.name, "files": answers}, indent=1, ensure_ascii=False))
    if failed:
        raise typer.Exit(2)


def _answer(answer, windows: bool) -> dict[str, Any]:
    def named(row) -> dict[str, float]:
        return {label: round(float(p), 4) for label, p in zip(answer.labels, row, strict=True)}

    result = {"path": answer.path, "label": answer.label, "probabilities": named(answer.mean)}
    if windows:
        pairs = zip(answer.starts, answer.probabilities, strict=True)
        result["windows"] = [{"start": float(start), "probabilities": named(row)} for start, row in pairs]
    return result


def _print_answer(answer: dict[str, Any]) -> None:
    ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])
    print(f"{answer['path']}: {answer['label']}  " + "  ".join(f"{label} {p:.2f}" for label, p in ranked))
    for window in answer.get("windows", []):
        label, p = max(window["probabilities"].items(), key=lambda item: item[1])
        print(f"  {window['start']:6.1f} s  {label} {p:.2f}")


@app.command()
def summary(
    variant: Annotated[str | None, typer.Argument(help="Network; without it, a table of all.")] = None,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 10,
    frames: Annotated[int, typer.Option(help="Frames of the log-mel (646 for 30 s).")] = 646,
    as_json: JsonOption = False,
) -> None:
    """The networks: parameters of all, or the layers of one."""
    from bnet import backend

    backend.prepare()
    if variant is None:
        from bnet import tables

        show(tables.parameters(classes), as_json)
        return
    from bnet.models import build

    model = build(variant, classes, frames)
    if as_json:
        print(model.to_json(indent=1))
    else:
        model.summary(line_length=110)


@pages_app.command("list")
def pages_list(as_json: JsonOption = False) -> None:
    """All executed pages: source, parameters, and whether each is up to date."""
    import pandas as pd

    from bnet import book

    show(pd.DataFrame(book.overview()), as_json)


@pages_app.command("convert")
def pages_convert(
    name: Annotated[str, typer.Argument(help="Page, as `bnet pages list` names it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The notebook to write.")],
) -> None:
    """Write a page's notebook, not executed, for papermill or Jupyter.

    Example: bnet pages convert corpora/tunes -o tunes.ipynb && papermill tunes.ipynb out.ipynb -p profile smoke
    """
    from bnet import book

    book.convert(name, output)
    print(output)


@pages_app.command("update")
def pages_update(
    names: Annotated[list[str] | None, typer.Argument(help="Pages [default: all].")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")] = None,
    results: ResultsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Execute pages that are up to date, too.")] = False,
) -> None:
    """Execute the pages that are missing or stale."""
    from bnet import book

    _book_environment(profile, results)
    executed = book.update(names or None, force=force)
    print(f"{len(executed)} pages executed{': ' + ', '.join(executed) if executed else ''}")


@pages_app.command("build")
def pages_build(
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Show the records of this profile.")] = None,
    results: ResultsOption = None,
) -> None:
    """Execute stale pages, build the book strictly, and check every page, link, image and sound."""
    from bnet import book

    _book_environment(profile, results)
    print(f"the book: {book.build()}")


def _book_environment(profile: str | None, results: Path | None) -> None:
    """Pages are executed in processes of their own: hand the choice over by environment variables."""
    import os

    from bnet.config import get_profile

    if profile:
        os.environ["BNET_PROFILE"] = get_profile(profile).name
    if results:
        os.environ["BNET_RESULTS"] = str(results.resolve())


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say what works on this machine, and how to mend what does not; exit status 1 if something must be mended."""
    from bnet.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            mark = {True: "ok  ", None: "--  ", False: "FAIL"}[finding.ok]
            print(f"{mark} {finding.what:18} {finding.found}")
            if not finding.ok and finding.mend:
                print(f"     {'':18} -> {finding.mend}")
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
