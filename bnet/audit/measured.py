"""Records of benchmarks, as `make bench` writes them (`benchmarks/common.py`): read, and as tables of a page.

A record is a JSON file, ``benchmarks/results/<name>.json``: where and when it was made, and ``rows``, each one thing of
ours against a named peer, in something of which less is better.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bnet.errors import BnetError
from bnet.paths import project_dir

Benchmark = Mapping[str, Any]
"""The record of a benchmark, or one of its rows."""
_SCALES = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")), "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))}


def read(name: str, folder: Path | None = None) -> Benchmark | None:
    """The record of a benchmark (``training_step``), or None if it has not been run; a `BnetError` if the file is none.

    `folder` is where records are; None: ``benchmarks/results`` of this checkout.
    """
    folder = folder or (project_dir() or Path.cwd()) / "benchmarks" / "results"
    path, again = folder / f"{name}.json", f"make it again: {command(name)}"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BnetError(f"cannot read the benchmark's record {path} ({error}); {again}") from error
    if not isinstance(record, dict) or not isinstance(record.get("rows", []), list):
        raise BnetError(f"{path} is no benchmark's record; expected an object with rows; {again}")
    return record


def command(name: str) -> str:
    """The command that makes the record of a benchmark."""
    return f"make bench ONLY={name}"


def quantity(value: float, unit: str) -> str:
    """Seconds or bytes with three digits, in the unit that fits.

    >>> quantity(0.0421, "s"), quantity(3 * 2**30, "bytes")
    ('42.1 ms', '3.00 GiB')
    """
    scale, name = next(((s, n) for s, n in _SCALES[unit] if abs(value) >= s), _SCALES[unit][-1])
    digits = f"{value / scale:.3g}" if abs(value / scale) >= 100 else f"{value / scale:#.3g}"
    return f"{digits.rstrip('.')} {name}"


def spread(row: Benchmark, role: str) -> str:
    """The median of ``ours`` or ``peer`` in a row, and its smallest and largest where it was repeated."""
    low, middle, high = (row[f"{role}_{which}"] for which in ("low", "median", "high"))
    said = quantity(middle, row["unit"])
    return said if low == high else f"{said} ({quantity(low, row['unit'])} to {quantity(high, row['unit'])})"


def ratios(rows: Iterable[Benchmark]) -> pd.DataFrame:
    """One line a row: what, ours, its peer, and the ratio of the medians (below 1: ours takes less)."""
    lines = [
        {
            "What": row["what"],
            "Ratio": row["ratio"],
            "Aim": row.get("at_most", float("nan")),
            "Ours": f"{row['ours']}: {spread(row, 'ours')}",
            "Peer": f"{row['peer']}: {spread(row, 'peer')}",
        }
        for row in rows
    ]
    table = pd.DataFrame(lines, columns=["What", "Ratio", "Aim", "Ours", "Peer"])
    return table if table["Aim"].notna().any() else table.drop(columns="Aim")


def origin(record: Benchmark, name: str) -> dict[str, Any]:
    """Where a record comes from: machine, commit, date, load of the machine before, and the command that makes it."""
    on, load = record["machine"], record.get("load_before")
    arguments = " ".join(record.get("arguments", ()))
    found = {
        "Machine": f"{on['processor']}, {on['cores']} cores, {on['memory_gib']:g} GiB, {on['system']}",
        "Commit": f"{record['commit'] or 'unknown'}{'+' if record.get('changed') else ''}",
        "Date": record.get("date", "unknown"),
        "Load before (1, 5, 15 minutes)": ", ".join(f"{x:g}" for x in load) if load else "unknown",
        "Versions": ", ".join(f"{package} {version}" for package, version in record["versions"].items()),
        "Command": f"`{f'python benchmarks/{name}.py {arguments}' if arguments else command(name)}`",
    }
    if record.get("no_avx512"):
        found["AVX-512"] = "switched off: numba, oneDNN, XLA and NumPy's BLAS were told to do without"
    if record.get("quick"):
        found["Quick"] = "yes: a try, of too few repetitions to count"
    return found
