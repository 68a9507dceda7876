"""Section III-E of the paper: one change to BBNN at a time, the paper's values beside what a report's records say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bnet.audit import paper
from bnet.audit.report import Report
from bnet.audit.words import in_points
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import jobs
from bnet.statistics.comparison import Comparison

BASELINE = "bbnn"
"""What every variation of Table III is compared with."""
EXTRAS = tuple(name for name in VARIANTS if name not in {BASELINE, *TABLE_3, *STEPS, "proposed-released"})
"""Networks of one's reading: rows beside those of Table III, compared with BBNN too."""
HIGHEST = "'the highest test accuracy' of 'a 10-fold validation for each dataset and each variation' (section III-C)"
"""What the paper says of the accuracies in both of its tables."""
_SIGN = {"better": 1, "worse": -1, "equivalent": 0}
_MEASURED = ("accuracy", "base", "change", "low", "high", "bound", "detectable", "p")


def verdict(printed: float | None, gap: Comparison | None) -> str:
    """The comparison's verdict, and whether it is what the paper's difference says, however small that is; a word or
    two for a table."""
    said = gap.verdict if gap else "not run"
    if printed is None or said not in _SIGN:
        return said
    if _SIGN[said] == np.sign(printed):
        return f"{said}, as in the paper"
    return said + (", unlike in the paper" if printed else "; the paper: equal")


def reported(name: str) -> paper.Reported | None:
    """The paper's accuracies of a network on GTZAN: a row of Table III, or of Table II; None if it has none."""
    return paper.TABLE_3.get(name) or paper.TABLE_2.get(("gtzan", name))


def changes(report: Report, pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """One row per pair (network, what it is compared with).

    Returns
    -------
    pandas.DataFrame
        ``variant, title, against``; the paper's ``paper_validation, paper_test, paper_change``; ours, on the folds that
        both have: ``folds, accuracy, base`` (of the network, and of what it is compared with), ``change`` (the first
        minus the second) with ``low, high, bound, detectable, p`` and ``verdict``. Accuracies and changes in percent,
        nan where there is nothing; of a network beside itself, its own folds and accuracy.
    """
    rows = []
    for name, other in pairs:
        paper_row, base, same, gap = reported(name), reported(other), name == other, report.comparison(other, name)
        printed = round(paper_row.test - base.test, 1) if paper_row and base else None
        row = {"variant": name, "title": jobs.title(name), "against": other, **dict.fromkeys(_MEASURED, np.nan)}
        row |= {f"paper_{key}": getattr(paper_row, key, np.nan) for key in ("validation", "test")}
        row |= {"paper_change": np.nan if printed is None or same else printed}
        row |= {"folds": 0, "verdict": "" if same else verdict(printed, gap)}
        if gap:
            folds = report.folds(other, name)
            row |= {"folds": len(folds), "accuracy": 100 * np.mean([np.mean(f.other == f.truth) for f in folds])}
            if not same:
                row |= {"base": 100 * np.mean([np.mean(f.one == f.truth) for f in folds]), "p": gap.p, **in_points(gap)}
        rows.append(row)
    return pd.DataFrame(rows)


def steps() -> Sequence[tuple[str, str]]:
    """The five steps from BBNN to the proposed network, each with the network before it."""
    return list(zip(STEPS, (BASELINE, *STEPS), strict=False))
