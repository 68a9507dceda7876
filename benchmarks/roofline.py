"""The roof of this machine, memory bandwidth and matrix product, and every network under it.

    python benchmarks/roofline.py              2 minutes, after training_step.py, whose record it reads
    python benchmarks/roofline.py --quick      a try

A training step does so many multiplications and additions (three forward passes' worth: one forward, two backward) and
moves so many bytes. Its arithmetic alone takes at least operations / (operations a second of a matrix product); moving
its maps at least bytes / (bytes a second of the memory). Both rates are measured here: a triad ``a = b + s * c`` over
arrays that no cache holds (McCalpin's STREAM; numba, all cores) and a float32 matrix product (NumPy's BLAS); the best
of several repetitions counts, as in STREAM.

Bytes are counted, not measured: the outputs of all layers of the plain graph, each written once and read once forward,
and read once and its gradient written and read once backward. A cache saves some of that, copies add to it.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from common import RESULTS, SCRATCH, Narrow, Output, Quick, about, clocked, in_child, suffix, without_avx512, write

from bnet.models import get_variant
from bnet.models.cost import cost

TRIAD_BYTES, MATRIX = 2**28, 4096
PASSES = 3
"""A forward and a backward pass, the backward twice the arithmetic of the forward."""
MOVES = 5
"""Times that a layer's output is moved in a step: written, read, read again, its gradient written and read."""
FLOPS_A_MAC = 2


def bandwidth(size: int, times: int) -> list[float]:
    """In a process of its own: bytes a second of triads over three arrays of `size` bytes, all cores."""
    import numba

    @numba.njit(parallel=True)
    def triad(a, b, c, s):
        for i in numba.prange(len(a)):
            a[i] = b[i] + s * c[i]

    a, b, c = (np.full(size // 8, value) for value in (0.0, 1.0, 2.0))
    return [3 * size / clocked(lambda: triad(a, b, c, 3.0), 1)["s"] for _ in range(times)]


def product(n: int, times: int) -> list[float]:
    """In a process of its own: operations a second of float32 products of two matrices of ``n x n``, all cores."""
    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal((n, n), dtype=np.float32) for _ in range(2))
    out = np.empty((n, n), np.float32)
    return [FLOPS_A_MAC * n**3 / clocked(lambda: np.matmul(a, b, out=out), 1)["s"] for _ in range(times)]


def counted(pairs: list[tuple[str, int]], classes: int = 10) -> list[dict[str, Any]]:
    """Multiply-adds and bytes of all maps, of a clip's forward pass, of (network, frames)."""
    of = {pair: cost(get_variant(pair[0]), classes, pair[1]) for pair in pairs}
    return [
        {"variant": variant, "frames": frames, "macs": found.macs, "map_bytes": found.activation_bytes}
        for (variant, frames), found in of.items()
    ]


def steps_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of a record of `training_step.py`: network, frames, batch, and seconds of a step, plain and lean."""
    both = [
        {name: row[name] for name in ("variant", "frames", "batch")}
        | {"plain_s": row["peer_median"], "lean_s": row["ours_median"]}
        for row in record["rows"]
        if row["measure"] == "s"
    ]
    plain = [
        {name: row[name] for name in ("variant", "frames", "batch")} | {"plain_s": row["s"]} for row in record["plain"]
    ]
    return both + plain


def place(cell: dict[str, Any], cost: dict[str, Any], bytes_s: float, flops_s: float) -> dict[str, Any]:
    """A cell under the roof: its work, the least seconds by arithmetic and by memory, and its rate in each way."""
    flops = PASSES * FLOPS_A_MAC * cost["macs"] * cell["batch"]
    moved = MOVES * cost["map_bytes"] * cell["batch"]
    least = {"arithmetic_s": flops / flops_s, "memory_s": moved / bytes_s}
    return cell | {"flops": flops, "bytes": moved, "intensity": flops / moved} | least


def main(
    times: Annotated[int, typer.Option(min=3, help="Repetitions of triad and product.")] = 10,
    steps: Annotated[Path | None, typer.Option(help="Record of training_step.py. [default: the committed one]")] = None,
    narrow: Narrow = False,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure the machine's roof, and place the measured training steps under it."""
    started = about(quick)
    size, n = (2**24, 512) if quick else (TRIAD_BYTES, MATRIX)
    roof, environment = {}, without_avx512() if narrow else {}
    for name, values, what in (
        ("bytes_s", in_child(bandwidth, size, times, env=environment), "GB/s, triad"),
        ("flops_s", in_child(product, n, times, env=environment), "GFLOP/s, float32 matrix product"),
    ):
        roof[name] = {"best": max(values), "median": statistics.median(values), "low": min(values), "times": times}
        low, middle, best = (roof[name][which] / 1e9 for which in ("low", "median", "best"))
        print(f"{best:.1f} {what}: the best of {times} (median {middle:.1f}, least {low:.1f})", flush=True)
    path = steps or (output or (SCRATCH if quick else RESULTS)) / f"training_step{suffix(narrow)}.json"
    record = json.loads(path.read_text()) if path.is_file() else None
    if record is None:
        print(f"no record {path}: no network is placed; make it: python benchmarks/training_step.py")
    found = steps_of(record) if record else []
    costs = counted(sorted({(cell["variant"], cell["frames"]) for cell in found}))
    by = {(cost["variant"], cost["frames"]): cost for cost in costs}
    rates = roof["bytes_s"]["best"], roof["flops_s"]["best"]
    networks = [place(cell, by[cell["variant"], cell["frames"]], *rates) for cell in found]
    for cell in networks:
        least = max(cell["arithmetic_s"], cell["memory_s"])
        taken = [f"{step} {cell[f'{step}_s'] / least:.2f}" for step in ("lean", "plain") if f"{step}_s" in cell]
        print(
            f"step of {cell['variant']}, {cell['batch']} x {cell['frames']} frames: {', '.join(taken)} of the roof; "
            f"arithmetic {cell['arithmetic_s']:.3f} s, memory {cell['memory_s']:.3f} s"
        )
    more = {"steps_commit": record["commit"], "steps_machine": record["machine"]} if record else {}
    more |= {"networks": networks, "passes": PASSES, "moves": MOVES, "no_avx512": narrow}
    write(f"roofline{suffix(narrow)}", started, [], output, roof=roof, **more)


if __name__ == "__main__":
    typer.run(main)
