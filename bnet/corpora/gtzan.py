"""GTZAN (Tzanetakis & Cook 2002): 1 000 excerpts of 30 s in ten genres; the paper's first corpus.

Sources: layout, counts and lengths from the loaders of torchaudio and TensorFlow Datasets; the archive's checksum from
`pytorch/audio:src/torchaudio/datasets/gtzan.py`; faults from Sturm (2012); the fault-filtered split from Kereliuk,
Sturm & Larsen (2015), lists in `coreyker/dnn-mgr:gtzan`.
"""

from __future__ import annotations

import re
from pathlib import Path

from bnet.corpora.base import Flaw, Track
from bnet.corpora.files import FileCorpus
from bnet.corpora.remote import Remote
from bnet.corpora.walk import find_file
from bnet.errors import BnetError
from bnet.paths import sha256_file

LISTS = {
    "train": ("train_filtered.txt", "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa"),
    "validation": ("valid_filtered.txt", "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956"),
    "test": ("test_filtered.txt", "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72"),
}
"""Part -> file name and SHA-256 of the fault-filtered lists: 443, 197 and 290 lines like ``blues/blues.00029.wav``."""

UNDECODABLE = {"jazz.00054": "no audio in the copy that Kaggle passes on"}
"""The original archive's can be read."""

_FILTERED = "Kereliuk, Sturm & Larsen (2015): named in none of the lists of the fault-filtered split"
_GET = "fetch them: bnet corpora get gtzan (or gtzan-images)"


class Gtzan(FileCorpus):
    """1 000 clips, 100 of each genre, known by their names: ``<genre>.<five digits>``.

    It comes without a list of artists or recordings, so every clip is a group of its own, and ``grouped`` protects from
    nothing. The protocol to trust is ``official``: no known artist stands in two parts of the fault-filtered split.
    """

    name = "gtzan"
    title = "GTZAN"
    labels = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
    expected = dict.fromkeys(labels, 100)
    protocols = ("holdout", "official", "grouped", "kfold")
    usual_seconds = 29.5
    layout = "genres/<genre>/<genre>.NNNNN.wav (or .au), 100 files in each of ten genres"
    how_to_get = (
        "its home is offline, so get a copy (genres.tar.gz of archive.org's gtzan_genre or of huggingface.co's "
        "marsyas/gtzan, or Kaggle's andradaolteanu/gtzan-dataset-music-genre-classification), put the archive or the "
        "folder into {home}, and run `bnet corpora get {name}`, which unpacks it and fetches the fault-filtered lists"
    )
    remotes = tuple(
        Remote(f"https://raw.githubusercontent.com/coreyker/dnn-mgr/master/gtzan/{name}", name, f"sha256:{checksum}")
        for name, checksum in LISTS.values()
    )
    archive_checksums = {  # noqa: RUF012  of the corpus's home, 1 225 571 541 bytes; copies that others packed differ
        "genres.tar.gz": "sha256:24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6"
    }
    tables = remotes
    known = UNDECODABLE

    def index(self, folder: Path) -> dict[str, Track]:
        """The 1 000 tracks; `split` is set where the three lists are there."""
        parts = self.parts(folder)
        names = [(label, f"{label}.{number:05d}") for label in self.labels for number in range(100)]
        return {
            own: Track(own, label, own, folder / "genres" / label / f"{own}.wav", parts.get(own))
            for label, own in names
        }

    def parts(self, folder: Path) -> dict[str, str]:
        """Track id -> part of the fault-filtered split; empty if none of its lists is below `folder`, a `BnetError` if
        only some are, or if one is not the published one."""
        found = {part: find_file(folder, re.escape(name)) for part, (name, _) in LISTS.items()}
        missing = [LISTS[part][0] for part, path in found.items() if path is None]
        if len(missing) == len(LISTS):
            return {}
        if missing:
            raise BnetError(f"of GTZAN's three lists {', '.join(missing)} is not below {folder}; {_GET}")
        parts = {}
        for part, path in found.items():
            checksum = sha256_file(path)
            if checksum != LISTS[part][1]:
                raise BnetError(f"{path} has SHA-256 {checksum}; expected {LISTS[part][1]}, the published list; {_GET}")
            parts |= {Path(line.strip()).stem: part for line in path.read_text().splitlines() if line.strip()}
        return parts

    def faults(self, folder: Path) -> list[Flaw]:
        """What the lists below `folder` leave out (replicas, versions, mislabelled and distorted clips), and
        `UNDECODABLE`."""
        index = self.index(folder)
        if not any(track.split for track in index.values()):
            raise BnetError(f"which clips of GTZAN are faulty is told by three lists that are not here; {_GET}")
        flaws = [Flaw(own, "faults", "filtered", _FILTERED) for own, track in index.items() if not track.split]
        return sorted(flaws + [Flaw(own, "faults", why, "seen in that copy") for own, why in UNDECODABLE.items()])

    def track_id(self, path: Path) -> str | None:
        """The file's name without its suffix."""
        match = re.fullmatch(r"([a-z]+)\.(\d{5})", path.stem.lower())
        return match[0] if match and match[1] in self.labels and int(match[2]) < 100 else None
