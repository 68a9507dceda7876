"""The tests behind the claims: each takes the evidence and returns a finding; none holds a result of ours."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from bnet.audit import paper
from bnet.audit.boards import BOARDS
from bnet.audit.evidence import OURS, THE_PAPERS, Evidence, Finding, Verdict, briefly, judge, said, together
from bnet.audit.since import earlier_and_better
from bnet.corpora import SR
from bnet.models import TABLE_3
from bnet.sound import log_mel
from bnet.statistics import metrics
from bnet.statistics.comparison import (
    ENOUGH,
    Comparison,
    corrected_variance,
    direction,
    smallest_difference,
    two_proportions,
)

Check = Callable[[Evidence], Finding]

MOST_CONFUSED = 3
"""A pair of classes counts as confused if it is among so many pairs that are mistaken for each other most often."""

_PAGES = {
    "proposed": "{doc}`table-2`",
    "svm-rhythm": "{doc}`rhythm-or-tempo`",
}


def compared(
    one: str,
    other: str,
    sign: int,
    corpora: Sequence[str],
    *,
    size: float = 0.0,
    order: Sequence[str] = THE_PAPERS,
    labels: Sequence[str] = (),
) -> Check:
    """The claim that `other` is better than `one` (`sign` 1), worse (-1) or as good (0), by `size`.

    It is judged on each of `corpora` that has records of both; what further corpora and protocols show stands beside.
    """
    link = _PAGES.get(other, f"{{ref}}`ablation-{other if other in TABLE_3 else 'steps'}`")

    def check(evidence: Evidence) -> Finding:
        every = {corpus: evidence.compared(one, other, corpus, order, labels) for corpus in corpora}
        first = [found[0] for found in every.values() if found]
        rest = [pair for found in every.values() for pair in found[1:]]
        if not labels:
            further = [c for c in (*paper.CORPUS_TITLES, *OURS) if c not in corpora]
            rest += [pair for c in further for pair in evidence.compared(one, other, c, order)[:1]]
        shown = {(report.corpus.name, report.protocol): (found, report) for found, report in [*reversed(rest), *first]}
        beside = "; ".join(briefly(*pair) for pair in reversed(shown.values()) if pair not in first)
        if not first:
            where = " or ".join(paper.CORPUS_TITLES.get(corpus, f"`{corpus}`") for corpus in corpora)
            return Finding(
                Verdict.NOT_TESTED, f"`{one}` and `{other}` have no records on the same folds of {where}", link, beside
            )
        verdict = together(judge(found, sign, size) for found, _ in first)
        return Finding(verdict, ". ".join(said(*pair, one, other) for pair in first), link, beside)

    return check


def not_tested(why: str) -> Check:
    """A claim for which there is no test here, with the reason or what would be needed."""
    return lambda evidence: Finding(Verdict.NOT_TESTED, why)


def table_2(corpus: str) -> Check:
    """The proposed network against BBNN on a corpus of the paper; without records, what Table II alone supports."""
    measure = compared("bbnn", "proposed", 1, (corpus,), size=paper.gain(corpus) / 100)

    def check(evidence: Evidence) -> Finding:
        found = measure(evidence)
        if found.verdict is not Verdict.NOT_TESTED:
            return found
        one, two = paper.TABLE_2[corpus, "bbnn"], paper.TABLE_2[corpus, "proposed"]
        clips = paper.tested_clips(corpus)
        p = two_proportions(one.test / 100, two.test / 100, clips)
        return Finding(
            Verdict.NOT_TESTED,
            f"No copy of the corpus was at hand. Of Table II alone: on {clips} test clips two such accuracies differ "
            f"with p = {p:.2f}, and a paired test would find {100 * smallest_difference(clips):.1f} points.",
            "{numref}`tab-table-2-alone`",
            found.beside,
        )

    return check


def confused(corpus: str) -> Check:
    """Whether the classes that the text names are among those that the proposed network mistakes most often."""
    pairs = paper.CONFUSED[corpus]

    def check(evidence: Evidence) -> Finding:
        report = evidence.fullest(corpus, "proposed")
        if report is None:
            return Finding(Verdict.NOT_TESTED, f"`proposed` has no records of {paper.CORPUS_TITLES[corpus]}")
        _, truth, probabilities = report.pooled("proposed")
        counts = metrics.confusion(truth, probabilities)
        share = counts / counts.sum(axis=1, keepdims=True)
        mutual = {
            frozenset((report.labels[i], report.labels[j])): share[i, j] + share[j, i]
            for i, j in itertools.combinations(range(len(share)), 2)
        }
        ranked = sorted(mutual, key=lambda pair: -mutual[pair])
        ranks = {pair: 1 + ranked.index(frozenset(pair)) for pair in pairs}
        inside = sum(rank <= MOST_CONFUSED for rank in ranks.values())
        told = "; ".join(f"{a} and {b} are number {rank}" for (a, b), rank in ranks.items())
        verdict = Verdict.SUPPORTED if inside == len(pairs) else Verdict.PARTLY if inside else Verdict.NOT_SUPPORTED
        enough = len(report.of("proposed")) >= ENOUGH["seeds" if report.protocol == "official" else "splits"]
        return Finding(
            verdict if enough else Verdict.INCONCLUSIVE,
            f"Of {len(ranked)} pairs of classes by how often one is taken for the other, {told}; first are "
            f"{' and '.join(sorted(ranked[0]))} ({report.corpus.title}, {report.protocol}, "
            f"folds: {report.folds_of('proposed')})",
            f"{{doc}}`corpora/{corpus}`",
        )

    return check


def smaller_loss(*corpora: str) -> Check:
    """Whether the training loss of the proposed network ends below BBNN's."""

    def check(evidence: Evidence) -> Finding:
        lines, verdicts = [], []
        for corpus in corpora:
            report = evidence.fullest(corpus, "bbnn", "proposed")
            if report is None:
                continue
            ends = [{r.config.fold: r.history["loss"].iloc[-1] for r in report.of(n)} for n in ("bbnn", "proposed")]
            folds = report.folds("bbnn", "proposed")
            less = np.array([ends[0][fold] - ends[1][fold] for fold in sorted(set(ends[0]) & set(ends[1]))])
            kind = "seeds" if report.protocol == "official" else "splits"
            ratio = 0.0 if kind == "seeds" else len(folds[0].ids) / folds[0].trained
            se = corrected_variance(less, ratio) ** 0.5 if len(less) > 1 else float("inf")
            found = Comparison(float(less.mean()), se, max(len(less) - 1, 1), kind, len(less), 0)
            shown = direction(found.low, found.high) if found.enough else ""
            verdicts.append(
                {"better": Verdict.SUPPORTED, "worse": Verdict.NOT_SUPPORTED}.get(shown, Verdict.INCONCLUSIVE)
            )
            lines.append(
                f"{report.corpus.title}: {np.mean([*ends[0].values()]):.2f} for BBNN, less by {less.mean():+.2f} for "
                f"the proposed network (95 % interval {found.low:+.2f} to {found.high:+.2f}, {len(less)} folds)"
            )
        links = " ".join(f"{{doc}}`corpora/{corpus}`" for corpus in corpora)
        return Finding(together(verdicts), "; ".join(lines) or "no records of both networks", links)

    return check


def half_an_hour(evidence: Evidence) -> Finding:
    """Time of 100 epochs on GTZAN: not on the paper's GPU, but on another."""
    record = evidence.benchmark("gpu")
    row = record and next((r for r in record["rows"] if r.get("frames") == 646 and r["ours"] == "float32"), None)
    if not row:
        return Finding(Verdict.NOT_TESTED, "No GPU was at hand")
    steps = 100 * -(-round(0.8 * paper.TABLE_1_TOTALS["gtzan"]) // 8)
    minutes = steps * row["ours_median"] / row["steps"] / 60
    return Finding(
        Verdict.NOT_TESTED,
        f"No Quadro RTX 5000 was at hand. On an {record['device']['name']} ({row['backend']}), {row['steps']} steps "
        f"took {row['ours_median']:.1f} s, so {steps} would take {minutes:.0f} min",
        "{doc}`speed`",
    )


def parameters(evidence: Evidence) -> Finding:
    """'About 180k', within a twentieth, of both readings of the network."""
    counts = {name: evidence.build(name).count_params() for name in ("proposed", "proposed-released")}
    near = [abs(count / 180_000 - 1) < 0.05 for count in counts.values()]
    return Finding(
        Verdict.SUPPORTED if all(near) else Verdict.PARTLY if any(near) else Verdict.NOT_SUPPORTED,
        f"{counts['proposed']:,} as Figure 1 draws it, {counts['proposed-released']:,} as the notebooks build it, with "
        "ten classes",
        "{doc}`networks`",
    )


def twelve(evidence: Evidence) -> Finding:
    """Rows of Table III."""
    return Finding(
        Verdict.SUPPORTED if len(TABLE_3) == 12 else Verdict.PARTLY,
        f"Table III has {len(TABLE_3)} rows; the text describes them in twelve numbered sections",
        "{doc}`ablations`",
    )


def state_of_the_art(evidence: Evidence) -> Finding:
    """Is any earlier system better on the same corpus, by the same kind of split?"""
    found = {corpus: earlier_and_better(corpus) for corpus in paper.CORPUS_TITLES}
    beaten = {corpus: systems[0] for corpus, systems in found.items() if systems}
    named = "; ".join(
        f"{paper.CORPUS_TITLES[corpus]}: {system.name} reported {system.accuracy:.1f} against "
        f"{paper.TABLE_2[corpus, 'proposed'].test:.1f}"
        for corpus, system in beaten.items()
    )
    none = [paper.CORPUS_TITLES[corpus] for corpus in found if corpus not in beaten]
    return Finding(
        (Verdict.NOT_SUPPORTED if not none else Verdict.PARTLY) if beaten else Verdict.INCONCLUSIVE,
        f"Published until 2022 with random splits, {named}; none is known here for {', '.join(none) or 'no corpus'}",
        "{ref}`since`",
    )


def more_maps(evidence: Evidence) -> Finding:
    """More channels before the transition at no more parameters."""
    one, two = evidence.build("bbnn"), evidence.build("proposed")
    maps = [_widest(model) for model in (one, two)]
    fewer = two.count_params() <= one.count_params()
    return Finding(
        Verdict.SUPPORTED if fewer and maps[1] > maps[0] else Verdict.NOT_SUPPORTED,
        f"{maps[1]} maps against {maps[0]}, with {two.count_params()} parameters against {one.count_params()}",
        "{doc}`networks`",
    )


def channels(evidence: Evidence) -> Finding:
    """544 channels before the transition."""
    widest = _widest(evidence.build("proposed"))
    verdict = Verdict.SUPPORTED if widest == 544 else Verdict.NOT_SUPPORTED
    return Finding(verdict, f"{widest} channels", "{doc}`networks`")


def convolutions(evidence: Evidence) -> Finding:
    """22 convolutions, five 3x3 and seventeen 1x1: true of the notebooks' network, not of Figure 1's."""
    counts = {name: _kernels(evidence.build(name)) for name in ("proposed", "proposed-released")}
    right = [dict(count) == {"3x3": 5, "1x1": 17} for count in counts.values()]
    told = [
        f"{count.total()} {where} ({', '.join(f'{number} of {kernel}' for kernel, number in sorted(count.items()))})"
        for count, where in zip(counts.values(), ("as Figure 1 draws it", "as the notebooks build it"), strict=True)
    ]
    return Finding(
        Verdict.SUPPORTED if all(right) else Verdict.PARTLY if any(right) else Verdict.NOT_SUPPORTED,
        "; ".join(told),
        "{doc}`networks`",
    )


def mel_range(evidence: Evidence) -> Finding:
    """The Nyquist frequency of the sampling rate."""
    return Finding(
        Verdict.SUPPORTED if SR / 2 >= 22_050 else Verdict.NOT_SUPPORTED,
        f"Sound sampled at {SR} Hz holds nothing above {SR // 2} Hz; the mel filters end there",
        "{doc}`features`",
    )


def input_size(evidence: Evidence) -> Finding:
    """Frames of 30 s."""
    frames = log_mel.frames(30)
    return Finding(
        Verdict.PARTLY if frames in (646, 647) else Verdict.NOT_SUPPORTED,
        f"{frames} frames of 128 bands",
        "{doc}`features`",
    )


def ten_fold(evidence: Evidence) -> Finding:
    """What the published notebooks do."""
    return Finding(
        Verdict.NOT_SUPPORTED,
        "The published notebooks draw a new random split for every 'fold', so that parts overlap; four of them draw "
        "again until the test accuracy passes a threshold",
        "{doc}`sources`",
    )


def fma_gain(evidence: Evidence) -> Finding:
    """3 % in the text against Table II."""
    gain = paper.gain("fma-small")
    relative = 100 * gain / paper.TABLE_2["fma-small", "bbnn"].test
    return Finding(
        Verdict.SUPPORTED if round(gain) == 3 else Verdict.NOT_SUPPORTED,
        f"Table II has {gain:.1f} points, {relative:.1f} % of BBNN's accuracy",
        "{numref}`tab-table-2-alone`",
    )


def losses(evidence: Evidence) -> Finding:
    """The losses named in section III-E against the two tables."""
    base = paper.TABLE_2["gtzan", "bbnn"].test
    gaps = {name: (loss, base - paper.TABLE_3[name].test) for name, loss in paper.TABLE_3_LOSSES.items()}
    agree = [name for name, (loss, gap) in gaps.items() if abs(loss - gap) <= 0.5]
    return Finding(
        Verdict.SUPPORTED if len(agree) == len(gaps) else Verdict.PARTLY if agree else Verdict.NOT_SUPPORTED,
        f"{len(agree)} of {len(gaps)} losses are the difference between the tables",
        "{doc}`ablations`",
    )


def xception_size(evidence: Evidence) -> Finding:
    """About 141 000, about 75 % of BBNN."""
    small, base = evidence.build("xception").count_params(), evidence.build("bbnn").count_params()
    near = abs(small / 141_000 - 1) < 0.05 and abs(small / base - 0.75) < 0.03
    return Finding(
        Verdict.SUPPORTED if near else Verdict.NOT_SUPPORTED,
        f"{small} parameters, {100 * small / base:.0f} % of BBNN's",
        "{ref}`ablation-xception`",
    )


def embedded(evidence: Evidence) -> Finding:
    """Memory and time of one prediction for 30 s, in integers: which small computers have the memory?

    The maps' least memory is counted on the LiteRT file, its time measured on one thread of another machine: what holds
    is that it fits, not that it was seen to run.
    """
    record = evidence.benchmark("inference")
    if record is None:
        return Finding(Verdict.NOT_TESTED, "Sizes and times of a prediction were not measured: `make bench` does.")
    form = next(f for f in record["forms"] if f["network"] == "proposed" and f["form"] == "litert-int8")
    took = next(r for r in record["rows"] if r.get("way") == "LiteRT int8" and r["seconds"] == 30 and r["unit"] == "s")
    room = form["working"]["30"]
    fit = [board for board in BOARDS if board.holds(room, form["bytes"])]
    small = sum(board.kind == "microcontroller" for board in BOARDS)
    fitting = sum(board.kind == "microcontroller" for board in fit)
    return Finding(
        Verdict.SUPPORTED if len(fit) == len(BOARDS) else Verdict.PARTLY if fit else Verdict.NOT_SUPPORTED,
        f"In integers of 8 bits the file has {form['bytes'] / 2**10:.0f} KiB, and 30 s of sound take "
        f"{room / 2**20:.0f} MiB for the maps at least and {took['ours_median']:.2f} s on one thread of the measuring "
        f"machine. {len(fit) - fitting} of {len(BOARDS) - small} single-board computers and {fitting} of {small} "
        "microcontrollers looked at have that memory; none was at hand",
        "{doc}`small-device`",
    )


def _widest(model) -> int:
    """Channels of the last concatenation: what the transition reads."""
    return max(layer.output.shape[-1] for layer in model.layers if type(layer).__name__ == "Concatenate")


def _kernels(model) -> Counter:
    """Kernel size -> number of convolutions."""
    sizes = [layer.kernel_size for layer in model.layers if type(layer).__name__ == "Conv2D"]
    return Counter("x".join(map(str, size)) for size in sizes)
