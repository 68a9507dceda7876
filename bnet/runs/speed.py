"""How fast this machine is: a few training steps of a network, a few clips of a corpus. Measured here and now.

Every network is measured in a process of its own: its peak memory is then its own too, and a device that this process
took would not be free for training.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bnet import backend
from bnet.corpora import Corpus, Track
from bnet.errors import BnetError
from bnet.models import get_variant
from bnet.models.cost import cost
from bnet.models.shapes import N_MELS
from bnet.runs.child import call
from bnet.sound import log_mel
from bnet.sound.log_mel import FeatureSettings
from bnet.training import device
from bnet.training.device import Settings
from bnet.training.parts import Part

LEAST_STEPS, MOST_STEPS = 2, 30
"""Training steps that are timed, after the first."""


@dataclass(frozen=True)
class Speed:
    """What a network takes on one device, for a batch of clips of some length.

    Parameters
    ----------
    variant, frames, batch_size
        The network, frames of a clip, clips a step.
    how
        ``measured``, or from which measured network it was estimated, and by what.
    step_s, clip_s, start_s
        Seconds of a training step; of a clip's forward pass; of what comes before the second step (building,
        compiling).
    memory, device_memory
        Peak memory of the process, and of the GPU's allocator, in bytes; None where it was not measured.
    parameters, macs
        Of the network: weights, and multiply-adds of a clip's forward pass (`bnet.models.cost.cost`).
    backend, device, step
        What it ran on, and the step that it took (`bnet.training.device.Execution`): the one that `bnet train` takes.
    """

    variant: str
    frames: int
    batch_size: int
    how: str
    step_s: float
    clip_s: float
    start_s: float
    memory: int | None
    device_memory: int | None
    parameters: int
    macs: int
    backend: str
    device: str
    step: str = "plain"


def network(
    variant: str, classes: int, frames: int, batch_size: int, precision: str = "float32", budget_s: float = 15.0
) -> Speed:
    """Time training steps of a network on noise, after the first one: at least 2, at most 30, for some `budget_s` s.

    Raises
    ------
    BnetError
        If the batch does not fit into memory, the process is killed, or the network can't be built.
    """
    try:
        return call(_network, variant, classes, frames, batch_size, precision, budget_s)
    except BnetError as error:
        raise BnetError(
            f"measuring {variant} with {batch_size} clips of {frames} frames a step: {error}; take less with --set "
            "batch_size=..., or plan without measuring: --no-measure"
        ) from error


def scaled(known: Speed, variant: str, classes: int, frames: int) -> Speed:
    """The speed of a network that was not measured, from one that was: times in proportion to their multiply-adds.

    On a CPU, times in proportion may be off by half: a step is bound by memory, too.
    """
    counted = cost(get_variant(variant), classes, frames)
    ratio = counted.macs / known.macs
    return dataclasses.replace(
        known,
        variant=variant,
        frames=frames,
        how=f"from {known.variant} at {known.frames} frames by multiply-adds",
        step_s=ratio * known.step_s,
        clip_s=ratio * known.clip_s,
        memory=None,
        device_memory=None,
        parameters=counted.parameters,
        macs=counted.macs,
    )


def clips(corpus: Corpus, tracks: list[Track], seconds: float, count: int = 4) -> float:
    """Seconds that one process takes for a clip's log-mel, sound included: the median of `count` clips."""
    step = max(1, len(tracks) // (count + 1))
    return _median_time(lambda track: corpus.log_mel(track, seconds, corpus.front_end), tracks[::step][: count + 1])


def mp3(seconds: float, count: int = 4) -> float:
    """As `clips`, for a stereo MP3 at 44.1 kHz made on the spot: what stands in for a corpus that is not here."""
    import soundfile

    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (round(seconds * 44_100), 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp3"
        soundfile.write(path, noise, 44_100)
        front_end = FeatureSettings()
        return _median_time(
            lambda _: front_end(front_end.fit(log_mel.load(path, seconds=seconds), seconds)), [None] * (count + 1)
        )


def _median_time(make: Callable[[Any], Any], items: list) -> float:
    times = []
    for item in items:
        clock = time.perf_counter()
        make(item)
        times.append(time.perf_counter() - clock)
    return statistics.median(times[1:] or times)  # the first one loads libraries and makes filters


def peak_memory() -> int:
    """The most memory that this process has had, in bytes: the system's high-water mark."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):  # getrusage would count the parent's memory at the fork, too
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    memory = psutil.Process().memory_info()
    return getattr(memory, "peak_wset", memory.rss)  # Windows tells its peak; elsewhere what it has now


def device_memory() -> int:
    """The most memory of a GPU that this process has had, in bytes, as its backend's allocator tells."""
    return _GPU_MEMORY[backend.name()]()


def _network(variant: str, classes: int, frames: int, batch_size: int, precision: str, budget_s: float) -> Speed:
    """In a child: as `bnet.training.fit.fit` builds, compiles and feeds it, on noise."""
    from bnet.training import assembly, fit

    times = [time.perf_counter()]

    class Clock(fit.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # wait for the device
            times.append(time.perf_counter())
            if batch >= LEAST_STEPS and times[-1] - times[1] > budget_s:
                self.model.stop_training = True

    noise = np.random.default_rng(0).uniform(-80, 0, (batch_size, frames, N_MELS)).astype("float32")
    rows = np.tile(np.arange(batch_size), 1 + MOST_STEPS)
    row, execution = get_variant(variant), device.take(Settings(), precision)
    assembly.seed_everything(0, execution)
    with backend.precision(precision), assembly.memory_errors("a step"):
        _, model, execution = assembly.assemble(row, classes, frames, N_MELS, execution)
        execution = dataclasses.replace(execution, steps_per_execution=1)  # for a clock at every step
        places = rows.astype("int32") if execution.resident else None
        fed = assembly.ResidentModel(model, noise) if execution.resident else model
        execution = assembly.compile_model(fed, row, 1e-4, execution)
        batches = fit.Batches(Part(noise, rows, rows % classes), classes, batch_size, places=places)
        fed.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[Clock()])
        forward = []
        for _ in range(1 + LEAST_STEPS):
            clock = time.perf_counter()
            np.asarray(model.predict_on_batch(noise[..., None]))
            forward.append(time.perf_counter() - clock)
    step_s, counted = statistics.median(np.diff(times[1:]).tolist()), cost(row, classes, frames)
    return Speed(
        variant=variant,
        frames=frames,
        batch_size=batch_size,
        how="measured",
        step_s=step_s,
        clip_s=statistics.median(forward[1:]) / batch_size,
        start_s=max(0.0, times[1] - times[0] - step_s),
        memory=peak_memory(),
        device_memory=device_memory() if execution.device == "GPU" else None,
        parameters=counted.parameters,
        macs=counted.macs,
        backend=execution.backend,
        device=" ".join(backend.device().values()),
        step=execution.step,
    )


def _gpu_tensorflow() -> int:
    import tensorflow as tf

    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def _gpu_jax() -> int:
    import jax

    return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))


def _gpu_torch() -> int:
    import torch

    return int(torch.cuda.max_memory_allocated())


_GPU_MEMORY: dict[str, Callable[[], int]] = {"tensorflow": _gpu_tensorflow, "jax": _gpu_jax, "torch": _gpu_torch}
