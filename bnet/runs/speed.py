"""How fast this machine is: a few training steps of a network, a few clips of a corpus. Measured here and now.

Every network is measured in a process of its own: its peak memory is then its own too, and a device that this process
took would not be free for training.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bnet import backend
from bnet.corpora import Corpus, Track
from bnet.errors import BnetError
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
        ``measured``, or from which measured network it was reckoned, and by what.
    step_s, clip_s, start_s
        Seconds of a training step; of a clip's forward pass; of what comes before the second step (building,
        compiling).
    memory, device_memory
        Peak memory of the process, and of the GPU's allocator, in bytes; None where it is not known.
    parameters, macs
        Of the network: weights, and multiply-adds of a clip's forward pass (`bnet.models.cost.costs`).
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


@dataclass(frozen=True)
class Weight:
    """What is counted on a network: `parameters`, `macs` of a clip's forward pass, and the `memory` in bytes that
    training on a CPU is expected to take (`bnet.models.cost.training_bytes`)."""

    parameters: int
    macs: int
    memory: int


def network(variant: str, classes: int, frames: int, batch_size: int, budget_s: float = 15.0) -> Speed:
    """Time training steps of a network on noise, after the first one: at least 2, at most 30, for some `budget_s` s.

    Raises
    ------
    BnetError
        If the batch would not fit into memory, the process is killed, or the network can't be built.
    """
    what = f"measuring {variant} with {batch_size} clips of {frames} frames a step"
    return _in_child(what, _network, variant, classes, frames, batch_size, budget_s)


def weigh(pairs: Iterable[tuple[str, int]], classes: int, batch_size: int) -> dict[tuple[str, int], Weight]:
    """Of each (network, frames): what is counted on its Keras model."""
    return _in_child("counting parameters", _weigh, list(pairs), classes, batch_size)


def reckon(variant: str, frames: int, weights: dict[tuple[str, int], Weight], known: Speed) -> Speed:
    """The speed of a network that was not measured, from one that was: times in proportion to their multiply-adds.

    Memory of a process that trains on a CPU goes in proportion to what either is expected to take; a GPU's is left
    open. On a CPU, times in proportion may be off by half: a step is bound by memory, too.
    """
    ours, theirs = weights[variant, frames], weights[known.variant, known.frames]
    ratio = ours.macs / theirs.macs
    on_cpu = known.memory is not None and known.device_memory is None
    return dataclasses.replace(
        known,
        variant=variant,
        frames=frames,
        how=f"from {known.variant} at {known.frames} frames by multiply-adds",
        step_s=ratio * known.step_s,
        clip_s=ratio * known.clip_s,
        memory=round(known.memory * ours.memory / theirs.memory) if on_cpu else None,
        device_memory=None,
        parameters=ours.parameters,
        macs=ours.macs,
    )


def clips(corpus: Corpus, tracks: list[Track], seconds: float, count: int = 4) -> float:
    """Seconds that one process takes for a clip's log-mel, sound included: the median of `count` clips.

    Raises
    ------
    BnetError
        If a clip can't be used.
    """
    step = max(1, len(tracks) // (count + 1))
    return _median_time(lambda track: corpus.log_mel(track, seconds, corpus.front_end), tracks[::step][: count + 1])


def mp3(seconds: float, count: int = 4) -> float:
    """As `clips`, for a stereo MP3 at 44.1 kHz made on the spot: what stands in for a corpus that is not here."""
    import soundfile

    rate = 44_100
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal((len(t), 2))
    sound = 0.05 * noise + 0.2 * np.sin(2 * np.pi * 440 * t)[:, None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp3"
        soundfile.write(path, sound, rate)
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
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    except ImportError:
        return psutil.Process().memory_info().rss


def device_memory() -> int:
    """The most memory of a GPU that this process has had, in bytes, as its backend's allocator tells."""
    return _GPU_MEMORY[backend.name()]()


def _in_child(what: str, function: Callable, *args):
    from joblib.externals import loky

    executor = loky.ProcessPoolExecutor(1, timeout=10, env={"TF_CPP_MIN_LOG_LEVEL": "3"})
    try:
        return executor.submit(function, *args).result()
    except loky.BrokenProcessPool as error:
        memory = backend.machine()["memory_gib"]
        raise BnetError(
            f"{what}: the process was killed (is memory short? this machine has {memory} GiB); "
            "take less with --set batch_size=..., or plan without measuring: --no-measure"
        ) from error
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def _network(variant: str, classes: int, frames: int, batch_size: int, budget_s: float) -> Speed:
    """In a child: as `bnet.training.fit.fit` builds, compiles and feeds it, on noise."""
    from bnet.models import get_variant
    from bnet.models.shapes import N_MELS
    from bnet.training import assembly, fit

    keras, times = fit.keras, [time.perf_counter()]

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # wait for the device
            times.append(time.perf_counter())
            if batch >= LEAST_STEPS and times[-1] - times[1] > budget_s:
                self.model.stop_training = True

    noise = np.random.default_rng(0).uniform(-80, 0, (batch_size, frames, N_MELS)).astype("float32")
    labels = np.arange(batch_size) % classes
    rows = np.tile(np.arange(batch_size), 1 + MOST_STEPS)
    row, execution = get_variant(variant), device.take(Settings())
    assembly.seed_everything(0, execution)
    with backend.precision(execution.precision):
        network, model, execution = assembly.prepare(row, classes, frames, N_MELS, batch_size, execution)
    execution = dataclasses.replace(execution, steps_per_execution=1)  # for a clock at every step
    fed, places = (assembly.ResidentModel(model, noise), rows.astype("int32")) if execution.resident else (model, None)
    execution = assembly.compile_model(fed, row, 1e-4, execution)
    batches = fit.Batches(Part(noise, rows, labels[rows]), classes, batch_size, places=places)
    fed.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[Clock()])
    step_s = statistics.median(np.diff(times[1:]).tolist())
    forward = []
    for _ in range(1 + LEAST_STEPS):
        clock = time.perf_counter()
        np.asarray(model.predict_on_batch(noise[..., None]))
        forward.append(time.perf_counter() - clock)
    weight = _weight(network, model, batch_size)
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
        parameters=weight.parameters,
        macs=weight.macs,
        backend=execution.backend,
        device=" ".join(backend.device().values()),
        step=execution.step,
    )


def _weigh(pairs: list[tuple[str, int]], classes: int, batch_size: int) -> dict[tuple[str, int], Weight]:
    backend.prepare()
    from bnet.models import get_variant
    from bnet.models.shapes import N_MELS
    from bnet.training import assembly

    execution, found = device.take(Settings()), {}
    for variant, frames in pairs:
        network, model, _ = assembly.assemble(get_variant(variant), classes, frames, N_MELS, execution)
        found[variant, frames] = _weight(network, model, batch_size)
    return found


def _weight(network, model, batch_size: int) -> Weight:
    from bnet.models.cost import costs, training_bytes

    counted = costs(network)
    return Weight(counted.parameters, counted.macs, training_bytes(model, batch_size))


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
