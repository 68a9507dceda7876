"""Section III-E of the paper: one change to BBNN at a time, the paper's values beside what a report's records say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bnet.audit import paper, tables
from bnet.audit.report import SAID, Report, points, spell
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import jobs
from bnet.statistics.comparison import Comparison

BASELINE = "bbnn"
"""What every variation of Table III is compared with."""
EXTRAS = tuple(name for name in VARIANTS if name not in {BASELINE, *TABLE_3, *STEPS, "proposed-released"})
"""Networks of one's reading: rows beside those of Table III, compared with BBNN too."""
HIGHEST = "'the highest test accuracy' of 'a 10-fold validation for each dataset and each variation' (section III-C)"
"""What the paper says of the accuracies in both of its tables."""


@dataclass(frozen=True)
class Change:
    """Test accuracy of a network minus that of another: what the paper prints, and what was measured here.

    Parameters
    ----------
    reported
        The paper's, in percentage points; None where it has none.
    found
        Ours, on the folds that both were tested on (`bnet.statistics.comparison.compare`); None where there is none.
    """

    reported: float | None
    found: Comparison | None = None

    @property
    def verdict(self) -> str:
        """The comparison's verdict, and whether it is the paper's direction; a word or two for a table."""
        verdict = self.found.verdict if self.found else "not run"
        if self.reported is None or verdict not in _SIGN:
            return verdict
        if self.as_reported:
            return f"{verdict}, as in the paper"
        return f"{verdict}, unlike in the paper" if self.reported else f"{verdict}; the paper: equal"

    @property
    def as_reported(self) -> bool:
        """Whether the verdict is what the paper's difference says, however small that is."""
        return self.found is not None and _SIGN.get(self.found.verdict) == np.sign(self.reported or 0)


_SIGN = {"better": 1, "worse": -1, "equivalent": 0}


def reported(name: str) -> paper.Reported | None:
    """The paper's accuracies of a network on GTZAN: a row of Table III, or of Table II; None if it has none."""
    return paper.TABLE_3.get(name) or paper.TABLE_2.get(("gtzan", name))


def change(report: Report, name: str, other: str = BASELINE) -> Change:
    """How `name` does against `other`: the paper's test accuracies on GTZAN, and the records of `report`."""
    one, two = reported(name), reported(other)
    return Change(round(one.test - two.test, 1) if one and two else None, report.comparison(other, name))


def changes(report: Report, pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """One line per pair (network, what it is compared with).

    Returns
    -------
    pandas.DataFrame
        ``variant, title, against``; the paper's ``paper_validation, paper_test, paper_change``; ours, on the folds that
        both have: ``folds, accuracy, base`` (of the network, and of what it is compared with), ``change`` (the first
        minus the second) with ``low, high, bound, detectable, p`` and ``verdict``. Accuracies and changes in percent,
        nan where there is nothing; of a network beside itself, its own folds and accuracy.
    """
    lines = []
    for name, other in pairs:
        printed, same, found = reported(name), name == other, change(report, name, other)
        line = {"variant": name, "title": jobs.title(name), "against": other, **dict.fromkeys(_MEASURED, np.nan)}
        line |= {"paper_validation": printed.validation if printed else np.nan}
        line |= {"paper_test": printed.test if printed else np.nan}
        line |= {"paper_change": np.nan if found.reported is None or same else found.reported}
        line |= {"folds": 0, "verdict": "" if same else found.verdict}
        if found.found:
            folds = report.folds(other, name)
            line |= {"folds": len(folds), "accuracy": 100 * np.mean([np.mean(f.other == f.truth) for f in folds])}
            if not same:
                line |= {"base": 100 * np.mean([np.mean(f.one == f.truth) for f in folds]), "p": found.found.p}
                line |= {"change": 100 * found.found.difference}
                line |= {key: 100 * getattr(found.found, key) for key in ("low", "high", "bound", "detectable")}
        lines.append(line)
    return pd.DataFrame(lines)


_MEASURED = ("accuracy", "base", "change", "low", "high", "bound", "detectable", "p")


def step_seconds(report: Report, name: str) -> str:
    """Seconds per training step and how it was computed, ``0.60 lean``: the medians over the runs of each way.

    A run's wall clock by its steps, all else that it does included. Lean and plain steps can't be compared.
    """
    values: dict[str, list[float]] = {}
    for record in report.of(name):
        steps = len(record.history) * -(-record.run["data"]["tracks"]["train"] // record.config.training.batch_size)
        if steps:
            values.setdefault(tables.step(record).split(":")[0], []).append(record.run["made"]["wall_s"] / steps)
    return ", ".join(f"{np.median(some):.2f} {way}".strip() for way, some in values.items())


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
        f"GTZAN, {HIGHEST}. "
    )
    if found.found is None:
        return f"{printed}**Here** the two have not been run on the same folds: not tested."
    direction = (
        f" That is {'' if found.as_reported else 'not '}the paper's direction."
        if found.reported is not None and found.found.verdict in _SIGN
        else ""
    )
    where = f"{report.corpus.title}, profile `{report.profile}`, {report.protocol}, {spell(found.found)}"
    return (
        f"{printed}**Here** ({where}) {title} {SAID[found.found.verdict].format(base)}: {points(found.found)}."
        f"{direction}"
    )
