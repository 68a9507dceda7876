"""The tests behind the claims that records judge: each takes the evidence and returns a result."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from bnet.audit import paper
from bnet.audit.evidence import ANY, OURS, THE_PAPERS, Evidence, Result, Verdict, judge, together
from bnet.audit.report import Report
from bnet.audit.words import briefly, points, spell
from bnet.runs import jobs
from bnet.statistics import metrics
from bnet.statistics.comparison import LEVEL, Comparison, corrected_variance, direction
from bnet.statistics.significance import smallest_difference, two_proportions

DRAWS = 500
"""How often tested clips are drawn again to see how sure an order of confusions is."""


def compared(
    evidence: Evidence,
    one: str,
    other: str,
    sign: int,
    corpora: Sequence[str],
    *,
    size: tuple[float, float] = ANY,
    order: Sequence[str] = THE_PAPERS,
    labels: Sequence[str] = (),
) -> Result:
    """The claim that `other` is better than `one` (`sign` 1), worse (-1) or as good (0), by `size` (`evidence.judge`).

    It is judged on each of `corpora` that has records of both; what further corpora and protocols show stands beside.
    """
    every = {corpus: evidence.compared(one, other, corpus, order, labels) for corpus in corpora}
    first = [pairs[0] for pairs in every.values() if pairs]
    rest = [pair for pairs in every.values() for pair in pairs[1:]]
    if not labels:
        others = [c for c in (*paper.CORPUS_TITLES, *OURS) if c not in corpora]
        rest += [pair for c in others for pair in evidence.compared(one, other, c, order)[:1]]
    shown = {(report.corpus.name, report.protocol): (gap, report) for gap, report in [*reversed(rest), *first]}
    further = [(gap, report) for gap, report in reversed(shown.values()) if (gap, report) not in first]
    beside = "; ".join(f"{report.corpus.title}, {report.protocol}: {briefly(gap)}" for gap, report in further)
    if not first:
        where = " or ".join(paper.CORPUS_TITLES.get(corpus, f"`{corpus}`") for corpus in corpora)
        return Result(Verdict.NOT_TESTED, f"Not run on the same folds of {where}: `{one}`, `{other}`", beside)
    names = f"{jobs.title(other)} against {jobs.title(one)}"
    verdict = together(judge(gap, sign, size) for gap, _ in first)
    measured = ". ".join(f"{names}: {_at_length(*pair, (one, other))}" for pair in first)
    return Result(verdict, measured, beside)


def _at_length(gap: Comparison, report: Report, names: Sequence[str]) -> str:
    """A comparison as what judges a claim: difference in points, interval, bound, and on what."""
    few = "" if gap.enough else ", too few for a verdict"
    where = f"{report.corpus.title}, profile `{report.profile}`, {report.protocol}"
    ends = " and ".join(f"{100 * end:.0f} %" for end, _ in report.last_epochs(names[::-1]).values())
    trained = f"; training accuracy in the last epoch {ends}" if ends else ""
    return f"{points(gap)}; {where}, {spell(gap.folds, gap.kind)}{few}{trained}"


def table_2(corpus: str, evidence: Evidence) -> Result:
    """The proposed network against BBNN on a corpus of the paper; without records, what Table II alone supports."""
    result = compared(evidence, "bbnn", "proposed", 1, (corpus,), size=(paper.gain(corpus) / 100, float("inf")))
    if result.verdict is not Verdict.NOT_TESTED:
        return result
    one, two = (paper.TABLE_2[corpus, name].test / 100 for name in ("bbnn", "proposed"))
    clips = paper.tested_clips(corpus)
    return result._replace(
        measured=f"{result.measured}. Of Table II alone: on {clips} test clips two such accuracies "
        f"differ with p = {two_proportions(one, two, clips):.2f}, and a paired test would find "
        f"{100 * smallest_difference(clips):.1f} points.",
        link="{numref}`tab-table-2-alone`",
    )


def table_3(variation: str, evidence: Evidence) -> Result:
    """A variation against BBNN on GTZAN: it loses what Table III or the text says, or nothing."""
    losses = [loss / 100 for loss in (paper.loss(variation), paper.TABLE_3[variation].loss) if loss > 0]
    size = (min(losses), max(losses)) if losses else ANY
    return compared(evidence, "bbnn", variation, -1 if losses else 0, ("gtzan",), size=size)


def confused(corpus: str, evidence: Evidence) -> Result:
    """Whether the classes that the text names are among those that the proposed network mistakes most often.

    How sure that is, is seen by drawing the tested clips again, whole groups with all their tests: a pair is among the
    first in most draws, in few, or in neither.
    """
    pairs, report = paper.CONFUSED[corpus], evidence.fullest(corpus, "proposed")
    if report is None:
        return Result(Verdict.NOT_TESTED, f"`proposed` has no records of {paper.CORPUS_TITLES[corpus]}")
    ids, truth, probabilities = report.pooled("proposed")
    _, group = np.unique([report.groups.get(track_id, track_id) for track_id in ids], return_inverse=True)
    draws = metrics.resamples(group.max() + 1, DRAWS)[:, group]
    first, *drawn = (
        _mistaken(metrics.confusion(truth, probabilities, times), report.labels) for times in (None, *draws)
    )
    verdicts, told = [], []
    for pair in pairs:
        among = np.mean([ranked.index({*pair}) < most_confused(corpus) for ranked in drawn])
        sure = {True: Verdict.SUPPORTED, False: Verdict.NOT_SUPPORTED}[among > 0.5]
        verdicts.append(sure if report.enough("proposed") and max(among, 1 - among) >= LEVEL else Verdict.INCONCLUSIVE)
        often = f"of the first {most_confused(corpus)} in {100 * among:.0f} % of draws"
        told.append(f"{' and '.join(pair)} are number {1 + first.index({*pair})} ({often})")
    return Result(
        together(verdicts),
        f"Of {len(first)} pairs of classes by how often one is taken for the other, {'; '.join(told)}; first are "
        f"{' and '.join(sorted(first[0]))} ({report.corpus.title}, {report.protocol}, "
        f"{spell(len(report.of('proposed')), report.kind)}; a verdict takes {100 * LEVEL:.0f} % of draws)",
    )


def most_confused(corpus: str) -> int:
    """A pair of classes counts as confused if it is among so many pairs that are mistaken for each other most often."""
    return max(3, len(paper.CONFUSED[corpus]))


def _mistaken(counts: np.ndarray, labels: Sequence[str]) -> list[set[str]]:
    """Pairs of classes, those first of which one is named most often for the other, by share of a class's clips."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pairs = itertools.combinations(range(len(labels)), 2)
    return [{labels[i], labels[j]} for i, j in sorted(pairs, key=lambda ij: -(share[ij] + share[ij[::-1]]))]


def smaller_loss(evidence: Evidence) -> Result:
    """Whether the training loss of the proposed network ends below BBNN's."""
    lines, verdicts = [], []
    for corpus in ("gtzan", "fma-small"):
        if (report := evidence.fullest(corpus, "bbnn", "proposed")) is None:
            continue
        if not (folds := report.folds("bbnn", "proposed")):
            continue
        ends = [{r.config.fold: r.history["loss"].iloc[-1] for r in report.of(n)} for n in ("bbnn", "proposed")]
        before, after = np.array([[end[fold] for end in ends] for fold in sorted({*ends[0]} & {*ends[1]})]).T
        less, kind = before - after, report.kind
        ratio = 0.0 if kind == "seeds" else len(folds[0].ids) / folds[0].trained
        se = corrected_variance(less, ratio) ** 0.5 if len(less) > 1 else float("inf")
        gap = Comparison(float(less.mean()), se, max(len(less) - 1, 1), kind, len(less), 0)
        shown = direction(gap.low, gap.high) if gap.enough else ""
        verdicts.append({"better": Verdict.SUPPORTED, "worse": Verdict.NOT_SUPPORTED}.get(shown, Verdict.INCONCLUSIVE))
        lines.append(
            f"{report.corpus.title}: {before.mean():.2f} for BBNN, {abs(less.mean()):.2f} "
            f"{'lower' if less.mean() > 0 else 'higher'} for the proposed network (95 % interval of the difference "
            f"{-gap.high:+.2f} to {-gap.low:+.2f}, {spell(len(less), kind)})"
        )
    return Result(together(verdicts), "; ".join(lines) or "no records of both networks")
