"""Section III-E of the paper: one change to BBNN at a time, the paper's values beside what a report's records say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bnet.audit import paper
from bnet.audit.report import Report
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import jobs

BASELINE = "bbnn"
"""What every variation of Table III is compared with."""
EXTRAS = tuple(name for name in VARIANTS if name not in {BASELINE, *TABLE_3, *STEPS, "proposed-released"})
"""Networks of one's reading: rows beside those of Table III, compared with BBNN too."""
CLIPS = 100
"""Clips in a test part of the paper's GTZAN experiments: a tenth of 1000."""


@dataclass(frozen=True)
class Change:
    """Test accuracy of a network minus that of another, in percentage points.

    Parameters
    ----------
    reported
        The paper's; None where it has none.
    measured, low, high
        Ours on the folds that both were tested on, with its 95 % interval (`bnet.statistics.comparison.compare`); nan
        where one of them was not run.
    clips, folds
        How many clips and folds that is.
    found
        The comparison's verdict: ``better``, ``worse``, ``equivalent``, ``can't be told``; or ``not run``.
    """

    reported: float | None
    measured: float = np.nan
    low: float = np.nan
    high: float = np.nan
    clips: int = 0
    folds: int = 0
    found: str = "not run"

    @property
    def verdict(self) -> str:
        """Whether our measurement points where the paper's does; a word or two for a table."""
        if self.found in ("not run", "can't be told") or self.reported is None:
            return self.found
        if self.as_reported:
            return f"{self.found}, as in the paper"
        return f"{self.found}, unlike in the paper" if self.reported else f"{self.found}; the paper: equal"

    @property
    def as_reported(self) -> bool:
        """Whether what was found is what the paper's difference says, however small that is."""
        sign = 0 if not self.reported else 1 if self.reported > 0 else -1
        return self.found == {0: "equivalent", 1: "better", -1: "worse"}[sign]


def reported(name: str) -> paper.Reported | None:
    """The paper's accuracies of a network on GTZAN: a row of Table III, or of Table II; None if it has none."""
    return paper.TABLE_3.get(name) or paper.TABLE_2.get(("gtzan", name))


def change(report: Report, name: str, other: str = BASELINE) -> Change:
    """How `name` does against `other`: the paper's test accuracies on GTZAN, and the records of `report`."""
    one, two = reported(name), reported(other)
    printed = round(one.test - two.test, 1) if one and two else None
    found = report.comparison(other, name)
    if found is None:
        return Change(printed)
    points = (100 * value for value in (found.difference, found.low, found.high))
    return Change(printed, *points, found.clips, found.folds, found.verdict)


def changes(report: Report, pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """One line a pair (network, what it is compared with).

    Returns
    -------
    pandas.DataFrame
        ``variant, title, against``; the paper's ``paper_validation, paper_test, paper_change``; ours: ``runs, accuracy,
        accuracy_sd``, ``change, low, high`` with ``verdict``, and ``step_s``, wall-clock seconds a training step with
        its share of validation; accuracies and changes in percent, nan where there is nothing.
    """
    summary = report.summary.set_index("variant") if report.records else pd.DataFrame()
    lines = []
    for name, other in pairs:
        printed, found = reported(name), change(report, name, other)
        line = {"variant": name, "title": jobs.title(name), "against": other}
        line |= {"paper_validation": printed.validation if printed else np.nan}
        line |= {"paper_test": printed.test if printed else np.nan}
        line |= {"paper_change": np.nan if found.reported is None or name == other else found.reported}
        mine = summary.loc[name] if name in summary.index else None
        line |= {"runs": 0 if mine is None else int(mine.runs)}
        line |= {key: np.nan if mine is None else 100 * mine[key] for key in ("accuracy", "accuracy_sd")}
        same = name == other
        line |= {key: np.nan if same else getattr(found, attr) for key, attr in _CHANGE.items()}
        line |= {"verdict": "" if same else found.verdict, "step_s": step_seconds(report, name)}
        lines.append(line)
    return pd.DataFrame(lines)


_CHANGE = {"change": "measured", "low": "low", "high": "high"}


def step_seconds(report: Report, name: str) -> float:
    """Wall-clock seconds a training step, all else that a run does included; the median of its runs, nan without."""
    values = []
    for record in report.of(name):
        steps = len(record.history) * -(-record.run["data"]["tracks"]["train"] // record.config.batch_size)
        if steps:
            values.append(record.run["made"]["wall_s"] / steps)
    return float(np.median(values)) if values else np.nan


def steps() -> Sequence[tuple[str, str]]:
    """The five steps from BBNN to the proposed network, each with the network before it."""
    return list(zip(STEPS, (BASELINE, *STEPS), strict=False))


def sentence(report: Report, name: str, other: str = BASELINE) -> str:
    """What was measured of `name` against `other`, beside what the paper says; no more than the interval allows."""
    found = change(report, name, other)
    title, base = jobs.title(name), jobs.title(other)
    printed = (
        ""
        if found.reported is None
        else f"**The paper** reports {found.reported:+.1f} points of test accuracy for {title} against {base} on "
        f"GTZAN, one split of each, so {abs(found.reported) * CLIPS / 100:.0f} of {CLIPS} clips. "
    )
    if found.found == "not run":
        return f"{printed}**Here** the two have not been run on the same folds: no verdict."
    where = f"`{report.corpus.name}`, profile `{report.profile}`, {found.folds} fold{'s' * (found.folds != 1)}"
    measured = (
        f"**Here** ({where}, {found.clips} clips) it is {found.measured:+.1f} points, 95 % interval {found.low:+.1f} "
        f"to {found.high:+.1f}: {_SAID[found.found]}."
    )
    return f"{printed}{measured} {_weigh(found)}".strip()


_SAID = {
    "better": "better",
    "worse": "worse",
    "equivalent": "equal within a point",
    "can't be told": "the two can't be told apart",
}


def _weigh(found: Change) -> str:
    few = "Two folds say little of what other splits and trainings would give, so the interval is wide."
    one = "Each was trained once: the interval is that of the test clips, not of the training."
    said = [{1: one, 2: few}.get(found.folds, "")]
    if found.found != "can't be told" and found.reported is not None:
        said.insert(0, f"That is {'' if found.as_reported else 'not '}the paper's direction.")
    return " ".join(
        filter(None, [*said, "Another corpus and a shorter training than the paper's can differ in earnest."])
    )
