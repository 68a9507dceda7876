"""What a claim is judged by: the records here, the models themselves, and the paper's own numbers.

A claim about a corpus is judged on the clips of that corpus alone: from their sound where there are records of it, else
from published pictures of their spectrograms, and it says so. What other corpora show stands beside it and decides
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from bnet.audit.report import Report, load
from bnet.audit.rows import read
from bnet.audit.settings import train_command
from bnet.corpora import other_forms
from bnet.statistics.comparison import BOUND, ROPE, Comparison
from bnet.training.config import PROFILES

THE_PAPERS = ("holdout", "official", "grouped", "kfold")
"""Which protocol judges a claim, the first with folds enough: the paper's own splits come first."""
APART = ("official", "grouped", "kfold", "holdout")
"""The same for a claim on unseen music: splits that keep artists, recordings and tunes apart come first."""
OURS = ("tunes", "tunes-free")
"""The embedded corpora: never evidence for a claim about another one."""


class Verdict(StrEnum):
    """What became of a claim: the word that a page says; ``rows/verdicts.csv`` explains it."""

    SUPPORTED = "supported"
    PARTLY = "partly supported"
    NOT_SUPPORTED = "not supported"
    BOUNDED = "inconclusive, bounded"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTED = "not tested"


MEANINGS = dict(read("verdicts").itertuples(index=False, name=None))
"""Verdict -> what it means."""


class Result(NamedTuple):
    """A verdict, what was measured, in MyST, what stands beside it, and the role that leads to the numbers ('': the
    claim's own)."""

    verdict: Verdict
    measured: str
    beside: str = ""
    link: str = ""


def graded(*right: bool) -> Verdict:
    """The verdict on a claim of several parts: all of them are right, some, or none."""
    return Verdict.SUPPORTED if all(right) else Verdict.PARTLY if any(right) else Verdict.NOT_SUPPORTED


Measured = tuple[Comparison, Report]
"""A comparison, and the report that it was made from."""


@dataclass(frozen=True)
class Evidence:
    """The records that judge the claims, below `results`; `benchmarks` is the folder of the benchmarks' records (None:
    that of the checkout)."""

    results: Path
    benchmarks: Path | None = None
    read: dict[str, list[Report]] = field(default_factory=dict, compare=False, repr=False)

    def reports(self, corpus: str) -> list[Report]:
        """One report per profile and protocol in which the clips of `corpus` were run, whole corpora only; kept in
        `read`. Sound comes before pictures of it, and fuller profiles before shorter ones."""
        if corpus not in self.read:
            fullest, reports = [*PROFILES][::-1], []
            for name in measured_on(corpus):
                some = [r for r in load(name, self.results) if r.records and r.profile in PROFILES]
                reports += sorted(some, key=lambda r: (fullest.index(r.profile), THE_PAPERS.index(r.protocol)))
            self.read[corpus] = reports
        return self.read[corpus]

    def compared(
        self, one: str, other: str, corpus: str, order: Sequence[str] = THE_PAPERS, labels: Sequence[str] = ()
    ) -> list[Measured]:
        """`other` against `one` on the clips of `corpus` (or those of some `labels`); what judges comes first: what has
        folds enough, of the first protocol in `order`, from sound, in the fullest profile."""
        pairs = ((report.comparison(one, other, labels), report) for report in self.reports(corpus))
        measured = [(comparison, report) for comparison, report in pairs if comparison]
        return sorted(measured, key=lambda pair: (not pair[0].enough, order.index(pair[1].protocol)))

    def fullest(self, corpus: str, *networks: str, protocol: str = "") -> Report | None:
        """The report with the most folds of these networks (under a protocol), the first of equals; or None."""
        some = [report for report in self.reports(corpus) if report.protocol == (protocol or report.protocol)]
        have = [report for report in some if set(networks) <= set(report.variants)]
        return max(have, key=lambda report: min(len(report.of(name)) for name in networks), default=None)


def measured_on(corpus: str) -> list[str]:
    """The corpora that hold the clips of `corpus`: itself, then those that are made from pictures of it."""
    return [corpus, *(form.name for form in other_forms(corpus))]


def command(corpus: str, protocol: str) -> str:
    """The command that makes the records by which claims about `corpus` are judged, as two cores allow."""
    profile = "laptop" if corpus in OURS else "desktop"
    return train_command(measured_on(corpus)[-1], ("baselines", "bbnn", "proposed"), protocol, profile)


ANY = (0.0, float("inf"))
"""The size of a difference that a claim does not state."""


def judge(result: Comparison, sign: int, size: tuple[float, float] = ANY) -> Verdict:
    """What a comparison says of the claim that `other` is better (`sign` 1), worse (-1), or as good (0).

    `size` is how large the claim says the difference is, at least and at most, in [0, 1]. A direction without that size
    is a part of the claim; an interval that does not reach it contradicts the claim, even where no direction shows.
    """
    if not result.enough:
        return Verdict.INCONCLUSIVE
    open_verdict = Verdict.BOUNDED if result.bound <= BOUND else Verdict.INCONCLUSIVE
    if sign == 0:
        said = {"equivalent": Verdict.SUPPORTED, "better": Verdict.PARTLY, "worse": Verdict.NOT_SUPPORTED}
        return said.get(result.verdict, open_verdict)
    (near, far), (least, most) = sorted((sign * result.low, sign * result.high)), size
    small = 0 < least <= ROPE  # so small that equivalence does not contradict it
    if near > 0 and (small or result.verdict != "equivalent"):
        return Verdict.SUPPORTED if least <= far and near <= most else Verdict.PARTLY
    gone = far < (least or ROPE) or (result.verdict == "equivalent" and not small)
    return Verdict.NOT_SUPPORTED if gone else open_verdict


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a claim that several corpora judge: of all; in part; or what one contradicts and none supports."""
    kinds = set(verdicts)
    if len(kinds) == 1:
        return kinds.pop()
    if kinds & {Verdict.SUPPORTED, Verdict.PARTLY}:
        return Verdict.PARTLY
    if Verdict.NOT_SUPPORTED in kinds:
        return Verdict.NOT_SUPPORTED
    return Verdict.INCONCLUSIVE if kinds else Verdict.NOT_TESTED
