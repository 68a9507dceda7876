"""What a page says of probes: tables in percent, and sentences that claim no more than an interval allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bnet.statistics.comparison import direction

INCONCLUSIVE = "inconclusive"


def points(row: Mapping[str, Any]) -> str:
    """A difference in percentage points with its interval: ``-26.4 (-35.5 to -17.1)``."""
    low, high = 100 * row["change_low"], 100 * row["change_high"]
    return f"{100 * row['change']:+.1f} ({low:+.1f} to {high:+.1f})"


def verdict(row: Mapping[str, Any]) -> str:
    """What the interval of a difference says, by the rule of all verdicts: ``loses``, ``gains`` or ``inconclusive``."""
    found = direction(row["change_low"], row["change_high"])
    return {"better": "gains", "worse": "loses"}.get(found, INCONCLUSIVE)


def sentence(row: Mapping[str, Any], when: str) -> str:
    """A sentence on one row of `reading.accuracies`: who, when, by how much."""
    said = verdict(row)
    if said == INCONCLUSIVE:
        return f"**{row['title']}** {when}: {said}, {points(row)} points."
    low, high = sorted((abs(100 * row["change_low"]), abs(100 * row["change_high"])))
    return f"**{row['title']}** {when} {said} {abs(100 * row['change']):.1f} points ({low:.1f} to {high:.1f})."


def readable(table: pd.DataFrame, first: str = "Change") -> pd.DataFrame:
    """The table of `reading.accuracies` for readers, in percent, intervals in brackets; `first` heads the values."""
    lost = [f"{n}" if n else "" for n in table["lost"]]
    value = [f"{v} {u}".strip() for v, u in zip(table["value"], table["unit"], strict=True)]
    rows = table.to_dict("records")
    frame = pd.DataFrame(
        {
            "Network": table["title"],
            first: value,
            "Clips": table["clips"],
            "Accuracy %": [f"{100 * r['accuracy']:.1f} ({100 * r['low']:.1f} to {100 * r['high']:.1f})" for r in rows],
            "Change, points": [points(row) for row in rows],
        }
    )
    return frame.assign(**{"Not playable": lost}) if any(lost) else frame


def largest(tables: Mapping[str, pd.DataFrame], titles: Mapping[str, str]) -> pd.DataFrame:
    """One row per network, one column a probe: its largest change in points and the value where it is.

    Parameters
    ----------
    tables
        Probe -> table of `reading.accuracies`.
    titles
        Probe -> head of its column.

    Returns
    -------
    pandas.DataFrame
        Cells such as ``-33.7 at -20 dB``; in brackets where the interval of that change holds 0.
    """
    names = list(dict.fromkeys(name for table in tables.values() for name in table["title"]))
    result = pd.DataFrame({"Network": names})
    for probe, table in tables.items():
        most = table.loc[table["change"].abs().groupby(table["title"], sort=False).idxmax()].set_index("title")
        result[titles[probe]] = [_cell(most.loc[name]) if name in most.index else "" for name in names]
    return result


def _cell(row: Mapping[str, Any]) -> str:
    said = f"{100 * row['change']:+.1f} at {row['value']} {row['unit']}".strip()
    return f"({said})" if verdict(row) == INCONCLUSIVE else said
