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
# BBNN **on the same clips** and its 95 % interval.

# %% tags=["parameters"]
corpus = ""  # whose records are shown; empty: GTZAN from sound or from pictures where most of these networks were run, else tunes
profile = ""  # smoke, laptop, evening, desktop or paper; empty: the one in which most of these networks were run
protocol = ""  # grouped, holdout, kfold or official; empty: the one in which most of these networks were run
classes = 10  # for the parameters; GTZAN has 10

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from bnet.audit import ablation, paper, plots
from bnet.audit.evidence import measured_on
from bnet.audit.report import Report, chosen
from bnet.book import myst
from bnet.models import TABLE_3, VARIANTS
from bnet.models.counting import table
from bnet.paths import results_dir
from bnet.sound import log_mel
from bnet.statistics import comparison

plots.style()
names = (ablation.BASELINE, *TABLE_3, *ablation.EXTRAS)
of = [corpus] if corpus else [*measured_on("gtzan"), "tunes"]
reports = [Report.load(c, *chosen(c, profile, protocol, results_dir(), networks=names), results_dir()) for c in of]
report = next((r for r in reports if len(set(r.networks) & set(names)) > len(names) / 2), reports[-1])
corpus, profile, protocol = report.corpus.name, report.profile, report.protocol
changes = ablation.changes(report, [(name, ablation.BASELINE) for name in names])
run = changes[changes["folds"] > 0]
setting = report.records[0].config.training if report.records else None
where = f"{report.corpus.title}, profile `{profile}`, protocol `{protocol}`" + (
    f" ({setting.clip_seconds:g} s clips, at most {setting.epochs} epochs)" if setting else ""
)

# %% tags=["hide-input"]
varied = changes[changes["variant"].isin(TABLE_3)]
told = varied[varied["verdict"].str.startswith(("better", "worse", "equivalent"))]
adjusted = pd.Series(comparison.holm(varied["p"]), index=varied.index)
if len(run):
    clear = [f"{name} {verdict.split(',')[0]}" for name, verdict in zip(told["title"], told["verdict"], strict=True)]
    kept = told[adjusted[told.index] < 0.05]["title"]
    few = (varied["verdict"] == "too few folds").sum()
    text = (
        f"**In short.** The paper finds no variation better than BBNN. On {where}, {(varied['folds'] > 0).sum()} of {len(varied)} variations were run"
        + (f"; {few} of them on too few folds for a verdict" if few else "")
        + f". {len(told)} differ from BBNN, or equal it within a point: {', '.join(clear) or 'none'}. "
        f"Of {len(varied)} comparisons at 95 %, {0.05 * len(varied):.1f} would be called different by chance; with Holm's correction {len(kept)} remain"
        + (f" ({', '.join(kept)})" if len(kept) else "")
        + ". The rule of the verdicts is that of {doc}`/table-2`."
    )
    display(myst.text(text))
    display(myst.text(plots.still_rising(report.histories([ablation.BASELINE, *TABLE_3]))))
else:
    display(myst.not_run(f"No record on {where}.", report.command(names) + "\nbnet pages build"))

# %% tags=["hide-input"]
if len(run):
    shown = changes[changes["variant"] != ablation.BASELINE]
    fig, ax = plt.subplots(figsize=(6.6, 0.42 * len(shown) + 1.2))
    plots.changes(shown, ax=ax, measured=f"here, {report.corpus.title}, {profile}")
    wide = shown[["low", "high"]].abs().max(axis=1) > ax.get_xlim()[1]
    myst.figure(
        fig,
        f"Test accuracy minus that of BBNN, in percentage points: the paper's on GTZAN, and ours on {where}. Bars are 95 % "
        + (
            f"intervals; {wide.sum()} of them are wider than the figure and stand in the table."
            if wide.any()
            else "intervals."
        )
        + ("" if report.corpus.name in measured_on("gtzan") else " Two corpora: compare directions, not lengths."),
        "fig-{{ slug }}-changes",
        "One row per network. "
        + " ".join(f"{r.title}: {r.change:+.1f} points, {r.verdict}." for r in shown.itertuples() if r.folds),
    )

# %% [markdown]
# ## The table

# %% tags=["hide-input"]
costs = table([VARIANTS[name] for name in names], classes, log_mel.frames(30)).set_index("variant")
link = {name: "{doc}" + f"`{VARIANTS[name].title} <{name}>`" for name in (*TABLE_3, *ablation.EXTRAS)}
link[ablation.BASELINE] = VARIANTS[ablation.BASELINE].title


def signed(value: float) -> str:
    return myst.NOTHING if np.isnan(value) else f"{value:+.1f}"


frame = pd.DataFrame(
    {
        "Network": [link[name] for name in names],
        "Paper, val. / test %": [
            myst.NOTHING if np.isnan(r.paper_test) else f"{r.paper_validation:.1f} / {r.paper_test:.1f}"
            for r in changes.itertuples()
        ],
        "Paper Δ": [signed(value) for value in changes["paper_change"]],
        "Folds": changes["folds"],
        "Here, test %": changes["accuracy"],
        "BBNN, same folds %": changes["base"],
        "Here Δ (95 % interval)": [
            myst.NOTHING if np.isnan(r.low) else f"{r.change:+.1f} ({r.low:+.1f}\u00a0to\u00a0{r.high:+.1f})"
            for r in changes.itertuples()
        ],
        "At most": changes["bound"],
        "Could show": changes["detectable"],
        "Verdict": changes["verdict"],
    }
)
display(
    myst.table(
        frame,
        f"**The paper's** Table III (GTZAN; BBNN from its Table II) beside ours: {where}. Δ is the test accuracy minus BBNN's on the same folds, "
        "in points. *At most*: the difference either way, with probability .95. *Could show*: the smallest difference that such data would show in four of five cases.",
        "tab-{{ slug }}-all",
        formats=dict.fromkeys(("Here, test %", "BBNN, same folds %", "At most", "Could show"), ".1f"),
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
                "s per step": [ablation.step_seconds(report, name) or myst.NOTHING for name in names],
            }
        ),
        f"Parameters for {classes} classes; MACs (multiply-adds, in millions) and the outputs of all layers for a 30 s clip, counted on the "
        f"rows. *s per step*: time of a whole run ({where}) by its training steps; the machine may have been busy, so take it "
        "as an order of magnitude. `lean` steps are this package's own and faster than Keras's `plain` ones: compare within one kind only.",
        "tab-{{ slug }}-costs",
        formats={"MACs (M)": ".0f", "Activations (MiB)": ".0f"},
    )
)

# %% tags=["hide-input"]
if len(run):
    display(myst.provenance(report.only(names).provenance()))
    display(
        myst.text(
            f"Any subset runs with one command, such as `{report.command(('bbnn', 'selu', 'xception'))}`; `--variant all` runs every network. "
            "It can be stopped and resumes; the pages follow with `bnet pages build`."
        )
    )

# %% [markdown]
# ## Text against table
#
# The text of section III-E puts five of the losses into words. Added to the table's accuracies they give the accuracy of BBNN
# that they were measured against.

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
whole = sum(value.test == round(value.test) for value in paper.TABLE_3.values())
display(
    myst.text(
        f"{(implied == common).sum()} of {len(losses)} imply a BBNN at {common:.0f} %, where Table II prints {printed:.1f} %; the text does not say "
        "which run of BBNN it compares with. Against Table II the losses are "
        f"{printed - losses['Test % (Table III)'].max():.1f} to {printed - losses['Test % (Table III)'].min():.1f} points. What one accuracy of Table III is remains open: "
        f"section III-C says {ablation.HIGHEST}, yet only {whole} of {len(paper.TABLE_3)} are whole percents, as 100 test clips would give."
    )
)

# %% [markdown]
# ## What we had to decide
#
# The paper leaves much open: squeeze ratio, axis of the LSTM, widths of the Inception-ResNet. {doc}`/reference/decisions` lists
# every decision, with the reason and where it comes from; so does the page of each network.
