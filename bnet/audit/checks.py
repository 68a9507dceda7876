"""The tests behind the claims: each takes the evidence and returns a finding; none holds a result of ours.

One split alone settles nothing: a comparison of trainings needs two folds at least to say more than 'not settled'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bnet.audit import paper
from bnet.audit.boards import BOARDS
from bnet.audit.evidence import Evidence, Finding, Verdict, said
from bnet.audit.since import earlier_and_better
from bnet.corpora import SR
from bnet.models import TABLE_3
from bnet.sound import log_mel
from bnet.statistics.comparison import smallest_difference, two_proportions

Check = Callable[[Evidence], Finding]

_BETTER = {"better": Verdict.HOLDS, "worse": Verdict.FAILS, "equivalent": Verdict.FAILS, "can't be told": Verdict.OPEN}
_WORSE = {"worse": Verdict.HOLDS, "better": Verdict.FAILS, "equivalent": Verdict.FAILS, "can't be told": Verdict.OPEN}
_EQUAL = {"equivalent": Verdict.HOLDS, "better": Verdict.FAILS, "worse": Verdict.FAILS, "can't be told": Verdict.OPEN}
_PAGES = {
    "step-2": "ablations/steps",
    "step-3": "ablations/steps",
    "proposed": "table-2",
    "svm-rhythm": "corpora/tunes",
}


def better(one: str, other: str) -> Check:
    """The claim that `other` is better than `one`."""
    return _compared(one, other, _BETTER)


def worse(one: str, other: str) -> Check:
    """The claim that `other` is worse than `one`."""
    return _compared(one, other, _WORSE)


def equal(one: str, other: str) -> Check:
    """The claim that `other` is as good as `one`."""
    return _compared(one, other, _EQUAL)


def untold(why: str) -> Check:
    """A claim that no measurement could decide, with the reason."""
    return lambda evidence: Finding(Verdict.UNTOLD, why)


def not_run(why: str) -> Check:
    """A claim for which nothing was run, with what would be needed."""
    return lambda evidence: Finding(Verdict.NOT_RUN, why)


def table_2(corpus: str) -> Check:
    """The proposed network against BBNN on a corpus of the paper; without records, what Table II alone supports."""

    def check(evidence: Evidence) -> Finding:
        found = evidence.on_paper_corpus(corpus)
        if found:
            settled = _BETTER[found[0].verdict] if found[0].posterior else Verdict.OPEN
            return Finding(settled, said(*found, "bbnn", "proposed"), "{doc}`table-2`")
        one, two = paper.TABLE_2[corpus, "bbnn"], paper.TABLE_2[corpus, "proposed"]
        clips = paper.tested_clips(corpus)
        p = two_proportions(one.test / 100, two.test / 100, clips)
        return Finding(
            Verdict.NOT_RUN,
            f"No copy of the corpus was at hand. Table II alone can't tell: on {clips} test clips two such accuracies "
            f"differ with p = {p:.2f}, and a paired test would find {100 * smallest_difference(clips):.1f} points.",
            "{numref}`tab-table-2-alone`",
        )

    return check


def parameters(evidence: Evidence) -> Finding:
    """'About 180k', within a twentieth, of both readings of the network."""
    counts = {name: evidence.build(name).count_params() for name in ("proposed", "proposed-released")}
    near = [abs(count / 180_000 - 1) < 0.05 for count in counts.values()]
    return Finding(
        Verdict.HOLDS if all(near) else Verdict.IN_PART if any(near) else Verdict.FAILS,
        f"{counts['proposed']:,} as Figure 1 draws it, {counts['proposed-released']:,} as the notebooks build it, with "
        "ten classes",
        "{doc}`networks`",
    )


def twelve(evidence: Evidence) -> Finding:
    """Rows of Table III."""
    return Finding(
        Verdict.HOLDS if len(TABLE_3) == 12 else Verdict.IN_PART,
        f"Table III has {len(TABLE_3)} rows; the text describes them in twelve numbered sections",
        "{doc}`ablations/table-3`",
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
    return Finding(
        (Verdict.FAILS if len(beaten) == len(found) else Verdict.IN_PART) if beaten else Verdict.OPEN,
        f"Published until 2022 with random splits, {named}"
        if named
        else "No earlier system under such splits is known here.",
        "{doc}`since`",
    )


def more_maps(evidence: Evidence) -> Finding:
    """More channels before the transition at no more parameters."""
    one, two = evidence.build("bbnn"), evidence.build("proposed")
    maps = [_widest(model) for model in (one, two)]
    fewer = two.count_params() <= one.count_params()
    return Finding(
        Verdict.HOLDS if fewer and maps[1] > maps[0] else Verdict.FAILS,
        f"{maps[1]} maps against {maps[0]}, with {two.count_params()} parameters against {one.count_params()}",
        "{doc}`networks`",
    )


def channels(evidence: Evidence) -> Finding:
    """544 channels before the transition."""
    widest = _widest(evidence.build("proposed"))
    return Finding(Verdict.HOLDS if widest == 544 else Verdict.FAILS, f"{widest} channels", "{doc}`networks`")


def convolutions(evidence: Evidence) -> Finding:
    """22 convolutions, five 3x3 and seventeen 1x1: true of the notebooks' network, not of Figure 1's."""
    counts = {name: _kernels(evidence.build(name)) for name in ("proposed", "proposed-released")}
    right = [dict(count) == {"3x3": 5, "1x1": 17} for count in counts.values()]
    told = [
        f"{count.total()} {where} ({', '.join(f'{number} of {kernel}' for kernel, number in sorted(count.items()))})"
        for count, where in zip(counts.values(), ("as Figure 1 draws it", "as the notebooks build it"), strict=True)
    ]
    return Finding(
        Verdict.HOLDS if all(right) else Verdict.IN_PART if any(right) else Verdict.FAILS,
        "; ".join(told),
        "{doc}`networks`",
    )


def mel_range(evidence: Evidence) -> Finding:
    """The Nyquist frequency of the sampling rate."""
    return Finding(
        Verdict.HOLDS if SR / 2 >= 22_050 else Verdict.FAILS,
        f"Sound sampled at {SR} Hz holds nothing above {SR // 2} Hz; the mel filters end there",
        "{doc}`features`",
    )


def input_size(evidence: Evidence) -> Finding:
    """Frames of 30 s."""
    frames = log_mel.frames(30)
    return Finding(
        Verdict.IN_PART if frames in (646, 647) else Verdict.FAILS,
        f"{frames} frames of 128 bands",
        "{doc}`features`",
    )


def ten_fold(evidence: Evidence) -> Finding:
    """What the published notebooks do."""
    return Finding(
        Verdict.FAILS,
        "The published notebooks draw a new random split for every 'fold', so that parts overlap; four of them draw "
        "again until the test accuracy passes a threshold",
        "{doc}`differences`",
    )


def fma_gain(evidence: Evidence) -> Finding:
    """3 % in the text against Table II."""
    gain = paper.gain("fma-small")
    relative = 100 * gain / paper.TABLE_2["fma-small", "bbnn"].test
    return Finding(
        Verdict.HOLDS if round(gain) == 3 else Verdict.FAILS,
        f"Table II has {gain:.1f} points, {relative:.1f} % of BBNN's accuracy",
        "{numref}`tab-table-2-alone`",
    )


def losses(evidence: Evidence) -> Finding:
    """The losses named in section III-E against the two tables."""
    base = paper.TABLE_2["gtzan", "bbnn"].test
    gaps = {name: (loss, base - paper.TABLE_3[name].test) for name, loss in paper.TABLE_3_LOSSES.items()}
    agree = [name for name, (loss, gap) in gaps.items() if abs(loss - gap) <= 0.5]
    return Finding(
        Verdict.HOLDS if len(agree) == len(gaps) else Verdict.IN_PART if agree else Verdict.FAILS,
        f"{len(agree)} of {len(gaps)} losses are the difference between the tables",
        "{doc}`ablations/table-3`",
    )


def xception_size(evidence: Evidence) -> Finding:
    """About 141 000, about 75 % of BBNN."""
    small, base = evidence.build("xception").count_params(), evidence.build("bbnn").count_params()
    near = abs(small / 141_000 - 1) < 0.05 and abs(small / base - 0.75) < 0.03
    return Finding(
        Verdict.HOLDS if near else Verdict.FAILS,
        f"{small} parameters, {100 * small / base:.0f} % of BBNN's",
        "{doc}`ablations/xception`",
    )


def embedded(evidence: Evidence) -> Finding:
    """Memory and time of one prediction for 30 s, in integers: which small computers have the memory?

    The maps' least memory is counted on the LiteRT file, its time measured on one thread of another machine: what holds
    is that it fits, not that it was seen to run.
    """
    record = evidence.benchmark("inference")
    if record is None:
        return Finding(Verdict.NOT_RUN, "Sizes and times of a prediction were not measured: `make bench` does.")
    form = next(f for f in record["forms"] if f["network"] == "proposed" and f["form"] == "litert-int8")
    took = next(r for r in record["rows"] if r.get("way") == "LiteRT int8" and r["seconds"] == 30 and r["unit"] == "s")
    room = form["working"]["30"]
    fit = [board for board in BOARDS if board.holds(room, form["bytes"])]
    small = sum(board.kind == "microcontroller" for board in BOARDS)
    fitting = sum(board.kind == "microcontroller" for board in fit)
    return Finding(
        Verdict.HOLDS if len(fit) == len(BOARDS) else Verdict.IN_PART if fit else Verdict.FAILS,
        f"In integers of 8 bits the file has {form['bytes'] / 2**10:.0f} KiB, and 30 s of sound take "
        f"{room / 2**20:.0f} MiB for the maps at least and {took['ours_median']:.2f} s on one thread of the measuring "
        f"machine. {len(fit) - fitting} of {len(BOARDS) - small} single-board computers and {fitting} of {small} "
        "microcontrollers looked at have that memory; none was at hand",
        "{doc}`small-device`",
    )


def _compared(one: str, other: str, verdicts: dict[str, Verdict]) -> Check:
    def check(evidence: Evidence) -> Finding:
        found = evidence.pair(one, other)
        page = _PAGES.get(other, f"ablations/{other}" if other in TABLE_3 else "ablations/steps")
        link = "{doc}`" + page + "`"
        if not found:
            return Finding(Verdict.NOT_RUN, f"`{one}` and `{other}` have no records on the same folds", link)
        settled = verdicts[found[0].verdict] if found[0].posterior else Verdict.OPEN
        return Finding(settled, said(*found, one, other), link)

    return check


def _widest(model) -> int:
    """Channels of the last concatenation: what the transition reads."""
    return max(layer.output.shape[-1] for layer in model.layers if type(layer).__name__ == "Concatenate")


def _kernels(model) -> Counter:
    """Kernel size -> number of convolutions."""
    sizes = [layer.kernel_size for layer in model.layers if type(layer).__name__ == "Conv2D"]
    return Counter("x".join(map(str, size)) for size in sizes)
