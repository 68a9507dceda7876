"""What this reproduction found: three questions, a sentence each and one figure, all made from the records.

The landing page shows them at each build. README carries a copy, in `PICTURE` and between two marks, which
``bnet pages finding`` writes; a test compares its words and numbers with the committed records.
"""

from __future__ import annotations

import io
import re
import textwrap
from functools import partial
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bnet.audit import paper, plots
from bnet.audit.contrasts import CONTRASTS, METHODS, Contrast, draw, table, titled
from bnet.audit.evidence import Evidence, measured_on
from bnet.audit.outside import Heard, read_all, reading
from bnet.audit.report import Report
from bnet.audit.words import spell, verdict
from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.paths import write_text
from bnet.statistics.comparison import Comparison

PICTURE = "book/_static/finding.svg"
"""The figure of README, below the checkout."""

IN_REACH = ("gtzan", "fma-small")
"""The paper's corpora whose clips can be had, as pictures at least."""

SHOWN = ("bbnn", "proposed", "svm-timbre", "svm-rhythm")
"""Methods in the figure; `METHODS` has their words."""

PICTURES = (
    "'Pictures': both are learnt from published images of their clips' mel spectrograms, which hold what a network "
    "takes in, at fewer frames per second than the paper's."
)
"""What a title like 'GTZAN (pictures)' means, in a sentence."""

PROTOCOLS = {
    "holdout": "random splits", "official": "official split", "grouped": "grouped folds", "kfold": "random folds",
}  # fmt: skip
"""Protocols in words for a stranger."""

_MARKED = re.compile(r"(<!-- finding[^\n]*-->\n).*?(<!-- /finding -->)", re.DOTALL)


class Answer(NamedTuple):
    """A reader's question, the answer in a sentence or two, and the page that has more."""

    question: str
    text: str
    page: str


def answers(evidence: Evidence) -> list[Answer]:
    """The three questions of a reader, each with one sentence from the records and the page that has more."""
    return [
        Answer("Is the proposed network better than BBNN?", _better(evidence), "table-2"),
        Answer("How much of GTZAN's accuracy is artists and replicas?", _falls(evidence), "luck"),
        Answer("Does it name music from outside?", _outside(evidence), "outside"),
    ]


def figure(evidence: Evidence) -> plt.Figure:
    """The figure: one panel per question that has records (a `BnetError` if there are none); narrow, so that a phone
    shows it at its size."""
    gaps, contrasts, songs = compared(evidence), _contrast(evidence), outside(evidence.results)
    shown = [(len(gaps) + 1.2, "Proposed network minus BBNN", partial(_draw_gaps, gaps))] if gaps else []
    for contrast, rows in contrasts:
        title = f"{titled(evidence, contrast)}: test accuracy, %"
        shown.append((len(rows) + 1.6, title, partial(draw, evidence, contrast, methods=SHOWN)))
    if songs:
        shown.append((4.6, "Songs from another collection", partial(_draw_songs, songs[0])))
    if not shown:
        raise BnetError("no records to draw; make some with `make reproduce PROFILE=laptop`")
    plots.style()
    heights = [height for height, _, _ in shown]
    fig, axes = plt.subplots(
        len(shown), 1, figsize=(5.0, 0.32 * sum(heights) + 0.45 * len(shown)), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for ax, (_, title, drawn) in zip(axes.flat, shown, strict=True):
        legend = drawn(ax=ax).get_legend()
        if legend:
            plt.setp(legend.get_texts(), fontsize=9)
        above = 24 if legend else 6
        ax.set_title(title, fontsize=11, loc="left", pad=above, weight="bold")
        ax.tick_params(labelsize=9)
        ax.xaxis.label.set_size(9)
    return fig


def description(evidence: Evidence) -> str:
    """The alternative text of the figure."""
    parts = [
        f"{report.corpus.title}: the proposed network minus BBNN, {100 * found.difference:+.1f} points"
        for report, found, _ in compared(evidence)
    ]
    for contrast, rows in _contrast(evidence):
        values = [f"{row.title} {_percent(row.one)} and {_percent(row.other)}" for row in rows.itertuples()]
        words = f"{contrast.one[2]} and {contrast.other[2]}"
        parts.append(f"{titled(evidence, contrast)}, test accuracy on {words}: {'; '.join(values)}")
    for heard in outside(evidence.results)[:1]:
        parts.append(f"Songs of another collection that were named correctly: {reading.counted(heard)}")
    return ". ".join(parts) + "." if parts else ""


def sentences(evidence: Evidence) -> str:
    """The answers in words, without links, as README has them; '' without any record."""
    if not description(evidence):
        return ""
    return "\n\n".join(f"**{answer.question}** {answer.text}" for answer in answers(evidence))


def compared(evidence: Evidence) -> list[tuple[Report, Comparison, float]]:
    """Of GTZAN and FMA-small, where both networks were run: the report that judges, the proposed network against BBNN,
    and the paper's difference in points."""
    return [
        (report, comparison, paper.gain(corpus))
        for corpus in IN_REACH
        for comparison, report in evidence.compared("bbnn", "proposed", corpus)[:1]
    ]


def outside(results: Path) -> list[Heard]:
    """What networks that were trained on GTZAN said of the songs of Emotify: ours first, then the published ones."""
    some = [heard for heard in read_all(results, "emotify") if heard.network["trained_on"] in measured_on("gtzan")]
    return sorted(some, key=lambda heard: (heard.network["source"] == "published", heard.network["name"]))


def write(root: Path, results: Path) -> list[Path]:
    """Write the figure and the sentences of README below the checkout `root`; the files that changed.

    A `BnetError` if there are no records, README lacks its marks, or a file can't be written.
    """
    evidence, picture = Evidence(results), io.StringIO()
    texts = {root / "README.md": readme(root / "README.md", evidence)}
    with plt.rc_context({"svg.hashsalt": "bnet", "svg.fonttype": "path"}):
        fig = figure(evidence)
        fig.savefig(picture, format="svg", metadata={"Date": None}, bbox_inches="tight")
        plt.close(fig)
    texts[root / PICTURE] = picture.getvalue()
    changed = [path for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        write_text(path, texts[path])
    return changed


def readme(path: Path, evidence: Evidence) -> str:
    """README's text with the finding between its marks; a `BnetError` if it has none."""
    text = path.read_text(encoding="utf-8")
    if not _MARKED.search(text):
        raise BnetError(f"{path} has no place for the finding; expected lines <!-- finding --> and <!-- /finding -->")
    parts = [textwrap.fill(part, 120, break_on_hyphens=False) for part in sentences(evidence).split("\n\n")]
    told = "\n\n".join([f"![{description(evidence)}]({PICTURE})", *parts])
    return _MARKED.sub(lambda found: f"{found[1]}{told}\n{found[2]}", text)


def _better(evidence: Evidence) -> str:
    found = compared(evidence)
    said = [
        f"on {report.corpus.title} {100 * gap.difference:+.1f} points of test accuracy, 95 % interval "
        f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f} ({spell(gap)}, {PROTOCOLS[report.protocol]}, profile "
        f"`{report.profile}`; the paper {printed:+.1f}): {verdict(gap)}"
        for report, gap, printed in found
    ]
    missing = [paper.CORPUS_TITLES[corpus] for corpus in IN_REACH if not evidence.compared("bbnn", "proposed", corpus)]
    if missing:
        said.append(f"{' and '.join(missing)}: the two have not been compared there yet")
    text = "; ".join(said)
    pictures = [report for report, _, _ in found if report.corpus.of]
    return f"{text[0].upper()}{text[1:]}.{' ' + PICTURES if pictures else ''}"


def _falls(evidence: Evidence) -> str:
    rows = table(evidence, CONTRASTS[0], SHOWN).dropna(subset=["one", "other"])
    if rows.empty:
        return "Not measured yet: it takes the same methods on random splits and on the fault-filtered one."
    falls = [f"{row.title} from {row.one:.0f} to {_percent(row.other, 0)}" for row in rows.itertuples()]
    return (
        "Against random splits, the split that keeps artists and copies of a recording apart takes the test accuracy "
        f"of {'; '.join(falls)}."
    )


def _outside(evidence: Evidence) -> str:
    songs = outside(evidence.results)
    if not songs:
        return "Not measured yet: no network has been evaluated on songs of another collection."
    heard = songs[0]
    made = "published" if heard.network["source"] == "published" else "trained here"
    return (
        f"{METHODS.get(heard.network['variant'], heard.network['variant'])}, {made} on "
        f"{get_corpus(heard.network['trained_on']).title}, names correctly, of songs from another collection, "
        f"{reading.counted(heard)}."
    ).replace("the paper", "The paper", 1)


def _contrast(evidence: Evidence) -> list[tuple[Contrast, pd.DataFrame]]:
    """The first contrast of the paper's corpora that has records, with its rows; GTZAN's before FMA-small's."""
    some = [(contrast, table(evidence, contrast, SHOWN)) for contrast in CONTRASTS if contrast.one[0] in IN_REACH]
    return [(contrast, rows) for contrast, rows in some if len(rows)][:1]


def _draw_gaps(gaps: list[tuple[Report, Comparison, float]], *, ax: Axes) -> Axes:
    frame = pd.DataFrame(
        [
            (report.corpus.title, printed, 100 * gap.difference, 100 * gap.low, 100 * gap.high)
            for report, gap, printed in gaps
        ],
        columns=["title", "paper_change", "change", "low", "high"],
    )
    plots.changes(frame, ax=ax).get_legend().set_in_layout(False)
    ax.get_legend().get_texts()[-1].set_text("the paper")
    return ax


def _draw_songs(heard: Heard, *, ax: Axes) -> Axes:
    rows = reading.strictly(heard)
    positions = plots.upwards(ax, [f"{row.genre} ({row.songs})" for row in rows.itertuples()])
    ax.hlines(positions, 100 * rows["low"], 100 * rows["high"], color=plots.PALETTE[2], linewidth=3, alpha=0.6)
    ax.plot(100 * rows["recall"], positions, "o", color=plots.PALETTE[2], markersize=8)
    ax.set(xlim=(0, 100), xlabel="songs named correctly, %")
    return ax


def _percent(value: float, digits: int = 1) -> str:
    return "not run" if np.isnan(value) else f"{value:.{digits}f}\u00a0%"
