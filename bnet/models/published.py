"""The weights that the authors of the baseline published (Keras 2.0.6, HDF5), read into our `bbnn`."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import keras
import numpy as np

from bnet.errors import BnetError
from bnet.models.builder import build
from bnet.models.shapes import sections
from bnet.models.variants import VARIANTS

_KINDS = {
    "Conv2D": ("conv2d", ("kernel", "bias")),
    "BatchNormalization": ("batch_normalization", ("gamma", "beta", "moving_mean", "moving_variance")),
    "Dense": ("dense", ("kernel", "bias")),
}
"""Keras class -> how Keras 2 called its layers, and their weights."""


def load_published_bbnn(path: str | Path, frames: int | None = None) -> keras.Model:
    """Build `bbnn` with the weights of a published model file of the baseline.

    Parameters
    ----------
    path
        ``<fold>_fold_GTZAN_model.hdf5`` of `CaifengLiu/music-genre-classification` (folder ``GTZAN_2048_1/model``).
    frames
        As for `bnet.models.build`; the published network was trained on 647 frames.

    Returns
    -------
    keras.Model
        From log-mel in dB [shape=(batch, frames, 128, 1)] to the probabilities of GTZAN's ten classes in
        alphabetical order.

    Raises
    ------
    BnetError
        If the file is missing, is not HDF5, or does not hold exactly the layers and shapes of BBNN.

    Notes
    -----
    Keras numbered its layers as they were made, and the published notebook makes them branch by branch, as
    `bnet.models.build` does: the n-th convolution there is the n-th here, and so for the normalisations.
    """
    path = Path(path)
    published = _read(path)
    classes = published["Dense"][0][0].shape[-1] if published["Dense"] and published["Dense"][0][0].ndim == 2 else 0
    if classes < 2:
        raise _refuse(path, "it has no dense softmax layer")
    model = build("bbnn", classes, frames)
    chains = (chain for section in sections(VARIANTS["bbnn"]) for chain in (*section.branches, section.after))
    made = [op.name + layer.suffix for chain in chains for op in chain for layer in op.layers]
    layers = [model.get_layer(name) for name in (*made, "probabilities")]
    for kind, theirs in published.items():
        ours = [layer for layer in layers if type(layer).__name__ == kind]
        if len(theirs) != len(ours):
            raise _refuse(path, f"it has {len(theirs)} {kind} layers where BBNN has {len(ours)}")
        for layer, arrays in zip(ours, theirs, strict=True):
            expected = [tuple(weight.shape) for weight in layer.weights]
            found = [array.shape for array in arrays]
            if expected != found:
                raise _refuse(path, f"{layer.name} expects weights of shapes {expected}, the file has {found}")
            layer.set_weights(arrays)
    return model


def _read(path: Path) -> dict[str, list[list[np.ndarray]]]:
    """The arrays of each layer kind, in the order in which the layers were made."""
    if not path.is_file():
        raise BnetError(f"no weights file at {path}; expected a published BBNN model (.hdf5)")
    try:
        with h5py.File(path, "r") as file:
            group = file["model_weights"]
            names = [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs["layer_names"]]
            layers = {}
            for kind, (prefix, weights) in _KINDS.items():
                numbered = sorted((int(m[1]), n) for n in names if (m := re.fullmatch(rf"{prefix}_(\d+)", n)))
                layers[kind] = [[group[name][name][f"{weight}:0"][()] for weight in weights] for _, name in numbered]
            return layers
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _refuse(path, f"it can't be read as one ({type(error).__name__}: {error})") from error


def _refuse(path: Path, reason: str) -> BnetError:
    return BnetError(
        f"{path} does not hold a published BBNN model: {reason}. Expected a Keras 2 functional model file with the 20 "
        "convolutions of BBNN, such as 0_fold_GTZAN_model.hdf5; for weights that bnet trained: `bnet predict --run`"
    )
