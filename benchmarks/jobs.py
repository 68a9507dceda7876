"""Several runs side by side against one after the other: the same runs, the same records, on all cores of the machine.

    python benchmarks/jobs.py                              one fold of proposed and bbnn, with 1 and 2 jobs
    python benchmarks/jobs.py -v baselines --jobs 2,4      other runs, other numbers of jobs
    python benchmarks/jobs.py --quick                      a try

What is timed is all that `bnet train` does from the first run on, processes that start included, features not; memory
is that of all processes together. The runs are small ones: short clips, few epochs.
"""

from __future__ import annotations

import functools
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from common import Output, Quick, about, answer, line, row, start, watch, write

from bnet.paths import sha256

CORPUS, PROTOCOL = "tunes", "grouped"
FULL = {"max_per_class": "40", "epochs": "2", "clip_seconds": "5"}
LITTLE = {"max_per_class": "6", "epochs": "1", "clip_seconds": "1"}


def train(variants: str, folds: list[int], settings: dict[str, str], jobs: int) -> dict[str, Any]:
    """In a process of its own: seconds of these runs, and a checksum of their records."""
    import json

    from bnet.runs import pool
    from bnet.runs.jobs import extract, run_all
    from bnet.runs.jobs import jobs as make_jobs
    from bnet.training.config import get_profile

    todo = make_jobs(CORPUS, [variants], PROTOCOL, get_profile("smoke", settings), folds)
    extract(todo[0].corpus, todo[0].tracks, todo[0].config.training.clip_seconds)
    executor = functools.partial(pool.side_by_side, jobs=jobs) if jobs > 1 else None
    with tempfile.TemporaryDirectory() as results:
        clock = time.perf_counter()
        made = run_all(todo, Path(results), executor=executor)
        seconds = time.perf_counter() - clock
    found = json.dumps([record.identity() for record in made], sort_keys=True)
    return {"s": seconds, "runs": len(made), "records": sha256(found)}


def main(
    variants: Annotated[str, typer.Option("--variants", "-v", help="Networks and baselines, with commas.")] = (
        "proposed,bbnn"
    ),
    folds: Annotated[str, typer.Option(help="Folds, with commas.")] = "0",
    jobs: Annotated[str, typer.Option(help="Numbers of jobs besides one, with commas.")] = "2",
    repeats: Annotated[int, typer.Option(min=1, help="Repetitions; medians are given.")] = 3,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure runs side by side."""
    started, settings = about(quick), LITTLE if quick else FULL
    counts = [1, *map(int, jobs.split(","))]
    seconds: dict[str, list[float]] = {name(count): [] for count in counts}
    memory: dict[str, list[int]] = {name(count): [] for count in counts}
    records = set()
    for _ in range(1 if quick else repeats):
        for count in counts:
            process = start(train, variants, [int(fold) for fold in folds.split(",")], settings, count)
            most, found = watch(process)["total"], answer(process)
            seconds[name(count)].append(found["s"])
            memory[name(count)].append(most)
            records.add(found["records"])
    rows = []
    what = f"{found['runs']} runs ({variants})"
    for count in counts[1:]:
        for measure, unit, values in (("time", "s", seconds), ("peak memory", "bytes", memory)):
            rows.append(row(f"{measure} of {what}", unit, values, name(count), name(1), jobs=count))
            print(line(rows[-1]))
    same = len(records) == 1
    print("the records are the same" if same else f"RECORDS DIFFER: {len(records)} kinds")
    write("jobs", started, rows, output, settings=settings, records_equal=same)


def name(jobs: int) -> str:
    """A number of jobs, in words."""
    return "one after the other" if jobs == 1 else f"{jobs} side by side"


if __name__ == "__main__":
    typer.run(main)
