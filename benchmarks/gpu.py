"""The paper's training on a GPU: 10 000 steps of 8 clips of 30 s, by precision, and several runs side by side.

    python benchmarks/gpu.py                          proposed on TensorFlow: an hour or less on a large GPU
    KERAS_BACKEND=jax python benchmarks/gpu.py        on JAX
    python benchmarks/gpu.py --quick                  a try

Peers are plain Keras (`model.fit` in float32, its own max-pooling, batches from the processor, a step at a time, not
asked to repeat exactly; TensorFlow does not compile it), float32 for the other precisions, and one process for several.
Where there is no GPU it says so in a line, and ends with status 2.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Any

import numpy as np
import typer
from common import Output, Quick, about, answer, in_child, line, peak, row, start, write

BATCH, FRAMES, CLASSES, STEPS = 8, 646, 10, 10_000
AN_EPOCH = 100
"""Steps between two looks at the clock: those of 800 clips, as GTZAN has for training."""
TARGET = 60.0
"""Seconds that the paper's 10 000 steps are to take on an H100-class GPU."""
PLAIN = {"resident": "no", "steps_per_execution": 1, "deterministic": "no", "max_pooling": "keras"}
"""Settings of plain Keras, as it comes."""


def look() -> dict[str, Any]:
    """In a process of its own: backend, device, and the precisions that are to be had on it."""
    from bnet import backend
    from bnet.training import device

    backend.prepare()
    found = backend.device()
    return {
        "backend": backend.name(),
        "device": found,
        "backend_versions": backend.versions(),
        "precisions": device.AUTO[backend.name(), found["kind"]].precisions,
    }


def train(
    variant: str, frames: int, steps: int, precision: str, settings: dict[str, Any], an_epoch: int = AN_EPOCH
) -> dict[str, Any]:
    """In a process of its own: seconds of `steps` training steps on noise, from those after the first epoch; ``step_s``
    are the seconds of a step, epoch by epoch."""
    from bnet import backend
    from bnet.training import device

    backend.prepare()
    from bnet.models import builder, get_variant
    from bnet.models.shapes import N_MELS
    from bnet.training import assembly, fit
    from bnet.training.parts import Part

    clock = [time.perf_counter()]

    class Clock(fit.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            float(logs["loss"])  # wait for the device
            clock.append(time.perf_counter())

    if settings.pop("max_pooling", "") == "keras":
        builder.max_pooling = lambda: fit.keras.layers.MaxPooling2D
    an_epoch, row = min(an_epoch, steps), get_variant(variant)
    clips = np.random.default_rng(0).uniform(-80, 0, (an_epoch * BATCH, frames, N_MELS)).astype("float32")
    part = Part(clips, np.arange(len(clips)), np.arange(len(clips)) % CLASSES)
    execution = device.take(device.Settings(**settings), precision, clips.nbytes)
    assembly.seed_everything(0, execution)
    with backend.precision(precision):
        made = assembly.Trainer(row, (CLASSES, frames, N_MELS), execution, 1e-3, clips)
        model, execution = made.model, made.execution
        places = np.arange(len(clips), dtype="int32") if execution.resident else None
        batches = fit.Batches(part, CLASSES, BATCH, 0, places)
        epochs = 1 + -(-steps // an_epoch)
        model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[Clock()])
    a_step = (clock[-1] - clock[1]) / (an_epoch * (epochs - 1))
    return {
        "s": steps * a_step,
        "step_s": (np.diff(clock[1:]) / an_epoch).tolist(),
        "start_s": clock[1] - clock[0] - an_epoch * a_step,
        "bytes": peak(),
        "device_bytes": device_memory() if execution.device == "GPU" else None,
        "execution": str(execution),
    }


def device_memory() -> int:
    """The most memory of a GPU that this process has had, in bytes, as its backend's allocator tells."""
    from bnet import backend

    if backend.name() == "tensorflow":
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    if backend.name() == "jax":
        import jax

        return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))
    import torch

    return int(torch.cuda.max_memory_allocated())


def together(count: int, *words: Any) -> dict[str, Any]:
    """`count` processes that `train` side by side: the slowest one's answer, with seconds a run when they share."""
    processes = [start(train, *words) for _ in range(count)]
    slowest = max((answer(process) for process in processes), key=lambda found: found["s"])
    return {**slowest, "s": slowest["s"] / count, "processes": count}


def main(
    variant: Annotated[str, typer.Option("--variant", "-v", help="Network.")] = "proposed",
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = STEPS,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a clip.")] = FRAMES,
    processes: Annotated[str, typer.Option(help="Runs side by side, with commas.")] = "2,4,8",
    repeats: Annotated[int, typer.Option(min=1, help="Repetitions; medians are given.")] = 3,
    quick: Quick = False,
    output: Output = None,
    allow_cpu: Annotated[bool, typer.Option("--allow-cpu", hidden=True)] = False,
) -> None:
    """Measure the paper's training on a GPU."""
    started, here = about(quick), in_child(look)
    if here["device"]["kind"] != "GPU" and not allow_cpu:
        print(f"not run: {here['backend']} sees no GPU here ({here['device']['name']})", file=sys.stderr)
        raise typer.Exit(2)
    if quick:
        steps, repeats, processes = min(steps, 20), 1, processes.split(",", 1)[0]
    counts, precisions = [int(word) for word in processes.split(",")], here["precisions"]
    plain = PLAIN | {"jit_compile": "auto" if here["backend"] == "jax" else "no", "step": "plain"}
    cells = {"plain Keras": (1, variant, frames, steps, "float32", plain)}
    cells |= {precision: (1, variant, frames, steps, precision, {}) for precision in precisions}
    cells |= {
        f"{count} x {precision}": (count, variant, frames, steps, precision, {"memory_share": round(0.9 / count, 3)})
        for count in counts
        for precision in precisions
    }
    found: dict[str, list] = {name: [] for name in cells}
    for _ in range(repeats):
        for name, words in cells.items():
            found[name].append(together(*words))
            print(f"{name}: {found[name][-1]['s']:.1f} s a run ({found[name][-1]['execution']})", flush=True)
    seconds = {name: [each["s"] for each in answers] for name, answers in found.items()}
    what = f"{steps} steps of {variant}, {BATCH} x {frames}"
    peers = [("float32", "plain Keras"), *((name, "float32") for name in precisions if name != "float32")]
    peers += [(name, name.split(" x ", 1)[1]) for name in cells if " x " in name]
    rows = []
    for ours, peer in peers:
        more = {"backend": here["backend"], "steps": steps, "frames": frames, "answers": found[ours]}
        made = row(f"{what}, {ours}", "s", seconds, ours, peer, **more)
        if (steps, frames) == (STEPS, FRAMES):
            made |= {"target_s": TARGET, "met": made["ours_median"] <= TARGET}
        rows.append(made)
        print(line(made))
    write("gpu", started, rows, output, **here, plain=found["plain Keras"], cores=os.cpu_count())


if __name__ == "__main__":
    typer.run(main)
