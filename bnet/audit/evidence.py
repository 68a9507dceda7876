"""What a claim is judged by: the records here, the models themselves, and the paper's own numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, cached_property
from pathlib import Path

from bnet.audit import measured
from bnet.audit.report import Report, chosen
from bnet.errors import BnetError
from bnet.runs import jobs
from bnet.sound import log_mel
from bnet.statistics.comparison import Comparison


class Verdict(Enum):
    """What became of a claim; the value is what a page says."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    FAILS = "does not hold"
    OPEN = "not settled"
    UNTOLD = "can't be told from the text"
    NOT_RUN = "not run"

    @property
    def meaning(self) -> str:
        """The word explained."""
        return _MEANINGS[self]


_MEANINGS = {
    Verdict.HOLDS: "what was measured or counted agrees with the claim",
    Verdict.IN_PART: "one part of the claim agrees, another does not",
    Verdict.FAILS: "what was measured or counted contradicts the claim",
    Verdict.OPEN: "measured, and the difference can't be told from chance",
    Verdict.UNTOLD: "the text does not say what would be measured",
    Verdict.NOT_RUN: "there is no run here that could tell",
}


@dataclass(frozen=True)
class Finding:
    """A verdict with what was measured, in MyST, and the role that leads to the numbers.

    Raises
    ------
    BnetError
        If `measured` holds a number and `link` leads nowhere: no number without its source.
    """

    verdict: Verdict
    measured: str
    link: str = ""

    def __post_init__(self) -> None:
        if re.search(r"\d", self.measured) and not re.match(r"\{(doc|numref|ref)\}`[^`]+`", self.link):
            raise BnetError(f"a finding with a number needs a link to it, such as {{doc}}`table-2`: {self.measured!r}")


@dataclass(frozen=True)
class Evidence:
    """The records that judge the claims.

    Parameters
    ----------
    results
        Folder of records.
    profile
        Whose records count.
    corpus, protocol
        The embedded corpus on which networks are compared, and how its clips are split.
    benchmarks
        Folder of the benchmarks' records; None: that of the checkout.
    """

    results: Path
    profile: str = "laptop"
    corpus: str = "tunes"
    protocol: str = "grouped"
    benchmarks: Path | None = None
    _reports: dict[tuple[str, str, str], Report] = field(default_factory=dict, compare=False, repr=False)

    def report(self, corpus: str = "", protocol: str = "", profile: str = "") -> Report:
        """The records of a corpus; by default those of the embedded corpus."""
        key = (corpus or self.corpus, profile or self.profile, protocol or self.protocol)
        if key not in self._reports:
            self._reports[key] = Report.load(*key, self.results)
        return self._reports[key]

    def pair(self, one: str, other: str) -> tuple[Comparison, Report] | None:
        """`other` against `one` on the embedded corpus, in the fullest profile that has both; None where none has."""
        profile, protocol = chosen(self.corpus, "", self.protocol, self.results, networks=(one, other))
        report = self.report(self.corpus, protocol, profile)
        found = report.comparison(one, other)
        return (found, report) if found else None

    def on_paper_corpus(self, corpus: str) -> tuple[Comparison, Report] | None:
        """The proposed network against BBNN on a corpus of the paper; None where there are no records of both."""
        profile, protocol = chosen(corpus, "", "", self.results, networks=("bbnn", "proposed"))
        report = self.report(corpus, protocol, profile)
        found = report.comparison("bbnn", "proposed")
        return (found, report) if found else None

    def benchmark(self, name: str) -> measured.Record | None:
        """The record of a benchmark; None where it was not run."""
        return measured.read(name, self.benchmarks)

    @cached_property
    def build(self) -> Callable:
        """``build(name)``: the Keras model of a network with 10 classes at 30 s, built once a name."""
        from bnet import backend

        backend.prepare()
        from bnet.models import build

        return cache(lambda name: build(name, 10, log_mel.frames(30)))


def said(found: Comparison, report: Report, one: str, other: str) -> str:
    """A comparison as a sentence: difference in points, interval, posterior, and on what."""
    posterior = found.posterior
    sure = (
        f"; probability better {posterior.better:.2f}, within a point {posterior.equivalent:.2f}, worse "
        f"{posterior.worse:.2f}"
        if posterior
        else "; one split, so nothing is known of the luck of the split"
    )
    return (
        f"{jobs.title(other)} against {jobs.title(one)}: {100 * found.difference:+.1f} points "
        f"(95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}{sure}), `{report.corpus.name}`, profile "
        f"`{report.profile}`, {found.folds} {'fold' if found.folds == 1 else 'folds'}"
    )
