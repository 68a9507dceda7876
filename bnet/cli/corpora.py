"""``bnet corpora``: what they are, how to get them, whether a copy is sound, their sound as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet import paths
from bnet.cli import options
from bnet.cli.options import show
from bnet.errors import BnetError, say

app = typer.Typer(no_args_is_help=True, help="The corpora: list, get, check, show, export.")


Name = Annotated[str, typer.Argument(help="Corpus; `bnet corpora list` shows all.")]


@app.command("list")
def corpora_list(data: options.Data = None, partial: options.Partial = False, as_json: options.Json = False) -> None:
    """All corpora: classes, clips of a whole copy, and whether they are here."""
    import pandas as pd

    from bnet.corpora import CORPORA

    rows = []
    for corpus in CORPORA.values():
        try:
            tracks, here = corpus.tracks(), "yes"
        except BnetError as error:
            tracks, here = [], "in part" if "not whole" in str(error) else "no"
        rows.append(
            {
                "corpus": corpus.name,
                "title": corpus.title,
                "classes": len(corpus.labels) or None,
                "clips": sum(corpus.expected.values()) or len(tracks) or None,
                "here": here,
                "protocols": ", ".join(corpus.protocols),
            }
        )
    show(pd.DataFrame(rows).astype({"classes": "Int64", "clips": "Int64"}), as_json)


@app.command("show")
def corpora_show(
    name: Name, data: options.Data = None, partial: options.Partial = False, as_json: options.Json = False
) -> None:
    """Tracks and groups per class."""
    import pandas as pd

    from bnet.corpora import get_corpus

    corpus = get_corpus(name)
    tracks = pd.DataFrame([vars(track) for track in corpus.tracks()])
    table = tracks.groupby("label").agg(tracks=("track_id", "size"), groups=("group", "nunique")).reset_index()
    show(table, as_json)


@app.command("get")
def corpora_get(
    name: Name,
    data: options.Data = None,
    mirror: Annotated[
        str, typer.Option(help="Fetch the files, by the same names, from this address instead of their home.")
    ] = "",
    workers: Annotated[int, typer.Option(min=1, max=16, help="Downloads at once.")] = 4,
    retries: Annotated[int, typer.Option(min=0, help="Further tries of a download.")] = 5,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 30.0,
) -> None:
    """Fetch and unpack a corpus; where nobody offers it, say what to get, from whom, and where to put it.

    Stop it whenever you like: the same command resumes.

    Example: bnet corpora get fma-small --data ~/corpora
    """
    from bnet.corpora import get_corpus
    from bnet.corpora.getting import get

    corpus = get_corpus(name)
    fetched = get(corpus, mirror=mirror, workers=workers, retries=retries, timeout=timeout, say=say)
    for path, reason in sorted(fetched.failed.items()):
        say(f"not fetched: {path}: {reason}")
    print(f"{name}: {fetched.new} files fetched, {fetched.kept} were there, {len(fetched.failed)} failed")
    try:
        print(f"{name}: {len(corpus.tracks())} clips; next: bnet corpora check {name}")
    except BnetError as error:
        raise BnetError(f"{name} is not complete yet: {error}") from error
    if fetched.failed:
        raise typer.Exit(1)


@app.command("check")
def corpora_check(
    name: Name,
    data: options.Data = None,
    partial: options.Partial = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not decode: names, counts and checksums only.")] = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
) -> None:
    """Look at every file: missing, extra, corrupt, too short, double, with a wrong checksum.

    Exit status 0: sound (but for what the corpus is known for); 1: it has problems; 2: it can't be checked.

    Example: bnet corpora check gtzan --data ~/corpora
    """
    import json

    from bnet.corpora import get_corpus
    from bnet.corpora.checking import check

    found = check(get_corpus(name), decode=not quick, jobs=jobs)
    if as_json:
        tables = {"counts": found.counts, "problems": found.problems}
        parsed = {key: json.loads(table.to_json(orient="records")) for key, table in tables.items()}
        print(json.dumps({"corpus": name, "sound": found.sound, **parsed}, indent=1, ensure_ascii=False))
    else:
        show(found.counts, False)
        print()
        show(found.problems, False)
        known = int(found.problems["known"].sum())
        print(f"\n{name}: {len(found.problems) - known} problems, and {known} that it is known for")
    if not found.sound:
        raise typer.Exit(1)


@app.command("export")
def corpora_export(
    name: Annotated[str, typer.Argument(help="Corpus.")],
    folder: Annotated[Path, typer.Argument(help="Where to write `FOLDER/<label>/<track>.flac`.")],
    seconds: Annotated[float, typer.Option(help="Length of a clip.", callback=options.clip_seconds)] = 30.0,
    per_class: Annotated[int, typer.Option(help="At most so many tracks of a class; 0 for all.")] = 0,
    data: options.Data = None,
    partial: options.Partial = False,
) -> None:
    """Write the sound of a corpus as FLAC files, to listen to or to use elsewhere.

    A clip that can't be decoded is named, the others are still written; the exit status is then 1.

    Example: bnet corpora export tunes ~/tunes --seconds 10 --per-class 5
    """
    import io

    import soundfile
    from tqdm import tqdm

    from bnet.corpora import SR, get_corpus, select

    corpus, failed = get_corpus(name), 0
    if not corpus.has_sound:
        other = f"; export {corpus.of.name}, whose clips they are" if corpus.of else ""
        raise BnetError(f"{name} holds {corpus.medium}; expected a corpus with audio{other}")
    tracks = select(corpus.tracks(), per_class or None)
    for track in tqdm(tracks, disable=None, unit="clip"):
        target = paths.writable_dir(folder / track.label, "export", "another FOLDER") / f"{track.track_id}.flac"
        try:
            y = corpus.audio(track, seconds)
        except BnetError as error:
            failed += 1
            say(f"not written: {error}")
            continue
        content = io.BytesIO()
        soundfile.write(content, y, SR, format="FLAC")
        paths.write_bytes(target, content.getvalue())
    print(f"{len(tracks) - failed} clips in {folder}, {failed} failed")
    if failed:
        raise typer.Exit(1)
