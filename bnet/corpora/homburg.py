"""HOMBURG (Homburg et al. 2005), the paper's 'Audio Benchmark': 1 886 excerpts of 10 s from Garageband, nine genres.

Sources: the page of TU Dortmund for layout, counts and addresses; the paper's Table I prints the same counts. No
checksums have been published.
"""

from __future__ import annotations

import re
from pathlib import Path

from bnet.corpora.base import Flaw, Track
from bnet.corpora.download import Remote
from bnet.corpora.files import FileCorpus, by_id, in_labels, repeated
from bnet.corpora.walk import plain, sounds

PAGE = "https://www-ai.cs.tu-dortmund.de"
COUNTS = {
    "alternative": 145,
    "blues": 120,
    "electronic": 113,
    "folkcountry": 222,
    "funksoulrnb": 47,
    "jazz": 319,
    "pop": 116,
    "raphiphop": 300,
    "rock": 504,
}
"""Class -> number of clips; 1 886 in all."""

_ABOUT = """\
Excerpts of 10 s from songs that musicians had put on the site Garageband, in nine genres of very different size
{cite:p}`homburg2005`. The paper's text calls it HOMBURG, its Table II 'Audio Benchmark'.
"""
_NOTES = """\
**Ten seconds in a network for thirty.** A clip of 10 s gives 216 frames; the paper feeds its networks 646, and does
not say how. Its code pads or cuts to 30 s, so presumably two thirds of each input were silence. Here this is a choice
with a name, and a corpus of its own each, so that results never mix: `homburg` pads with silence, `homburg-looped`
plays the clip three times, `homburg-10s` gives the network what there is. All three read the same folder.

**Groups.** The name of a file begins with its artist; some 1 460 artists have at most eight clips each. `grouped`
keeps an artist on one side of a split, the paper's random draws do not. No list of faults and no checksums have been
published; `--exclude duplicates` leaves out files that are equal byte for byte.

**Getting it.** `bnet corpora get homburg` fetches one archive a genre from TU Dortmund and unpacks each into a folder
of its name, which is the only label there is.
"""


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

    labels = tuple(COUNTS)
    expected = COUNTS
    data_name = "homburg"
    usual_seconds = 9.5
    disk_bytes = 255_000_000
    layout = "<genre>/<Artist_Name-Title>.mp3, 1 886 files in nine folders, each unpacked from <genre>.zip"
    remotes = tuple(Remote(f"{PAGE}/AUDIO/{label}.zip", f"{label}.zip") for label in COUNTS)

    about = _ABOUT
    notes = _NOTES

    def __init__(self, short: str = "pad") -> None:
        suffix, how = {
            "pad": ("", "clips of 10 s, padded with silence"),
            "loop": ("-looped", "clips of 10 s, played over and over"),
            "keep": ("-10s", "clips of 10 s, taken as they are"),
        }[short]
        self.name = f"homburg{suffix}"
        self.title = f"HOMBURG ({how})" if suffix else "HOMBURG"
        self.how = how
        self.short = "loop" if short == "loop" else "pad"
        self.source = "looped" if short == "loop" else ""
        self.clip_seconds = 10.0 if short == "keep" else None

    def read(self, folder: Path) -> list[Track]:
        """The files below folders that are called like a genre."""
        here = by_id(sounds(folder), self._track_id, self.name)
        return [Track(own, own.split("-")[0], f"artist {_artist(path)}", path) for own, path in here.items()]

    def flaws(self, kind: str) -> list[Flaw]:
        """``duplicates``: files that are equal byte for byte; no faults have been published."""
        return repeated(self.read(self.folder())) if kind == "duplicates" else []

    def _track_id(self, path: Path) -> str | None:
        """``<genre>-<Artist_Name-Title>``, by the nearest folder that is called like a genre; None for GTZAN's and
        Emotify's files, whose names are numbers."""
        if re.fullmatch(r"([a-z]+\.)?\d{1,5}", path.stem.lower()):
            return None
        for folder in path.parents:
            if label := in_labels(folder.name, self.labels):
                return f"{label}-{plain(path.stem)}"
        return None


def _artist(path: Path) -> str:
    name = plain(path.stem).split("-")[0]
    return re.sub(r"[\s_]+", " ", name).strip().casefold()
