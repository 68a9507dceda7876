"""The tests behind the claims that records judge: each takes the evidence and returns a result."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from bnet.audit import paper
from bnet.audit.evidence import OURS, THE_PAPERS, Evidence, Result, Verdict, graded, judge, together
from bnet.audit.report import Report
from bnet.audit.words import points, spell
from bnet.runs import jobs
from bnet.statistics import metrics
from bnet.statistics.comparison import ENOUGH, Comparison, corrected_variance, direction
from bnet.statistics.significance import smallest_difference, two_proportions

MOST_CONFUSED = 3
"""A pair of classes counts as confused if it is among so many pairs that are mistaken for each other most often."""


def compared(
    evidence: Evidence,
    one: str,
    other: str,
    sign: int,
    corpora: Sequence[str],
    *,
    size: float = 0.0,
    order: Sequence[str] = THE_PAPERS,
    labels: Sequence[str] = (),
) -> Result:
    """The claim that `other` is better than `one` (`sign` 1), worse (-1) or as good (0), by `size`.

    It is judged on each of `corpora` that has records of both; what further corpora and protocols show stands beside.
    """
    every = {corpus: evidence.compared(one, other, corpus, order, labels) for corpus in corpora}
    first = [pairs[0] for pairs in every.values() if pairs]
    rest = [pair for pairs in every.values() for pair in pairs[1:]]
    if not labels:
        further = [c for c in (*paper.CORPUS_TITLES, *OURS) if c not in corpora]
        rest += [pair for c in further for pair in evidence.compared(one, other, c, order)[:1]]
    shown = {(report.corpus.name, report.protocol): (gap, report) for gap, report in [*reversed(rest), *first]}
    beside = "; ".join(_briefly(*pair) for pair in reversed(shown.values()) if pair not in first)
    if not first:
        where = " or ".join(paper.CORPUS_TITLES.get(corpus, f"`{corpus}`") for corpus in corpora)
        return Result(Verdict.NOT_TESTED, f"Not run on the same folds of {where}: `{one}`, `{other}`", beside)
    names = f"{jobs.title(other)} against {jobs.title(one)}"
    verdict = together(judge(gap, sign, size) for gap, _ in first)
    return Result(verdict, ". ".join(f"{names}: {_at_length(*pair)}" for pair in first), beside)


def _at_length(gap: Comparison, report: Report) -> str:
    """A comparison as what judges a claim: difference in points, interval, bound, and on what."""
    few = "" if gap.enough else ", too few for a verdict"
    where = f"{report.corpus.title}, profile `{report.profile}`, {report.protocol}"
    return f"{points(gap)}; {where}, {spell(gap)}{few}"


def _briefly(gap: Comparison, report: Report) -> str:
    """A comparison as what stands beside another: corpus, difference, interval."""
    return (
        f"{report.corpus.title}, {report.protocol}: {100 * gap.difference:+.1f} points ({100 * gap.low:+.1f} to "
        f"{100 * gap.high:+.1f}, {spell(gap)})"
    )


def table_2(corpus: str, evidence: Evidence) -> Result:
    """The proposed network against BBNN on a corpus of the paper; without records, what Table II alone supports."""
    result = compared(evidence, "bbnn", "proposed", 1, (corpus,), size=paper.gain(corpus) / 100)
    if result.verdict is not Verdict.NOT_TESTED:
        return result
    one, two = (paper.TABLE_2[corpus, name].test / 100 for name in ("bbnn", "proposed"))
    clips = paper.tested_clips(corpus)
    return result._replace(
        measured=f"No copy of the corpus was at hand. Of Table II alone: on {clips} test clips two such accuracies "
        f"differ with p = {two_proportions(one, two, clips):.2f}, and a paired test would find "
        f"{100 * smallest_difference(clips):.1f} points.",
        link="{numref}`tab-table-2-alone`",
    )


def table_3(variation: str, evidence: Evidence) -> Result:
    """A variation against BBNN on GTZAN: it loses what Table III says, or nothing."""
    loss = paper.loss(variation)
    return compared(evidence, "bbnn", variation, -1 if loss else 0, ("gtzan",), size=loss / 100)


def confused(corpus: str, evidence: Evidence) -> Result:
    """Whether the classes that the text names are among those that the proposed network mistakes most often."""
    pairs, report = paper.CONFUSED[corpus], evidence.fullest(corpus, "proposed")
    if report is None:
        return Result(Verdict.NOT_TESTED, f"`proposed` has no records of {paper.CORPUS_TITLES[corpus]}")
    counts = metrics.confusion(*report.pooled("proposed")[1:])
    share = counts / counts.sum(axis=1, keepdims=True)
    mutual = {
        frozenset((report.labels[i], report.labels[j])): share[i, j] + share[j, i]
        for i, j in itertools.combinations(range(len(share)), 2)
    }
    ranked = sorted(mutual, key=lambda pair: -mutual[pair])
    ranks = {pair: 1 + ranked.index(frozenset(pair)) for pair in pairs}
    told = "; ".join(f"{a} and {b} are number {rank}" for (a, b), rank in ranks.items())
    enough = len(report.of("proposed")) >= ENOUGH["seeds" if report.protocol == "official" else "splits"]
    return Result(
        graded(*(rank <= MOST_CONFUSED for rank in ranks.values())) if enough else Verdict.INCONCLUSIVE,
        f"Of {len(ranked)} pairs of classes by how often one is taken for the other, {told}; first are "
        f"{' and '.join(sorted(ranked[0]))} ({report.corpus.title}, {report.protocol}, "
        f"folds: {report.folds_of('proposed')})",
    )


def smaller_loss(evidence: Evidence) -> Result:
    """Whether the training loss of the proposed network ends below BBNN's."""
    lines, verdicts = [], []
    for corpus in ("gtzan", "fma-small"):
        if (report := evidence.fullest(corpus, "bbnn", "proposed")) is None:
            continue
        ends = [{r.config.fold: r.history["loss"].iloc[-1] for r in report.of(n)} for n in ("bbnn", "proposed")]
        fold = report.folds("bbnn", "proposed")[0]
        less = np.array([ends[0][fold] - ends[1][fold] for fold in sorted(set(ends[0]) & set(ends[1]))])
        kind = "seeds" if report.protocol == "official" else "splits"
        ratio = 0.0 if kind == "seeds" else len(fold.ids) / fold.trained
        se = corrected_variance(less, ratio) ** 0.5 if len(less) > 1 else float("inf")
        gap = Comparison(float(less.mean()), se, max(len(less) - 1, 1), kind, len(less), 0)
        shown = direction(gap.low, gap.high) if gap.enough else ""
        verdicts.append({"better": Verdict.SUPPORTED, "worse": Verdict.NOT_SUPPORTED}.get(shown, Verdict.INCONCLUSIVE))
        lines.append(
            f"{report.corpus.title}: {np.mean([*ends[0].values()]):.2f} for BBNN, {abs(less.mean()):.2f} "
            f"{'lower' if less.mean() > 0 else 'higher'} for the proposed network (95 % interval of the difference "
            f"{-gap.high:+.2f} to {-gap.low:+.2f}, {len(less)} folds)"
        )
    return Result(together(verdicts), "; ".join(lines) or "no records of both networks")
