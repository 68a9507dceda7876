# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table III: one change at a time
#
# Section III-E of the paper takes BBNN, the network that the study builds on, and changes one thing at a time: fourteen
# variations, one pair of accuracies each, on GTZAN. Here they stand beside what we measured, with the difference from
# BBNN **on the same clips** and the interval in which it lies.

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

from bnet.audit import ablation, paper, plots
from bnet.audit.report import Report, chosen
from bnet.book import myst
from bnet.models import TABLE_3, VARIANTS, decisions
from bnet.models.counting import table
from bnet.paths import results_dir
from bnet.sound import log_mel

plots.style()
names = (ablation.BASELINE, *TABLE_3, *ablation.EXTRAS)
profile, protocol = chosen(corpus, profile, protocol, results_dir(), networks=names)
report = Report.load(corpus, profile, protocol, results_dir())
changes = ablation.changes(report, [(name, ablation.BASELINE) for name in names])
run = changes[changes["runs"] > 0]
setting = report.records[0].config if report.records else None
where = f"`{corpus}`, profile `{profile}`, protocol `{protocol}`" + (
    f" ({setting.clip_seconds:g} s clips, at most {setting.epochs} epochs)" if setting else ""
)

# %% tags=["hide-input"]
varied = changes[changes["variant"].isin(TABLE_3)]
told = varied[varied["verdict"].str.startswith(("better", "worse"))]
if len(run):
    clear = [f"{name} {('worse', 'better')[int(c > 0)]}" for name, c in zip(told["title"], told["change"], strict=True)]
    text = (
        f"**In short.** The paper finds no variation better than BBNN; its accuracies come from one split of {ablation.CLIPS} test clips each. "
        f"On {where}, {(varied['runs'] > 0).sum()} of {len(varied)} variations were run, "
        f"and {len(told)} of them can be told from BBNN: {', '.join(clear) or 'none'}. An interval over two folds is wide: two "
        "trainings say little of what others would give. The verdicts ask for a probability of 0.95, as in {doc}`/table-2`."
    )
    display(myst.text(text))
else:
    display(myst.not_run(f"No record on {where}.", report.command(names) + "\nbnet pages build"))

# %% tags=["hide-input"]
if len(run):
    shown = changes[changes["variant"] != ablation.BASELINE]
    fig, ax = plt.subplots(figsize=(6.6, 0.42 * len(shown) + 1.2))
    plots.changes(shown, ax=ax, measured=f"here, {corpus}, {profile}")
    myst.figure(
        fig,
        f"Test accuracy minus that of BBNN, in percentage points: the paper's on GTZAN, and ours on {where}. Bars are 95 % "
        "intervals; some run off the picture. Two corpora: compare directions, not lengths.",
        "fig-{{ slug }}-changes",
        f"One row a network; of {len(run) - 1} that were run, {len(told)} can be told from BBNN.",
    )

# %% [markdown]
# ## The table

# %% tags=["hide-input"]
costs = table([VARIANTS[name] for name in names], classes, log_mel.frames(30)).set_index("variant")
link = {name: "{doc}" + f"`{VARIANTS[name].title} <{name}>`" for name in (*TABLE_3, *ablation.EXTRAS)}
link[ablation.BASELINE] = VARIANTS[ablation.BASELINE].title


def signed(value: float) -> str:
    return myst.NOTHING if np.isnan(value) else f"{value:+.1f}"


def spread(mean: float, sd: float) -> str:
    return myst.NOTHING if np.isnan(mean) else f"{mean:.1f}" + ("" if np.isnan(sd) else f"\u00a0±\u00a0{sd:.1f}")


frame = pd.DataFrame(
    {
        "Network": [link[name] for name in names],
        "Paper, val. / test %": [
            myst.NOTHING if np.isnan(r.paper_test) else f"{r.paper_validation:.1f} / {r.paper_test:.1f}"
            for r in changes.itertuples()
        ],
        "Paper Δ": [signed(value) for value in changes["paper_change"]],
        "Here, test %": [spread(*pair) for pair in zip(changes["accuracy"], changes["accuracy_sd"], strict=True)],
        "Folds": changes["runs"],
        "Here Δ (95 % interval)": [
            myst.NOTHING if np.isnan(r.low) else f"{r.change:+.1f} ({r.low:+.1f}\u00a0to\u00a0{r.high:+.1f})"
            for r in changes.itertuples()
        ],
        "Verdict": changes["verdict"],
    }
)
display(
    myst.table(
        frame,
        f"**The paper's** Table III (GTZAN; BBNN from its Table II) beside ours: {where}. Δ is the test accuracy minus BBNN's, "
        "in points. *Verdict*: whether ours can be told from BBNN (probability 0.95), and then its direction beside the paper's.",
        "tab-{{ slug }}-all",
    )
)

# %% [markdown]
# ## What they cost

# %% tags=["hide-input"]
display(
    myst.table(
        pd.DataFrame(
            {
                "Network": frame["Network"],
                "Parameters": costs["parameters"].to_numpy(),
                "Trainable": costs["trainable"].to_numpy(),
                "MACs (M)": [value / 1e6 for value in costs["macs"]],
                "Activations (MiB)": costs["activation_mib"].to_numpy(),
                "s a step": changes["step_s"],
            }
        ),
        f"Parameters for {classes} classes; MACs (multiply-adds, in millions) and the outputs of all layers for a 30 s clip, counted on the rows. *s a step*: time of a whole run ({where}) by its training steps; the machine may have been busy, so take it "
        "as an order of magnitude.",
        "tab-{{ slug }}-costs",
        formats={"MACs (M)": ".0f", "Activations (MiB)": ".0f", "s a step": ".2f"},
    )
)

# %% tags=["hide-input"]
if len(run):
    display(myst.provenance(report.only(names).provenance()))
    display(
        myst.text(
            f"Any subset runs with one command, such as `{report.command(('bbnn', 'selu', 'xception'))}`; `--variant all` runs every network. "
            "It can be stopped and goes on where it was; the pages follow with `bnet pages build`."
        )
    )

# %% [markdown]
# ## Text against table
#
# The text of section III-E puts five of the losses into words. Added to the table's accuracies they tell what BBNN they
# were measured against.

# %% tags=["hide-input"]
losses = pd.DataFrame(
    [
        [VARIANTS[name].title, paper.TABLE_3[name].test, loss, paper.TABLE_3[name].test + loss]
        for name, loss in paper.TABLE_3_LOSSES.items()
    ],
    columns=["Network", "Test % (Table III)", "Loss in the text", "BBNN would be at"],
)
implied = losses["BBNN would be at"].round(0)
printed = ablation.reported(ablation.BASELINE).test
display(
    myst.table(
        losses,
        "**The paper's** losses in words, and the accuracy of BBNN that they imply.",
        "tab-{{ slug }}-losses",
        formats={"Test % (Table III)": ".1f", "BBNN would be at": ".1f"},
    )
)
common = implied.mode()[0]
display(
    myst.text(
        f"{(implied == common).sum()} of {len(losses)} imply a BBNN at {common:.0f} %, where Table II prints {printed:.1f} %; the text does not say "
        "which run of BBNN it compares with. Against Table II the losses are "
        f"{printed - losses['Test % (Table III)'].max():.1f} to {printed - losses['Test % (Table III)'].min():.1f} points."
    )
)

# %% [markdown]
# ## What we had to decide
#
# The paper leaves much open: squeeze ratio, axis of the LSTM, widths of the Inception-ResNet. Every decision stands in the
# row of its network, with the reason and where it comes from; this table is made of the rows.

# %% tags=["hide-input"]
made = decisions(names)
myst.table(
    pd.DataFrame(
        {
            "Network": made["title"],
            "Question": made["what"],
            "Here": made["choice"],
            "Why": made["reason"],
            "Source": made["source"],
        }
    ),
    f"{len(made)} decisions of {made['variant'].nunique()} networks. Those of BBNN hold for all.",
    "tab-{{ slug }}-decisions",
    cards=True,
)
