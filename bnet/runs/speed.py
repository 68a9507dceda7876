"""The hours of a plan: one measured training step times the number of steps. Measured here and now, on noise.

A network is measured in a process of its own: its peak memory is then its own too, and a device that this process took
would not be free for training.
"""

from __future__ import annotations

import dataclasses
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from bnet import backend
from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.models import get_variant
from bnet.models.cost import cost
from bnet.models.shapes import N_MELS
from bnet.runs.child import call
from bnet.runs.plan import Plan
from bnet.sound import decode
from bnet.sound.log_mel import FeatureSettings
from bnet.training.device import Settings, take
from bnet.training.parts import Part

LIMIT = 60.0
"""Seconds after which a measurement is given up."""
MOST_STEPS, STEPS_S = 30, 5.0
"""Training steps that are timed after the first: at most so many, in about so many seconds, but at least two."""
CLASSES = 10
"""Of the network that is measured: its last layer is too small to matter."""


def measure(plan: Plan, log: Callable[[str], None] = print) -> Plan:
    """The plan with hours and memory, from measurements on this machine, which take about a minute at most.

    The first network that has runs to do is timed; the times of the others are in proportion to their multiply-adds,
    which may be off by half: a step is bound by memory, too.

    Raises
    ------
    BnetError
        If the network can't be measured (memory); names it and what to do.
    """
    training, cores = plan.profile.training, plan.machine["cores"]
    features, tasks, networks, notes = plan.features.copy(), plan.tasks.copy(), plan.networks, list(plan.notes)
    todo = tasks.loc[plan.waiting(), ["network", "frames"]].drop_duplicates()
    if len(todo):
        first, count = todo.iloc[0], f"of {len(todo)} networks are"
        log(f"measuring {first['network']} at {first['frames']} frames, for at most {LIMIT:.0f} s")
        known = network(first["network"], int(first["frames"]), training.batch_size, training.precision)
        if not known:
            notes.append(f"hours of {len(todo)} {count} not known: measuring one takes over {LIMIT:.0f} s here")
        elif len(todo) > 1:
            notes.append(f"hours of {len(todo) - 1} {count} estimates, by multiply-adds")
        if known:
            networks = pd.DataFrame([scaled(known, *pair) for pair in todo.itertuples(index=False)])
    for _, row in networks.iterrows():
        own = tasks[(tasks["network"] == row["variant"]) & (tasks["frames"] == row["frames"])]
        clips = (training.epochs + 1) * own["validation"] + own["test"]  # after each epoch, and at the end
        hours = (row["start_s"] + own["steps_a_run"] * row["step_s"] + clips * row["clip_s"]) / 3600
        tasks.loc[own.index, "hours_a_run"], tasks.loc[own.index, "how"] = hours, row["how"]
    tasks["hours"] = tasks["to_do"] * tasks["hours_a_run"]
    log("measuring the extraction of a few clips")
    measured = [clip(*row) for row in features[["corpus", "data", "seconds"]].itertuples(index=False)]
    clip_s, features["how"] = zip(*measured, strict=True)
    features["hours"] = (features["clips"] - features["extracted"]) * clip_s / cores / 3600
    own = {"process_memory": peak_memory(), "notes": tuple(notes)}
    return dataclasses.replace(plan, tasks=tasks, features=features, networks=networks, **own)


def network(variant: str, frames: int, batch_size: int, precision: str = "float32") -> dict[str, Any] | None:
    """Time training steps of a network on noise, after the first one; None if that takes more than `LIMIT`.

    Returns
    -------
    dict
        ``variant, frames, batch_size``; ``how`` it was found; seconds ``step_s`` of a training step, ``clip_s`` of a
        clip's forward pass, ``start_s`` of what comes before the second step (building, compiling); peak ``memory`` of
        the process and ``device_memory`` of the GPU's allocator in bytes, or None; ``parameters, macs``
        (`bnet.models.cost.cost`); ``backend, device, step``: what it ran on, as `bnet train` takes it.

    Raises
    ------
    BnetError
        If the batch does not fit into memory, the process is killed, or the network can't be built.
    """
    end = time.monotonic() + LIMIT
    try:
        return call(_network, variant, frames, batch_size, precision, stop=lambda: time.monotonic() > end)
    except BnetError as error:
        if time.monotonic() > end:
            return None
        raise BnetError(
            f"measuring {variant} with {batch_size} clips of {frames} frames a step: {error}; take less with --set "
            "batch_size=..., or plan without measuring: --no-measure"
        ) from error


def scaled(known: dict[str, Any], variant: str, frames: int) -> dict[str, Any]:
    """As `network`, estimated from one that was measured, in proportion to multiply-adds."""
    if (variant, frames) == (known["variant"], known["frames"]):
        return known
    counted = cost(get_variant(variant), CLASSES, frames)
    ratio = counted.macs / known["macs"]
    return known | {
        "variant": variant,
        "frames": frames,
        "how": f"estimated from {known['variant']} at {known['frames']} frames by multiply-adds",
        "step_s": ratio * known["step_s"],
        "clip_s": ratio * known["clip_s"],
        "memory": None,
        "device_memory": None,
        "parameters": counted.parameters,
        "macs": counted.macs,
    }


def clip(corpus: str, data: str, seconds: float) -> tuple[float, str]:
    """Seconds that one process takes for a clip's log-mel, audio included, and how they were found: on the corpus's own
    clips where its `data` is ``here``, else on an MP3."""
    found, how = get_corpus(corpus), "measured on an MP3 made on the spot"
    if data == "here":
        try:
            tracks = found.tracks()
            times = [_seconds(found.log_mel, t, seconds, found.front_end) for t in tracks[:: len(tracks) // 5 or 1][:5]]
            return statistics.median(times[1:] or times), "measured"  # the first loads libraries and makes filters
        except BnetError as error:
            how = f"{how}, for a clip failed: {error}"
    import soundfile

    noise, front_end = np.random.default_rng(0).uniform(-0.3, 0.3, (round(seconds * 44_100), 2)), FeatureSettings()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp3"
        soundfile.write(path, noise, 44_100)
        extract = lambda: front_end(front_end.fit(decode.load(path, seconds=seconds), seconds))  # noqa: E731
        return statistics.median([_seconds(extract) for _ in range(5)][1:]), how


def _seconds(function: Callable, *words: Any) -> float:
    clock = time.perf_counter()
    function(*words)
    return time.perf_counter() - clock


def peak_memory() -> int:
    """The most memory that this process has had, in bytes; where the system does not tell, what it has now."""
    try:  # not getrusage, which counts the parent's memory at the fork, too
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
    except OSError:
        memory = psutil.Process().memory_info()
        return getattr(memory, "peak_wset", memory.rss)


def device_memory() -> int:
    """The most memory of a GPU that this process has had, in bytes, as its backend's allocator tells."""
    if backend.name() == "tensorflow":
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    if backend.name() == "jax":
        import jax

        return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))
    import torch

    return int(torch.cuda.max_memory_allocated())


def _network(variant: str, frames: int, batch_size: int, precision: str) -> dict[str, Any]:
    """In a child: as `bnet.training.fit.fit` builds, compiles and feeds it, on noise."""
    from bnet.training import assembly, fit

    times = [time.perf_counter()]

    class Clock(fit.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # wait for the device
            times.append(time.perf_counter())
            if batch >= 2 and times[-1] - times[1] > STEPS_S:
                self.model.stop_training = True

    noise = np.random.default_rng(0).uniform(-80, 0, (batch_size, frames, N_MELS)).astype("float32")
    rows = np.tile(np.arange(batch_size), 1 + MOST_STEPS)
    row, execution = get_variant(variant), take(Settings(), precision)
    assembly.seed_everything(0, execution)
    with backend.precision(precision), assembly.memory_errors("a step"):
        execution = dataclasses.replace(execution, steps_per_execution=1)  # for a clock at every step
        made = assembly.Trainer(row, (CLASSES, frames, N_MELS), execution, 1e-4, noise)
        fed, model, execution = made.model, made.inner, made.execution
        places = rows.astype("int32") if execution.resident else None
        batches = fit.Batches(Part(noise, rows, rows % CLASSES), CLASSES, batch_size, places=places)
        fed.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[Clock()])
        forward = [_seconds(lambda: np.asarray(model.predict_on_batch(noise[..., None]))) for _ in range(3)]
    step_s, counted = statistics.median(np.diff(times[1:]).tolist()), cost(row, CLASSES, frames)
    return {
        "variant": variant,
        "frames": frames,
        "batch_size": batch_size,
        "how": "measured",
        "step_s": step_s,
        "clip_s": statistics.median(forward[1:]) / batch_size,
        "start_s": max(0.0, times[1] - times[0] - step_s),
        "memory": peak_memory(),
        "device_memory": device_memory() if execution.device == "GPU" else None,
        "parameters": counted.parameters,
        "macs": counted.macs,
        "backend": execution.backend,
        "device": " ".join(backend.device().values()),
        "step": execution.step,
    }
