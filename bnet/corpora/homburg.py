"""HOMBURG (Homburg et al. 2005), the paper's 'Audio Benchmark': 1 886 excerpts of 10 s from Garageband, nine genres.

Sources: the page of TU Dortmund for layout, counts and addresses; the paper's Table I prints the same counts. No
checksums have been published.
"""

from __future__ import annotations

import re
from pathlib import Path

from bnet.corpora.base import Track, index_rows
from bnet.corpora.files import FileCorpus, in_labels
from bnet.corpora.remote import Remote
from bnet.corpora.walk import plain


class Homburg(FileCorpus):
    """1 886 clips; the name of the archive, or of the folder it was unpacked to, is the only label.

    A group is an artist: what stands before the first ``-`` of the file's name.

    Parameters
    ----------
    short
        What becomes of a clip of 10 s where the network takes 30 s in: ``pad`` (silence follows; what the authors
        presumably did, with 216 frames of 646 filled), ``loop`` (played three times), or ``keep`` (the network
        takes 10 s in, 216 frames).

    Notes
    -----
    The paper does not say what its networks were fed with here. Each choice is a corpus of its own, so that records
    never mix; all read the same folder.
    """

    expected = {row["label"]: int(row["clips"]) for row in index_rows("homburg")}  # noqa: RUF012
    labels = tuple(expected)
    family = "homburg"
    usual_seconds = 9.5
    layout = "<genre>/<Artist_Name-Title>.mp3, 1 886 files in nine folders, each unpacked from <genre>.zip"
    remotes = tuple(Remote(f"https://www-ai.cs.tu-dortmund.de/AUDIO/{label}.zip", f"{label}.zip") for label in labels)

    def __init__(self, short: str = "pad") -> None:
        suffix, how = {
            "pad": ("", ""),
            "loop": ("-looped", " (clips of 10 s, played over and over)"),
            "keep": ("-10s", " (clips of 10 s, taken as they are)"),
        }[short]
        self.name, self.title = f"homburg{suffix}", f"HOMBURG{how}"
        self.looped = short == "loop"
        self.source = "looped" if self.looped else ""
        self.clip_seconds = 10.0 if short == "keep" else None

    def index(self, folder: Path) -> dict[str, Track]:
        """The files below folders that are called like a genre."""
        here = self.by_id(folder).items()
        return {own: Track(own, own.split("-")[0], f"artist {_artist(path)}", path) for own, path in here}

    def track_id(self, path: Path) -> str | None:
        """``<genre>-<Artist_Name-Title>``, by the nearest folder that is called like a genre; None for GTZAN's and
        Emotify's files, whose names are numbers."""
        if re.fullmatch(r"([a-z]+\.)?\d{1,5}", path.stem.lower()):
            return None
        label = next(filter(None, (in_labels(folder.name, self.labels) for folder in path.parents)), None)
        return f"{label}-{plain(path.stem)}" if label else None


def _artist(path: Path) -> str:
    name = plain(path.stem).split("-")[0]
    return re.sub(r"[\s_]+", " ", name).strip().casefold()
