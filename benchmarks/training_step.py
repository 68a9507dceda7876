"""The lean training step beside the plain Keras graph: seconds, memory and equality, both measured in the same run.

    python benchmarks/training_step.py                                     proposed and bbnn, 646 and 216 frames
    python benchmarks/training_step.py -v all --frames 216 --repeats 1     every network that has the lean step
    python benchmarks/training_step.py --equality --output results.json    gradients at full size, figures to a file

Every cell is a process of its own; plain and lean take turns, `--repeats` times, and medians are printed. On a machine
that does other things too, processor seconds tell more than those of the clock; ratios more than either.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

BATCH, BANDS, CLASSES = 8, 128, 10
STEPS = ("plain", "lean")
TIME, MEMORY = 1 / 3, 0.4
"""What the lean step may take, of the plain one's."""
GIB = 2**30


def inputs(frames: int, batch: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    """Noise in the range of log-mels [shape=(batch, frames, 128, 1)], and one-hot classes."""
    generator = np.random.default_rng(0)
    x = generator.uniform(-80, 0, (batch, frames, BANDS, 1)).astype("float32")
    return x, np.eye(CLASSES, dtype="float32")[generator.integers(0, CLASSES, batch)]


def peak() -> int | None:
    """The most memory that this process has had, in bytes; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)


def clocked(function, times: int) -> dict[str, float]:
    """Seconds of the clock and of all processors: of the first call, and the medians of the others."""
    wall, cpu = [], []
    for _ in range(1 + times):
        clocks = time.perf_counter(), time.process_time()
        function()
        wall.append(time.perf_counter() - clocks[0])
        cpu.append(time.process_time() - clocks[1])
    return {"first_s": wall[0], "s": statistics.median(wall[1:]), "cpu_s": statistics.median(cpu[1:])}


def measure(variant: str, frames: int, step: str, times: int) -> dict[str, Any]:
    """In a process of its own: training steps, their memory, then predictions, on one batch."""
    from bnet import backend

    backend.prepare()
    import keras

    from bnet import lean
    from bnet.models import build, get_variant

    backend.seed_everything(0)
    row = get_variant(variant)
    model, _ = lean.choose(build(row, CLASSES, frames, BANDS), row, step)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.CategoricalCrossentropy(label_smoothing=row.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )
    x, y = inputs(frames)
    training = clocked(lambda: model.train_on_batch(x, y), times)
    memory = peak()
    predicting = clocked(lambda: model.predict_on_batch(x), times)
    return {**training, "peak_bytes": memory, "predict_s": predicting["s"], "predict_cpu_s": predicting["cpu_s"]}


def equality(variant: str, frames: int, batch: int) -> dict[str, Any]:
    """In a process of its own: distances of plain and lean gradients and statistics from a float64 graph.

    Each is relative (L2), one a weight; those whose true gradient is zero (biases in front of a normalisation) are left
    out. ``ratio_max`` is the largest ratio of lean to plain of one weight.
    """
    from bnet import backend

    backend.prepare()
    import keras
    import tensorflow as tf

    from bnet import lean
    from bnet.models import build, get_variant

    backend.seed_everything(0)
    row, (x, y) = get_variant(variant), inputs(frames, batch)
    network = build(row, CLASSES, frames, BANDS)
    before, found = network.get_weights(), {}
    keras.config.set_dtype_policy("float64")
    reference = build(row, CLASSES, frames, BANDS)
    keras.config.set_dtype_policy("float32")
    pairs = {"plain": (network, network), "lean": (lean.choose(network, row, "lean")[0], network)}
    for step, (model, owner) in {**pairs, "float64": (reference, reference)}.items():
        owner.set_weights(before)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.categorical_crossentropy(y, model(x.astype(owner.dtype), training=True)))
        gradients = tape.gradient(loss, [v.value for v in owner.trainable_variables])
        found[step] = {v.path: g.numpy() for v, g in zip(owner.trainable_variables, gradients, strict=True)}
        found[step] |= {v.path: v.numpy() for v in owner.non_trainable_variables if "moving" in v.path}
    true = {path: value for path, value in found["float64"].items() if np.linalg.norm(value) > 1e-9}
    far = {
        step: np.array(
            [np.linalg.norm(found[step][path] - value) / np.linalg.norm(value) for path, value in true.items()]
        )
        for step in STEPS
    }
    answer = {
        f"{step}_{what}": float(of(far[step])) for step in STEPS for what, of in (("max", max), ("median", np.median))
    }
    return {**answer, "weights": len(true), "batch": batch, "ratio_max": float((far["lean"] / far["plain"]).max())}


def in_child(*words: Any) -> dict[str, Any]:
    """What a process of its own with the same script answers; ends the benchmark if it fails."""
    command = [sys.executable, __file__, "--child", json.dumps(words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    if done.returncode:
        sys.exit(f"{words} ended with status {done.returncode}; its reason stands above")
    return json.loads(done.stdout.splitlines()[-1])


def compare(variant: str, frames: int, repeats: int, times: int) -> dict[str, Any]:
    """Plain and lean in turn; medians and all measurements of both, and the ratios of the medians."""
    runs = {step: [] for step in STEPS}
    for _ in range(repeats):
        for step in STEPS:
            runs[step].append(in_child("measure", variant, frames, step, times))
    middle = {step: {key: statistics.median(run[key] for run in runs[step]) for key in runs[step][0]} for step in STEPS}
    ratios = {key: middle["lean"][key] / middle["plain"][key] for key in middle["plain"]}
    return {"variant": variant, "frames": frames, "batch": BATCH, **middle, "ratios": ratios, "runs": runs}


HEADER = (
    f"{'network':20} {'frames':>6} {'step':>6} {'s':>7} {'cpu s':>7} {'peak GiB':>9} {'predict s':>9} {'first s':>8}"
)


def table(cell: dict[str, Any]) -> str:
    """Three lines: plain, lean and their ratio in percent."""
    lines = []
    for step in STEPS:
        m = cell[step]
        lines.append(
            f"{cell['variant']:20} {cell['frames']:6d} {step:>6} {m['s']:7.3f} {m['cpu_s']:7.3f} "
            f"{m['peak_bytes'] / GIB:9.2f} {m['predict_s']:9.3f} {m['first_s']:8.1f}"
        )
    percent = {key: f"{100 * value:.0f} %" for key, value in cell["ratios"].items()}
    lines.append(
        f"{'':20} {'':6} {'ratio':>6} {percent['s']:>7} {percent['cpu_s']:>7} {percent['peak_bytes']:>9} "
        f"{percent['predict_s']:>9} {percent['first_s']:>8}"
    )
    return "\n".join(lines)


def main(
    variants: Annotated[
        str, typer.Option("--variants", "-v", help="Networks with commas, or `all`.")
    ] = "proposed,bbnn",
    frames: Annotated[str, typer.Option(help="Lengths in frames, with commas.")] = "646,216",
    repeats: Annotated[int, typer.Option(min=1, help="Processes a cell; medians over them are given.")] = 3,
    times: Annotated[int, typer.Option(min=1, help="Steps a process, after the first; their median counts.")] = 5,
    equal: Annotated[bool, typer.Option("--equality", help="Compare gradients with float64, too.")] = False,
    equality_batch: Annotated[int, typer.Option(min=1, help="Clips in that comparison.")] = 3,
    output: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
    child: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure plain and lean training steps side by side (8 clips of so many frames x 128 bands)."""
    if child:
        name, *words = json.loads(child)
        print(json.dumps({"measure": measure, "equality": equality}[name](*words)))
        return
    from bnet import backend, lean, runs
    from bnet.models import VARIANTS, get_variant
    from bnet.paths import write_text

    names = list(VARIANTS) if variants == "all" else variants.split(",")
    have = {name: lean.why_not(get_variant(name)) for name in names}
    about = {"machine": backend.machine(), "versions": backend.versions(), **runs.commit(), "threads": os.cpu_count()}
    print(
        json.dumps(about),
        *(f"{name}: plain ({why})" for name, why in have.items() if why),
        HEADER,
        sep="\n",
        flush=True,
    )
    cells = []
    for name in (name for name, why in have.items() if not why):
        for length in map(int, frames.split(",")):
            load = os.getloadavg()[0]
            cell = compare(name, length, repeats, times) | {"load_before": round(load, 2)}
            print(table(cell), flush=True)
            if equal:
                cell["equality"] = e = in_child("equality", name, length, equality_batch)
                print(
                    f"{'':20} distance from float64: plain {e['plain_median']:.1e} (most {e['plain_max']:.1e}), lean "
                    f"{e['lean_median']:.1e} ({e['lean_max']:.1e}), {e['weights']} weights",
                    flush=True,
                )
            cells.append(cell)
    promises = {
        "at most 1/3 of the processor time": all(cell["ratios"]["cpu_s"] <= TIME for cell in cells),
        "at most 1/3 of the time": all(cell["ratios"]["s"] <= TIME for cell in cells),
        "at most 40 % of the memory": all(cell["ratios"]["peak_bytes"] <= MEMORY for cell in cells),
    }
    print(*(f"{'kept' if kept else 'BROKEN'}: {promise}" for promise, kept in promises.items()), sep="\n")
    if output:
        answer = {**about, "fall_back": {k: v for k, v in have.items() if v}, "cells": cells, "promises": promises}
        write_text(output, json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
