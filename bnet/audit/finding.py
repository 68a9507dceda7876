"""What this reproduction found: three questions, a sentence each and one figure, all made from the records.

The landing page shows them at each build. README carries a copy, in `PICTURE` and between two marks, which
``bnet pages finding`` writes; a test compares its words and numbers with the committed records.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bnet.audit import paper, plots
from bnet.audit.contrasts import CONTRASTS, METHODS, draw, reports, table
from bnet.audit.evidence import OURS, Evidence, measured_on
from bnet.audit.outside import Heard, read_all, reading
from bnet.audit.report import Report
from bnet.audit.words import SPLITS, ends, in_points, verdict
from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.paths import write_text
from bnet.sound.log_mel import FeatureSettings
from bnet.statistics.comparison import Comparison

PICTURE = "book/_static/finding.svg"
"""The figure of README, below the checkout."""

SHOWN = ("bbnn", "proposed", "svm-timbre", "svm-rhythm")
"""Methods in the figure; `METHODS` has their words."""

_MARKED = re.compile(r"(<!-- finding[^\n]*-->\n).*?(<!-- /finding -->)", re.DOTALL)


class Answer(NamedTuple):
    """A reader's question, the answer in a sentence or two, and the page that has more; where there are records, also
    its panel of the figure: in words, its title, its height in rows, and what draws it on an ``ax``."""

    question: str
    text: str
    page: str
    told: str = ""
    title: str = ""
    height: float = 0.0
    draw: Callable[..., Axes] | None = None


def answers(evidence: Evidence) -> list[Answer]:
    """The three questions of a reader, each with its answer from the records."""
    return [_better(evidence), _falls(evidence), _outside(evidence)]


def figure(evidence: Evidence) -> plt.Figure:
    """The figure: one panel per question that has records (a `BnetError` if there are none); narrow, so that a phone
    shows it at its size."""
    shown = [answer for answer in answers(evidence) if answer.draw]
    if not shown:
        raise BnetError("no records to draw; make some with `make reproduce PROFILE=laptop`")
    plots.style()
    heights = [answer.height for answer in shown]
    fig, axes = plt.subplots(
        len(shown), 1, figsize=(5.0, 0.32 * sum(heights) + 0.45 * len(shown)), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for ax, answer in zip(axes.flat, shown, strict=True):
        legend = answer.draw(ax=ax).get_legend()
        if legend:
            legend.set_in_layout(False)
            plt.setp(legend.get_texts(), fontsize=9)
        ax.set_title(answer.title, fontsize=11, loc="left", pad=24 if legend else 6, weight="bold")
        ax.tick_params(labelsize=9)
        ax.xaxis.label.set_size(9)
    return fig


def description(evidence: Evidence) -> str:
    """The alternative text of the figure; '' without any record."""
    told = [answer.told for answer in answers(evidence) if answer.told]
    return ". ".join(told) + "." if told else ""


def sentences(evidence: Evidence) -> str:
    """The answers in words, without links, as README has them; '' without any record."""
    found = answers(evidence)
    parts = [*(f"**{a.question}** {a.text}" for a in found), on_tunes(evidence)]
    return "\n\n".join(filter(None, parts)) if any(a.told for a in found) else ""


def on_tunes(evidence: Evidence) -> str:
    """The proposed network against BBNN on the embedded corpus, a sentence; '' without records enough."""
    pairs = [pair for pair in evidence.compared("bbnn", "proposed", OURS[0]) if pair[0].enough]
    said = "; ".join(_said(gap, report, ()) for gap, report in pairs)
    return f"**On music of our own**, `{OURS[0]}`, the proposed network minus BBNN: {said}." if said else ""


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


def pictures(reports: Iterable[Report]) -> str:
    """What a title like 'GTZAN (pictures)' means, in a sentence; '' if no report is of pictures."""
    forms = {report.corpus.name: report.corpus for report in reports if report.corpus.of}
    rates = [f"{form.front_end.frame_rate:.1f} ({form.of.title})" for form in forms.values()]
    return (
        f" 'Pictures': without audio of {' and '.join(form.of.title for form in forms.values())} at hand, the networks "
        f"learn from published images of the clips' mel spectrograms, at {' and '.join(rates)} frames a second instead "
        f"of the paper's {FeatureSettings().frame_rate:.1f}."
        if forms
        else ""
    )


def _better(evidence: Evidence) -> Answer:
    found = {c: pairs[0] for c in paper.CORPUS_TITLES if (pairs := evidence.compared("bbnn", "proposed", c))}
    words = {verdict(gap) for gap, _ in found.values()}
    said = [
        _said(g, r, words, f"; the paper {paper.gain(c):+.1f}", not i) for i, (c, (g, r)) in enumerate(found.items())
    ]
    if missing := [title for corpus, title in paper.CORPUS_TITLES.items() if corpus not in found]:
        said.append(f"{', '.join(missing)}: not run")
    text = (f"{next(iter(words))}: " if len(words) == 1 else "") + "; ".join(said)
    text = f"{text[0].upper()}{text[1:]}.".replace("points", "points of test accuracy", 1)
    if any(report.profile != "paper" for _, report in found.values()):
        text += " Trainings are shorter than the paper's."
    if any(report.corpus.of for _, report in found.values()):
        text += " 'Pictures' are published images of mel spectrograms; no audio was at hand."
    answer = Answer("Is the proposed network better than BBNN?", text, "table-2")
    if not found:
        return answer
    rows = [{"title": r.corpus.title, "paper_change": paper.gain(c), **in_points(gap)} for c, (gap, r) in found.items()]
    told = ". ".join(f"{row['title']}: the proposed network minus BBNN, {row['change']:+.1f} points" for row in rows)
    draw = partial(plots.changes, pd.DataFrame(rows), printed="the paper")
    return answer._replace(told=told, title="Proposed network minus BBNN", height=len(rows) + 1.2, draw=draw)


def _said(gap: Comparison, report: Report, known: Collection[str], beside: str = "", named: bool = True) -> str:
    """A comparison in a few words, with its verdict where that is not the one `known` of all; `named`: with the level
    of its interval."""
    interval = f"{'95 % interval ' * named}{ends(gap.low, gap.high, '+.1f')}{beside}"
    said = "" if {*known} == {verdict(gap)} else f": {verdict(gap)}"
    if gap.verdict in ("better", "worse"):
        said += f" (p = {gap.p:.3f}, unadjusted)"
    where = f"{SPLITS[report.protocol]}{'' if report.corpus.name in OURS else f' of {report.corpus.title}'}"
    return f"on {where} {100 * gap.difference:+.1f} points ({interval}){said}"


def _falls(evidence: Evidence) -> Answer:
    rows = table(evidence, CONTRASTS[0], SHOWN).dropna(subset=["one", "other"])
    falls = [f"{row.title} from {row.one:.0f} to {_percent(row.other, 0)}" for row in rows.itertuples()]
    clips = [r.records[0].run["data"]["tracks"]["train"] for r in reports(evidence, CONTRASTS[0]) if r]
    text = (
        "Against random splits, the split that keeps artists and copies of a recording apart takes the test accuracy "
        f"of {'; '.join(falls)}. A random split trains on {clips[0]} clips, this one on "
        f"{clips[1]}, in as many epochs: fewer clips and less training are a part of the fall."
        if falls
        else "Not measured yet: it takes the same methods on random splits and on the fault-filtered one."
    )
    answer = Answer("How much of GTZAN's accuracy is artists and replicas?", text, "table-2")
    some = ((c, table(evidence, c, SHOWN)) for c in CONTRASTS if c.one[0] not in OURS)
    contrast, rows = next((pair for pair in some if len(pair[1])), (None, ()))  # GTZAN's before FMA-small's
    if contrast is None:
        return answer
    values = "; ".join(f"{row.title} {_percent(row.one)} and {_percent(row.other)}" for row in rows.itertuples())
    title = next(filter(None, reports(evidence, contrast))).corpus.title
    shown = partial(draw, evidence, contrast, methods=SHOWN)
    told = f"{title}, test accuracy on {contrast.one[2]} and {contrast.other[2]}: {values}"
    return answer._replace(told=told, title=f"{title}: test accuracy, %", height=len(rows) + 1.6, draw=shown)


def _outside(evidence: Evidence) -> Answer:
    question, songs = "Does it recognise music of another collection?", outside(evidence.results)
    if not songs:
        text = "Not measured yet: no network has been evaluated on songs of another collection."
        return Answer(question, text, "outside")
    heard, named = songs[0], reading.counted(songs[0])
    home = reading.at_home(heard, evidence.results)
    own = ["{} of {}".format(*home[row.counts]) for row in reading.strictly(heard).itertuples() if home]
    beside = f" (of its own test clips {', '.join(own)})" if own else ""
    made = "published" if heard.network["source"] == "published" else "trained here"
    text = (
        f"{METHODS.get(heard.network['variant'], heard.network['variant'])}, {made} on "
        f"{get_corpus(heard.network['trained_on']).title}, recognises {named} songs of another collection{beside}."
    ).replace("the paper", "The paper", 1)
    told, title = f"Songs of another collection that were named correctly: {named}", "Songs from another collection"
    return Answer(question, text, "outside", told, title, 4.6, partial(_draw_songs, heard))


def _draw_songs(heard: Heard, *, ax: Axes) -> Axes:
    rows = reading.strictly(heard)
    shown = (100 * rows[["recall", "low", "high"]]).assign(title=[f"{r.genre} ({r.songs})" for r in rows.itertuples()])
    plots.dots(shown, "recall", ax=ax, look={"": (plots.PALETTE[2], "o")})
    ax.set(xlim=(0, 100), xlabel="songs named correctly, %")
    return ax


def _percent(value: float, digits: int = 1) -> str:
    return "not run" if np.isnan(value) else f"{value:.{digits}f}\u00a0%"
