"""What a claim is judged by: the records here, the models themselves, and the paper's own numbers.

A claim about a corpus is judged on the clips of that corpus alone: from their sound where there are records of it, else
from published pictures of their spectrograms, and it says so. What other corpora show stands beside it and decides
nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, cached_property
from pathlib import Path

from bnet.audit import measured
from bnet.audit.report import Report, points, spell
from bnet.corpora import other_forms
from bnet.errors import BnetError
from bnet.runs import jobs, records
from bnet.sound import log_mel
from bnet.statistics.comparison import ROPE, Comparison
from bnet.training.config import PROFILES

THE_PAPERS = ("holdout", "official", "grouped", "kfold")
"""Which protocol judges a claim, the first with folds enough: the paper's own splits come first."""

APART = ("official", "grouped", "kfold", "holdout")
"""The same for a claim on unseen music: splits that keep artists, recordings and tunes apart come first."""

OURS = ("tunes", "tunes-free")
"""The embedded corpora: never evidence for a claim about another one."""


class Verdict(Enum):
    """What became of a claim; the value is what a page says."""

    SUPPORTED = "supported"
    PARTLY = "partly supported"
    NOT_SUPPORTED = "not supported"
    BOUNDED = "inconclusive, bounded"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTED = "not tested"

    @property
    def meaning(self) -> str:
        """The word explained."""
        return _MEANINGS[self]


_MEANINGS = {
    Verdict.SUPPORTED: "what was measured or counted agrees with the claim",
    Verdict.PARTLY: "one part of the claim agrees, another does not or is open; or the direction, and not the size",
    Verdict.NOT_SUPPORTED: "what was measured or counted contradicts the claim, or rules out the size that it states",
    Verdict.BOUNDED: "measured; the direction is inconclusive, but the difference is at most so many points",
    Verdict.INCONCLUSIVE: "measured, and the data show neither a direction nor a useful bound, or are too few",
    Verdict.NOT_TESTED: "nothing here could tell; what is missing is said",
}


@dataclass(frozen=True)
class Finding:
    """A verdict with what was measured, in MyST, the role that leads to the numbers, and what stands beside it.

    Raises
    ------
    BnetError
        If `measured` holds a number and `link` leads nowhere: no number without its source.
    """

    verdict: Verdict
    measured: str
    link: str = ""
    beside: str = ""

    def __post_init__(self) -> None:
        if re.search(r"\d", self.measured) and not re.match(r"\{(doc|numref|ref)\}`[^`]+`", self.link):
            raise BnetError(f"a finding with a number needs a link to it, such as {{doc}}`table-2`: {self.measured!r}")


Measured = tuple[Comparison, Report]
"""A comparison, and the report that it was made from."""


@dataclass(frozen=True)
class Evidence:
    """The records that judge the claims.

    Parameters
    ----------
    results
        Folder of records.
    benchmarks
        Folder of the benchmarks' records; None: that of the checkout.
    """

    results: Path
    benchmarks: Path | None = None
    _reports: dict[str, list[Report]] = field(default_factory=dict, compare=False, repr=False)

    def reports(self, corpus: str) -> list[Report]:
        """One report per profile and protocol in which the clips of `corpus` were run, whole corpora only.

        Sound comes before pictures of it, and fuller profiles before shorter ones.
        """
        if corpus not in self._reports:
            fullest, found = [*PROFILES][::-1], []
            for name in measured_on(corpus):
                some = records.find(self.results, corpus=name, exclude="")
                have = {(record.config.profile, record.config.protocol) for record in some}
                pairs = [pair for pair in itertools.product(fullest, THE_PAPERS) if pair in have]
                found += [Report.load(name, *pair, self.results) for pair in pairs]
            self._reports[corpus] = found
        return self._reports[corpus]

    def compared(
        self, one: str, other: str, corpus: str, order: Sequence[str] = THE_PAPERS, labels: Sequence[str] = ()
    ) -> list[Measured]:
        """`other` against `one` on the clips of `corpus` (or those of some `labels`); what judges comes first.

        That is what has folds enough, of the first protocol in `order`, from sound, in the fullest profile.
        """
        pairs = ((report.comparison(one, other, labels), report) for report in self.reports(corpus))
        found = [(comparison, report) for comparison, report in pairs if comparison]
        return sorted(found, key=lambda pair: (not pair[0].enough, order.index(pair[1].protocol)))

    def fullest(self, corpus: str, *networks: str, protocol: str = "") -> Report | None:
        """The report with the most folds of these networks (under a protocol), the first of equals; or None."""
        some = [report for report in self.reports(corpus) if report.protocol == (protocol or report.protocol)]
        have = [report for report in some if set(networks) <= set(report.variants)]
        return max(have, key=lambda report: min(len(report.of(name)) for name in networks), default=None)

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


def measured_on(corpus: str) -> list[str]:
    """The corpora that hold the clips of `corpus`: itself, then those that are made from pictures of it."""
    return [corpus, *(form.name for form in other_forms(corpus))]


def command(corpus: str, protocol: str) -> str:
    """The command that makes the records by which claims about `corpus` are judged, as two cores allow."""
    profile = "laptop" if corpus in OURS else "desktop"
    return (
        f"bnet train --corpus {measured_on(corpus)[-1]} --variant baselines,bbnn,proposed --protocol {protocol} "
        f"--profile {profile}"
    )


def judge(found: Comparison, sign: int, size: float = 0.0) -> Verdict:
    """What a comparison says of the claim that `other` is better (`sign` 1), worse (-1), or as good (0).

    Parameters
    ----------
    found
        The comparison.
    sign
        The direction of the claim.
    size
        How large the claim says the difference is, in [0, 1]. A direction without that size is a part of the claim; an
        interval that does not reach it contradicts the claim, even where no direction shows.
    """
    if not found.enough:
        return Verdict.INCONCLUSIVE
    open_verdict = Verdict.BOUNDED if found.verdict == "bounded" else Verdict.INCONCLUSIVE
    if sign == 0:
        said = {"equivalent": Verdict.SUPPORTED, "better": Verdict.PARTLY, "worse": Verdict.NOT_SUPPORTED}
        return said.get(found.verdict, open_verdict)
    near, far = sorted((sign * found.low, sign * found.high))
    if found.verdict != "equivalent" and near > 0:
        return Verdict.SUPPORTED if far >= size else Verdict.PARTLY
    return Verdict.NOT_SUPPORTED if found.verdict == "equivalent" or far < max(size, ROPE) else open_verdict


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a claim that several corpora judge: of all; in part; or what one contradicts and none supports."""
    found = set(verdicts)
    if len(found) == 1:
        return found.pop()
    if found & {Verdict.SUPPORTED, Verdict.PARTLY}:
        return Verdict.PARTLY
    if Verdict.NOT_SUPPORTED in found:
        return Verdict.NOT_SUPPORTED
    return Verdict.INCONCLUSIVE if found else Verdict.NOT_TESTED


def said(found: Comparison, report: Report, one: str, other: str) -> str:
    """A comparison as a sentence: difference in points, interval, bound, and on what."""
    return (
        f"{jobs.title(other)} against {jobs.title(one)}: {points(found)}; {report.corpus.title}, profile "
        f"`{report.profile}`, {report.protocol}, {spell(found)}{'' if found.enough else ', too few for a verdict'}"
    )


def briefly(found: Comparison, report: Report) -> str:
    """A comparison as what stands beside another: corpus, difference, interval."""
    return (
        f"{report.corpus.title}, {report.protocol}: {100 * found.difference:+.1f} points ({100 * found.low:+.1f} to "
        f"{100 * found.high:+.1f}, {spell(found)})"
    )
