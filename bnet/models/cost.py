"""What a network costs: multiply-adds and memory, counted on the Keras model itself (`counting`: on its row)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
import psutil
from keras import layers

from bnet.errors import BnetError
from bnet.models.counting import BYTES
from bnet.models.operations import BandLSTM
from bnet.sound.memory import available_bytes


@dataclass(frozen=True)
class Costs:
    """What a network costs for one clip.

    Parameters
    ----------
    parameters, trainable
        Numbers that it holds, and those of them that training changes.
    macs
        Multiply-adds of one forward pass (see `costs`).
    activation_bytes
        Outputs of all its layers for one clip, as float32.
    layers
        One line a layer, in the model's order: ``layer, kind, shape`` (of its output, without the batch),
        ``parameters, macs, activation_bytes``.
    """

    parameters: int
    trainable: int
    macs: int
    activation_bytes: int
    layers: pd.DataFrame


def costs(model: keras.Model) -> Costs:
    """Count what a network costs for one clip.

    Parameters
    ----------
    model
        A model with a fixed number of frames: ``build(name, classes, frames)``.

    Returns
    -------
    Costs
        ``macs`` counts a multiplication with its addition once, in convolutions, dense layers and LSTMs; not biases,
        normalisation, activation, pooling, sums of maps and products with squeeze-and-excitation's weights, which are
        small beside them. ``activation_bytes`` counts the output of every layer once, input and concatenations included
        (backends make them), and what a separable convolution or an LSTM keeps inside itself not at all.

    Raises
    ------
    BnetError
        If the model was built for any length.
    """
    if None in model.input_shape[1:]:
        raise BnetError(f"{model.name} was built for any length; give `build` the number of frames to count its costs")
    rows = []
    for layer in model.layers:
        shape = tuple(layer.output.shape[1:])
        rows.append(
            {
                "layer": layer.name,
                "kind": type(layer).__name__,
                "shape": shape,
                "parameters": layer.count_params(),
                "macs": MACS[type(layer)](layer, shape) if type(layer) in MACS else 0,
                "activation_bytes": BYTES * math.prod(shape),
            }
        )
    table = pd.DataFrame(rows)
    return Costs(
        parameters=model.count_params(),
        trainable=sum(int(np.prod(weight.shape)) for weight in model.trainable_variables),
        macs=int(table["macs"].sum()),
        activation_bytes=int(table["activation_bytes"].sum()),
        layers=table,
    )


def _conv(layer, shape) -> int:
    return math.prod(layer.kernel.shape) * math.prod(shape[:-1])


def _sepconv(layer, shape) -> int:
    return (math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)) * math.prod(shape[:-1])


def _dense(layer, shape) -> int:
    return math.prod(layer.kernel.shape) * math.prod(shape[:-1])


def _lstm(layer, shape) -> int:
    cell = layer.lstm.cell
    return (math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape)) * math.prod(shape[:-1])


MACS: dict[type, Callable[[Any, tuple[int, ...]], int]] = {
    layers.Conv2D: _conv,
    layers.SeparableConv2D: _sepconv,
    layers.Dense: _dense,
    BandLSTM: _lstm,
}
"""Layers that multiply and add, as functions of (layer, output shape without the batch)."""

BASE = {"tensorflow": 1.0, "jax": 1.3, "torch": 1.1}
"""GiB of a process that trains hardly anything: program, libraries and the compiled step."""
FACTOR = {"tensorflow": 1.0, "jax": 1.0, "torch": 2.2}
"""Memory of a training step as a multiple of the activation memory of its batch."""
_GIB = 2**30


def step_bytes(model: keras.Model, batch_size: int) -> int:
    """What a training step keeps: all outputs of a plain network, or what a model that trains one tells itself."""
    own = getattr(model, "step_bytes", None)
    return own(batch_size) if own else batch_size * costs(model).activation_bytes


def training_bytes(model: keras.Model, batch_size: int) -> int:
    """Memory that a process needs to train on a CPU: ``BASE + FACTOR * step_bytes``.

    Parameters
    ----------
    model
        A plain network, or what trains it (`bnet.training.lean.model.LeanModel`, `bnet.training.remat.RematModel`).

    Notes
    -----
    Calibrated on the peak resident memory of three training steps, Keras 3.15.1, 2 cores: for TensorFlow 2.21 seven
    networks at 108 or 216 frames and batches of 2 or 8 (0.95 to 3.3 GiB), which it meets within 15 %; for JAX and torch
    on two networks each (1.2 to 2.9 GiB). The lean step's estimate meets seven peaks (five networks, 108 to 646 frames,
    2 to 8 clips; 0.9 to 1.9 GiB) within 15 %.
    """
    name = keras.backend.backend()
    return round(BASE[name] * _GIB + FACTOR[name] * step_bytes(model, batch_size))


def check_memory(
    network: keras.Model, batch_size: int, available: int | None = None, model: keras.Model | None = None
) -> None:
    """Refuse a batch that would not fit into memory, before training starts. For a CPU: a GPU's memory is not asked.

    Parameters
    ----------
    network, batch_size
        The network, built for the clips' number of frames, and clips a step.
    available
        Bytes that training may take, what this process holds already included; None: what the machine has left.
    model
        What trains the network; None: itself.

    Raises
    ------
    BnetError
        If `training_bytes` exceeds it; says what is needed, what there is and which batch would fit.
    """
    if available is None:
        available = available_bytes() + psutil.Process().memory_info().rss
    needed = [training_bytes(model or network, n) for n in (0, batch_size)]
    if needed[1] <= available:
        return
    a_clip = (needed[1] - needed[0]) / batch_size
    fits = math.floor((available - needed[0]) / a_clip)
    advice = (
        f"`--set batch_size={fits}` would fit" if fits > 0 else "not even one clip a step would fit: take shorter clips"
    )
    raise BnetError(
        f"training {network.name.replace('_', '-')} on {network.input_shape[1]} frames with {batch_size} clips a step "
        f"needs about {needed[1] / _GIB:.1f} GiB, of which {available / _GIB:.1f} GiB can be had; {advice} "
        "(shorter clips: `--set clip_seconds=...`)"
    )
