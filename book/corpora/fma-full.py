# %% [markdown]
# # The way to FMA-full
#
# The authors name lack of hardware as the reason for the smallest of FMA's four sets. What would the full archive of
# 106 574 tracks take, if a 30 s clip of each were used? Nothing on this page was run at that size: it is arithmetic on
# what was measured on one small machine.

# %% tags=["remove-cell"]
import json
import math

import matplotlib.pyplot as plt
import pandas as pd

from bnet.audit import measured, plots
from bnet.book import myst
from bnet.models import TABLE_3
from bnet.paths import project_dir
from bnet.sound.log_mel import FeatureSettings
from bnet.training.config import PROFILES

plots.style()
folder = project_dir() / "benchmarks" / "results"
scale = json.loads((folder / "features_scale.json").read_text())
plan = json.loads((folder / "plan_fma_small.json").read_text())
network, features = plan["networks"][0], plan["features"][0]
clips_per_s = features["clips"] / (features["hours"] * 3600)
machine = f"{scale['machine']['processor']}, {scale['machine']['cores']} cores, {scale['machine']['memory_gib']:g} GiB"
TRACKS, MACHINES = 106_574, (1, 4, 32)
RUNS = 10  # of each network, as in the paper
NETWORKS = 2 + len(TABLE_3)  # BBNN, the paper's network, and its variants

# %% [markdown]
# ## What was measured
#
# Features of synthetic clips of 30 s, made on the fly, so that only extraction and the store are measured. Memory does not
# grow with the number of clips, and time grows in proportion.

# %% tags=["remove-input"]
frame = pd.DataFrame(scale["measured"])
table = pd.DataFrame(
    {
        "Clips": frame["clips"],
        "Seconds": frame["seconds"],
        "Clips per second": frame["clips_per_s"],
        "Memory, MiB": frame["total"] / 2**20,
        "Store, MiB": frame["store"] / 2**20,
    }
)
myst.table(
    table,
    f"Feature extraction at growing size, with two workers: peak memory of all processes together ({machine}; "
    "`benchmarks/features_scale.py`).",
    "tab-fma-full-measured",
    formats=dict.fromkeys(table.columns, ".0f"),
)

# %% tags=["remove-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for ax, column, label in ((axes[0], "seconds", "seconds"), (axes[1], "total", "memory, MiB")):
    values = frame[column] / (2**20 if column == "total" else 1)
    ax.plot(frame["clips"], values, "o-", color=plots.PALETTE[0])
    ax.set(xlabel="clips", ylabel=label, ylim=(0, float(values.max()) * 1.15))
myst.figure(
    fig,
    "Time (left) and peak memory (right) of feature extraction against the number of clips.",
    "fig-fma-full-scale",
    f"Time rises in proportion to the clips, to {frame['seconds'].iloc[-1]:.0f} s at {frame['clips'].iloc[-1]} clips; memory stays "
    f"near {frame['total'].median() / 2**20:.0f} MiB.",
)

# %% [markdown]
# ## What one machine would need


# %% tags=["remove-input"]
def forecast(machines, runs=RUNS, steps_per_s=1 / network["step_s"]):
    """What each machine bears, and the hours until all have ended; 8 in 10 clips are trained on."""
    training, front_end = PROFILES["paper"].training, FeatureSettings()
    steps = training.epochs * math.ceil(TRACKS * 0.8 / training.batch_size)
    size, hours = 4 * front_end.frames(training.clip_seconds) * front_end.n_mels, steps / steps_per_s / 3600
    parent = scale["fit"]["parent_fixed"] + scale["fit"]["parent_each"] * TRACKS
    return {
        "features on disk, GiB": TRACKS * size / 2**30,
        "feature extraction, hours": TRACKS / clips_per_s / 3600,
        "training steps of a run, steps": steps,
        "one run, all epochs, hours": hours,
        f"{runs} runs, all epochs, hours": math.ceil(runs / machines) * hours,
        "features read while training, MiB/s": steps_per_s * training.batch_size * size / 2**20,
        "memory of the extracting process, GiB": parent / 2**30,
        "memory of a training process, GiB": network["memory"] / 2**30,
    }


def said(value):
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


one = forecast(1)
myst.table(
    pd.DataFrame({"What": [*one], "One machine": [said(value) for value in one.values()]}),
    f"A forecast for {TRACKS:,} clips of 30 s, from {network['step_s']:.2g} s a training step of `{network['variant']}` "
    f"({network['batch_size']} clips, {network.get('step', 'plain')} step, {network['backend']}, {network['device']}) and "
    f"{clips_per_s:.0f} clips per second from MP3 to log-mel.",
    "tab-fma-full-forecast",
)

# %% [markdown]
# Extraction is a matter of hours on anything. Training is not, on a CPU: the row of one run says why the paper's study needs
# a GPU, and `bnet plan` says the same of the machine that you have.
#
# ## On 1, 4 and 32 machines
#
# Runs do not depend on each other: {doc}`bnet train --cluster </tutorials/cluster>` hands them to as many machines as there
# are. One run stays on one machine, so that ten runs occupy ten at most; a study of all networks occupies any number. Each
# machine reads the whole feature store, over the network or from a copy of its own; extraction is not shared out.


# %% tags=["remove-input"]
def columns(name, **speed):
    lines = []
    for machines in MACHINES:
        ten, study = (forecast(machines, runs, **speed) for runs in (RUNS, RUNS * NETWORKS))
        lines.append(
            {
                name: machines,
                f"{RUNS} runs of one network, hours": said(ten[f"{RUNS} runs, all epochs, hours"]),
                f"{RUNS} runs of each of {NETWORKS} networks, hours": said(
                    study[f"{RUNS * NETWORKS} runs, all epochs, hours"]
                ),
                "Extraction, hours": said(ten["feature extraction, hours"]),
                "Store on a machine, GiB": said(ten["features on disk, GiB"]),
                "Stores of all, GiB": said(machines * ten["features on disk, GiB"]),
                "Read by all while training, MiB/s": said(machines * ten["features read while training, MiB/s"]),
            }
        )
    return pd.DataFrame(lines)


myst.table(
    columns("Machines"),
    f"Hours and disk on several machines such as the one measured ({machine}), each with a store of its own, as if every "
    "network took as long as the one that was measured, and no run stopped early.",
    "tab-fma-full-machines",
    cards=True,
)

# %% [markdown]
# ## On 1, 4 and 32 GPUs

# %% tags=["remove-input"]
gpu = measured.read("gpu")
whole = [row for row in (gpu["rows"] if gpu else []) if row["frames"] == network["frames"] and " x " not in row["ours"]]
if whole:
    best = min(whole, key=lambda row: row["ours_median"])
    steps_per_s = best["steps"] / best["ours_median"]
    myst.table(
        columns("GPUs", steps_per_s=steps_per_s),
        f"The same from the speed of a GPU: {gpu['device']['name']}, {best['ours']}, {best['backend']}, {best['steps']:,} "
        f"steps in {best['ours_median']:.0f} s (`benchmarks/gpu.py`); a run on each at a time.",
        "tab-fma-full-gpus",
        cards=True,
    )
else:
    myst.not_run(
        "No GPU was measured here. The command writes its record on a machine that has one, and this section then holds the "
        "table above for it.",
        measured.command("gpu"),
    )
    steps = one["training steps of a run, steps"]
    size = one["features on disk, GiB"]
    myst.text(
        f"Until then, by hand: a run goes through {steps:,.0f} steps, so that $R$ runs on $G$ GPUs of $s$ steps per second take "
        f"$\\lceil R / G \\rceil \\cdot {steps:.0f} / (3600 \\, s)$ hours, and each GPU reads "
        f"$s \\cdot {network['batch_size']} \\cdot {size * 2**30 / TRACKS / 2**20:.3f}$ MiB of features a second; the disk is that "
        "of the table above."
    )
    claimed = 100 * math.ceil(800 / network["batch_size"]) / (30 * 60)
    myst.table(
        columns("GPUs", steps_per_s=claimed),
        "**The paper's own figure**, not a measurement of ours: half an hour for 100 epochs on GTZAN, on a Quadro RTX 5000 "
        f"(section III-C), that is {claimed:.1f} steps per second with {network['batch_size']} clips of 800; carried over to "
        f"{TRACKS:,} clips.",
        "tab-fma-full-gpus",
        cards=True,
    )

# %% [markdown]
# ```bash
# bnet plan --profile paper --corpus fma-small --variants proposed      # hours, disk and memory on your machine
# python benchmarks/features_scale.py
# ```
