"""The tests behind the claims that need no run: counted on models, on the paper's own tables or in benchmarks."""

from __future__ import annotations

from collections import Counter

from bnet.audit import measured, paper
from bnet.audit.evidence import Evidence, Result, Verdict, graded
from bnet.audit.literature import BOARDS, earlier_and_better, fits
from bnet.audit.words import briefly
from bnet.models import VARIANTS
from bnet.models.cost import cost
from bnet.models.drawing.words import number
from bnet.models.layers import Layer
from bnet.models.shapes import sections


def half_an_hour(evidence: Evidence) -> Result:
    """Time of 100 epochs on GTZAN: not on the paper's GPU, but on another."""
    record = measured.read("gpu", evidence.benchmarks)
    row = record and next((r for r in record["rows"] if r.get("frames") == 646 and r["ours"] == "float32"), None)
    if not row:
        return Result(Verdict.NOT_TESTED, "No GPU was at hand")
    steps = 100 * -(-round(0.8 * paper.TABLE_1_TOTALS["gtzan"]) // 8)
    minutes = steps * row["ours_median"] / row["steps"] / 60
    return Result(
        Verdict.NOT_TESTED,
        f"No Quadro RTX 5000 was at hand. On an {record['device']['name']} ({row['backend']}), {row['steps']} steps "
        f"took {row['ours_median']:.1f} s, so {steps} would take {minutes:.1f} min",
    )


def parameters(evidence: Evidence) -> Result:
    """'About 180k', within a twentieth, of both readings of the network."""
    drawn, built = map(_parameters, ("proposed", "proposed-released"))
    return Result(
        graded(*(abs(count / 180_000 - 1) < 0.05 for count in (drawn, built))),
        f"{number(drawn)} as Figure 1 draws it, {number(built)} as the notebooks build it, with ten classes",
    )


def state_of_the_art(evidence: Evidence) -> Result:
    """Is any earlier system better on the same corpus, by the same kind of split?"""
    named, none = [], []
    for corpus, title in paper.CORPUS_TITLES.items():
        found, ours = earlier_and_better(corpus), paper.TABLE_2[corpus, "proposed"].test
        if found.empty:
            none.append(title)
        else:
            name, accuracy = found.iloc[0][["name", "accuracy"]]
            named.append(f"{title}: {name} reported {accuracy:.1f} against {ours:.1f}")
    return Result(
        Verdict.NOT_SUPPORTED if named else Verdict.INCONCLUSIVE,
        f"Published until 2022 with random splits, {'; '.join(named)}; none is known here for "
        f"{', '.join(none) or 'no corpus'}",
    )


def more_maps(evidence: Evidence) -> Result:
    """More channels before the transition at no more parameters."""
    (maps, count), (maps_before, before) = ((_widest(name), _parameters(name)) for name in ("proposed", "bbnn"))
    said = f"{maps} maps against {maps_before}, with {number(count)} parameters against {number(before)}"
    return Result(graded(count <= before and maps > maps_before), said)


def fourth_block(evidence: Evidence) -> Result:
    """The parameters that the fourth block adds against those that go with the 3x3: section III-E's capacity."""
    base, without, before, after = map(_parameters, ("bbnn", "remove-3x3", "step-2", "step-3"))
    return Result(
        graded(after - before >= base - without),
        f"Without the 3x3 {number(base - without)} parameters go, the fourth block adds {number(after - before)}",
        "; ".join(
            f"accuracy against BBNN, {report.corpus.title}: {briefly(gap)}"
            for corpus in ("gtzan", "tunes")
            for gap, report in evidence.compared("bbnn", "step-3", corpus)[:1]
        ),
    )


def channels(evidence: Evidence) -> Result:
    """544 channels before the transition."""
    widest = _widest("proposed")
    return Result(graded(widest == 544), f"{widest} channels: {widest // 32} feature maps of 32 filters")


def convolutions(evidence: Evidence) -> Result:
    """22 convolutions, five 3x3 and seventeen 1x1: true of the notebooks' network, not of Figure 1's."""
    told, right = [], []
    for name, where in (("proposed", "as Figure 1 draws it"), ("proposed-released", "as the notebooks build it")):
        sizes = [layer.arguments["kernel_size"] for layer in _layers(name) if layer.kind == "Conv2D"]
        kernels = Counter("x".join(map(str, size)) for size in sizes)
        right.append(dict(kernels) == {"3x3": 5, "1x1": 17})
        counts = ", ".join(f"{number} of {kernel}" for kernel, number in sorted(kernels.items()))
        told.append(f"{kernels.total()} {where} ({counts})")
    return Result(graded(*right), "; ".join(told))


def _parameters(name: str) -> int:
    """Parameters of a network with ten classes."""
    return cost(VARIANTS[name], 10).parameters


def _layers(name: str) -> list[Layer]:
    return [layer for part in sections(VARIANTS[name]) for layer in part.layers]


def _widest(name: str) -> int:
    """Channels of the last concatenation: what the transition reads."""
    return max(layer.shape[-1] for layer in _layers(name) if layer.kind == "Concatenate")


def fma_gain(evidence: Evidence) -> Result:
    """3 % in the text against Table II."""
    gain = paper.gain("fma-small")
    relative = 100 * gain / paper.TABLE_2["fma-small", "bbnn"].test
    return Result(graded(round(gain) == 3), f"Table II has {gain:.1f} points, {relative:.1f} % of BBNN's accuracy")


def losses(evidence: Evidence) -> Result:
    """The losses named in section III-E against the two tables."""
    agree = [abs(row.loss - paper.loss(name)) <= 0.5 for name, row in paper.TABLE_3.items() if row.loss > 0]
    return Result(graded(*agree), f"{sum(agree)} of {len(agree)} losses are the difference between the tables")


def xception_size(evidence: Evidence) -> Result:
    """About 141 000, about 75 % of BBNN."""
    small, base = map(_parameters, ("xception", "bbnn"))
    near = abs(small / 141_000 - 1) < 0.05 and abs(small / base - 0.75) < 0.03
    return Result(graded(near), f"{number(small)} parameters, {100 * small / base:.0f} % of BBNN's")


def embedded(evidence: Evidence) -> Result:
    """Memory and time of one prediction for 30 s, in integers: which small computers have the memory?

    The maps' least memory is counted on the LiteRT file, its time measured on one thread of another machine: what holds
    is that it fits, not that it was seen to run.
    """
    record = measured.read("inference", evidence.benchmarks)
    if record is None:
        return Result(Verdict.NOT_TESTED, "Sizes and times of a prediction were not measured: `make bench` does.")
    form = next(f for f in record["forms"] if f["network"] == "proposed" and f["form"] == "litert-int8")
    took = next(r for r in record["rows"] if r.get("way") == "LiteRT int8" and r["seconds"] == 30 and r["unit"] == "s")
    room = form["working"]["30"]
    found = fits(room, form["bytes"])
    micro, single = (found[BOARDS["kind"] == kind] for kind in ("microcontroller", "single-board computer"))
    return Result(
        graded(*found),
        f"Quantised to 8-bit integers the model file is {form['bytes'] / 2**10:.0f} KiB. For 30 s of audio the feature "
        f"maps need at least {room / 2**20:.0f} MiB, and a prediction takes {took['ours_median']:.2f} s on one thread "
        f"of the measuring machine. {sum(single)} of {len(single)} single-board computers and {sum(micro)} of "
        f"{len(micro)} microcontrollers looked at have that much memory; no device was tested",
    )
