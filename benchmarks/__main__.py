"""All benchmarks, one after the other, each a process of its own: `make bench`.

    python benchmarks                        all of them
    python benchmarks --only features        one or some, with commas
    python benchmarks --quick                a try of each, into benchmarks/quick/
    python benchmarks --list                 what there is

A record is written when its benchmark has ended: stopped in the middle, those that had ended are kept.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

HERE = Path(__file__).resolve().parent
ABSENT = 2
"""Status of a benchmark that says that this machine lacks what it measures, a GPU: not run, and no failure."""


@dataclass(frozen=True)
class Benchmark:
    """A script beside this file.

    Parameters
    ----------
    name
        Of its file and of its record.
    what
        What is measured, and against which peer.
    minutes
        How long it takes in full on two cores.
    """

    name: str
    what: str
    minutes: float

    @property
    def script(self) -> Path:
        """Its file."""
        return HERE / f"{self.name}.py"


BENCHMARKS = (
    Benchmark("features", "log-mels of sound files: the feature store against the authors' script, and its parts", 8),
    Benchmark("features_scale", "memory of 500, 2 000 and 8 000 clips; an extraction that is killed", 4),
    Benchmark("training_step", "a training step of every network: lean against the plain Keras graph", 20),
    Benchmark("allocator", "a plain training step: TensorFlow's buffers kept against Keras as it comes", 5),
    Benchmark("equality", "gradients of every network, lean and plain, against double precision", 15),
    Benchmark("inference", "a trained network in every form, on one thread; a folder of sound; against Keras", 13),
    Benchmark("jobs", "two runs side by side against one after the other; are the records the same", 8),
    Benchmark("listen", "the page 'Listen' in Chromium: difference to Python, time, size, memory", 3),
    Benchmark("roofline", "memory bandwidth and matrix product, and every training step under them", 1),
    Benchmark("gpu_step", "a training step on a GPU, where there is one and JAX: lean against plain, by precision", 15),
    Benchmark("gpu", "the paper's 10 000 steps on a GPU, where there is one, by precision and side by side", 60),
)
"""In the order in which they are run: `roofline` reads the record of `training_step`."""


def chosen(only: str) -> list[Benchmark]:
    """The rows of `BENCHMARKS` with these names, with commas; all for ''.

    Raises
    ------
    typer.BadParameter
        If there is none of a name; lists what there is.
    """
    names = [name for name in only.replace(" ", "").split(",") if name]
    known = [row.name for row in BENCHMARKS]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"no benchmark {name!r}; there are {', '.join(known)}", param_hint="--only")
    return [row for row in BENCHMARKS if not names or row.name in names]


def main(
    only: Annotated[str, typer.Option(help="Names, with commas. [default: all]")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="A try of each; records go to benchmarks/quick/.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Say what there is, and run nothing.")] = False,
) -> None:
    """Run the benchmarks; ends with status 1 if one failed or broke a promise."""
    rows = chosen(only)
    if listed:
        print(*(f"{row.name:16} {row.minutes:4g} min  {row.what}" for row in rows), sep="\n")
        return
    ended: list[str] = []
    failed = False
    for row in rows:
        print(f"\n{row.name}: {row.what}" + ("" if quick else f" (about {row.minutes:g} min)"), flush=True)
        clock = time.monotonic()
        try:
            status = subprocess.run([sys.executable, row.script, *(["--quick"] if quick else [])]).returncode
        except KeyboardInterrupt:
            print(f"\nstopped in {row.name}; ended before: {', '.join(ended) or 'none'}; their records are kept")
            raise SystemExit(130) from None
        failed |= status not in (0, ABSENT)
        outcome = {0: "ended", ABSENT: "was NOT RUN, and ended"}.get(status, f"ENDED WITH STATUS {status}")
        print(f"{row.name} {outcome} after {(time.monotonic() - clock) / 60:.1f} min", flush=True)
        ended.append(row.name)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
