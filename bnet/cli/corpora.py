"""``bnet corpora``: what the corpora hold; the sound of the embedded ones as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet import paths
from bnet.cli.options import JsonOption, say, show
from bnet.errors import BnetError

app = typer.Typer(no_args_is_help=True, help="What the corpora hold; the sound of the embedded ones as files.")


@app.command("list")
def corpora_list(as_json: JsonOption = False) -> None:
    """All corpora, with their classes."""
    import pandas as pd

    from bnet.corpora import CORPORA

    rows = [{"corpus": c.name, "title": c.title, "classes": ", ".join(c.labels)} for c in CORPORA.values()]
    show(pd.DataFrame(rows), as_json)


@app.command("show")
def corpora_show(name: Annotated[str, typer.Argument(help="Corpus.")], as_json: JsonOption = False) -> None:
    """Tracks and groups per class."""
    import pandas as pd

    from bnet.corpora import get_corpus

    corpus = get_corpus(name)
    tracks = pd.DataFrame([vars(track) for track in corpus.tracks()])
    table = tracks.groupby("label").agg(tracks=("track_id", "size"), groups=("group", "nunique")).reset_index()
    show(table, as_json)


@app.command("export")
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
