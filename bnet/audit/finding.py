"""What this reproduction found, in one picture and a few sentences, both made from the records.

The landing page draws them anew at each build. README carries a copy, in `PICTURE` and between two marks, which
``bnet pages finding`` writes and a test compares with the committed records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bnet.audit.report import Report
from bnet.errors import BnetError
from bnet.models.drawing.canvas import SIZES, Canvas
from bnet.models.drawing.metrics import width, wrap
from bnet.models.drawing.picture import render
from bnet.paths import write_text

CORPORA = {"tunes": "tempo as the dance has it (tunes)", "tunes-free": "tempo drawn by lot (tunes-free)"}
"""Corpus -> what the picture calls it."""

METHODS = {
    "svm-rhythm": "Support-vector machine on rhythm, no network",
    "bbnn": "BBNN, the network that the paper builds on",
    "proposed": "The paper's network",
    "proposed-released": "The paper's network, as its notebooks have it",
    "svm-timbre": "Support-vector machine on timbre, no network",
}
"""What the picture compares, in its order, with words for a stranger."""

PICTURE = "book/_static/finding.svg"
"""The picture of README, below the checkout."""

_MARKED = re.compile(r"(<!-- finding[^\n]*-->\n).*?(<!-- /finding -->)", re.DOTALL)
_WIDTH, _LEFT, _ROW = 400, 14, 42
_LOOKS = (("convolution", "added", 5.5), ("pooling", "changed", 1.0))


def load(results: Path, profile: str = "laptop", protocol: str = "grouped") -> dict[str, Report]:
    """The records of the two embedded corpora below `results`."""
    return {name: Report.load(name, profile, protocol, results) for name in CORPORA}


def sentences(reports: Mapping[str, Report]) -> str:
    """The finding in words, with its numbers; as much as there are records of, '' without any of both networks."""
    report = reports["tunes"]
    if not {"bbnn", "proposed"} <= set(report.variants):
        return ""
    share = _shares(report)
    folds = report.comparison("bbnn", "proposed").folds
    said = [
        f"On `tunes` (profile `{report.profile}`, {folds} {report.protocol} fold{'s' * (folds != 1)}) the paper's "
        f"network names the dance of {share['proposed']} of the test clips and BBNN that of {share['bbnn']}: "
        f"{_TOLD[_verdict(report, 'bbnn', 'proposed')]}."
    ]
    if "svm-rhythm" in share:
        beaten = [title for name, title in _SHORT.items() if _verdict(report, "svm-rhythm", name) == "worse"]
        weighed = {0: "can't be said to beat either network", 2: "beats both networks"}.get(
            len(beaten), f"beats {' '.join(beaten)} only"
        )
        said.append(f"A plain support-vector machine on rhythm names {share['svm-rhythm']}, and {weighed}.")
    other = _shares(reports["tunes-free"])
    if {"bbnn", "proposed", "svm-rhythm", "majority"} <= set(other):
        said.append(
            f"With the tempo drawn by lot (`tunes-free`) the three are at {other['proposed']}, {other['bbnn']} and "
            f"{other['svm-rhythm']}, where always naming the largest class gives {other['majority']}."
        )
    return " ".join(said)


_SHORT = {"bbnn": "BBNN", "proposed": "the paper's network"}
_TOLD = {
    "better": "the paper's network is better",
    "worse": "the paper's network is worse",
    "equivalent": "they are equal within a point",
    "can't be told": "the two can't be told apart",
}


def svg(reports: Mapping[str, Report]) -> str:
    """The picture: a row a method, and in it the test accuracy on each corpus with its interval.

    Raises
    ------
    BnetError
        If there are no records of any method.
    """
    shown = [name for name in METHODS if any(name in report.variants for report in reports.values())]
    if not shown:
        raise BnetError("no records of the embedded corpora to draw; make some with `make reproduce PROFILE=laptop`")
    canvas = Canvas(_WIDTH)
    y = 24.0
    for line in wrap(
        "How many of the test clips get the right one of seven dances?", _WIDTH - 2 * _LEFT, *SIZES["title"]
    ):
        canvas.text(_LEFT, y, line, "title", "start")
        y += 19
    y += 4
    for name, (_, dot, radius) in zip(reports, _LOOKS, strict=False):
        _dot(canvas, _LEFT + 6, y - 4, dot, radius)
        canvas.text(_LEFT + 18, y, CORPORA[name], "label", "start")
        y += 19
    top = y
    for row, name in enumerate(shown):
        _row(canvas, top + _ROW * row, name, reports)
    bottom = top + _ROW * len(shown)
    _axis(canvas, top, bottom, reports)
    y = bottom + 36
    for line in wrap(_foot(reports), _WIDTH - 2 * _LEFT, *SIZES["small"]):
        canvas.text(_LEFT, y, line, "small", "start", "muted")
        y += 15
    return render(canvas, y - 3, "The finding in one picture", description(reports))


def description(reports: Mapping[str, Report]) -> str:
    """What the picture shows, for those who don't see it."""
    rows = [
        f"{title}: "
        + " and ".join(f"{_shares(r)[name]} on {corpus}" for corpus, r in reports.items() if name in r.variants)
        for name, title in METHODS.items()
        if any(name in report.variants for report in reports.values())
    ]
    return f"Test accuracy, a row a method. {'; '.join(rows)}."


def write(root: Path, results: Path) -> list[Path]:
    """Write the picture and the sentences of README below the checkout `root`; the files that changed.

    Raises
    ------
    BnetError
        If there are no records, README lacks its marks, or a file can't be written.
    """
    changed = []
    for path, text in _files(root, results).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            changed.append(path)
    return changed


def outdated(root: Path, results: Path) -> list[Path]:
    """The files that `write` would change."""
    files = _files(root, results)
    return [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def _files(root: Path, results: Path) -> dict[Path, str]:
    reports = load(results)
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    if not _MARKED.search(text):
        raise BnetError(f"{readme} has no place for the finding; expected lines <!-- finding --> and <!-- /finding -->")
    said = f"![{description(reports)}]({PICTURE})\n\n{_fold(sentences(reports))}\n"
    return {root / PICTURE: svg(reports), readme: _MARKED.sub(lambda found: found[1] + said + found[2], text)}


def _fold(text: str, room: int = 120) -> str:
    """The text in lines of at most `room` characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _shares(report: Report) -> dict[str, str]:
    if not report.records:
        return {}
    return {row.variant: f"{100 * row.accuracy:.1f} %" for row in report.summary.itertuples()}


def _verdict(report: Report, one: str, other: str) -> str:
    found = report.comparison(one, other)
    return found.verdict if found else "can't be told"


def _at(share: float) -> float:
    return _LEFT + share * (_WIDTH - 2 * _LEFT)


def _row(canvas: Canvas, y: float, name: str, reports: Mapping[str, Report]) -> None:
    canvas.text(_LEFT, y + 14, METHODS[name], "label", "start")
    right = _WIDTH - _LEFT
    canvas.line((_LEFT, y + 26), (right, y + 26), look="thin")
    for report, (bar, dot, radius) in zip(reports.values(), _LOOKS, strict=False):
        if name in report.variants:
            one = report.summary.set_index("variant").loc[name]
            canvas.box(_at(one.low), y + 23.5, _at(one.high) - _at(one.low), 5, bar, radius=2.5)
            _dot(canvas, _at(one.accuracy), y + 26, dot, radius)


def _dot(canvas: Canvas, x: float, y: float, kind: str, radius: float) -> None:
    canvas.box(x - 5.5, y - 5.5, 11, 11, kind, radius=radius)


def _axis(canvas: Canvas, top: float, bottom: float, reports: Mapping[str, Report]) -> None:
    for percent in range(0, 101, 20):
        x = _at(percent / 100)
        canvas.line((x, bottom - 2), (x, bottom + 3), look="thin")
        label = f"{percent} %" if percent == 100 else str(percent)
        half = width(label, *SIZES["small"]) / 2
        canvas.text(min(max(x, _LEFT + half), _WIDTH - _LEFT - half), bottom + 16, label, "small", look="muted")
    chance = next((found for report in reports.values() if report.records and (found := report.chance())), None)
    if chance is not None:
        for y in range(round(top), round(bottom), _ROW):
            canvas.line((_at(chance), y + 18), (_at(chance), y + 34))


def _foot(reports: Mapping[str, Report]) -> str:
    report = next(report for report in reports.values() if report.records)
    folds = max(len(report.of(name)) for name in report.variants)
    chance = " The upright stroke: always naming the largest class." if report.chance() is not None else ""
    return (
        f"Mean over {folds} {report.protocol} folds, and the 95 % interval over the test clips; profile "
        f"{report.profile}.{chance}"
    )
