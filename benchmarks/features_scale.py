"""Does the feature store scale: time, memory and bytes for N clips of thirty seconds, and a kill halfway.

    python benchmarks/features_scale.py                      500, 2 000 and 8 000 clips: 3 minutes
    python benchmarks/features_scale.py --sizes 250,1000     other sizes
    python benchmarks/features_scale.py --quick              a try

Sound is made on the fly from a clip's id (noise and tones), so that no disk is read: what is measured is the feature
store itself, its workers and its files; `features.py` has decoding on top of it. Every size is extracted by a process
of its own into a new store, and watched from outside. The peer is the smallest size: memory is to stay as it is
there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from common import GIB, MIB, Output, Quick, about, answer, in_turn, line, row, start, watch, write

SIZES, QUICK_SIZES, KILLED = (500, 2000, 8000), (50, 100), 250
SECONDS = 30.0
FLAT = 1.1
"""Memory that the largest size may take, of the smallest one's."""


def store_of(clips: int, root: Path):
    """The feature store of `clips` clips of sound that depends on their id alone, a chord in noise, below `root`."""
    from bnet.corpora import SR, Corpus, Track, draw
    from bnet.corpora.store import FeatureStore
    from bnet.paths import sha256

    class Synthetic(Corpus):
        name, title, labels, source = "synthetic", "Synthetic", tuple("abcdefgh"), "synthetic 1"

        def tracks(self) -> list[Track]:
            names = [f"clip-{i:06d}" for i in range(clips)]
            return [Track(name, self.labels[i % len(self.labels)], name) for i, name in enumerate(names)]

        def audio(self, track: Track, seconds: float) -> np.ndarray:
            generator = np.random.default_rng(int(2**53 * draw(track.track_id, "sound")))
            y = 0.05 * generator.standard_normal(round(seconds * SR), dtype=np.float32)
            period = np.arange(SR, dtype=np.float32) / SR  # whole numbers of Hz: a second of tones repeats exactly
            chord = sum(np.sin(2 * np.pi * int(hz) * period) for hz in generator.integers(100, 4000, 4))
            return y + np.resize(0.1 * chord.astype(np.float32), y.shape)

        def checksum(self, track: Track, y: np.ndarray) -> str:
            return sha256(y.tobytes())

    return FeatureStore(Synthetic(), SECONDS, root=root)


def extract(clips: int, jobs: int, root: str) -> dict[str, float]:
    """In a process of its own, which is watched: seconds of the extraction alone, without the start of Python."""
    store = store_of(clips, Path(root))
    tracks = store.corpus.tracks()
    clock = time.perf_counter()
    result = store.extract(tracks, jobs=jobs, progress=False)
    return {"seconds": time.perf_counter() - clock, "done": result.done}


def measure(clips: int, jobs: int, scratch: Path | None) -> dict[str, Any]:
    """Extract `clips` clips into a new store: seconds, clips a second, bytes of `watch`, bytes of the store on disk."""
    with tempfile.TemporaryDirectory(dir=scratch) as root:
        process = start(extract, clips, jobs, root)
        memory = watch(process)
        found = answer(process)
        size = sum(path.stat().st_size for path in Path(root).rglob("*") if path.is_file())
    if found["done"] != clips:
        sys.exit(f"extraction of {clips} clips gave {found['done']}")
    rate = {"seconds": found["seconds"], "clips_per_s": clips / found["seconds"]}
    return {"clips": clips, "jobs": jobs, **rate, **memory, "store": size}


def checksums(clips: int, root: Path) -> dict[str, str]:
    """Track id -> SHA-256 of its row, of what is in the store."""
    from bnet.paths import sha256

    store = store_of(clips, root)
    return {track_id: sha256(store.rows([track_id]).tobytes()) for track_id in sorted(store.available)}


def kill_and_resume(clips: int, jobs: int, root: Path) -> dict[str, Any]:
    """Kill an extraction (signal 9) when half of its clips are in the index, run it again, compare with a whole one."""
    answer(start(extract, clips, jobs, str(root / "whole")))
    broken = store_of(clips, root / "broken")
    process = start(extract, clips, jobs, str(root / "broken"), stderr=subprocess.DEVNULL)  # its helper complains
    workers: list[psutil.Process] = []
    while len(broken.available) < clips // 2 and process.poll() is None:
        workers = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = len(broken.available)
    _, alive = psutil.wait_procs(workers, timeout=15)
    again = answer(start(extract, clips, jobs, str(root / "broken")))
    whole = checksums(clips, root / "whole")
    return {
        "clips": clips,
        "kept_at_kill": kept,
        "workers_left": len(alive),
        "extracted_again": again["done"],
        "rows_identical": len(whole) == clips and whole == checksums(clips, root / "broken"),
    }


def fit(measured: list[dict[str, Any]]) -> dict[str, float]:
    """Straight lines through two sizes or more: seconds and bytes as ``fixed + each * clips``."""
    result = {}
    for name in ("seconds", "parent", "total"):
        each, fixed = np.polyfit([m["clips"] for m in measured], [float(m[name]) for m in measured], 1)
        result |= {f"{name}_each": float(each), f"{name}_fixed": float(fixed)}
    return result


def table(m: dict[str, Any]) -> str:
    """A line for one size."""
    sizes = ", ".join(f"{name} {m[name] / MIB:.0f}" for name in ("parent", "worker", "total", "store"))
    return f"  {m['clips']} clips: {m['seconds']:.1f} s, {m['clips_per_s']:.1f} a second; MiB: {sizes}"


def main(
    sizes: Annotated[str, typer.Option(help="Numbers of clips, with commas, two or more.")] = ",".join(map(str, SIZES)),
    repeats: Annotated[int, typer.Option(min=1, help="Times that each size is extracted.")] = 1,
    jobs: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one a core.")] = 0,
    scratch: Annotated[Path | None, typer.Option(help="Folder for the stores, removed at the end.")] = None,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure extraction at growing size, and a kill halfway; ends with status 1 if a promise is broken."""
    clips = QUICK_SIZES if quick else sorted({int(size) for size in sizes.split(",") if size.isdigit()})
    if len(clips) < 2 or clips[0] < 1:
        raise typer.BadParameter(f"{sizes!r}; expected two sizes or more, with commas: 500,2000", param_hint="--sizes")
    started = about(quick)
    jobs = jobs or started["machine"]["cores"]
    found = in_turn({f"{n} clips": lambda n=n: measure(n, jobs, scratch) for n in clips}, repeats)
    measured = [sorted(each, key=lambda m: m["seconds"])[len(each) // 2] for each in found.values()]
    print(*map(table, measured), sep="\n")
    smallest, largest = (f"{n} clips" for n in (clips[0], clips[-1]))
    totals = {name: [m["total"] for m in each] for name, each in found.items()}
    per_clip = {name: [m["seconds"] / m["clips"] for m in each] for name, each in found.items()}
    rows = [
        row("extraction, memory of all processes", "bytes", totals, largest, smallest, at_most=FLAT),
        row("extraction, seconds a clip", "s", per_clip, largest, smallest),
    ]
    print(*map(line, rows), sep="\n")
    with tempfile.TemporaryDirectory(dir=scratch) as root:
        killed = kill_and_resume(clips[0] if quick else KILLED, jobs, Path(root))
    print(f"  kill -9: {json.dumps(killed)}")
    promises = {
        "parent below 1 GiB": all(m["parent"] < GIB for m in measured),
        "memory does not grow with the clips": rows[0]["kept"],
        "rows identical after a kill": killed["rows_identical"],
        "no worker outlives its parent": killed["workers_left"] == 0,
    }
    print(*(f"  {'kept' if kept else 'BROKEN'}: {promise}" for promise, kept in promises.items()), sep="\n")
    more = {"clip_seconds": SECONDS, "measured": measured, "fit": fit(measured), "kill": killed, "promises": promises}
    write("features_scale", started, rows, output, **more)
    if not all(promises.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
