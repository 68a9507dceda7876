"""A plain training step whose buffers TensorFlow keeps, as `bnet` asks it to, beside Keras as it comes.

    python benchmarks/allocator.py                      networks without a lean step, and the paper's two: 5 minutes
    python benchmarks/allocator.py -v bbnn              chosen ones
    python benchmarks/allocator.py --quick              a try

Every measurement is a process of its own; the two take turns. That the results are equal bit for bit is a test
(tests/test_device.py).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from common import Output, Quick, about, in_child, in_turn, line, row, suffix, write
from training_step import ALLOCATOR, BATCH, SHORT, chosen, measure

WAYS = {"buffers kept": "true", "Keras as it comes": "false"}
"""What is measured -> value of `ALLOCATOR` in the environment."""


def main(
    variants: Annotated[str, typer.Option("--variants", "-v", help="Networks with commas. [default: several]")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Processes of each.")] = 2,
    times: Annotated[int, typer.Option(min=1, help="Steps a process, after the first.")] = 3,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure plain training steps with and without the allocator that keeps its buffers, side by side."""
    started, why = about(quick), chosen(variants or "all")
    names = [name for name in why if variants or why[name] or name in ("bbnn", "proposed")]
    frames = SHORT
    if quick:
        names, frames, repeats, times = names[:1], 108, 1, 1
    rows = []
    for name in names:
        ways = {
            way: partial(in_child, measure, name, frames, BATCH, "plain", times, env={ALLOCATOR: value})
            for way, value in WAYS.items()
        }
        found = in_turn(ways, repeats)
        for kind, unit, what in (("s", "s", ""), ("bytes", "bytes", ", peak memory")):
            values = {way: [x for one in each for x in one[kind]] for way, each in found.items()}
            said = f"plain training step of {name}, {BATCH} x {frames} frames{what}"
            rows.append(row(said, unit, values, *WAYS, variant=name, frames=frames, batch=BATCH, measure=kind))
            print(line(rows[-1]), flush=True)
    write(f"allocator{suffix()}", started, rows, output)


if __name__ == "__main__":
    typer.run(main)
