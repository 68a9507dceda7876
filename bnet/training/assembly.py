"""What trains a network: the model of its step, resident log-mels, compilation, once for all folds."""

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


class Trainer:
    """A network, the model of its step (`inner`), and the compiled model that is fitted (`model`).

    Parameters
    ----------
    row, shape
        The network, and its ``classes, frames, n_mels``.
    execution
        How to train; the attribute ``execution`` says what was chosen.
    rate
        Of Adam, or its schedule.
    log_mels
        Of the fold [shape=(clips, frames, n_mels)], if the execution is resident: batches are then their numbers.

    Raises
    ------
    BnetError
        If there is no such step.
    """

    def __init__(self, row: Variant, shape: tuple[int, int, int], execution: Execution, rate, log_mels=None):
        self.network = build(row, *shape)
        self.inner, step = lean.choose(self.network, row, execution.step)
        self.model = ResidentModel(self.inner, log_mels) if execution.resident else self.inner
        self.model.compile(
            keras.optimizers.Adam(rate),
            keras.losses.CategoricalCrossentropy(label_smoothing=row.label_smoothing),
            metrics=["accuracy"],
            jit_compile=execution.jit_compile,
            steps_per_execution=execution.steps_per_execution,
        )
        # TensorFlow compiles nothing by XLA in a process that once asked for its deterministic operations
        self.execution = dataclasses.replace(execution, step=step, jit_compile=self.model.jit_compile)

    def renew(self, network: keras.Model, log_mels: np.ndarray | None) -> None:
        """Become as new, with the values of another `network` of the same row, and other log-mels of the same shape."""
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
            self._start = [np.asarray(variable) for variable in optimizer.variables]
        for variables, values in ((self.network.variables, network.variables), (optimizer.variables, self._start)):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(np.asarray(value))  # on JAX two variables would share one array
        if log_mels is not None:
            self.model.log_mels.assign(log_mels)


_LAST: dict[str, Trainer] = {}
"""The last trainer on JAX, by all that it was made for."""


@contextlib.contextmanager
def trainer(row: Variant, shape: tuple, execution: Execution, rate, log_mels, kind: str) -> Iterator[tuple]:
    """A network with initial weights, which is the caller's, and a `Trainer` with the same weights.

    On JAX the trainer is that of the fold before, renewed, if both are of one `kind`, the text of all that the compiled
    step depends on: folds of a network trace and compile its step once. Elsewhere the trainer is new, and its network
    the caller's.
    """
    if execution.backend != "jax":
        made = Trainer(row, shape, execution, rate, log_mels)
        yield made.network, made
        return
    network, made = build(row, *shape), _LAST.pop(kind, None)
    _LAST.clear()
    if made:
        made.renew(network, log_mels)
    else:
        made = Trainer(row, shape, execution, rate, log_mels)
        made.renew(network, None)
    yield network, made
    _LAST[kind] = made  # not after an error: its arrays may be gone


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
            "shorter clips per step (`--set batch_size=...`, `--set clip_seconds=...`), or keep log-mels off a GPU "
            "(`--device-setting resident=no`)"
        ) from error


def seed_everything(seed: int, execution: Execution) -> None:
    """As `bnet.backend.seed_everything`, for what is to be executed."""
    xla = execution.backend == "tensorflow" and execution.jit_compile
    backend.seed_everything(seed, execution.deterministic and not xla)


class ResidentModel(keras.Model):
    """A model whose log-mels [shape=(clips, frames, bands)] lie on the device: its input are their numbers."""

    def __init__(self, model: keras.Model, log_mels: np.ndarray):
        super().__init__(name=f"resident_{model.name}", dtype="float32")
        self.model = model
        self.log_mels = keras.Variable(log_mels, dtype="float32", trainable=False, name="log_mels")

    def call(self, numbers, training=False):
        """Class probabilities [shape=(batch, classes)] of clips [shape=(batch,)]."""
        return self.model(keras.ops.take(self.log_mels, numbers, axis=0)[..., None], training=training)
