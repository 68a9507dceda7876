"""Ask a run what the probes ask, once, and keep the answers: ``RUN/probes/<name>.csv`` and ``<name>.json``.

They lie beside the record and are not part of it: the run keeps its name and its seal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from bnet.audit import sealed
from bnet.audit.probes import PROBES, Probe
from bnet.audit.probes.bench import Bench
from bnet.audit.sealed import DamagedAnswers
from bnet.errors import BnetError, unknown
from bnet.paths import alone, writable_dir
from bnet.runs.execute import made
from bnet.runs.records import Record


@dataclass(frozen=True)
class Probed:
    """What a probe found of a run (`record`): the content of its JSON file (`about`) and of its CSV file (`table`)."""

    record: Record
    about: dict[str, Any]
    table: pd.DataFrame

    @property
    def name(self) -> str:
        """The probe's name."""
        return self.about["probe"]["name"]

    @property
    def values(self) -> list[str]:
        """What was tried, as text, in the order of the probe."""
        return list(self.about["values"])


def folder(record: Record) -> Path:
    """Where the probes of a run lie, or will lie."""
    return record.folder / "probes"


def read(record: Record, name: str) -> Probed | None:
    """What a probe found, or None where it has not been run; `DamagedAnswers` if the files are not whole, or were made
    of another run than `record`."""
    path = folder(record) / f"{name}.json"
    if not path.is_file():
        return None
    again = f"make it again: bnet probe {record.config.corpus}/{record.name} --probe {name}"
    about, table = sealed.read(path, again)
    if about.get("run") != record.run["hash"]:
        raise DamagedAnswers(f"{path} is damaged: it was made of another run; {again}")
    return Probed(record, about, table)


def chosen(bench: Bench, names: Sequence[str] = ()) -> list[Probe]:
    """The probes called `names`; without names, all that apply to the run. A `BnetError` if a name is unknown, or the
    probe does not apply to the run."""
    fits = {name: probe for name, probe in PROBES.items() if probe.values(bench)}
    for name in names:
        if name not in PROBES:
            raise unknown("probe", name, PROBES)
        if name not in fits:
            raise BnetError(
                f"the probe {name!r} does not apply to {bench.record.config.corpus}/{bench.record.name}; "
                f"those that do: {', '.join(fits)}"
            )
    return [fits[name] for name in dict.fromkeys(names)] or [*fits.values()]


def done(bench: Bench, probe: Probe) -> Probed | None:
    """What the probe found, if it asked for the same values, of the weights that are here (or, where there are none
    here, of whatever weights); else None. Damaged files count as not there."""
    try:
        probed = read(bench.record, probe.name)
    except DamagedAnswers:
        return None
    if probed is None or probed.values != [text(value) for value in probe.values(bench)]:
        return None
    return probed if bench.weights_checksum in (None, probed.about["weights"]) else None


def text(value: Any) -> str:
    """A value as the files hold it.

    >>> text(4), text(0.5), text("low")
    ('4', '0.5', 'low')
    """
    return value if isinstance(value, str) else f"{value:g}"


def run(
    record: Record, names: Sequence[str] = (), *, jobs: int | None = 1, say: Callable[[str], Any] = print
) -> list[Probed]:
    """Do the probes of one run that have not been done, and read the others; `names` as in `chosen`.

    Stop it whenever you like: a finished probe is kept, and so are the log-mels of changed sound.

    Raises
    ------
    BnetError
        If the weights, the corpus or the features of the run are not at hand, or the folder can't be written to.
    """
    bench = Bench(record, jobs)
    probes = chosen(bench, names)
    todo = [probe for probe in probes if not done(bench, probe)]
    say(f"{record.config.corpus}/{record.name}: {len(probes) - len(todo)} of {len(probes)} probes done")
    if todo:
        place = writable_dir(folder(record), "probes", "BNET_RESULTS")
        with alone(place / ".lock", f"another process asks {record.name}; waiting for it", say):
            for number, probe in enumerate(todo, 1):
                if not done(bench, probe):
                    about = _ask(bench, probe)
                    took = about["made"]["wall_s"]
                    say(f"[{number}/{len(todo)}] {probe.name}: {len(about['values'])} values, {took:.0f} s")
    return [read(record, probe.name) for probe in probes]


def _ask(bench: Bench, probe: Probe) -> dict[str, Any]:
    """Ask about all values, write the answers, and return what was written about them."""
    record, started, clock = bench.record, datetime.now(UTC), time.perf_counter()
    tables, notes = [], {}
    for value in tqdm(probe.values(bench), f"{record.name} {probe.name}", unit="value", disable=None, leave=False):
        table, notes[text(value)] = probe.ask(bench, value)
        table.insert(2, "value", text(value))
        tables.append(table)
    neutral = probe.neutral(bench) if callable(probe.neutral) else probe.neutral
    about = {
        "probe": {key: getattr(probe, key) for key in ("name", "title", "what", "unit")},
        "neutral": None if neutral is None else text(neutral),
        "run": record.run["hash"],
        "weights": bench.weights_checksum,
        "clips": len(bench.recorded),
        "values": notes,
        "made": made(started, time.perf_counter() - clock, network=bench.row is not None),
    }
    sealed.write(folder(record) / f"{probe.name}.json", about, pd.concat(tables, ignore_index=True))
    return about
