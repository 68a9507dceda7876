"""Find the run that a user names, and say how to make what it lacks."""

from __future__ import annotations

from pathlib import Path

from bnet.errors import BnetError
from bnet.runs import records
from bnet.runs.records import Record
from bnet.training.config import PROFILES


def no_weights(record: Record) -> str:
    """What to do about a run whose weights are not here."""
    return (
        f"the run {record.name} has no weights here (they are not committed); make them: move its folder "
        f"{record.folder.name} away (a run that has a record is not done again), then {command(record)}"
    )


def command(record: Record) -> str:
    """The command that makes a run."""
    config = record.config
    words = [f"bnet train --corpus {config.corpus} --variant {config.variant} --protocol {config.protocol}"]
    words.append(f"--profile {config.profile} --fold {config.fold}")
    words += [f"--exclude {config.exclude}"] * bool(config.exclude)
    changed = " (with the settings of its run.json)" if config.profile not in PROFILES else ""
    return " ".join(words) + changed


def find(results: Path, name: str) -> Record:
    """The record of a network or a baseline: by its folder, its name or the beginning of it (``corpus/name`` too).

    Raises
    ------
    BnetError
        If there is none, or several.
    """
    if (Path(name) / "run.json").is_file():
        return records.read(Path(name).resolve())
    named = [path for path in records.folders(results) if (path / "run.json").is_file()]
    fits = [p for p in named if p.name.startswith(name) or f"{p.parent.name}/{p.name}".startswith(name)]
    exact = [path for path in fits if name in (path.name, f"{path.parent.name}/{path.name}")]
    if len(exact or fits) != 1:
        found = (
            f"fits {len(fits)} runs: {', '.join(f'{p.parent.name}/{p.name}' for p in fits[:5])}"
            if fits
            else "is no run"
        )
        raise BnetError(f"{name!r} {found} below {results}; give a run's folder, or its name or its beginning")
    return records.read((exact or fits)[0])
