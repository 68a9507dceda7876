"""Train one network on one fold, on any Keras backend. Knows arrays and settings; neither runs nor folders."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from bnet import backend
from bnet.errors import BnetError, say
from bnet.training import device
from bnet.training.config import Training
from bnet.training.device import Settings
from bnet.training.parts import Outcome, Part

backend.prepare()

import keras  # noqa: E402
from tqdm import tqdm  # noqa: E402

from bnet.models.variant import Variant  # noqa: E402
from bnet.training.assembly import memory_errors, seed_everything, trainer  # noqa: E402

FEW_STEPS = 250
"""With fewer steps in all, batch normalisation's averages (momentum .99) still hold much of where they began."""


class Batches(keras.utils.PyDataset):
    """Batches read from the store as needed: log-mels [shape=(b, frames, n_mels, 1)], one-hot [shape=(b, classes)].

    With a `seed` the order is drawn again for every epoch, from the seed and the epoch alone. With `places`, where the
    part's clips lie on the device [shape=(clips,)], these are given instead of log-mels [shape=(b,)].
    """

    def __init__(self, part: Part, classes: int, batch_size: int, seed: int | None = None, places=None):
        super().__init__()
        self.part, self.classes, self.batch_size, self.seed, self.epoch = part, classes, batch_size, seed, 0
        self.places = places
        self._shuffle()

    def _shuffle(self) -> None:
        n = len(self.part)
        fixed = self.seed is None
        self.order = np.arange(n) if fixed else np.random.default_rng([self.seed, self.epoch]).permutation(n)

    def __len__(self) -> int:
        return -(-len(self.part) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        if self.places is None:
            x = np.asarray(self.part.features[self.part.rows[chosen]], dtype="float32")[..., None]
        else:
            x = self.places[chosen]
        return x, np.eye(self.classes, dtype="float32")[self.part.labels[chosen]]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()


class BestWeights(keras.callbacks.Callback):
    """Keeps the network's weights of the epoch with the highest validation accuracy (the first of equals)."""

    def __init__(self, network: keras.Model):
        super().__init__()
        self.network = network
        self.best, self.epoch, self.weights = -1.0, 0, None

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_accuracy"] > self.best:
            self.best, self.epoch, self.weights = logs["val_accuracy"], epoch + 1, self.network.get_weights()


class Progress(keras.callbacks.Callback):
    """A bar over the batches on a terminal; else one plain line per epoch."""

    def __init__(self, title: str, epochs: int, batches: int):
        super().__init__()
        self.title, self.epochs, self.batches, self.done = title, epochs, batches, 0
        self.bar = tqdm(total=epochs * batches, desc=title, unit="batch", disable=None, leave=False)

    def on_train_batch_end(self, batch, logs=None):
        done = min(batch + 1, self.batches)  # several at a time, perhaps
        self.bar.update(done - self.done)
        self.done = done

    def on_epoch_end(self, epoch, logs=None):
        self.done = 0
        text = f"loss {logs['loss']:.3f}, accuracy {logs['accuracy']:.3f}, validation {logs['val_accuracy']:.3f}"
        if self.bar.disable:
            say(f"{self.title}: epoch {epoch + 1}/{self.epochs}: {text}")
        else:
            self.bar.set_postfix_str(text)

    def on_train_end(self, logs=None):
        self.bar.close()


def fit(
    row: Variant,
    training: Training,
    train: Part,
    validation: Part,
    test: Part,
    classes: int,
    seed: int,
    title: str = "",
    settings: Settings | None = None,
) -> Outcome:
    """Train a network as `training` says and apply its best weights to the validation and test parts.

    Adam on the categorical cross-entropy, with the row's label smoothing; the rate and the stop follow the **training**
    loss, the weights kept are those of the best **validation** accuracy; the test part is looked at once, after
    training. `settings` says how (None: chosen for the device at hand); what was done stands in ``execution``.

    Raises
    ------
    BnetError
        If the loss is not a number (diverged), a batch does not fit into memory, or there is no such device or step.

    Notes
    -----
    Source: paper, section III-C, and the published notebooks for what it leaves open (batch 8, plateau factor 0.5 and
    patience 3 on the loss, stop with min_delta 0.01 and patience 10, checkpoint on validation accuracy). The cosine
    schedule of the smaller profiles is ours.
    """
    shape, clip = (classes, *train.features.shape[1:]), 4 * train.features[0].size
    execution = device.take(settings or Settings(), training.precision, clip * (len(train) + len(validation)))
    seed_everything(seed, execution)
    what = f"training {row.name} with {training.batch_size} clips of {shape[1]} frames per step"
    log_mels, places = None, (None, None)
    with backend.precision(training.precision), memory_errors(what):
        if execution.resident:
            log_mels = np.concatenate([train.arrays(), validation.arrays()])
            places = np.split(np.arange(len(log_mels), dtype="int32"), [len(train)])
        batches = Batches(train, classes, training.batch_size, seed, places[0])
        if (steps := training.epochs * len(batches)) < FEW_STEPS:
            say(
                f"only {steps} training steps: batch normalisation learns its averages over some hundreds, and without "
                "them validation and test mean little; take more clips, or more epochs (`--set epochs=...`)"
            )
        kind = repr((row, shape, execution, training, len(train), len(validation)))
        with trainer(row, shape, execution, _rate(training, len(batches)), log_mels, kind) as (network, made):
            say(f"{title or row.name}: {made.execution}")
            best = BestWeights(made.network)
            progress = Progress(title, training.epochs, len(batches))
            fitted = made.model.fit(
                batches,
                validation_data=Batches(validation, classes, training.batch_size, places=places[1]),
                epochs=training.epochs,
                shuffle=False,
                verbose=0,
                callbacks=[keras.callbacks.TerminateOnNaN(), best, *_schedule(training), progress],
            )
            history = _history(fitted.history, training, len(batches))
            if best.weights is None or not np.isfinite(history["loss"]).all():
                raise BnetError(
                    f"training of {row.name} diverged: its loss was not a number after {len(history)} epochs; "
                    "lower the rate (`--set learning_rate=...`) and look at the features"
                )
            for owner in (made.network, network):
                owner.set_weights(best.weights)
            found = predict(made.inner, validation), predict(made.inner, test)
    notes = {"best_epoch": best.epoch, "epochs_run": len(history), "parameters": network.count_params()}
    return Outcome(*found, history, notes, network, dataclasses.asdict(made.execution))


def predict(model: keras.Model, part: Part | np.ndarray, batch_size: int = 8) -> np.ndarray:
    """Class probabilities [shape=(n, classes)] of a part, or of log-mels [shape=(n, frames, n_mels)]."""
    n = len(part)
    if not n:
        return np.zeros((0, model.output_shape[-1]), "float32")
    step = range(0, n, batch_size)
    if isinstance(part, Part):
        batches = (part.features[part.rows[i : i + batch_size]] for i in step)
    else:
        batches = (part[i : i + batch_size] for i in step)
    return np.concatenate([np.asarray(model.predict_on_batch(np.asarray(b, "float32")[..., None])) for b in batches])


def _rate(training: Training, batches: int):
    if training.schedule == "plateau":
        return training.learning_rate
    warmup = round(training.warmup_epochs * batches)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=training.learning_rate / 100 if warmup else training.learning_rate,
        decay_steps=max(1, training.epochs * batches - warmup),
        warmup_target=training.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def _schedule(training: Training) -> list[keras.callbacks.Callback]:
    known, found = keras.callbacks, []
    if training.schedule == "plateau":
        factor, patience = training.plateau_factor, training.plateau_patience
        found.append(known.ReduceLROnPlateau("loss", factor=factor, patience=patience, verbose=0))
    if training.stop_patience:
        found.append(known.EarlyStopping("loss", min_delta=training.stop_min_delta, patience=training.stop_patience))
    return found


def _history(history: dict[str, list], training: Training, batches: int) -> pd.DataFrame:
    """Keras's history as a frame; with a cosine, the rate at the end of each epoch is computed from the schedule."""
    epochs = len(history["loss"])
    frame = pd.DataFrame({"epoch": np.arange(1, epochs + 1)})
    for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
        frame[key] = np.asarray(history.get(key, [np.nan] * epochs), float)
    if "learning_rate" in history:
        frame["learning_rate"] = np.asarray(history["learning_rate"], float)
    else:
        rate = _rate(training, batches)
        frame["learning_rate"] = [float(rate(epoch * batches)) if callable(rate) else rate for epoch in frame["epoch"]]
    return frame
