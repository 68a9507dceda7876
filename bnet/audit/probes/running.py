"""Ask a run what the probes ask, once, and keep the answers: ``RUN/probes/<name>.csv`` and ``<name>.json``.

They lie beside the record and are not part of it: the run keeps its name and its seal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from bnet.audit import sealed
from bnet.audit.probes import PROBES, Probe, get_probe
from bnet.audit.probes.bench import Bench
from bnet.audit.sealed import DamagedAnswers
from bnet.errors import BnetError
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


def chosen(bench: Bench, names: Iterable[str] = ()) -> list[Probe]:
    """The probes called `names`; without names, all that apply to the run. A `BnetError` if a name is unknown, or the
    probe does not apply to the run."""
    fits = [probe for probe in PROBES.values() if probe.values(bench)]
    probes = [get_probe(name) for name in dict.fromkeys(names)]
    for probe in probes:
        if probe not in fits:
            raise BnetError(
                f"the probe {probe.name!r} does not apply to {bench.record.config.corpus}/{bench.record.name}; "
                f"those that do: {', '.join(probe.name for probe in fits)}"
            )
    return probes or fits


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
    record: Record, names: Iterable[str] = (), *, jobs: int | None = 1, say: Callable[[str], Any] = print
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
    probed = {probe.name: done(bench, probe) for probe in probes}
    say(f"{record.config.corpus}/{record.name}: {sum(map(bool, probed.values()))} of {len(probes)} probes done")
    if all(probed.values()):
        return list(probed.values())
    place = writable_dir(folder(record), "probes", "BNET_RESULTS")
    with alone(place / ".lock", f"another process asks {record.name}; waiting for it", say):
        for number, probe in enumerate(probes, 1):
            probed[probe.name] = done(bench, probe)
            if not probed[probe.name]:
                probed[probe.name] = _ask(bench, probe)
                took = probed[probe.name].about["made"]["wall_s"]
                say(f"[{number}/{len(probes)}] {probe.name}: {len(probed[probe.name].values)} values, {took:.0f} s")
    return list(probed.values())


def _ask(bench: Bench, probe: Probe) -> Probed:
    record, values = bench.record, probe.values(bench)
    started, clock = datetime.now(UTC), time.perf_counter()
    tables, notes = [], {}
    total = len(values) * len(bench.test[0]) if probe.answers else None
    with tqdm(total=total, desc=f"{record.name} {probe.name}", unit="clip", disable=None, leave=False) as bar:
        bench.tick = bar.update
        for value in values:
            table, notes[text(value)] = probe.ask(bench, value)
            tables.append(table.assign(value=text(value)))
        bench.tick = lambda clips: None
    about = {
        "probe": {key: getattr(probe, key) for key in ("name", "title", "what", "unit")},
        "neutral": None if probe.neutral(bench) is None else text(probe.neutral(bench)),
        "run": record.run["hash"],
        "weights": bench.weights_checksum,
        "clips": len(bench.test[0]),
        "values": notes,
        "made": made(started, time.perf_counter() - clock, network=bench.row is not None),
    }
    sealed.write(folder(record) / f"{probe.name}.json", about, pd.concat(tables, ignore_index=True))
    return read(record, probe.name)
