"""The trained network of a record: its weights as Keras keeps them, or as plain arrays, without pickle."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bnet import backend
from bnet.errors import BnetError
from bnet.models.variant import Variant
from bnet.paths import write_bytes
from bnet.runs.records import PLAIN_WEIGHTS, Record

if TYPE_CHECKING:
    import keras


def variant_of(record: Record) -> Variant:
    """The row of a run's network, as it was trained."""
    return Variant.from_architecture(record.config.variant, record.config.architecture)


def load_network(record: Record, frames: int | None = None) -> keras.Model:
    """The Keras network of a run, for clips of so many frames; None: of any length.

    Raises
    ------
    BnetError
        If there are no weights, or they do not fit the network and the classes of the record.
    """
    backend.prepare()
    from bnet.models.builder import build

    model, path = build(variant_of(record), len(record.labels), frames), record.weights
    if path is None:
        raise BnetError(f"the run {record.name} has no weights; train it again into another folder (--results my-runs)")
    try:
        load(model, path) if path.name == PLAIN_WEIGHTS else model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise BnetError(
            f"{path} does not hold weights of {record.config.variant} for {len(record.labels)} classes "
            f"({str(error).splitlines()[0]}); move the file away and train the run again"
        ) from error
    return model


def save(model: keras.Model, path: Path) -> None:
    """Write the weights of `model` as float32 arrays, numbered in Keras's order and named by path, into an ``.npz``:
    the form of networks that come with the package (`bnet.deploy.networks.SHIPPED`)."""
    stream = io.BytesIO()
    np.savez(stream, **{f"{i:03d} {v.path}": np.asarray(v, "float32") for i, v in enumerate(model.weights)})
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
