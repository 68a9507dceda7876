"""What all benchmarks share: processes of their own, clocks, memory, rows, records.

A benchmark is a script, ``python benchmarks/<name>.py``, that measures something of ours and its named peer in the same
run, in turn, several times; prints a line a ratio; and writes one record, ``benchmarks/results/<name>.json``, whole or
not at all. With ``--quick`` it measures little, to try that it works, and writes to ``benchmarks/quick/`` instead.

    started = about(quick)
    values = in_turn({"lean": lambda: in_child(step, "lean"), "plain": lambda: in_child(step, "plain")}, times)
    rows = [row("training step of proposed", "s", values, "lean", "plain", at_most=1 / 3)]
    print(line(rows[0]))
    write("training_step", started, rows, output)

A function for `in_child` stands at the top level of its script, takes and gives what JSON can hold.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import inspect
import json
import os
import runpy
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

HERE = Path(__file__).resolve().parent
RESULTS, SCRATCH = HERE / "results", HERE / "quick"
MIB, GIB = 2**20, 2**30
EVERY = 0.1
"""Seconds between two looks at the memory of processes that are watched."""
_PACKAGES = ("tensorflow", "keras", "numba", "numpy", "scipy", "librosa", "soundfile", "soxr", "scikit-learn")

Quick = Annotated[bool, typer.Option("--quick", help="Measure little, to try that it works, into a scratch folder.")]
Narrow = Annotated[bool, typer.Option("--without-avx512", help="As on most laptops: leave AVX-512 alone.")]
Output = Annotated[Path | None, typer.Option(help="Folder of the record. [default: benchmarks/results]")]


def about(quick: bool = False) -> dict[str, Any]:
    """Where and when a benchmark is run; call it first, so that the load is that before it.

    Returns
    -------
    dict
        ``machine, versions, commit, changed`` (whether ``bnet/`` differs from it), ``threads`` (variables that limit
        them), ``load_before`` (1, 5, 15 minutes), ``date`` and ``quick``.
    """
    from bnet import backend  # here, for a child's memory is to be that of what it measures
    from bnet.runs import execute  # here, for a child's memory is to be that of what it measures

    versions = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "machine": backend.machine(),
        "versions": versions,
        **execute.commit(),
        "threads": {name: value for name, value in sorted(os.environ.items()) if name.endswith("NUM_THREADS")},
        "load_before": [round(x, 2) for x in os.getloadavg()],
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "quick": quick,
    }


def write(name: str, started: Mapping[str, Any], rows: Sequence[Mapping], output: Path | None = None, **more) -> Path:
    """Write a benchmark's record: `started` (from `about`), its `rows`, and `more`; say where, and return the file."""
    from bnet.paths import write_text

    path = (output or (SCRATCH if started["quick"] else RESULTS)) / f"{name}.json"
    record = {"name": name, **started, "arguments": sys.argv[1:], "rows": list(rows), **more}
    write_text(path, json.dumps(record, indent=1) + "\n")
    print(f"written: {path}")
    return path


def suffix(narrow: bool = False) -> str:
    """What the names of records end in that depend on the processor's vectors: nothing with AVX-512, unless that is
    switched off (`narrow`). So records of both kinds of machine lie side by side."""
    from bnet.training.lean.products import wide

    return "" if wide() and not narrow else "_without_avx512"


def without_avx512() -> dict[str, str]:
    """The environment in which the libraries that compute (numba, oneDNN, XLA, NumPy's BLAS) leave AVX-512 alone."""
    import llvmlite.binding

    host = llvmlite.binding.get_host_cpu_features()
    kept = {name: has and not name.startswith(("amx", "avx10", "avx512")) for name, has in host.items()}
    return {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": ",".join(f"{'+' if has else '-'}{name}" for name, has in kept.items()),
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }


def seconds(function: Callable[[], Any]) -> float:
    """Seconds of the clock that one call takes."""
    clock = time.perf_counter()
    function()
    return time.perf_counter() - clock


def clocked(function: Callable[[], Any], times: int) -> dict[str, float]:
    """Seconds of the clock and of all processors: of the first call, and the medians of `times` further ones."""
    wall, cpu = [], []
    for _ in range(1 + times):
        clocks = time.perf_counter(), time.process_time()
        function()
        wall.append(time.perf_counter() - clocks[0])
        cpu.append(time.process_time() - clocks[1])
    return {"first_s": wall[0], "s": statistics.median(wall[1:]), "cpu_s": statistics.median(cpu[1:])}


def in_turn(functions: Mapping[str, Callable[[], Any]], times: int) -> dict[str, list]:
    """Call each function in turn, `times` times over, and give each one's answers: what slows one slows the others."""
    answers: dict[str, list] = {name: [] for name in functions}
    for _ in range(times):
        for name, function in functions.items():
            answers[name].append(function())
    return answers


def row(
    what: str,
    unit: str,
    values: Mapping[str, Sequence[float]],
    ours: str,
    peer: str,
    at_most: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A line of a record: ours against a peer, in something of which less is better.

    Parameters
    ----------
    what
        What was measured: ``training step of proposed, 8 x 646 frames``.
    unit
        ``s`` or ``bytes``.
    values
        Name -> its repetitions, from the same run.
    ours, peer
        Two names of `values`.
    at_most
        The ratio that is aimed at.
    more
        Further fields, such as ``variant`` and ``frames``.

    Returns
    -------
    dict
        ``what, unit, ours, peer, repetitions``; for both, ``<ours|peer>_median, _low, _high`` (smallest and largest);
        ``ratio``, of the medians, ours to peer; with `at_most`, that and ``kept``.
    """
    line: dict[str, Any] = {"what": what, "unit": unit, "ours": ours, "peer": peer, "repetitions": len(values[ours])}
    for role, name in (("ours", ours), ("peer", peer)):
        each = values[name]
        line |= {f"{role}_median": statistics.median(each), f"{role}_low": min(each), f"{role}_high": max(each)}
    line["ratio"] = line["ours_median"] / line["peer_median"]
    if at_most is not None:
        line |= {"at_most": at_most, "kept": line["ratio"] <= at_most}
    return line | more


def line(row: Mapping[str, Any]) -> str:
    """A `row` as `make bench` prints it."""
    scale, unit = (GIB, "GiB") if row["unit"] == "bytes" else (1, row["unit"])

    def of(role: str) -> str:
        middle, low, high = (row[f"{role}_{which}"] / scale for which in ("median", "low", "high"))
        return f"{row[role]} {middle:.3g} {unit} ({low:.3g} to {high:.3g})"

    aim = f"; at most {row['at_most']:.2f}: {'kept' if row['kept'] else 'NOT KEPT'}" if "kept" in row else ""
    return (
        f"{row['what']}: {row['ratio']:.3f} of {row['peer']}; {of('ours')}, {of('peer')}, {row['repetitions']} x{aim}"
    )


def in_child(function: Callable, *words: Any, env: Mapping[str, str] | None = None) -> Any:
    """What a top-level `function` of a script answers in a process of its own; ends the benchmark if that fails."""
    return answer(start(function, *words, env=env))


def start(
    function: Callable, *words: Any, env: Mapping[str, str] | None = None, stderr: int | None = None
) -> subprocess.Popen:
    """Start `function` in a process of its own, with further environment variables; `answer` gives what it returns."""
    command = [sys.executable, __file__, inspect.getsourcefile(function), function.__name__, json.dumps(words)]
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(env or {})}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=variables)


def answer(process: subprocess.Popen, seconds: float | None = None) -> Any:
    """What a process of `start` returned; ends the benchmark if it failed, or took more than so many `seconds`."""
    try:
        text = process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    if process.returncode:
        sys.exit(f"{' '.join(process.args[2:])} ended with status {process.returncode}; its reason stands above")
    return json.loads(text.splitlines()[-1])


def peak(pid: int | str = "self") -> int:
    """The most memory that a process has had, in bytes: the system's high-water mark; elsewhere, what it has now."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return psutil.Process(None if pid == "self" else int(pid)).memory_info().rss


@dataclass(frozen=True)
class Memory:
    """The most memory of a process and those below it, in bytes.

    Parameters
    ----------
    parent, worker
        Of the process itself, and of the largest of those below it: the system's high-water marks.
    total
        Of all together, as seen every tenth of a second: shared pages count once where the system tells (PSS).
    """

    parent: int
    worker: int
    total: int


def watch(process: subprocess.Popen) -> dict[str, int]:
    """Look at a process of `start`, and those below it, until it ends: the fields of `Memory`."""
    seen, watched = Memory(0, 0, 0), psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            now = _look(watched)
            seen = Memory(*map(max, asdict(seen).values(), asdict(now).values()))
        time.sleep(EVERY)
    return asdict(seen)


def _look(parent: psutil.Process) -> Memory:
    marks, total = [], 0
    for process in [parent, *parent.children(recursive=True)]:
        try:
            marks.append(peak(process.pid))
            full = process.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except psutil.Error:
            marks.append(0)
    return Memory(marks[0], max(marks[1:], default=0), total)


def _child(file: str, name: str, words: str) -> None:
    """In the process of `start`: call the function, and print its answer as the last line."""
    sys.path.insert(0, str(HERE))
    print(json.dumps(runpy.run_path(file)[name](*json.loads(words))))


if __name__ == "__main__":
    _child(*sys.argv[1:])
