# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From BBNN to the proposed network
#
# Section II-A names five changes that lead from BBNN to the proposed network. The paper measures the two ends only. Here
# they are taken one after the other, so that each can be compared with the network before it.

# %% tags=["parameters"]
corpus = "tunes"
profile = ""  # smoke, laptop or paper; empty: the one in which most of these networks were run
protocol = ""  # grouped, holdout, kfold or official; empty: the first that has records
classes = 10  # for the parameters; GTZAN has 10

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from bnet.audit import ablation, plots
from bnet.audit.report import Report, chosen
from bnet.book import myst
from bnet.models import STEPS, VARIANTS, drawing
from bnet.models.counting import table
from bnet.paths import results_dir
from bnet.sound import log_mel

plots.style()
names = (ablation.BASELINE, *STEPS)
profile, protocol = chosen(corpus, profile, protocol, results_dir(), networks=names)
report = Report.load(corpus, profile, protocol, results_dir())
changes = ablation.changes(report, [(ablation.BASELINE, ablation.BASELINE), *ablation.steps()])
where = f"`{corpus}`, profile `{profile}`, protocol `{protocol}`"

# %% tags=["hide-input"]
costs = table([VARIANTS[name] for name in names], classes, log_mel.frames(30))
what = ["BBNN"] + [
    " ".join(
        said for said in drawing.differences(VARIANTS[name], VARIANTS[before]) if "parameters instead of" not in said
    )
    or f"Kernels start from {VARIANTS[name].initializer.replace('_', ' ')}."
    for name, before in ablation.steps()
]
myst.table(
    pd.DataFrame(
        {
            "Step": range(len(names)),
            "Network": [f"`{name}`" for name in names],
            "What changes in this step": what,
            "Parameters": costs["parameters"],
            "Folds": changes["folds"],
            "Test %": changes["accuracy"],
            "Before, same folds %": changes["base"],
            "Δ from the step before (95 % interval)": [
                myst.NOTHING if np.isnan(r.change) else f"{r.change:+.1f} ({r.low:+.1f}\u00a0to\u00a0{r.high:+.1f})"
                for r in changes.itertuples()
            ],
            "Verdict": changes["verdict"].str.split(",").str[0],
        }
    ),
    f"The five steps, each with the network before it; changes are told from the rows themselves. Accuracies: measured here on {where}; Δ in "
    "points, on the folds that both have; the rule of the verdicts is that of {doc}`/table-2`.",
    "tab-{{ slug }}-all",
    formats=dict.fromkeys(("Test %", "Before, same folds %"), ".1f"),
)

# %% tags=["hide-input"]
walked = changes.dropna(subset=["accuracy"])
if len(walked) > 1:
    fig, ax = plt.subplots(figsize=(6.6, 3.4))
    summary = report.summary.set_index("variant").loc[walked["variant"]]
    positions = [names.index(name) for name in walked["variant"]]
    ax.vlines(positions, summary["low"], summary["high"], color=plots.PALETTE[0], linewidth=3, alpha=0.6)
    ax.plot(positions, summary["accuracy"], "o-", color=plots.PALETTE[0], linewidth=1)
    ax.set_xticks(
        range(len(names)),
        [VARIANTS[name].title.replace(": ", ":\n").replace(" (", "\n(") for name in names],
        fontsize=9,
    )
    ax.set(ylabel="test accuracy")
    myst.figure(
        fig,
        f"Test accuracy along the way, with 95 % intervals over the test clips ({where}).",
        "fig-{{ slug }}-walk",
        "From left to right: "
        + ", ".join(f"{t} {a:.1f} %" for t, a in zip(walked["title"], walked["accuracy"], strict=True))
        + ".",
    )
    display(myst.text(ablation.sentence(report, "proposed")))
    display(myst.provenance(report.only(names).provenance()))
missing = [name for name in names if name not in report.variants]
if missing:
    display(myst.not_run(f"Not run on {where}: {', '.join(missing)}.", report.command(names) + "\nbnet pages build"))
