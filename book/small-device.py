# %% [markdown]
# # On a small device
#
# The paper concludes that its network has the potential for 'practical deployment in embedded devices', since it has few parameters.
# It measures neither memory nor time. Parameters are what a network takes on disk. A prediction needs more: every
# block of a broadcast network reads the feature maps of all earlier blocks, so all are kept until the last has read them.
#
# Here the network is exported to the forms that small devices run, and measured: size, memory, and the time that one processor
# thread takes for a clip. 'LiteRT' (once TensorFlow Lite) is the usual runtime of phones and small computers; 'int8' means that all
# numbers, input and output included, are integers of 8 bits instead of floating-point numbers of 32.

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from bnet.audit import measured, plots
from bnet.audit.literature import BOARDS, fits
from bnet.book import myst
from bnet.models import VARIANTS
from bnet.models.cost import cost
from bnet.runs import jobs
from bnet.sound import log_mel

plots.style()
record = measured.read("inference")
MIB, KIB = 2**20, 2**10


# %% tags=["remove-input"]
LENGTHS = (10, 30)
if record:
    network, peer = record["network"], record["rows"][0]["peer"]
    one_thread = [row for row in record["rows"] if "way" in row]
    kinds = {(row["way"], row["seconds"], row["unit"]): row for row in one_thread}
    ways = list(dict.fromkeys(row["way"] for row in one_thread))
    form_of = {peer: "keras", **{row["way"]: row["form"] for row in one_thread}}
    size = {(form["network"], form["form"]): form for form in record["forms"]}
    small = size[network, "litert-int8"]


def taken(way, seconds, unit):
    """Median, smallest and largest of a way, which may be the peer."""
    role, row = ("peer", kinds[ways[0], seconds, unit]) if way == peer else ("ours", kinds[way, seconds, unit])
    return tuple(row[f"{role}_{which}"] for which in ("median", "low", "high"))


def milliseconds(values):
    return "{:.0f} ({:.0f} to {:.0f})".format(*(1000 * value for value in values))


# %% [markdown]
# ## Time and memory

# %% tags=["remove-input"]
if record:
    fig, axes = plt.subplots(1, 2, figsize=(8, 0.42 * (len(ways) + 1) + 1.7), sharey=True, layout="constrained")
    names = [peer, *ways]
    for ax, unit, scale, label in (
        (axes[0], "s", 1, "seconds for a clip"),
        (axes[1], "bytes", MIB, "peak MiB of the process"),
    ):
        for shift, seconds, colour in ((-0.17, 10, plots.PALETTE[0]), (0.17, 30, plots.PALETTE[1])):
            values = np.array([taken(name, seconds, unit) for name in names]) / scale
            y = np.arange(len(names)) + shift
            ax.barh(y, values[:, 0], height=0.32, color=colour, label=f"{seconds} s of audio")
            ax.hlines(y, values[:, 1], values[:, 2], color=plots.INK, linewidth=1.5)
        ax.set(xlabel=label, xlim=(0, None))
        ax.yaxis.grid(False)
    axes[0].set(yticks=range(len(names)))
    axes[0].set_yticklabels(names)
    axes[0].invert_yaxis()
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    best = min(names, key=lambda name: taken(name, 10, "s")[0])
    least = min(names, key=lambda name: taken(name, 10, "bytes")[0])
    myst.figure(
        fig,
        f"`{network}` on one thread: time for a clip (left) and the most memory that the whole process had, its libraries included (right). Lines from the smallest to the largest repetition.",
        "fig-small-device",
        f"Two panels of bars. For 10 s of audio {best} is the fastest with {1000 * taken(best, 10, 's')[0]:.0f} ms, {peer} takes {1000 * taken(peer, 10, 's')[0]:.0f} ms; {least} has the smallest process, {taken(least, 10, 'bytes')[0] / MIB:.0f} MiB.",
    )
else:
    myst.not_run("Nothing of this page was measured yet.", measured.command("inference"))

# %% tags=["remove-input"]
if record:
    off = {(item["way"], item["seconds"]): item["difference"] for item in record["agreement"]}
    rows = [
        {
            "Runtime": way,
            "File, KiB": size[network, form_of[way]]["bytes"] / KIB if form_of[way] else np.nan,
            "10 s of audio, ms": milliseconds(taken(way, 10, "s")),
            "30 s of audio, ms": milliseconds(taken(way, 30, "s")),
            "Times real time": 30 / taken(way, 30, "s")[0],
            "Process, MiB": taken(way, 30, "bytes")[0] / MIB,
            "Difference from Keras": "" if way == peer else f"{max(off[way, seconds] for seconds in LENGTHS):.1g}",
        }
        for way in [peer, *ways]
    ]
    myst.table(
        pd.DataFrame(rows),
        f"`{network}` on one thread pinned to one core: medians of {one_thread[0]['repetitions']} processes (smallest to largest). 'Times real time': seconds of audio per second of computing. 'Difference from Keras': the largest, of a class probability.",
        "tab-small-device",
        formats={"File, KiB": ".0f", "Times real time": ".0f", "Process, MiB": ".0f"},
    )
    myst.provenance(measured.origin(record, "inference"))

# %% [markdown]
# ## Does it fit?
#
# A process on a desktop brings hundreds of megabytes of libraries with it; a microcontroller brings none. What it needs is
# room for the feature maps. Counted on the exported file, operation by operation, each map is held from where it is made to where it was
# last read; the most that is held at a time is the least memory in which the file can run as it is.

# %% tags=["remove-input"]
if record:
    costs = {seconds: cost(VARIANTS[network], 10, log_mel.frames(seconds)) for seconds in LENGTHS}
    rows = [
        {
            "Audio": f"{seconds} s",
            "Multiply-adds, millions": found.macs / 1e6,
            "All maps, float32, MiB": found.activation_bytes / MIB,
            "At a time, float32, MiB": size[network, "litert"]["working"][str(seconds)] / MIB,
            "At a time, int8, MiB": small["working"][str(seconds)] / MIB,
        }
        for seconds, found in costs.items()
    ]
    myst.table(
        pd.DataFrame(rows),
        f"What one prediction of `{network}` takes, counted: `bnet.models.cost` and `benchmarks/inference.py`. Its {myst.number(costs[10].parameters)} parameters take {4 * costs[10].parameters / KIB:.0f} KiB as float32.",
        "tab-small-device-cost",
        formats=dict.fromkeys(("Multiply-adds, millions", "All maps, float32, MiB"), ".0f")
        | dict.fromkeys(("At a time, float32, MiB", "At a time, int8, MiB"), ".1f"),
    )
    fit = {seconds: fits(small["working"][str(seconds)], small["bytes"]) for seconds in LENGTHS}
    myst.table(
        pd.DataFrame(
            {
                "Device": BOARDS["name"],
                "Kind": BOARDS["kind"],
                "RAM, MiB": [f"{ram:.{2 * (ram < 10)}f}" for ram in BOARDS["ram_kib"] / KIB],
                "10 s fit": fit[10],
                "30 s fit": fit[30],
                "Stated by": BOARDS["source"],
            }
        ),
        "Small computers and their memory as their makers state it, against the int8 file and its maps. None was at hand: a 'yes' is about memory, not speed.",
        "tab-small-device-boards",
    )
    micro = BOARDS["kind"] == "microcontroller"
    held = BOARDS["name"][micro & fit[30]].tolist()
    times = small["working"]["30"] / (KIB * BOARDS["ram_kib"][micro].max())
    myst.text(
        f"**What this says.** As a file the network is small: {small['bytes'] / KIB:.0f} KiB in integers. "
        + (
            f"Of the microcontrollers above {', '.join(held)} could hold its feature maps for 30 s of audio. "
            if held
            else f"Its feature maps for 30 s of audio take {times:.1f} times the memory of the largest microcontroller above, even in integers. "
        )
        + "In a broadcast network the output of a block stays until the last has read it. The single-board computers above have room for both."
    )

# %% [markdown]
# ## What 8-bit integers cost
#
# To become integers, every map needs a range. Ranges are measured on clips that the network was trained on; then the clips of its test
# part are classified by both.

# %% tags=["remove-input"]
if record:
    rows = [
        {
            "Network": jobs.title(found["network"]),
            "Calibrated on": found["calibration"],
            "Test clips": found["clips"],
            "float32, %": 100 * found["recorded"],
            "int8, %": 100 * found["accuracy"],
            "Change, points": 100 * (found["accuracy"] - found["recorded"]),
            "Same class, %": 100 * found["same"],
            "Largest change": found["largest"],
        }
        for found in record["int8"]
    ]
    myst.table(
        pd.DataFrame(rows),
        f"Accuracy of the shipped networks on the test part of their fold of `{record['int8'][0]['corpus']}`, before and after. 'Largest change': of a class probability.",
        "tab-small-device-int8",
        formats={
            **dict.fromkeys(("float32, %", "int8, %", "Same class, %"), ".1f"),
            "Change, points": "+.1f",
            "Largest change": ".3f",
        },
    )
    myst.provenance([f"`{found['run']}`" for found in record["int8"]], "The runs behind it")

# %% [markdown]
# ## Which networks can be exported?

# %% tags=["remove-input"]
if record:
    support = pd.DataFrame(record["support"])
    refused, held = support[support["refused"] != ""], support[support["refused"] == ""]
    exact = held[held["form"] != "litert-int8"]["difference"].max()
    myst.text(
        f"{support['network'].nunique()} networks were tried with random weights, in {support['form'].nunique()} forms. {len(held)} of {len(support)} exports work; in float32 no probability is off Keras by more than {exact:.0e}."
        + ("" if len(refused) else " None is refused.")
    )
    if len(refused):
        myst.table(
            pd.DataFrame(
                {
                    "Network": refused["network"].map(jobs.title),
                    "Form": refused["form"],
                    "Message": refused["refused"],
                }
            ),
            "What is refused, and what `bnet export` says.",
            "tab-small-device-refused",
        )

# %% [markdown]
# ## A folder of audio
#
# `bnet predict DIR/` decodes the next files while the network answers for this one, and lets windows of several files share a batch.
# The peer is the obvious loop: `librosa.load`, a mel spectrogram and Keras's `predict`, file by file.

# %% tags=["remove-input"]
if record:
    folder = next(row for row in record["rows"] if row.get("measure") == "folder")
    rate = {role: folder["files"] / folder[f"{role}_median"] for role in ("ours", "peer")}
    myst.text(
        f"{folder['what']}: {rate['ours']:.1f} files per second against {rate['peer']:.1f}, {1 / folder['ratio']:.1f} times as many (aim: {1 / folder['at_most']:.0f} times, {'kept' if folder['kept'] else '**not kept**'}); the largest difference of a probability is {folder['difference']:.0e}."
    )
    myst.table(
        pd.DataFrame(
            [{"What": m["what"], "Windows": m["windows"], "Peak MiB": m["bytes"] / MIB} for m in record["memory"]]
        ),
        "The most memory that a whole process had, TensorFlow included, over few files, many, and a long one (windows 10 s apart).",
        "tab-small-device-memory",
        formats={"Peak MiB": ".0f"},
    )

# %% [markdown]
# ## Not run, and how to run it
#
# No phone, single-board computer or microcontroller was at hand: times above are of one thread of the machine named under the table.
#
# ```bash
# # or litert, onnx; or a run of your own
# bnet export shipped/proposed --format litert-int8 -o proposed.tflite
# ```
#
# - **Raspberry Pi and the like**: `pip install ai-edge-litert numpy`, then `Interpreter("proposed.tflite", num_threads=1)`; give the input
#   its length by `resize_tensor_input`, then `allocate_tensors`.
# - **Android**: LiteRT's `benchmark_model` by `adb`: `--graph=proposed.tflite --num_threads=1 --input_layer=log_mel
#   --input_layer_shape=1,646,128,1`.
# - **Microcontrollers**: LiteRT's runtime for them needs a fixed length and one block of memory, at least as large as the table says.
#
# The log-mel must be computed on the device too, as {doc}`features` has it; the page {doc}`listen` does it in the browser.
