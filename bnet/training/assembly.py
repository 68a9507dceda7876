"""A network with the model that trains it: the lean step, resident log-mels, compilation."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np

from bnet import backend
from bnet.errors import BnetError
from bnet.training.device import Execution

backend.prepare()

import keras  # noqa: E402

from bnet.models.builder import build  # noqa: E402
from bnet.models.variant import Variant  # noqa: E402
from bnet.training import lean  # noqa: E402


def assemble(
    row: Variant, classes: int, frames: int, n_mels: int, execution: Execution
) -> tuple[keras.Model, keras.Model, Execution]:
    """A network, the model that trains it, and how: `execution` with its step chosen.

    Raises
    ------
    BnetError
        If there is no such step.
    """
    network = build(row, classes, frames, n_mels)
    model, step = lean.choose(network, row, execution.step)
    return network, model, dataclasses.replace(execution, step=step)


_EXHAUSTED = ("resourceexhausted", "resource_exhausted", "out of memory", "can't allocate memory")
"""How TensorFlow, JAX and torch say that memory is short, in the class or the text of an error."""


@contextlib.contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Turn a backend's own error, that memory is short, into a `BnetError` which says what to do."""
    try:
        yield
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not isinstance(error, MemoryError) and not any(word in text.lower() for word in _EXHAUSTED):
            raise
        raise BnetError(
            f"{what} does not fit into memory ({text.splitlines()[0][:200]}); end other programs, or take fewer or "
            "shorter clips per step: `--set batch_size=...`, `--set clip_seconds=...`"
        ) from error


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
