"""Does the feature store scale: time, memory and bytes for N clips of thirty seconds, and a kill halfway.

    python benchmarks/features_scale.py                    as many sizes as take 5 minutes
    python benchmarks/features_scale.py --clips 8000       FMA-small's number of clips, in full
    python benchmarks/features_scale.py --json FILE        the same figures for a script

Sound is made on the fly from a clip's id (noise and tones), so that no disk is read: what is measured is the feature
store itself, its workers and its files. Decoding of MP3 files comes on top of it. Every size is extracted by a process
of its own into a new store, and watched from outside.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bnet import backend, runs
from bnet.corpora import SR, Corpus, Track, draw
from bnet.features import FeatureStore
from bnet.paths import sha256, write_text

SIZES = (250, 500, 1000, 2000, 4000, 8000)
SECONDS = 30.0
TARGET = 8000
LIMIT = 2**30
"""Bytes that the parent process may take at 8 000 clips."""
EVERY = 0.25
"""Seconds between two looks at the processes."""
MIB = 2**20


class Synthetic(Corpus):
    """`clips` clips of sound that depends on their id alone: a chord of four tones in noise."""

    name = "synthetic"
    title = "Synthetic"
    labels = tuple("abcdefgh")
    source = "synthetic 1"

    def __init__(self, clips: int):
        self.clips = clips

    def tracks(self) -> list[Track]:
        return [Track(f"clip-{i:06d}", self.labels[i % len(self.labels)], f"clip-{i:06d}") for i in range(self.clips)]

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        generator = np.random.default_rng(int(2**53 * draw(track.track_id, "sound")))
        y = 0.05 * generator.standard_normal(round(seconds * SR), dtype=np.float32)
        period = np.arange(SR, dtype=np.float32) / SR  # whole numbers of Hz: a second of tones repeats exactly
        chord = sum(np.sin(2 * np.pi * int(hz) * period) for hz in generator.integers(100, 4000, 4))
        return y + np.resize(0.1 * chord.astype(np.float32), y.shape)

    def checksum(self, track: Track, y: np.ndarray) -> str:
        return sha256(y.tobytes())


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one extraction took. Memory is in bytes and is the highest of all looks.

    Parameters
    ----------
    clips, jobs
        Clips extracted, and worker processes asked for.
    seconds
        Of `FeatureStore.extract` alone, without the start of Python.
    parent, worker
        Resident memory of the parent, and of the largest worker, as the system's own high-water marks.
    total
        Of all processes together: shared pages are counted once (PSS) where the system tells, else once a process.
    store
        Bytes of the store on disk.
    """

    clips: int
    jobs: int
    seconds: float
    parent: int
    worker: int
    total: int
    store: int

    @property
    def rate(self) -> float:
        """Clips a second."""
        return self.clips / self.seconds


def store_of(clips: int, root: Path) -> FeatureStore:
    """The store of a benchmark below `root`."""
    return FeatureStore(Synthetic(clips), SECONDS, root=root)


def child(clips: int, jobs: int, root: Path) -> None:
    """Extract, and print the seconds that it took: the process that is measured."""
    store = store_of(clips, root)
    tracks = store.corpus.tracks()
    clock = time.perf_counter()
    result = store.extract(tracks, jobs=jobs, progress=False)
    print(json.dumps({"seconds": time.perf_counter() - clock, "done": result.done, "reused": result.reused}))


def start(clips: int, jobs: int, root: Path, errors: int | None = None) -> subprocess.Popen:
    """Start `child` as a process of its own; `errors` is where its standard error goes."""
    words = [sys.executable, __file__, "--child", str(clips), "--jobs", str(jobs), "--root", str(root)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True)


def answer_of(process: subprocess.Popen) -> dict[str, Any]:
    """What a `child` printed; ends the benchmark if it failed."""
    text = process.communicate()[0]
    if process.returncode:
        sys.exit(f"the extraction ended with status {process.returncode}; its reason stands above")
    return json.loads(text)


def high_water(process: psutil.Process) -> int:
    """The most memory that a process has had, in bytes, as the system counts it; its present memory elsewhere."""
    try:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return process.memory_info().rss


def look(parent: psutil.Process) -> tuple[int, int, int]:
    """Memory now: high-water mark of the parent and of the largest worker, and the sum over all processes."""
    marks, total = [], 0
    for process in [parent, *parent.children(recursive=True)]:
        try:
            marks.append(high_water(process))
            full = process.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except psutil.Error:
            marks.append(0)
    return marks[0], max(marks[1:], default=0), total


def measure(clips: int, jobs: int, root: Path) -> Measured:
    """Extract `clips` clips into a new store below `root`, and watch the processes."""
    process = start(clips, jobs, root)
    watched, peaks = psutil.Process(process.pid), (0, 0, 0)
    while process.poll() is None:
        try:
            peaks = tuple(map(max, peaks, look(watched)))
        except psutil.Error:
            break
        time.sleep(EVERY)
    answer = answer_of(process)
    if answer["done"] != clips:
        sys.exit(f"extraction of {clips} clips gave {answer['done']}")
    return Measured(clips, jobs, answer["seconds"], *peaks, size_of(root))


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def rows_by_track(store: FeatureStore) -> dict[str, str]:
    """Track id -> SHA-256 of its row."""
    return {track_id: sha256(store.rows([track_id]).tobytes()) for track_id in sorted(store.available)}


def kill_and_resume(clips: int, jobs: int, root: Path) -> dict[str, Any]:
    """Kill an extraction (signal 9) when half of its clips are in the index, run it again, compare with a whole one."""
    whole, broken = store_of(clips, root / "whole"), store_of(clips, root / "broken")
    answer_of(start(clips, jobs, root / "whole"))
    process = start(clips, jobs, root / "broken", subprocess.DEVNULL)  # its helper complains of what the kill left
    workers: list[psutil.Process] = []
    while len(broken.available) < clips // 2 and process.poll() is None:
        workers = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = len(broken.available)
    _, alive = psutil.wait_procs(workers, timeout=15)
    again = answer_of(start(clips, jobs, root / "broken"))
    same = rows_by_track(whole) == rows_by_track(broken)
    return {
        "clips": clips,
        "kept_at_kill": kept,
        "workers_left": len(alive),
        "extracted_again": again["done"],
        "rows_identical": same and len(whole.available) == clips,
    }


def fit(measured: list[Measured]) -> dict[str, float]:
    """Straight lines through the sizes: seconds and parent's bytes as ``fixed + each * clips``; spread of the rate.

    A line needs two sizes or more.
    """
    clips = np.array([m.clips for m in measured], float)
    result = {}
    for name in ("seconds", "parent", "total"):
        values = np.array([getattr(m, name) for m in measured], float)
        each, fixed = np.polyfit(clips, values, 1)
        result |= {f"{name}_each": float(each), f"{name}_fixed": float(fixed)}
    rates = [m.rate for m in measured]
    return result | {"slowest_to_fastest": min(rates) / max(rates)}


def extrapolate(line: dict[str, float], clips: int = TARGET) -> dict[str, float]:
    """What `fit` says of `clips` clips: a forecast, not a measurement."""
    values = {name: line[f"{name}_fixed"] + line[f"{name}_each"] * clips for name in ("seconds", "parent", "total")}
    return {"clips": clips, **values, "store": clips * store_of(1, Path())._row_bytes}


HEADER = f"{'clips':>7} {'seconds':>8} {'clips/s':>8} {'parent':>8} {'worker':>8} {'total':>8} {'store':>8}   (MiB)"


def row(m: Measured) -> str:
    """A line of the table."""
    sizes = " ".join(f"{value / MIB:8.1f}" for value in (m.parent, m.worker, m.total, m.store))
    return f"{m.clips:7d} {m.seconds:8.1f} {m.rate:8.1f} {sizes}"


def series(sizes: list[int], minutes: float, jobs: int, scratch: Path) -> list[Measured]:
    """Measure sizes in turn, printing each, as long as the next one is likely to end within `minutes`."""
    measured: list[Measured] = []
    end = time.monotonic() + 60 * minutes
    for clips in sizes:
        if measured and time.monotonic() + clips / measured[-1].rate > end:
            break
        with tempfile.TemporaryDirectory(dir=scratch) as root:
            measured.append(measure(clips, jobs, Path(root)))
        print(row(measured[-1]), flush=True)
    return measured


def main() -> int:
    """Measure, print, and exit with status 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, help="measure only so many clips, however long it takes")
    parser.add_argument("--minutes", type=float, default=5.0, help="stop growing before so many minutes [5]")
    parser.add_argument("--jobs", type=int, default=backend.machine()["cores"], help="worker processes [one a core]")
    parser.add_argument("--no-kill", action="store_true", help="leave out the kill and resume")
    parser.add_argument("--scratch", type=Path, help="folder for the stores, removed at the end [a temporary one]")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.child:
        child(words.child, words.jobs, words.root)
        return 0
    if words.jobs < 1 or (words.clips is not None and words.clips < 1):
        parser.error("--clips and --jobs must be 1 or more")

    about = {"machine": backend.machine(), "versions": backend.versions(network=False), **runs.commit()}
    about["load_before"] = [round(x, 2) for x in os.getloadavg()]
    print(json.dumps(about), HEADER, sep="\n", flush=True)
    sizes = [words.clips] if words.clips else list(SIZES)
    measured = series(sizes, words.minutes, words.jobs, words.scratch)
    answer: dict[str, Any] = {**about, "clip_seconds": SECONDS}
    answer["measured"] = [dataclasses.asdict(m) | {"clips_per_s": m.rate} for m in measured]
    promises = {}
    if len(measured) > 1:
        answer["fit"] = line = fit(measured)
        print(
            f"fit: {1000 * line['seconds_each']:.1f} ms a clip + {line['seconds_fixed']:.1f} s; parent "
            f"{line['parent_each']:.0f} bytes a clip + {line['parent_fixed'] / MIB:.0f} MiB; slowest rate is "
            f"{line['slowest_to_fastest']:.2f} of the fastest"
        )
        answer["extrapolated"] = there = extrapolate(line)
        print(
            f"EXTRAPOLATED, not measured, to {TARGET} clips: {there['seconds'] / 60:.1f} min, parent "
            f"{there['parent'] / MIB:.0f} MiB, all processes {there['total'] / MIB:.0f} MiB, store "
            f"{there['store'] / MIB:.0f} MiB"
        )
    promises["parent below 1 GiB"] = max(m.parent for m in measured) < LIMIT
    if not words.no_kill:
        with tempfile.TemporaryDirectory(dir=words.scratch) as root:
            answer["kill"] = killed = kill_and_resume(SIZES[0], words.jobs, Path(root))
        print(f"kill -9: {json.dumps(killed)}")
        promises["rows identical after a kill"] = killed["rows_identical"]
        promises["no worker outlives its parent"] = killed["workers_left"] == 0
    answer["promises"] = promises
    print(*(f"{'kept' if kept else 'BROKEN'}: {promise}" for promise, kept in promises.items()), sep="\n")
    if words.json:
        write_text(words.json, json.dumps(answer, indent=1) + "\n")
    return 0 if all(promises.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
