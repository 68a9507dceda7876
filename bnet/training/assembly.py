"""A network with the model that trains it: the lean step, recomputed blocks, resident log-mels, compilation."""

from __future__ import annotations

import dataclasses

import numpy as np

from bnet import backend
from bnet.training import device
from bnet.training.device import Execution, Settings

backend.prepare()

import keras  # noqa: E402

from bnet.models.builder import build  # noqa: E402
from bnet.models.cost import check_memory, training_bytes  # noqa: E402
from bnet.models.shapes import N_MELS  # noqa: E402
from bnet.models.variant import Variant  # noqa: E402
from bnet.training import lean  # noqa: E402
from bnet.training.remat import RematModel  # noqa: E402

GPU_PROCESS_BYTES = 4 * 2**30
"""Memory that a process which trains on a GPU is expected to take; on an H100, with JAX, it was below 3 GiB."""


def assemble(
    row: Variant, classes: int, frames: int, n_mels: int, execution: Execution
) -> tuple[keras.Model, keras.Model, Execution]:
    """A network, the model that trains it, and how: `execution` with its step chosen; no memory is taken for maps yet.

    Raises
    ------
    BnetError
        If there is no such step.
    """
    network = build(row, classes, frames, n_mels)
    model, step = lean.choose(network, row, execution.step)
    return network, RematModel(network) if execution.remat else model, dataclasses.replace(execution, step=step)


def prepare(
    row: Variant, classes: int, frames: int, n_mels: int, batch_size: int, execution: Execution
) -> tuple[keras.Model, keras.Model, Execution]:
    """As `assemble`; a `BnetError` where a batch would not fit into memory (asked on a CPU alone)."""
    network, model, execution = assemble(row, classes, frames, n_mels, execution)
    if execution.device == "CPU":
        check_memory(network, batch_size, model=model)
    return network, model, execution


def expected_bytes(
    row: Variant,
    classes: int,
    frames: int,
    batch_size: int,
    clips: int = 0,
    settings: Settings | None = None,
    precision: str = "float32",
) -> int:
    """Memory of the machine, in bytes, that a process needs to train a network: asked before any is started.

    `clips` are those of the fold, which count where they are held in memory at once. Takes the device, but trains
    nothing.

    Raises
    ------
    BnetError
        If there is no such device, precision or step.

    Notes
    -----
    Of a process that trains on a GPU a guess is given (`GPU_PROCESS_BYTES`).
    """
    corpus_bytes = 4 * clips * frames * N_MELS
    execution = device.take(settings or Settings(), precision, corpus_bytes)
    held = 2 * corpus_bytes * execution.resident  # twice, while they are copied
    if execution.device == "GPU":
        return GPU_PROCESS_BYTES + held
    with backend.precision(precision):
        _, model, _ = assemble(row, classes, frames, N_MELS, execution)
    return training_bytes(model, batch_size) + held


def seed_everything(seed: int, execution: Execution) -> None:
    """As `bnet.backend.seed_everything`, for what is to be executed."""
    xla = execution.backend == "tensorflow" and execution.jit_compile
    backend.seed_everything(seed, execution.deterministic and not xla)


def compile_model(model: keras.Model, row: Variant, rate, execution: Execution) -> Execution:
    """Give a model Adam, the row's loss, and what `execution` says; returns what Keras made of it.

    TensorFlow compiles nothing by XLA in a process that once asked for its deterministic operations.
    """
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.CategoricalCrossentropy(label_smoothing=row.label_smoothing),
        metrics=["accuracy"],
        jit_compile=execution.jit_compile,
        steps_per_execution=execution.steps_per_execution,
    )
    return dataclasses.replace(execution, jit_compile=model.jit_compile)


class ResidentModel(keras.Model):
    """A model whose log-mels [shape=(clips, frames, bands)] lie on the device: its input are their numbers."""

    def __init__(self, model: keras.Model, log_mels: np.ndarray):
        super().__init__(name=f"resident_{model.name}", dtype="float32")
        self.model = model
        self.log_mels = keras.Variable(log_mels, dtype="float32", trainable=False, name="log_mels")

    def call(self, numbers, training=False):
        """Class probabilities [shape=(batch, classes)] of clips [shape=(batch,)]."""
        return self.model(keras.ops.take(self.log_mels, numbers, axis=0)[..., None], training=training)
