# %% [markdown]
# # Speed
#
# Each block of these networks reads what **all** blocks before it have made. A plain implementation copies all of it into one large
# array for every consumer, and keeps a normalised copy for the backward pass: it moves far more data between processor and
# memory than the arithmetic needs.
#
# `bnet` trains on a processor with a **lean step**: it never makes those copies, normalises each feature map once for all its consumers,
# and recomputes in the backward pass what the plain implementation keeps. The mathematics is the same. This page shows what was
# measured, always against a named peer, both in the same run, alternating; less is better throughout.

# %% tags=["remove-cell"]
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from bnet.audit import measured, plots
from bnet.book import myst
from bnet.models import VARIANTS
from bnet.runs.jobs import title
from bnet.sound import log_mel
from bnet.training.lean.plan import NoPlanError, plan

plots.style()
training, equality, features, scale, inference, jobs, gpu, gpu_step, gpu_equality = (
    measured.read(name)
    for name in (
        *("training_step", "equality", "features", "features_scale", "inference", "jobs"),
        *("gpu", "gpu_step", "gpu_equality"),
    )
)
LEAN, PLAIN = plots.PALETTE[0], plots.PALETTE[3]
KINDS = {"": "with AVX-512", "_without_avx512": "without AVX-512, as in most laptops"}


def kind_of(record, suffix):
    """The processor of a record in words."""
    return "whose AVX-512 was switched off, which most laptops lack" if record.get("no_avx512") else KINDS[suffix]


def steps(measure="s", record=training, **fields):
    """Rows of the training step that have these fields."""
    rows = record["rows"] if record else []
    return [row for row in rows if row["measure"] == measure and all(row[k] == v for k, v in fields.items())]


def not_run(what, name):
    myst.not_run(f"{what} has no record yet. The command writes it; the page then draws it.", measured.command(name))


def listed(record, name, what, label):
    """A benchmark's rows as a table, and where they come from; or that it was not run."""
    if not record:
        not_run(what, name)
        return
    if record["rows"]:
        myst.table(
            measured.ratios(record["rows"]), f"{what}: medians, with the smallest and largest.", label, cards=True
        )
    myst.provenance(measured.origin(record, name))


def no_lean_step(name):
    """Why a network has none, on a processor; '' if it has."""
    try:
        plan(VARIANTS[name])
    except NoPlanError as error:
        return str(error)
    return ""


def percent(ratio):
    return f"{100 * ratio:.0f} %"


# %% [markdown]
# ## One training step
#
# A forward and a backward pass of eight clips, and the update of the weights. The peer is the same network as a plain Keras graph,
# as the authors wrote it.

# %% tags=["remove-input"]
batch = 8


def cells_of(record):
    """Frames -> pairs of rows, of time and memory."""
    found = {}
    for row in steps(record=record, batch=batch):
        fields = {"variant": row["variant"], "frames": row["frames"], "batch": batch}
        found.setdefault(row["frames"], []).append((row, steps("bytes", record, **fields)[0]))
    return dict(sorted(found.items()))


cells = cells_of(training)
most = max(cells, key=lambda frames: len(cells[frames]), default=None)
if most:
    chosen = cells[most]
    fig, ax = plt.subplots(figsize=(6.8, 0.42 * len(chosen) + 1.6), layout="constrained")
    positions = np.arange(len(chosen))[::-1]
    for which, label, marker, colour in ((0, "time", "o", LEAN), (1, "peak memory", "s", plots.PALETTE[2])):
        shares = [100 * pair[which]["ratio"] for pair in chosen]
        ax.plot(shares, positions, marker, color=colour, markersize=8, label=label)
        aims = {pair[which]["at_most"] for pair in chosen if "at_most" in pair[which]}
        for aim in aims:
            ax.axvline(
                100 * aim, color=colour, linestyle=":", linewidth=1.4, label=f"aim for {label}: {100 * aim:.0f} %"
            )
    ax.set(yticks=positions, xlabel="lean step, % of the plain graph's")
    ax.set_yticklabels([title(pair[0]["variant"]) for pair in chosen])
    ax.set_xlim(0, max(105, 1.05 * max(100 * row["ratio"] for pair in chosen for row in pair)))
    ax.set_ylim(-0.6, len(chosen) - 0.4)
    ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, frameon=False)
    myst.figure(
        fig,
        f"Time and peak memory of a training step of {batch} clips of {most} frames: the lean step's share of the plain graph's.",
        "fig-speed-step",
        "The lean step takes "
        + "; ".join(
            f"for {title(a['variant'])} {percent(a['ratio'])} of the time and {percent(b['ratio'])} of the memory"
            for a, b in chosen
        )
        + ".",
    )
else:
    not_run("The training step", "training_step")


# %% tags=["remove-input"]
def step_tables(record, suffix):
    """Tables of training steps by length, what they say, and where they come from."""
    cells = cells_of(record)
    for frames in reversed(cells):
        frame = pd.DataFrame(
            [
                {
                    "Network": title(a["variant"]),
                    "Lean, s": a["ours_median"],
                    "Plain, s": a["peer_median"],
                    "Time, %": 100 * a["ratio"],
                    "Lean, GiB": b["ours_median"] / 2**30,
                    "Plain, GiB": b["peer_median"] / 2**30,
                    "Memory, %": 100 * b["ratio"],
                }
                for a, b in cells[frames]
            ]
        )
        myst.table(
            frame,
            f"A training step of {batch} clips of {frames} frames on a processor {kind_of(record, suffix)}: medians of {min(a['repetitions'] for a, _ in cells[frames])} "
            "steps or more after the first, and peak memory of the process.",
            f"tab-speed-step-{frames}{suffix}",
            formats={name: ".1f" if "%" in name else ".2f" for name in frame.columns},
        )
    without = dict.fromkeys(row["variant"] for row in record["plain"])
    aimed = [row for row in record["rows"] if "kept" in row]
    said = []
    for measure, words in (("s", "time"), ("bytes", "peak memory")):
        of = [row for row in aimed if row["measure"] == measure]
        if not of:
            continue
        worst, kept = max(of, key=lambda row: row["ratio"]), sum(row["kept"] for row in of)
        said.append(
            f"- **{words.capitalize()}**: at most {percent(of[0]['at_most'])} was aimed at, for {len(of)} pairs of a network and a length of 216 or 646 frames. "
            f"{kept} keep it"
            + (
                f"; the furthest from it is {worst['variant']} at {worst['frames']} frames, with {percent(worst['ratio'])}."
                if kept < len(of)
                else "."
            )
        )
    if said:
        least = min(b["ours_median"] for pairs in cells.values() for _, b in pairs)
        said.append(
            f"- Memory is that of the whole process, TensorFlow and its other libraries included: it is never below {least / 2**30:.2f} GiB "
            "here, and what a step needs comes on top. Small networks and short clips have little on top to save."
        )
    if none := {name: why for name in without if (why := no_lean_step(name))}:
        told = "; ".join(f"`{name}` ({why})" for name, why in none.items())
        said.append(f"- No lean step, trained as a plain graph: {told}.")
    if later := [f"`{name}`" for name in without if name not in none]:
        said.append(f"- Their lean step is newer than these measurements: {', '.join(later)}.")
    if said:
        myst.text("\n".join(said))
    myst.provenance(measured.origin(record, "training_step"))


for suffix, kind in KINDS.items():
    record = measured.read(f"training_step{suffix}")
    if record:
        step_tables(record, suffix)
    elif suffix:
        not_run(f"The training step on a processor {kind},", "training_step,roofline")

# %% [markdown]
# ### Keras with its buffers kept
#
# A network without a lean step trains as a plain graph, and any network does with `--step plain`. On a processor TensorFlow gives
# its buffers back to the system at every step; `bnet` asks it to keep them (`TF_CPU_ALLOCATOR_USE_BFC`), which changes no bit of
# the results.

# %% tags=["remove-input"]
for suffix, kind in KINDS.items():
    allocator = measured.read(f"allocator{suffix}")
    listed(allocator, "allocator", f"A plain training step on a processor {kind}", f"tab-speed-allocator{suffix}")
    if allocator:
        low, *_, high = sorted(row["ratio"] for row in allocator["rows"] if row["unit"] == "s")
        said = "there is no clear gain" if low < 1 < high else "they gain" if high <= 1 else "they lose"
        myst.text(
            f"With its buffers kept, a step takes {percent(low)} to {percent(high)} of the time: on this machine {said}."
        )

# %% [markdown]
# ## What the time depends on

# %% tags=["remove-input"]
series = (
    ("clips per step", "batch", {"variant": "proposed", "frames": 216}, lambda row: row["batch"]),
    (
        "seconds of a clip",
        "frames",
        {"variant": "proposed", "batch": 8},
        lambda row: round(row["frames"] * 1024 / log_mel.SR),
    ),
    (
        "blocks",
        "variant",
        {"frames": 216, "batch": 8},
        lambda row: {"1-block": 1, "2-blocks": 2, "bbnn": 3, "5-blocks": 5}.get(row["variant"]),
    ),
)
drawn = []
for label, _, fields, of in series:
    for measure in ("s", "bytes"):
        found = sorted((of(row), row) for row in steps(measure, **fields) if of(row) is not None) if training else []
        drawn.append((label, measure, [x for x, _ in found], [row for _, row in found]))
if any(len(xs) > 1 for _, _, xs, _ in drawn):
    fig, axes = plt.subplots(2, 3, figsize=(9, 5), layout="constrained", sharex="col")
    for ax, (label, measure, xs, rows) in zip(axes.T.flat, drawn, strict=True):
        unit, words = (1, "seconds per step") if measure == "s" else (2**30, "peak memory, GiB")
        for role, name, line, colour in (("peer", "plain", "s--", PLAIN), ("ours", "lean", "o-", LEAN)):
            ax.plot(xs, [row[f"{role}_median"] / unit for row in rows], line, color=colour, label=name)
        ax.set(
            ylim=(0, None), xticks=xs, ylabel=words if ax in axes[:, 0] else "", xlabel=label if ax in axes[1] else ""
        )
    axes[0, 0].legend(frameon=False)
    myst.figure(
        fig,
        "Seconds (above) and peak memory (below) of a training step, plain and lean: against clips per step (`proposed`, 10 s), length "
        "of a clip (`proposed`, 8 clips) and number of blocks (`bbnn`'s kind, 8 clips of 10 s).",
        "fig-speed-series",
        " ".join(
            f"From {xs[0]} to {xs[-1]} {label} the plain step grows from {measured.quantity(rows[0]['peer_median'], rows[0]['unit'])} to "
            f"{measured.quantity(rows[-1]['peer_median'], rows[-1]['unit'])}, the lean one from {measured.quantity(rows[0]['ours_median'], rows[0]['unit'])} "
            f"to {measured.quantity(rows[-1]['ours_median'], rows[-1]['unit'])}."
            for label, _, xs, rows in drawn
            if len(xs) > 1
        ),
    )
else:
    not_run("Time against batch, length and blocks", "training_step")

# %% [markdown]
# ## The same mathematics
#
# Rounding makes any two programs differ a little. So both are compared with the same network in double precision: how far off are
# the gradients and statistics, plain and lean?

# %% tags=["remove-input"]
if equality:
    frame = pd.DataFrame(
        [
            {
                "Network": title(row["variant"]),
                "Lean, median": row["lean_median"],
                "Plain, median": row["plain_median"],
                "Lean, largest": row["lean_max"],
                "Plain, most": row["plain_max"],
                "Of what is allowed, %": 100 * row["share_of_allowed"],
            }
            for row in equality["networks"]
        ]
    )
    first = equality["networks"][0]
    myst.table(
        frame,
        f"Distance from double precision (relative, L2) of each weight's gradient and each moving statistic, the median of {first['draws']} batches of {first['batch']} clips of {first['frames']} frames: its median and largest over all of them; and the largest, as a share of what is allowed.",
        "tab-speed-equality",
        formats={name: ".0f" if "%" in name else ".1e" for name in frame.columns},
    )
    limits, beyond = equality["limits"], [row["variant"] for row in equality["networks"] if not row["kept"]]
    myst.text(
        f"Allowed is, for each weight, {limits['further']:g} times the plain graph's own distance, plus {limits['rounding']:.0e} for rounding. "
        + (f"Beyond it: {', '.join(f'`{name}`' for name in beyond)}." if beyond else "All networks keep to it.")
        + "".join(f" `{name}` can't be compared so: it {why}." for name, why in limits["incomparable"].items())
    )
    myst.provenance(measured.origin(equality, "equality"))
else:
    not_run("The comparison of gradients", "equality")

# %% [markdown]
# ## From audio to features
#
# The peer is the authors' code: one process reads file after file, `librosa.load`, mel spectrogram, decibels, and keeps all in one
# array. Ours is the feature store, with one worker per core. Both are whole processes, their start included.

# %% tags=["remove-input"]
if features:
    rows = features["rows"]
    myst.table(
        measured.ratios(rows),
        "Log-mels of the same files: medians, with the smallest and largest.",
        "tab-speed-features",
        cards=True,
    )
    names = list(features["kinds"][0]["parts_s"])
    ours = ("bnet: load", "bnet: log-mel", "checksum of the file")
    theirs = [name for name in names if name.startswith("librosa")]
    bars = (("librosa", theirs), ("bnet", ours), ("least", features["unavoidable"]))
    fig, axes = plt.subplots(1, len(features["kinds"]), figsize=(9, 3.8), layout="constrained")
    colours = dict(zip((*theirs, *ours, *features["unavoidable"]), [*plots.PALETTE], strict=False))
    for ax, kind in zip(axes, features["kinds"], strict=True):
        for place, (_, names) in enumerate(bars):
            bottom = 0.0
            for name in names:
                height = 1000 * kind["parts_s"][name]["median"]
                ax.bar(
                    place,
                    height,
                    bottom=bottom,
                    color=colours[name],
                    width=0.7,
                    label=name if name not in ours or place else "",
                )
                bottom += height
        ax.set(
            xticks=range(len(bars)),
            title=kind["kind"].replace(", ", "\n", 1),
            ylabel="ms a clip" if ax is axes[0] else "",
        )
        ax.set_xticklabels([name for name, _ in bars])
        ax.title.set_fontsize(11)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    myst.figure(
        fig,
        "Milliseconds that a clip of 30 s takes on one core, part by part: the authors' way, ours, and what no program can leave out with "
        "these libraries: decoding, resampling, the Fourier transform.",
        "fig-speed-features",
        " ".join(
            f"{kind['kind']}: librosa {1000 * sum(kind['parts_s'][n]['median'] for n in theirs):.1f} ms, bnet "
            f"{1000 * sum(kind['parts_s'][n]['median'] for n in ours):.1f} ms, least {1000 * kind['least_s']:.1f} ms."
            for kind in features["kinds"]
        ),
    )
    seconds = [row for row in rows if row["unit"] == "s"]
    said = []
    for row, kind in zip(seconds, features["kinds"], strict=True):
        largest = max(features["unavoidable"], key=lambda name: kind["parts_s"][name]["median"])
        said.append(
            f"{kind['kind']}: {1 / row['ratio']:.1f} times as fast as the authors' script; with {kind['jobs']} cores, decoding, resampling and "
            f"transform alone bound it at {1 / kind['bound']:.1f} times, and the largest of them is the {largest}."
        )
    myst.text("\n".join(f"- {line}" for line in said))
    far, equal = max(k["largest_difference_db"] for k in features["kinds"]), all(k["equal"] for k in features["kinds"])
    myst.text(
        f"The values differ from the authors' by at most {far:.1e} dB{'' if equal else ', more than the promised 1e-4 dB'}. "
        "The transform is done in double precision, as librosa does it: in single precision it would be faster and pure tones would be "
        "off by more than that."
    )
    myst.provenance(measured.origin(features, "features"))
else:
    not_run("Extraction beside the authors' script", "features")

# %% [markdown]
# ### Memory does not grow with the corpus

# %% tags=["remove-input"]
if scale:
    frame = pd.DataFrame(scale["measured"]).sort_values("clips")
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for colour, (name, label) in zip(
        plots.PALETTE, {"total": "all processes", "worker": "largest worker", "parent": "parent"}.items(), strict=False
    ):
        axes[0].plot(frame["clips"], frame[name] / 2**20, "o-", color=colour, label=label)
    axes[0].set(xlabel="clips", ylabel="peak memory, MiB", ylim=(0, float(frame["total"].max()) / 2**20 * 1.35))
    axes[0].legend(frameon=False, ncols=3, fontsize=9, loc="upper center", columnspacing=1.0, handlelength=1.2)
    axes[1].plot(frame["clips"], frame["seconds"], "o-", color=plots.PALETTE[0])
    axes[1].set(xlabel="clips", ylabel="seconds", ylim=(0, float(frame["seconds"].max()) * 1.1))
    first, last = frame.iloc[0], frame.iloc[-1]
    myst.figure(
        fig,
        "Peak memory (left) and time (right) of feature extraction against the number of clips of 30 s, made on the fly.",
        "fig-speed-scale",
        f"From {first['clips']:.0f} to {last['clips']:.0f} clips all processes together take {first['total'] / 2**20:.0f} and "
        f"{last['total'] / 2**20:.0f} MiB; time grows from {first['seconds']:.1f} to {last['seconds']:.1f} s.",
    )
    killed = scale["kill"]
    myst.text(
        f"An extraction of {killed['clips']} clips was killed (signal 9) with {killed['kept_at_kill']} of them done. The same command "
        f"then did {killed['extracted_again']} more, and the result is {'the same' if killed['rows_identical'] else 'NOT the same'}, byte "
        "by byte, as that of an extraction which was left alone."
    )
    myst.provenance(measured.origin(scale, "features_scale"))
else:
    not_run("Extraction at growing size", "features_scale")

# %% [markdown]
# ## Prediction

# %% tags=["remove-input"]
listed(inference, "inference", "Prediction", "tab-speed-inference")

# %% [markdown]
# ## Several runs at once

# %% tags=["remove-input"]
listed(jobs, "jobs", "Several runs side by side", "tab-speed-jobs")

# %% [markdown]
# ## Roofline
#
# A step needs a number of operations and moves a number of bytes; a processor is limited in both per second. That is its
# roofline: sloped where memory is the limit, flat where arithmetic is. A dot is one network's training step; its distance below
# the roofline is what a better implementation could still gain.


# %% tags=["remove-input"]
def under_roof(roof, placed, suffix):
    """A figure and a table of steps under a machine's roofline."""
    flops_s, bytes_s = roof["roof"]["flops_s"]["best"], roof["roof"]["bytes_s"]["best"]
    ridge = flops_s / bytes_s
    fig, ax = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    low, high = (f(cell["intensity"] for cell in placed) for f in (min, max))
    xs = np.geomspace(min(low, ridge) / 2, max(high, ridge) * 2, 200)
    ax.plot(xs, np.minimum(flops_s, bytes_s * xs) / 1e9, color=plots.INK, linewidth=2, label="the machine's roofline")
    for step, marker, colour in (("plain", "s", PLAIN), ("lean", "o", LEAN)):
        with_step = [cell for cell in placed if f"{step}_s" in cell]
        ax.plot(
            [cell["intensity"] for cell in with_step],
            [cell["flops"] / cell[f"{step}_s"] / 1e9 for cell in with_step],
            marker,
            color=colour,
            alpha=0.8,
            label=f"{step} step",
        )
    ax.set(xscale="log", yscale="log", xlabel="operations a byte moved", ylabel="GFLOP/s")
    ax.legend(frameon=False, loc="lower right")
    leans = [cell["flops"] / cell["lean_s"] / 1e9 for cell in placed if "lean_s" in cell]
    plains = [cell["flops"] / cell["plain_s"] / 1e9 for cell in placed]
    shares = sorted(round(100 * cell["arithmetic_s"] / cell["plain_s"]) for cell in placed)
    myst.figure(
        fig,
        f"Training steps of all networks ({batch} clips) under the roof of a processor {kind_of(roof, suffix)}: {bytes_s / 1e9:.0f} GB/s of memory, "
        f"{flops_s / 1e9:.0f} GFLOP/s of float32 matrix products.",
        f"fig-speed-roof{suffix}",
        f"Plain steps reach {min(plains):.0f} to {max(plains):.0f} GFLOP/s, lean ones "
        + (f"{min(leans):.0f} to {max(leans):.0f}." if leans else "were not measured."),
    )
    frame = pd.DataFrame(
        [
            {
                "Network": title(cell["variant"]),
                "Frames": cell["frames"],
                "GFLOP": cell["flops"] / 1e9,
                "GB": cell["bytes"] / 1e9,
                "Arithmetic, s": cell["arithmetic_s"],
                "Memory, s": cell["memory_s"],
                "Plain, s": cell["plain_s"],
                "Lean, s": cell.get("lean_s", math.nan),
            }
            for cell in placed
        ]
    )
    myst.table(
        frame,
        f"What a step of {batch} clips needs, the least seconds by arithmetic and by memory at the rates of the roof, and the seconds measured.",
        f"tab-speed-roof{suffix}",
        formats={name: ".0f" if name == "GFLOP" else ".1f" if name == "GB" else ".2f" for name in frame.columns},
    )
    myst.text(
        f"Arithmetic at the rate of the matrix product would be {shares[0]} to {shares[-1]} % of the plain step, by network. "
        f"Operations are {roof['passes']} forward passes' multiply-adds, two operations each (a step needs a little less: nothing asks for the gradient of the input). Bytes are counted, not measured: the output of "
        f"every layer of the plain graph, moved {roof['moves']} times in a step. The lean step does the same arithmetic and moves less, so it "
        "may lie above the plain graph's slope; the roof itself is measured, so that what comes near it may pass it by some percent."
    )
    myst.provenance(
        measured.origin(roof, "roofline") | {"Steps measured at commit": roof.get("steps_commit") or "unknown"}
    )


for suffix, kind in KINDS.items():
    roof = measured.read(f"roofline{suffix}")
    placed = [cell for cell in roof["networks"] if cell["batch"] == batch] if roof else []
    if placed:
        under_roof(roof, placed, suffix)
    else:
        not_run(f"The roofline of a processor {kind},", "training_step,roofline")

# %% [markdown]
# ## On a GPU
#
# On a GPU use JAX: it is the backend that was measured on one. TensorFlow was not run on one.
# JAX has a lean step of its own, by the same plan and with the same mathematics: the maps that a block adds lie side by side in one
# array, of which mean and variance are computed once, and all branches of a later block read it in one batched matrix product,
# which the backward pass repeats instead of keeping. A second form of it (`--step kernels`) does this in Pallas kernels.

# %% tags=["remove-input"]
if gpu_step and gpu_step["rows"]:
    myst.table(
        pd.DataFrame(
            [
                {
                    "Frames": row["frames"],
                    "Precision": row["precision"],
                    "Step": row["ours"],
                    "Its time, ms": 1000 * row["ours_median"],
                    "Plain, ms": 1000 * row["peer_median"],
                    "Time, %": 100 * row["ratio"],
                    "Floor, ms": 1000 * row["floor_s"] if row["floor_s"] else math.nan,
                }
                for row in gpu_step["rows"]
            ]
        ),
        f"A training step of {batch} clips on {gpu_step['device']['name']}: medians of {gpu_step['rows'][0]['repetitions']} repetitions "
        "in one process. The floor is the time for the bytes that no program can save, at the measured rate of the memory.",
        "tab-speed-gpu-step",
        formats={"Its time, ms": ".1f", "Plain, ms": ".1f", "Time, %": ".0f", "Floor, ms": ".2f"},
    )
    myst.provenance(measured.origin(gpu_step, "gpu_step"))
else:
    myst.not_run(
        "The lean step has not been measured on a GPU: none was at hand since it was written. The command checks and measures it on "
        "a machine that has one, also without an internet connection.",
        "make gpu",
    )
EQUALITY = "KERAS_BACKEND=jax python benchmarks/gpu_step.py --equality"
if gpu_equality:
    limits, tried = gpu_equality["limits"], {name: found for name, found in gpu_equality["steps"].items() if found}
    frame = pd.DataFrame(
        [
            {
                "Step": name,
                "Its median": found["ours_median"],
                "Plain, median": found["plain_median"],
                "Its most": found["ours_max"],
                "Plain, most": found["plain_max"],
                "Of what is allowed, %": 100 * found["share_of_allowed"],
            }
            for name, found in tried.items()
        ]
    )
    blocks = {
        found["blocks"]
        for found in tried.values()
        if found.get("blocks", np.inf) < VARIANTS[gpu_equality["variant"]].blocks
    }
    cut = f" with {blocks.pop()} blocks" if blocks else ""
    sizes = " or ".join(sorted({f"{found['frames']} x {found['bands']}" for found in tried.values()}))
    myst.table(
        frame,
        f"JAX's lean step: distance of gradients and statistics of `{gpu_equality['variant']}`{cut} from double precision, as in the "
        f"table above, for {limits['batch']} clips of {sizes}, measured on a {gpu_equality['device']['kind']}"
        + (", the kernels in interpret mode." if limits["interpreted"] else "."),
        "tab-speed-gpu-equality",
        formats={name: ".0f" if "%" in name else ".1e" for name in frame.columns[1:]},
    )
    if len(tried) < len(gpu_equality["steps"]):
        myst.text(f"Failed: {', '.join(f'`{name}`' for name in gpu_equality['steps'] if name not in tried)}.")
    myst.provenance(
        measured.origin(gpu_equality, "gpu_step") | {"Command": f"`{EQUALITY} -v {gpu_equality['variant']}`"}
    )
else:
    myst.not_run(
        "The distance of JAX's lean step from double precision, for a whole network and with the kernels interpreted on a processor, "
        "has no record yet.",
        EQUALITY,
    )

# %% [markdown]
# What was measured on a GPU before it had a lean step:

# %% tags=["remove-input"]
listed(gpu, "gpu", "Training on a GPU", "tab-speed-gpu")
if gpu:
    alone = [row for row in gpu["rows"] if " x " not in row["ours"]]
    best = min(alone, key=lambda row: row["ours_median"] / row["steps"])
    myst.text(
        f"On {gpu['device']['name']}, with {gpu['backend']}. {best['repetitions']} repetition(s) of {best['steps']:,} steps, after "
        f"{min(best['steps'], 100)} that are not counted; '2 x' are two processes at a time. "
        + "; ".join(f"{row['ours']} took {percent(row['ratio'])} of the time of {row['peer']}" for row in alone)
        + f". At the rate of {best['ours']}, the paper's 10 000 steps would take "
        f"{10_000 * best['ours_median'] / best['steps']:.0f} s, without compilation; our aim is 60 s on a GPU of this class."
    )

# %% [markdown]
# ## Measure your own machine
#
# ```bash
# make bench                    # everything; ONLY=features,roofline for some
# make bench QUICK=1            # a try of each, which leaves the records alone
# python benchmarks/training_step.py --without-avx512    # as on a laptop, on a processor that has it
# bnet pages update speed       # this page from your records
# ```
#
# Times on a busy machine mean little; ratios measured in alternation mean more.
