"""Weights of a network as plain arrays, without pickle; and the trained networks that come with the package.

A shipped network is a whole record (`bnet.runs.records`) below ``bnet/deploy/shipped/``, with ``weights.npz`` beside
it: its configuration, classes, machine, and what it says of every test and validation track are known like those of any
run.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bnet.errors import BnetError, unknown
from bnet.paths import whole_folder, write_bytes
from bnet.runs import records
from bnet.runs.records import Record

if TYPE_CHECKING:
    import keras

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


def save(model: keras.Model, path: Path) -> None:
    """Write the weights of `model` as float32 arrays, numbered in Keras's order and named by path, into an ``.npz``."""
    arrays = {f"{i:03d} {v.path}": np.asarray(v, "float32") for i, v in enumerate(model.weights)}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    write_bytes(path, stream.getvalue())


def load(model: keras.Model, path: Path) -> None:
    """Fill `model` with the weights that `save` wrote, in order.

    Raises
    ------
    ValueError
        If the file is damaged, or holds other weights than `model` has; says the first difference.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [stored[name] for name in sorted(stored.files)]
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"not a whole file of weights: {error}") from error
    if len(arrays) != len(model.weights):
        raise ValueError(f"{len(arrays)} arrays, where the network has {len(model.weights)}")
    for array, variable in zip(arrays, model.weights, strict=True):
        if array.shape != tuple(variable.shape):
            raise ValueError(f"an array of shape {array.shape} where {variable.path} has {tuple(variable.shape)}")
    model.set_weights(arrays)


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


def ship(record: Record, name: str | None = None) -> Record:
    """Make a finished run the shipped one of that `name`; None: that of its network.

    Raises
    ------
    BnetError
        If the run has no weights here.
    """
    from bnet.deploy.predict import load_network

    model = load_network(record)
    target = SHIPPED / (name or record.config.variant)
    with whole_folder(target / record.name) as temporary:
        for name in ("run.json", *record.run["files"]):
            shutil.copy(record.folder / name, temporary / name)
        save(model, temporary / records.PLAIN_WEIGHTS)
    for other in target.iterdir():
        if other.name != record.name:
            shutil.rmtree(other)
    done = records.read(target / record.name)
    if done.identity() != record.identity():
        raise BnetError(f"{done.folder} differs from {record.folder}; remove it and ship the run again")
    return done
