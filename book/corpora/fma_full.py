# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The way to FMA-full
#
# The authors name lack of hardware as the reason for the smallest of FMA's four sets. What would the full archive of
# 106 574 tracks take, if a 30 s clip of each were used? Nothing on this page was run at that size: it is arithmetic on
# what was measured on one small machine.

# %% tags=["remove-cell"]
import json

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from bnet import myst, plots
from bnet.paths import project_dir
from bnet.plan import estimate

plots.style()
folder = project_dir() / "benchmarks" / "results"
scale = json.loads((folder / "features_scale.json").read_text())
plan = json.loads((folder / "plan_fma_small.json").read_text())
network, features = plan["networks"][0], plan["features"][0]
clips_per_s = features["clips"] / (features["hours"] * 3600)
machine = f"{scale['machine']['processor']}, {scale['machine']['cores']} cores, {scale['machine']['memory_gib']:g} GiB"
TRACKS, MACHINES = 106_574, 32

# %% [markdown]
# ## What was measured
#
# Features of synthetic clips of 30 s, made on the fly, so that only extraction and the store are measured. Memory does not
# grow with the number of clips, and time grows in proportion.

# %% tags=["hide-input"]
frame = pd.DataFrame(scale["measured"])
table = pd.DataFrame(
    {
        "Clips": frame["clips"],
        "Seconds": frame["seconds"],
        "Clips a second": frame["clips_per_s"],
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

# %% tags=["hide-input"]
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
# ## What it would take

# %% tags=["hide-input"]
forecast = estimate(
    TRACKS,
    steps_per_s=1 / network["step_s"],
    clips_per_s=clips_per_s,
    machines=MACHINES,
    parent_bytes=(scale["fit"]["parent_fixed"], scale["fit"]["parent_each"]),
    training_bytes=network["memory"],
)
frame = pd.DataFrame(
    {
        "What": [f"{row.what}, {row.unit}" for row in forecast.itertuples()],
        "One machine": [f"{value:,.2f}" if value < 10 else f"{value:,.0f}" for value in forecast["one_machine"]],
        f"Each of {MACHINES}": [f"{value:,.2f}" if value < 10 else f"{value:,.0f}" for value in forecast["several"]],
        "What makes it possible": forecast["needs"],
    }
)
display(
    myst.table(
        frame,
        f"A forecast for {TRACKS:,} clips of 30 s, from {network['step_s']:.1f} s a training step of `{network['variant']}` "
        f"({network['batch_size']} clips, {network['backend']}, {network['device']}) and {clips_per_s:.0f} clips a second from MP3 to log-mel.",
        "tab-fma-full-forecast",
    )
)
display(
    myst.text(
        "Extraction is a matter of hours on anything. Training is not, on a CPU: the row of one run says why the paper's study "
        "needs a GPU, and `bnet plan` says the same of the machine that you have. Sharing the store, and handing runs to many "
        "machines, are not built yet."
    )
)

# %% [markdown]
# ```bash
# bnet plan --profile paper --corpus fma-small --variants proposed      # hours, disk and memory on your machine
# python benchmarks/features_scale.py
# ```
