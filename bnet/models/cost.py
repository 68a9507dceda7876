"""What a network costs: multiply-adds and memory, counted on the Keras model itself (`counting`: on its row)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from bnet.errors import BnetError
from bnet.models.counting import BYTES
from bnet.models.operations import BandLSTM


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
