"""Weights on disk, with the architecture that they belong to: two networks of equal shapes are not mixed up."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import keras

from bnet.errors import BnetError

_ATTRIBUTE = "bnet_architecture"


def save(model: keras.Model, architecture: str, path: Path) -> None:
    """Save the weights of `model` to `path` (``.weights.h5``), with the `architecture` of its row."""
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        file.attrs[_ATTRIBUTE] = architecture


def load(model: keras.Model, architecture: str, path: Path) -> None:
    """Load weights that `save` (or Keras itself) wrote into `model`, which was built from `architecture`.

    Raises
    ------
    BnetError
        If the file can't be read, belongs to another network, or has other shapes (another number of classes);
        names what differs.
    """
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get(_ATTRIBUTE, architecture)
        if json.loads(found) != json.loads(architecture):
            raise _refuse(model, path, f"they are of another network: {_difference(found, architecture)}")
        model.load_weights(path)
    except BnetError:
        raise
    except (OSError, KeyError, ValueError) as error:
        raise _refuse(model, path, (str(error).splitlines() or [type(error).__name__])[0]) from error


def _difference(found: str, expected: str) -> str:
    theirs, ours = json.loads(found), json.loads(expected)
    parts = [
        f"{key} {theirs.get(key, 'default')!r} there, {ours.get(key, 'default')!r} here"
        for key in sorted({*theirs, *ours})
        if theirs.get(key) != ours.get(key)
    ]
    return "; ".join(parts)


def _refuse(model: keras.Model, path: Path, reason: str) -> BnetError:
    classes = model.output_shape[-1]
    return BnetError(
        f"{path} does not hold weights of {model.name.replace('_', '-')} for {classes} classes ({reason}); "
        "move the file away and train the run again"
    )
