"""Runs side by side on one machine: each in a process of its own, on its share of the cores.

One run alone uses all cores, yet two runs on half of them each are done sooner where a step has parts that run on one
core only. Records are the same as those of runs one after the other: a process is bound to its share of the cores, but
TensorFlow cuts its sums for as many threads as there would be without company (`bnet.runs.child.Child`).
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bnet.backend import cores
from bnet.corpora.store import FeatureStore
from bnet.runs.child import Child, Message
from bnet.runs.jobs import Job, Log, extract, log_to_stderr, run
from bnet.sound.memory import available_bytes
from bnet.training.device import Settings

SETTLE = 10.0
"""Seconds from the start of a run to that of the next: time to take its memory, which is then measured."""


def side_by_side(
    todo: list[Job], results: Path, log: Log, settings: Settings | None = None, *, jobs: int
) -> Iterator[tuple[Job, str]]:
    """The `bnet.runs.jobs.Executor` of one machine: up to `jobs` processes, never more than cores; features come first.

    A run starts beside others when the machine has as much memory left as the largest so far was seen to hold; what
    fails, or is killed, does not stop the others.

    Raises
    ------
    BnetError
        If features can't be extracted.
    """
    extract(todo[0].corpus, todo[0].tracks, todo[0].config.training.clip_seconds, jobs, log)
    if jobs > cores():
        log(f"{jobs} jobs on {cores()} cores: {cores()} at a time")
    free = shares(min(jobs, len(todo), cores()))
    waiting, running, largest, started = list(todo), {}, 0, 0.0
    events: queue.SimpleQueue[tuple[str, Message]] = queue.SimpleQueue()
    try:
        while waiting or running:
            largest = max([largest, *(child.memory() for _, child, _ in running.values())])
            settled = not running or (time.monotonic() - started > SETTLE and available_bytes() > largest)
            if waiting and free and settled:
                job, share, started = waiting.pop(0), free.pop(), time.monotonic()
                running[job.config.run_name] = job, _start(job, results, settings, share, events), share
            try:
                name, message = events.get(timeout=1)
            except queue.Empty:
                continue
            if message.ended:
                job, _, share = running.pop(name)
                free.append(share)
                yield job, message.reason
            else:
                log(named(name, message.line))
    finally:
        for _, child, _ in running.values():
            child.kill()


def _start(job: Job, results: Path, settings: Settings | None, share: list[int], events: queue.SimpleQueue) -> Child:
    def tell(message: Message) -> None:
        events.put((job.config.run_name, message))

    return Child(perform, (job, results, settings), tell, cores=share, threads=cores())


def perform(job: Job, results: Path, settings: Settings | None, features: bool = False) -> None:
    """In a child, here or on a worker of a cluster: do one run; before, extract what `features` it lacks."""
    if features:
        known = FeatureStore(job.corpus, job.config.training.clip_seconds).index
        lacking = any(track.track_id not in known for track in job.tracks)
        extract(
            job.corpus, job.tracks, job.config.training.clip_seconds, log=log_to_stderr if lacking else lambda _: None
        )
    run(job, results, settings=settings)


def named(run: str, line: str) -> str:
    """A line that a run says, with the run's name before it."""
    return line if line.startswith(run) else f"{run}: {line}"


def shares(jobs: int, numbers: Sequence[int] | None = None) -> list[list[int]]:
    """Cores cut into `jobs` disjoint shares of equal size, at least one core; what is left over is nobody's.

    `numbers` are the cores; None: those that this process may use, and empty shares where the system does not tell.

    >>> shares(2, [0, 1, 2, 3, 4])
    [[0, 1], [2, 3]]
    """
    if numbers is None:
        numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    size = len(numbers) // jobs
    return [list(numbers[i * size : (i + 1) * size]) for i in range(jobs)]
