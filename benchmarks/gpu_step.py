"""A training step on a GPU, plain and lean, by precision: is it right, and how long does it take? For JAX.

    KERAS_BACKEND=jax python benchmarks/gpu_step.py --minutes 5
    KERAS_BACKEND=jax python benchmarks/gpu_step.py --equality                 whether it is right; needs no GPU
    KERAS_BACKEND=jax python benchmarks/gpu_step.py --quick --allow-cpu        a rehearsal with a tiny network

First gradients and statistics of the lean step, with XLA's matrix products (`lean`) and with Pallas kernels
(`kernels`), are held against float64 (record `gpu_equality`): a step that is further off than is allowed is not
measured; one that could not be compared is. Then cells are measured, the most telling first, each in a process of its
own with three repetitions, while there is time for another one; the record `gpu_step` is written after each. Where
there is no GPU it says so in a line, and ends with status 2.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Any

import numpy as np
import typer
from common import Output, Quick, about, answer, in_child, line, row, start, write
from gpu import BATCH, PLAIN, look, train

LENGTHS, REPETITIONS, STEPS = (387, 646), 3, 50
"""Frames of a clip: those of GTZAN's pictures and the paper's; repetitions within a process; steps of each."""
FURTHER, ROUNDING, CLIPS, DRAWS = 1.5, 3e-6, 3, 9
"""How much further from float64 than the plain graph a step may be: times, and plus (as in the tests); of so many clips
a batch, the median of so many batches."""
BLOCKS = 2
"""Of the network that is compared, at most: as in the tests."""
PRECISIONS = ("tf32", "bfloat16", "float32")
"""In the order in which they are measured: first what the profile `gpu` trains in."""
PASSES = 4
"""Moves of each feature map in a step that nothing can save: the forward pass's, and three times that backward."""
COPIED = 2**28
"""Elements of the array whose copy gives the memory's rate."""


def equal(variant: str, frames: int, bands: int, step: str) -> dict[str, Any]:
    """In a process of its own: the largest distance from float64, as a share of what is allowed; kept: at most 1."""
    from bnet import backend

    backend.prepare()
    from gradients import distances, with_blocks

    from bnet.models import get_variant

    backend.take("auto")
    blocks = min(BLOCKS, get_variant(variant).blocks)
    with backend.precision("float32"):
        found = distances(with_blocks(variant, blocks), frames, bands, CLIPS, DRAWS, steps=(step,))
    share = float((found["ours"] / (FURTHER * found["plain"] + ROUNDING)).max())
    ways = {"max": np.max, "median": np.median}
    most = {f"{name}_{how}": float(of(found[name])) for name in ("plain", "ours") for how, of in ways.items()}
    print(f"{step}: {100 * share:.0f} % of what is allowed", file=sys.stderr, flush=True)
    return {"share_of_allowed": share, "kept": share <= 1, "frames": frames, "bands": bands, "blocks": blocks, **most}


def memory_rate(elements: int) -> float:
    """In a process of its own: bytes a second that the device moves when it copies an array."""
    import jax
    from jax import numpy as jnp

    x, add = jnp.zeros(elements, jnp.float32), jax.jit(lambda x: x + 1)
    add(x).block_until_ready()
    best = float("inf")
    for _ in range(5):
        clock = time.perf_counter()
        for _ in range(10):
            y = add(x)
        y.block_until_ready()
        best = min(best, (time.perf_counter() - clock) / 10)
    return 2 * x.nbytes / best


def least_bytes(variant: str, frames: int, precision: str) -> int:
    """Bytes that a step moves at least: maps read once by each block and written once, in `PASSES` passes; the stem."""
    from bnet.models import get_variant
    from bnet.models.shapes import N_MELS
    from bnet.training.lean.plan import CHANNELS, plan

    found, maps, moved = plan(get_variant(variant)), 1, 1
    for block in found.blocks:
        moved, maps = moved + maps + len(block), maps + len(block)
    height, width = found.stem.pool
    pixels = (moved + maps) * (frames // height) * (N_MELS // width) + frames * N_MELS
    return PASSES * pixels * BATCH * CHANNELS * (2 if precision == "bfloat16" else 4)


def attempt(seconds: float, function, *words) -> Any:
    """What a function answers in a process of its own within so many seconds; None where it fails or takes longer,
    which does not end the benchmark."""
    try:
        return answer(start(function, *words), max(1.0, seconds))
    except SystemExit as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return None


def main(
    variant: Annotated[str, typer.Option("--variant", "-v", help="Network.")] = "proposed",
    minutes: Annotated[float, typer.Option(help="Begin nothing that would end later.")] = 60.0,
    quick: Quick = False,
    output: Output = None,
    equality: Annotated[bool, typer.Option("--equality", help="Compare with float64 only, on any device.")] = False,
    allow_cpu: Annotated[bool, typer.Option("--allow-cpu", help="Rehearse where there is no GPU.")] = False,
) -> None:
    """Check and measure the training step on a GPU."""
    began, started, here = time.monotonic(), about(quick), in_child(look)
    gpu = here["device"]["kind"] == "GPU"
    if here["backend"] != "jax" or not (gpu or allow_cpu or equality):
        print(f"not run: {here['backend']} on {here['device']['name']}; expected JAX and a GPU", file=sys.stderr)
        raise typer.Exit(2)
    if not gpu:  # to be right, not fast: XLA compiles in half the time
        os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    lengths, repetitions, steps, size = LENGTHS, REPETITIONS, STEPS, (216, 128) if gpu else (64, 32)
    if quick:
        lengths, repetitions, steps, size, variant = (33,), 2, 2, (33, 13), "1-block"

    def left() -> float:
        return 60 * minutes - (time.monotonic() - began)

    compared = {step: attempt(left() / 3, equal, variant, *size, step) for step in ("lean", "kernels")}
    limits = {"further": FURTHER, "rounding": ROUNDING, "batch": CLIPS, "draws": DRAWS, "interpreted": not gpu}
    write("gpu_equality", started, [], output, **here, variant=variant, steps=compared, limits=limits)
    if equality:
        return
    right = ["plain", *(step for step, found in compared.items() if not found or found["kept"])]
    rate = attempt(left(), memory_rate, COPIED // (1000 if quick else 1))
    precisions = sorted(here["precisions"], key=PRECISIONS.index)
    cells = [(n, p, step) for n in lengths for p in precisions for step in right if not quick or p == "float32"]
    cells += [(n, "float32", "plain Keras") for n in lengths]
    measured, longest, rows = {}, 0.0, []
    for frames, precision, step in cells:
        clock = time.monotonic()
        if left() < 1.2 * longest:
            print(f"{len(cells) - len(measured)} cells are left for another time", flush=True)
            break
        settings = PLAIN | {"step": "plain"} if step == "plain Keras" else {"step": step}
        found = attempt(left(), train, variant, frames, repetitions * steps, precision, settings, steps)
        longest, measured[frames, precision, step] = max(longest, time.monotonic() - clock), found
        plain = measured.get((frames, precision, "plain"))
        if not found or not plain or step == "plain":
            continue
        values = {step: found["step_s"], "plain": plain["step_s"]}
        least = least_bytes(variant, frames, precision)
        more = {"variant": variant, "frames": frames, "precision": precision, "least_bytes": least}
        more |= {"floor_s": least / rate if rate else None, "answers": {step: found, "plain": plain}}
        rows.append(row(f"a step of {variant}, {BATCH} x {frames}, {precision}", "s", values, step, "plain", **more))
        print(line(rows[-1]), flush=True)
        write("gpu_step", started, rows, output, **here, memory_rate=rate)
    if not rows:
        write("gpu_step", started, rows, output, **here, memory_rate=rate)


if __name__ == "__main__":
    typer.run(main)
