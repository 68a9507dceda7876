"""Trained networks by name: those that come with the package, and one's own.

A shipped network is a whole record (`bnet.runs.records`) below ``bnet/deploy/shipped/``, with ``weights.npz`` beside
it: its configuration, classes, machine, and what it says of every test and validation track are known like those of any
run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bnet.errors import BnetError, unknown
from bnet.paths import whole_folder
from bnet.runs import records
from bnet.runs.records import Record
from bnet.runs.weights import load_network, save

SHIPPED = Path(__file__).parent / "shipped"
"""One folder per network: ``<name>/<run name>/`` with the record and its weights."""

GENRES = "genres"
"""The shipped network that answers where nobody names another: the paper's, trained on GTZAN."""

LIMITS = {
    "tunes": "trained on `tunes`: dance melodies rendered from scores by one program. It tells seven dance rhythms "
    "apart and can't name the genre of a recording of anything else",
    "gtzan-images": "trained on 442 clips of GTZAN, from published pictures of their spectrograms. It names one of ten "
    "genres, whatever it hears; how often it is right on other music the book says (page 'Music "
    "from outside')",
}
"""What to know of a shipped network, in a sentence, by the corpus it was trained on."""


def shipped(corpus: str | None = None) -> list[Record]:
    """The trained networks that come with the package, or those that were trained on `corpus`: `GENRES`, `proposed`,
    `bbnn`."""
    found = [records.read(path.parent) for path in sorted(SHIPPED.glob("*/*/run.json"), reverse=True)]
    found.sort(key=lambda record: record.folder.parent.name != GENRES)
    return [record for record in found if corpus in (None, record.config.corpus)]


def shipped_run(name: str = GENRES) -> Record:
    """The shipped run of that name: that of its folder below `SHIPPED`.

    Raises
    ------
    BnetError
        If none of that name comes with the package.
    """
    found = {record.folder.parent.name: record for record in shipped()}
    if name not in found:
        raise unknown("shipped network", name, found)
    return found[name]


def find_run(results: Path, name: str | None = None, *, weights: bool = True) -> Record:
    """The record of a network, or of a baseline where no `weights` are needed: by its folder, its name or the beginning
    of it (``corpus/name`` too); ``shipped/<name>``: one that comes with the package. Without a name it is the one for
    genres, whatever was trained here: accuracies of different corpora can't be compared.

    Raises
    ------
    BnetError
        If there is none, several match, or the weights were not kept; says how to train one.
    """
    if not name or name.startswith("shipped/"):
        return shipped_run((name or GENRES).removeprefix("shipped/"))
    if (Path(name) / "run.json").is_file():
        fits = [Path(name).resolve()]
    else:
        folders = [path for path in records.folders(results) if (path / "run.json").is_file()]
        named = {path: (path.name, f"{path.parent.name}/{path.name}") for path in folders}
        fits = [path for path, names in named.items() if any(one.startswith(name) for one in names)]
        fits = [path for path in fits if name in named[path]] or fits
    found = [path for path in fits if not weights or Record(path, {}).weights]
    if weights and not found:
        what = f"weights beside the record {fits[0].name}" if fits else f"trained network named {name!r} in {results}"
        raise BnetError(
            f"no {what} (weights are not committed, a baseline has none); train one into a folder of "
            "its own, `bnet train --corpus tunes --variant proposed --profile smoke --results my-runs`, and name that "
            "here too: --results my-runs"
        )
    if len(found) != 1:
        names = ", ".join(f"{p.parent.name}/{p.name}" for p in found[:5])
        what = f"fits {len(found)} runs: {names}" if found else "is no run"
        raise BnetError(f"{name!r} {what} below {results}; give a run's folder, or its name or its beginning")
    return records.read(found[0])


def ship(record: Record, name: str | None = None) -> Record:
    """Make a finished run the shipped one of that `name` (None: that of its network), in place of the one there."""
    target = SHIPPED / (name or record.config.variant)
    with whole_folder(target / record.name) as temporary:
        for file in ("run.json", *record.run["files"]):
            shutil.copy(record.folder / file, temporary / file)
        save(load_network(record), temporary / records.PLAIN_WEIGHTS)
        if (target / record.name).is_dir():
            shutil.rmtree(target / record.name)
    for other in target.iterdir():
        if other.name != record.name:
            shutil.rmtree(other)
    return records.read(target / record.name)
