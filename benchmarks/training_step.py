"""The lean training step beside the plain Keras graph: seconds and memory, both measured in the same run.

    python benchmarks/training_step.py                              all networks, lengths and batches: 20 minutes
    python benchmarks/training_step.py -v proposed -f 646,216       chosen ones
    python benchmarks/training_step.py --quick                      a try
    python benchmarks/training_step.py --without-avx512             as on a laptop, on a processor that has it

Every measurement is a process of its own; plain and lean take turns. Seconds of the clock and of all processors are
those of steps after the first. A network that has no lean step is measured plain, for its place on the roofline.
"""

from __future__ import annotations

import statistics
import time
from typing import Annotated, Any

import numpy as np
import typer
from common import Narrow, Output, Quick, about, in_child, in_turn, line, peak, row, suffix, without_avx512, write

ALLOCATOR = "TF_CPU_ALLOCATOR_USE_BFC"
"""Of the environment: whether TensorFlow keeps a processor's buffers from step to step."""
BANDS, CLASSES = 128, 10
STEPS = ("lean", "plain")
TIME, MEMORY = 1 / 3, 0.4
"""What the lean step may take, of the plain one's."""
SHORT, PICTURE, LONG, BATCH = 216, 387, 646, 8
"""Frames of 10 s, of GTZAN's pictures and of the paper's 30 s; its batch."""
MAIN = ("bbnn", "proposed", "proposed-released")
SERIES = {
    "networks": lambda everything: [(name, SHORT, BATCH) for name in everything],
    "length of a clip": lambda _: [("proposed", frames, BATCH) for frames in (108, SHORT, PICTURE, LONG)],
    "clips a step": lambda _: [("proposed", SHORT, batch) for batch in (1, 2, 4, BATCH, 16)],
    "blocks": lambda _: [(name, SHORT, BATCH) for name in ("1-block", "2-blocks", "bbnn", "5-blocks")],
    "pictures": lambda _: [(name, PICTURE, BATCH) for name in MAIN],
    "the paper's size": lambda _: [(name, LONG, BATCH) for name in MAIN],
}
"""What is measured, as functions of all networks' names: cells of (network, frames, clips a step)."""
MEASURES = (
    ("s", "s", "training step", TIME),
    ("cpu_s", "s", "training step, seconds of all processors", None),
    ("bytes", "bytes", "training step, peak memory", MEMORY),
    ("predict_s", "s", "prediction of a batch", None),
)
"""Field of a row, unit, words, what is aimed at."""


def inputs(frames: int, batch: int = BATCH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise in the range of log-mels [shape=(batch, frames, 128, 1)], and one-hot classes."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-80, 0, (batch, frames, BANDS, 1)).astype("float32")
    return x, np.eye(CLASSES, dtype="float32")[generator.integers(0, CLASSES, batch)]


def clocks(function, times: int) -> tuple[list[float], list[float]]:
    """Seconds of the clock, and of all processors, of `times` calls after the first."""
    found = []
    for _ in range(1 + times):
        before = time.perf_counter(), time.process_time()
        function()
        found.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    return [wall for wall, _ in found[1:]], [cpu for _, cpu in found[1:]]


def networks() -> dict[str, str]:
    """In a process of its own: all networks, and why one has no lean step ('' if it has)."""
    from bnet import backend

    backend.prepare()
    from bnet.models import VARIANTS, get_variant
    from bnet.training import lean

    return {name: lean.why_not(get_variant(name)) for name in VARIANTS}


def chosen(variants: str) -> dict[str, str]:
    """Of `networks`, those that ``--variants`` names: with commas, or ``all``."""
    why = in_child(networks)
    names = list(why) if variants == "all" else variants.split(",")
    if unknown := [name for name in names if name not in why]:
        raise typer.BadParameter(f"no network {unknown[0]!r}; there are {', '.join(why)}", param_hint="--variants")
    return {name: why[name] for name in names}


def measure(variant: str, frames: int, batch: int, step: str, times: int) -> dict[str, list[float]]:
    """In a process of its own: repetitions of training steps, their memory, then of predictions, on one batch."""
    from bnet import backend

    backend.prepare()
    import keras

    from bnet.models import build, get_variant
    from bnet.training import lean

    backend.seed_everything(0)
    row = get_variant(variant)
    model, _ = lean.choose(build(row, CLASSES, frames, BANDS), row, step)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.CategoricalCrossentropy(label_smoothing=row.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )
    x, y = inputs(frames, batch)
    wall, cpu = clocks(lambda: model.train_on_batch(x, y), times)
    memory = peak()
    predicting, _ = clocks(lambda: model.predict_on_batch(x), times)
    return {"s": wall, "cpu_s": cpu, "bytes": [memory], "predict_s": predicting}


def compare(
    cell: tuple[str, int, int], steps: tuple[str, ...], repeats: int, times: int, environment: dict[str, str]
) -> dict[str, dict[str, list]]:
    """Step -> measure -> all repetitions: `repeats` processes of each step in turn, `times` steps in each.

    The plain step is Keras as it comes: without the allocator that `bnet.backend.prepare` asks TensorFlow for.
    """
    env = {"lean": environment, "plain": environment | {ALLOCATOR: "false"}}
    ways = {step: lambda step=step: in_child(measure, *cell, step, times, env=env[step]) for step in steps}
    found = in_turn(ways, repeats)
    return {step: {name: [x for one in each for x in one[name]] for name in each[0]} for step, each in found.items()}


def rows_of(cell: tuple[str, int, int], found: dict[str, dict[str, list]]) -> list[dict[str, Any]]:
    """A row a measure, of a cell that was measured both ways."""
    variant, frames, batch = cell
    fields = {"variant": variant, "frames": frames, "batch": batch}
    what, aimed = f"{variant}, {batch} x {frames} frames", batch == BATCH and frames in (SHORT, LONG)
    aims = [aim if aimed else None for *_, aim in MEASURES]
    return [
        row(f"{words} of {what}", unit, {s: found[s][name] for s in STEPS}, *STEPS, aim, measure=name, **fields)
        for (name, unit, words, _), aim in zip(MEASURES, aims, strict=True)
    ]


def cells(names: list[str], frames: str, batches: str) -> list[tuple[str, int, int]]:
    """All cells of `SERIES`, each once; or those of chosen networks, lengths and batches."""
    if frames or batches:
        lengths = [int(n) for n in (frames or str(SHORT)).split(",")]
        return [(v, n, int(b)) for v in names for n in lengths for b in (batches or str(BATCH)).split(",")]
    every = dict.fromkeys(cell for series in SERIES.values() for cell in series(names))
    return [cell for cell in every if cell[0] in names]


def main(
    variants: Annotated[str, typer.Option("--variants", "-v", help="Networks with commas, or `all`.")] = "all",
    frames: Annotated[str, typer.Option("--frames", "-f", help="Lengths with commas. [default: several]")] = "",
    batches: Annotated[str, typer.Option("--batches", "-b", help="Clips a step with commas. [default: several]")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Processes of each step, for the paper's networks.")] = 2,
    times: Annotated[int, typer.Option(min=1, help="Steps a process, after the first.")] = 3,
    narrow: Narrow = False,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure plain and lean training steps side by side."""
    started = about(quick)
    if quick:
        variants, frames, batches, repeats, times = "proposed,selu", "108", "2", 1, 2
    why, environment = chosen(variants), without_avx512() if narrow else {}
    rows, plain = [], []
    for cell in cells([*why], frames, batches):
        name = cell[0]
        steps = ("plain",) if why[name] else STEPS
        found = compare(cell, steps, repeats if name in MAIN else 1, times, environment)
        if why[name]:
            middle = {key: statistics.median(values) for key, values in found["plain"].items()}
            plain.append(dict(zip(("variant", "frames", "batch"), cell, strict=True)) | middle | {"why": why[name]})
            print(f"training step of {name}, {cell[2]} x {cell[1]} frames: plain {middle['s']:.3g} s ({why[name]})")
        else:
            rows += (new := rows_of(cell, found))
            print(*map(line, new), sep="\n", flush=True)
    write(f"training_step{suffix(narrow)}", started, rows, output, plain=plain, no_avx512=narrow)


if __name__ == "__main__":
    typer.run(main)
