"""The lean training step beside the plain Keras graph: seconds, memory and equality, both measured in the same run.

    python benchmarks/training_step.py                              all networks, lengths and batches: half an hour
    python benchmarks/training_step.py -v proposed -f 646,216       chosen ones
    python benchmarks/training_step.py --no-equality                without the comparison of gradients
    python benchmarks/training_step.py --quick                      a try

Every measurement is a process of its own; plain and lean take turns. Seconds of the clock and of all processors are
those of steps after the first. A network that has no lean step is measured plain, for its place on the roofline.
"""

from __future__ import annotations

import statistics
import time
from typing import Annotated, Any

import numpy as np
import typer
from common import Output, Quick, about, in_child, in_turn, line, peak, row, write

BANDS, CLASSES = 128, 10
STEPS = ("lean", "plain")
TIME, MEMORY = 1 / 3, 0.4
"""What the lean step may take, of the plain one's."""
FURTHER, ROUNDING = 1.5, 1e-6
"""How much further from float64 than the plain graph the lean step may be: times, and plus."""
INCOMPARABLE = {"dropout": "draws other numbers in float64; its trunk is that of bbnn"}
"""Networks whose gradients can't be held against float64."""
SHORT, LONG, BATCH = 216, 646, 8
"""Frames of 10 s and of the paper's 30 s; its batch."""
MAIN = ("bbnn", "proposed", "proposed-released")
SERIES = {
    "networks": lambda everything: [(name, SHORT, BATCH) for name in everything],
    "length of a clip": lambda _: [("proposed", frames, BATCH) for frames in (108, SHORT, 431, LONG)],
    "clips a step": lambda _: [("proposed", SHORT, batch) for batch in (1, 2, 4, BATCH, 16)],
    "blocks": lambda _: [(name, SHORT, BATCH) for name in ("1-block", "2-blocks", "bbnn", "5-blocks")],
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
    from bnet import lean
    from bnet.models import VARIANTS, get_variant

    return {name: lean.why_not(get_variant(name)) for name in VARIANTS}


def measure(variant: str, frames: int, batch: int, step: str, times: int) -> dict[str, list[float]]:
    """In a process of its own: repetitions of training steps, their memory, then of predictions, on one batch."""
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
    x, y = inputs(frames, batch)
    wall, cpu = clocks(lambda: model.train_on_batch(x, y), times)
    memory = peak()
    predicting, _ = clocks(lambda: model.predict_on_batch(x), times)
    return {"s": wall, "cpu_s": cpu, "bytes": [memory], "predict_s": predicting}


def equality(variant: str, frames: int, batch: int, draws: int) -> dict[str, Any]:
    """In a process of its own: distances of plain and lean gradients and statistics from a float64 graph.

    Each is relative (L2), one a weight: its median over `draws` batches, for where rounding puts a value on the other
    side of an activation's or a maximum's edge, which happens to both, all gradients of that batch move. Weights whose
    true gradient is zero (biases in front of a normalisation) are left out. ``share_of_allowed`` is the largest of
    lean's distances as a share of what it may be: `FURTHER` times the plain one's, and `ROUNDING`.
    """
    from bnet import backend

    backend.prepare()
    import keras

    from bnet import lean
    from bnet.models import build, get_variant

    backend.seed_everything(0)
    row = get_variant(variant)
    network = build(row, CLASSES, frames, BANDS)
    before = network.get_weights()
    keras.config.set_dtype_policy("float64")
    reference = build(row, CLASSES, frames, BANDS)
    keras.config.set_dtype_policy("float32")
    ways = {"plain": (network, network), "lean": (lean.choose(network, row, "lean")[0], network)}
    ways["float64"] = (reference, reference)
    far: dict[str, list] = {step: [] for step in STEPS}
    for seed in range(draws):
        x, y = inputs(frames, batch, seed)
        found = {}
        for step, (model, owner) in ways.items():
            owner.set_weights(before)
            found[step] = learned(model, owner, x.astype(owner.dtype), y)
        true = {path: value for path, value in found["float64"].items() if np.linalg.norm(value) > 1e-9}
        for step, each in far.items():
            each.append([np.linalg.norm(found[step][p] - value) / np.linalg.norm(value) for p, value in true.items()])
    middle = {step: np.median(each, axis=0) for step, each in far.items()}
    answer = {
        f"{step}_{what}": float(of(middle[step]))
        for step in STEPS
        for what, of in (("max", max), ("median", np.median))
    }
    share = float((middle["lean"] / (FURTHER * middle["plain"] + ROUNDING)).max())
    return {
        **answer,
        "weights": len(true),
        "batch": batch,
        "draws": draws,
        "share_of_allowed": share,
        "kept": share <= 1,
    }


def learned(model, owner, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Path -> gradient of each trainable weight of `owner`, and each moving statistic after the step of `model`."""
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(y, model(x, training=True)))
    gradients = tape.gradient(loss, [v.value for v in owner.trainable_variables])
    found = {v.path: g.numpy() for v, g in zip(owner.trainable_variables, gradients, strict=True)}
    return found | {v.path: v.numpy() for v in owner.non_trainable_variables if "moving" in v.path}


def compare(cell: tuple[str, int, int], steps: tuple[str, ...], repeats: int, times: int) -> dict[str, dict[str, list]]:
    """Step -> measure -> all repetitions: `repeats` processes of each step in turn, `times` steps in each."""
    found = in_turn({step: lambda step=step: in_child(measure, *cell, step, times) for step in steps}, repeats)
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
    equal: Annotated[bool, typer.Option("--equality/--no-equality", help="Compare gradients with float64.")] = True,
    equality_batch: Annotated[int, typer.Option(min=1, help="Clips in that comparison.")] = 3,
    equality_frames: Annotated[int, typer.Option(min=1, help="Frames in that comparison.")] = SHORT,
    draws: Annotated[int, typer.Option(min=1, help="Batches in that comparison; the median over them counts.")] = 3,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure plain and lean training steps side by side."""
    started = about(quick)
    if quick:
        variants, frames, batches, repeats, times, equality_batch = "proposed,selu", "108", "2", 1, 2, 1
        equality_frames, draws = 108, 1
    why = in_child(networks)
    names = list(why) if variants == "all" else variants.split(",")
    if unknown := [name for name in names if name not in why]:
        raise typer.BadParameter(f"no network {unknown[0]!r}; there are {', '.join(why)}", param_hint="--variants")
    rows, plain, equalities = [], [], []
    for cell in cells(names, frames, batches):
        name = cell[0]
        steps = ("plain",) if why[name] else STEPS
        found = compare(cell, steps, repeats if name in MAIN else 1, times)
        if why[name]:
            middle = {key: statistics.median(values) for key, values in found["plain"].items()}
            plain.append(dict(zip(("variant", "frames", "batch"), cell, strict=True)) | middle | {"why": why[name]})
            print(f"training step of {name}, {cell[2]} x {cell[1]} frames: plain {middle['s']:.3g} s ({why[name]})")
        else:
            rows += (new := rows_of(cell, found))
            print(*map(line, new), sep="\n", flush=True)
    for name in names if equal else ():
        if why[name] or name in INCOMPARABLE:
            continue
        e = in_child(equality, name, equality_frames, equality_batch, draws)
        equalities.append({"variant": name, "frames": equality_frames, **e})
        print(
            f"distance from float64 of {name}, {e['batch']} x {equality_frames} frames, {e['weights']} weights: "
            f"lean {e['lean_median']:.1e} (most {e['lean_max']:.1e}), plain {e['plain_median']:.1e} "
            f"({e['plain_max']:.1e}); {100 * e['share_of_allowed']:.0f} % of what is allowed",
            flush=True,
        )
    limits = {"further": FURTHER, "rounding": ROUNDING, "incomparable": INCOMPARABLE}
    write("training_step", started, rows, output, plain=plain, equality=equalities, equality_limits=limits)


if __name__ == "__main__":
    typer.run(main)
