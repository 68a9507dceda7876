"""Find the run that a user names, and say how to make what it lacks."""

from __future__ import annotations

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
    changed = " (with the settings of its run.json)" if record.config.profile not in PROFILES else ""
    return record.config.command() + changed
