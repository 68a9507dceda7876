"""What this reproduction found, in one figure and a few sentences, both made from the records.

The landing page draws them at each build. README carries a copy, in `PICTURE` and between two marks, which
``bnet pages finding`` writes; a test compares its words and numbers with the committed records.
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bnet.audit import plots
from bnet.audit.evidence import Evidence
from bnet.audit.report import Report, spell
from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.paths import write_text
from bnet.statistics.comparison import Comparison

METHODS = {
    "bbnn": "BBNN",
    "proposed": "the paper's network",
    "proposed-released": "the same, as its notebooks have it",
    "svm-timbre": "timbre alone, no network",
    "svm-rhythm": "rhythm alone, no network",
}
"""What is compared, in its order, with words for a stranger."""

PICTURE = "book/_static/finding.svg"
"""The figure of README, below the checkout."""

_MARKED = re.compile(r"(<!-- finding[^\n]*-->\n).*?(<!-- /finding -->)", re.DOTALL)


@dataclass(frozen=True)
class Contrast:
    """The same methods under two conditions, the second of them harder to get right by accident.

    Parameters
    ----------
    title
        What is classified.
    one, other
        Corpus, protocol and words of each condition.
    """

    title: str
    one: tuple[str, str, str]
    other: tuple[str, str, str]


CONTRASTS = (
    Contrast("GTZAN", ("gtzan", "holdout", "random splits"), ("gtzan", "official", "fault-filtered split")),
    Contrast("FMA-small", ("fma-small", "holdout", "random splits"), ("fma-small", "official", "artists kept apart")),
    Contrast("Tunes", ("tunes", "grouped", "traditional tempo"), ("tunes-free", "grouped", "random tempo")),
)
"""The panels of the figure: the paper's corpora first."""


def reports(evidence: Evidence, contrast: Contrast) -> tuple[Report | None, Report | None]:
    """The records of both conditions, each the first that `evidence` has (sound, fullest profile); None without any.

    Both are of one corpus and profile where some are, so that only the condition differs.
    """
    sides = [[r for r in evidence.reports(c) if r.protocol == p] for c, p, _ in (contrast.one, contrast.other)]
    for one in sides[0]:
        for other in sides[1]:
            if one.profile == other.profile and (
                one.corpus.name == other.corpus.name or contrast.one[0] != contrast.other[0]
            ):
                return one, other
    return tuple(next(iter(side), None) for side in sides)


def table(evidence: Evidence, contrast: Contrast) -> pd.DataFrame:
    """One row per method that has records: ``variant, title``, and accuracy in percent under ``one`` and ``other``."""
    pair = reports(evidence, contrast)
    rows = [{"variant": name, "title": title, "one": _accuracy(pair[0], name), "other": _accuracy(pair[1], name)}
            for name, title in METHODS.items()]  # fmt: skip
    return pd.DataFrame(rows).dropna(subset=["one", "other"], how="all")


def draw(evidence: Evidence, contrast: Contrast, *, ax: Axes) -> Axes:
    """One panel: a row per method, its accuracy under both conditions."""
    pair = reports(evidence, contrast)
    floor = next((100 * chance for r in pair if r and (chance := r.chance()) is not None), None)
    return plots.contrasts(table(evidence, contrast), (contrast.one[2], contrast.other[2]), floor=floor, ax=ax)


def figure(evidence: Evidence) -> plt.Figure:
    """The figure: one panel per contrast that has records.

    Raises
    ------
    BnetError
        If there are none.
    """
    shown = [contrast for contrast in CONTRASTS if len(table(evidence, contrast))]
    if not shown:
        raise BnetError("no records to draw; make some with `make reproduce PROFILE=laptop`")
    plots.style()
    heights = [len(table(evidence, contrast)) + 1.6 for contrast in shown]
    fig, axes = plt.subplots(
        len(shown), 1, figsize=(6.6, 0.36 * sum(heights) + 0.5), squeeze=False, layout="constrained", sharex=True,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for ax, contrast in zip(axes.flat, shown, strict=True):
        draw(evidence, contrast, ax=ax).set_title(_titled(evidence, contrast), fontsize=11, loc="left", pad=22)
    axes.flat[-1].set_xlabel("test clips named correctly, %")
    return fig


def description(evidence: Evidence) -> str:
    """What the figure shows, for those who don't see it."""
    parts = []
    for contrast in CONTRASTS:
        rows = [
            f"{row.title} {_percent(row.one)} and {_percent(row.other)}"
            for row in table(evidence, contrast).itertuples()
        ]
        if rows:
            words = f"{contrast.one[2]} and {contrast.other[2]}"
            parts.append(f"{_titled(evidence, contrast)}, {words}: {'; '.join(rows)}")
    return f"Test accuracy, one row per method. {'. '.join(parts)}."


def sentences(evidence: Evidence) -> str:
    """The finding in words, with its numbers; as much as there are records of, '' without any."""
    return "\n\n".join(filter(None, (_told(evidence, contrast) for contrast in CONTRASTS)))


def write(root: Path, results: Path) -> list[Path]:
    """Write the figure and the sentences of README below the checkout `root`; the files that changed.

    Raises
    ------
    BnetError
        If there are no records, README lacks its marks, or a file can't be written.
    """
    changed, picture = outdated(root, results), io.StringIO()
    with plt.rc_context({"svg.hashsalt": "bnet", "svg.fonttype": "path"}):
        fig = figure(Evidence(results))
        fig.savefig(picture, format="svg", metadata={"Date": None})
        plt.close(fig)
    for path in changed:
        write_text(path, _readme(path, results))
    path = root / PICTURE
    if not path.is_file() or path.read_text(encoding="utf-8") != picture.getvalue():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, picture.getvalue())
        changed.append(path)
    return changed


def outdated(root: Path, results: Path) -> list[Path]:
    """README, if it does not say what the records say."""
    path = root / "README.md"
    return [path] if path.read_text(encoding="utf-8") != _readme(path, results) else []


def _readme(path: Path, results: Path) -> str:
    evidence, text = Evidence(results), path.read_text(encoding="utf-8")
    if not _MARKED.search(text):
        raise BnetError(f"{path} has no place for the finding; expected lines <!-- finding --> and <!-- /finding -->")
    told = f"![{description(evidence)}]({PICTURE})\n\n{_fold(sentences(evidence))}\n"
    return _MARKED.sub(lambda found: found[1] + told + found[2], text)


def _told(evidence: Evidence, contrast: Contrast) -> str:
    """What one contrast shows: the two networks against each other, and what the harder condition takes away."""
    names = (contrast.one[2], contrast.other[2])
    sides = [(report, words) for report, words in zip(reports(evidence, contrast), names, strict=True) if report]
    if not sides:
        return ""
    both = [(report, words) for report, words in sides if {"bbnn", "proposed"} <= set(report.variants)]
    report, words = both[0] if both else sides[-1]
    said = [f"**{_titled(evidence, contrast)}**, {words} (profile `{report.profile}`"]
    if both:
        found = report.comparison("bbnn", "proposed")
        said[0] += (
            f", {spell(found)}): the paper's network names {_percent(_accuracy(report, 'proposed'))} of the test clips "
            f"correctly, BBNN {_percent(_accuracy(report, 'bbnn'))}; {verdict(found)}."
        )
    else:
        networks = [name for name in METHODS if name in report.variants and name in VARIANTS]
        known = [f"{METHODS[name]} names {_percent(_accuracy(report, name))} correctly" for name in networks]
        said[0] += f"): {'; '.join([*known, 'the two networks have not been compared yet'])}."
    rows = table(evidence, contrast).dropna(subset=["one", "other"])
    falls = [f"{row.title} {row.one:.1f} to {_percent(row.other)}" for row in rows.itertuples()]
    if falls:
        said.append(f"From {contrast.one[2]} to {contrast.other[2]}: {'; '.join(falls)}.")
    return " ".join(said)


def verdict(found: Comparison) -> str:
    """The verdict on the paper's network against BBNN, in words for a stranger."""
    return {
        "better": "the paper's network is better",
        "worse": "the paper's network is worse",
        "equivalent": "they are equal within a point",
        "bounded": f"inconclusive, but the difference is at most {100 * found.bound:.1f} points",
        "inconclusive": "inconclusive",
        "too few folds": "too few folds for a verdict",
    }[found.verdict]


def _titled(evidence: Evidence, contrast: Contrast) -> str:
    """The contrast's title; where it was measured on pictures, the corpus's own."""
    found = [report for report in reports(evidence, contrast) if report]
    return found[0].corpus.title if found and contrast.one[0] == contrast.other[0] else contrast.title


def _accuracy(report: Report | None, name: str) -> float:
    if report is None or name not in report.variants:
        return np.nan
    return 100 * float(report.summary.set_index("variant").loc[name, "accuracy"])


def _percent(value: float) -> str:
    return "not run" if np.isnan(value) else f"{value:.1f}\u00a0%"


def _fold(text: str, room: int = 120) -> str:
    """The text in lines of at most `room` characters, paragraph by paragraph."""
    return "\n\n".join(textwrap.fill(part, room, break_on_hyphens=False) for part in text.split("\n\n"))
