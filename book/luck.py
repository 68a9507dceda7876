# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How much is luck?
#
# Draw a corpus into training and test parts ten times, and the same network gets ten different accuracies. Report the highest, and the
# number is no longer about the network alone. The paper reports 'the highest test accuracy'; four of the published notebooks draw
# a new split until the test accuracy passes a threshold ({doc}`differences`). What do such rules add?

# %% tags=["parameters"]
corpus = "tunes"
profile = "laptop"  # whose records are shown

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from bnet.audit import paper, plots
from bnet.audit.report import Report
from bnet.book import myst
from bnet.paths import results_dir
from bnet.runs import jobs
from bnet.statistics import luck, metrics

plots.style()
report = Report.load(corpus, profile, "holdout", results_dir())
grouped = Report.load(corpus, profile, "grouped", results_dir())
drawn = {
    name: [metrics.accuracy(*record.arrays("test")[1:]) for record in report.of(name)]
    for name in report.variants
    if name != "majority" and len(report.of(name)) > 2
}
clips = len(report.records[0].arrays("test")[0]) if report.records else 0
command = report.command(("baselines", "bbnn", "proposed")) + "\nbnet pages build"

# %% [markdown]
# ## One network, many accuracies

# %% tags=["hide-input"]
if drawn:
    rng = np.random.default_rng(0)
    fig, ax = plt.subplots(figsize=(6.8, 0.95 * len(drawn) + 1.3), layout="constrained")
    for row, values in enumerate(drawn.values()):
        colour, shares = plots.PALETTE[row], 100 * np.array(values)
        best = shares.argmax()
        ax.scatter(shares, row + rng.uniform(-0.12, 0.12, len(shares)), color=colour, s=45, alpha=0.75, zorder=3)
        ax.vlines(shares.mean(), row - 0.28, row + 0.28, color=plots.INK, linewidth=2.5, zorder=4)
        ax.plot(
            shares[best],
            row,
            "o",
            markersize=15,
            markerfacecolor="none",
            markeredgecolor=plots.INK,
            markeredgewidth=1.6,
        )
        ax.annotate(
            f"best {shares[best]:.1f}", (shares[best], row), xytext=(12, -4), textcoords="offset points", fontsize=10
        )
        ax.annotate(f"mean {shares.mean():.1f}", (shares.mean(), row - 0.3), ha="center", va="bottom", fontsize=10)
    ax.set(yticks=range(len(drawn)), xlabel="test accuracy, %", ylim=(len(drawn) - 0.5, -0.6))
    ax.set_yticklabels([jobs.title(name) for name in drawn])
    ax.margins(x=0.12)
    myst.figure(
        fig,
        f"Each dot is one random 80/10/10 split of `{corpus}` ({clips} test clips, profile `{profile}`); the bar is the mean, the ring is what the rule 'report the highest' would print.",
        "fig-luck-draws",
        " ".join(
            f"{jobs.title(n)}: {len(v)} dots from {100 * min(v):.1f} to {100 * max(v):.1f} %, mean {100 * np.mean(v):.1f} %."
            for n, v in drawn.items()
        ),
    )
else:
    display(myst.not_run(f"No hold-outs of `{corpus}` with profile `{profile}` were run.", command))

# %% tags=["hide-input"]
if drawn:
    rows = [
        {
            "Network": jobs.title(name),
            "Draws": len(values),
            "Mean %": 100 * np.mean(values),
            "sd": 100 * np.std(values, ddof=1),
            "Binomial sd": 100 * np.sqrt(np.mean(values) * (1 - np.mean(values)) / clips),
            "Best %": 100 * max(values),
            "Best minus mean": 100 * (max(values) - np.mean(values)),
            "Grouped folds, mean %": 100 * np.mean([metrics.accuracy(*r.arrays("test")[1:]) for r in grouped.of(name)])
            if grouped.of(name)
            else np.nan,
        }
        for name, values in drawn.items()
    ]
    display(
        myst.table(
            pd.DataFrame(rows),
            f"Hold-outs on `{corpus}`. 'Binomial sd' is the spread that {clips} clips alone would give. Grouped folds keep relatives of a test clip out of training.",
            "tab-luck-draws",
            formats=dict.fromkeys(
                ("Mean %", "sd", "Binomial sd", "Best %", "Best minus mean", "Grouped folds, mean %"), ".1f"
            ),
        )
    )
    names = [name for name in ("bbnn", "proposed") if name in drawn]
    if len(names) == 2:
        gain = {name: 100 * (max(drawn[name]) - np.mean(drawn[name])) for name in names}
        gaps = 100 * (np.mean(drawn["proposed"]) - np.mean(drawn["bbnn"]))
        display(
            myst.text(
                f"Reporting the best of the draws instead of their mean adds {gain['bbnn']:.1f} points to BBNN and {gain['proposed']:.1f} to the proposed network. "
                f"The two differ by {gaps:+.1f} points in the mean here; the differences that the paper reports are "
                + ", ".join(f"{paper.gain(c):.1f}" for c in paper.CORPUS_TITLES)
                + " points."
            )
        )
    display(myst.provenance(report.provenance()))

# %% [markdown]
# ## Best of k, measured and computed
#
# With the draws in hand, the expected best of k of them is exact: an average over all choices of k. The formula knows the mean and
# the spread only: {math}`E[\max] = \frac{1}{n}\sum_{x<n} (1 - F(x)^k)`, with F binomial, or beta-binomial where draws spread more. The measured
# curve ends at the best draw seen. Hold-outs overlap and share one corpus, so they may spread less than the formula's independent clips.

# %% tags=["hide-input"]
if drawn:
    fig, axes = plt.subplots(
        -(-len(drawn) // 2), 2, figsize=(6.8, 2.9 * -(-len(drawn) // 2)), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(drawn) :]:
        ax.axis("off")
    for ax, (name, values), colour in zip(axes.flat, drawn.items(), plots.PALETTE, strict=False):
        k = np.arange(1, len(values) + 1)
        sd = luck.spread_between(values, clips)
        ax.plot(k, [100 * luck.best_of_observed(values, i) for i in k], "o-", color=colour, label="measured")
        ax.plot(k, [100 * luck.best_of(np.mean(values), clips, i) for i in k], ":", color=plots.INK, label="binomial")
        if sd**2 > np.mean(values) * (1 - np.mean(values)) / clips:
            ax.plot(
                k,
                [100 * luck.best_of(np.mean(values), clips, i, sd) for i in k],
                "--",
                color=plots.INK,
                label="beta-binomial",
            )
        ax.set(title=jobs.title(name), xlabel="draws, k")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(fontsize=8, loc="lower right")
    fig.supylabel("expected best accuracy, %")
    worst = max(
        abs(luck.best_of_observed(v, i) - luck.best_of(np.mean(v), clips, i, luck.spread_between(v, clips)))
        for v in drawn.values()
        for i in range(1, len(v) + 1)
    )
    myst.figure(
        fig,
        "What 'report the best of k' is expected to print: measured over the draws, and by the formula from their mean and spread.",
        "fig-luck-best-of-k",
        f"Rising curves, one panel a system; measured and computed differ by {100 * worst:.1f} points at most.",
    )
    ks = [k for k in (1, 2, 4, 10) if all(k <= len(v) for v in drawn.values())]
    display(
        myst.table(
            pd.DataFrame(
                [
                    {
                        "Network": jobs.title(name),
                        **{
                            f"k = {k}": f"{100 * luck.best_of_observed(values, k):.1f} / {100 * luck.best_of(np.mean(values), clips, k, luck.spread_between(values, clips)):.1f}"
                            for k in ks
                        },
                    }
                    for name, values in drawn.items()
                ]
            ),
            "Expected best of k draws in percent: measured / formula.",
            "tab-luck-best-of-k",
        )
    )
    display(myst.provenance(report.provenance()))

# %% [markdown]
# ## Redraw until it passes
#
# The published notebooks compare with a threshold at or just above BBNN's test accuracy. The same rule here: split anew until the proposed
# network reaches BBNN's mean. It always succeeds in the end; what it reports is no smaller than the threshold, by construction.

# %% tags=["hide-input"]
if {"bbnn", "proposed"} <= set(drawn):
    values, threshold = np.array(drawn["proposed"]), float(np.mean(drawn["bbnn"]))
    found = luck.redraw(values.mean(), clips, threshold, luck.spread_between(values, clips))
    passed = values[values >= threshold]
    display(
        myst.table(
            pd.DataFrame(
                {
                    "How": ["measured", "formula"],
                    "True mean %": [100 * values.mean()] * 2,
                    "Threshold %": [100 * threshold] * 2,
                    "Passes": [len(passed) / len(values), found.chance],
                    "Draws needed": [len(values) / len(passed) if len(passed) else np.inf, found.draws],
                    "Reported %": [100 * passed.mean() if len(passed) else np.nan, 100 * found.reported],
                }
            ),
            f"The proposed network under 'redraw until it is as good as BBNN' on `{corpus}`, profile `{profile}`, {len(values)} draws.",
            "tab-luck-redraw",
            formats={
                "True mean %": ".1f",
                "Threshold %": ".1f",
                "Passes": ".2f",
                "Draws needed": ".1f",
                "Reported %": ".1f",
            },
        )
    )
    display(myst.provenance(report.only(("bbnn", "proposed")).provenance()))

# %% tags=["hide-input"]
rows = []
for name, threshold in paper.THRESHOLDS.items():
    n = paper.tested_clips(name)
    for below in (0.0, 0.02, 0.05):
        p = threshold - below
        found = luck.redraw(p, n, threshold)
        rows.append(
            {
                "Corpus": paper.CORPUS_TITLES[name],
                "Clips": n,
                "Threshold %": 100 * threshold,
                "True %": 100 * p,
                "Draws needed": found.draws,
                "Reported %": 100 * found.reported,
            }
        )
myst.table(
    pd.DataFrame(rows),
    "The thresholds of the published notebooks, and what the rule would report of networks whose true accuracy is at the threshold, 2 and 5 points below. Computed from binomial chance alone, nothing here was trained.",
    "tab-luck-thresholds",
    formats={"Threshold %": ".1f", "True %": ".1f", "Draws needed": ".1f", "Reported %": ".1f"},
)

# %% [markdown]
# ## The baseline's published logs
#
# BBNN's notebook keeps the output of ten random hold-outs on GTZAN.

# %% tags=["hide-input"]
test, validation = (np.array(paper.BASELINE_LOGS[part]) for part in ("test", "validation"))
p = luck.overdispersion(test, 100)
myst.text(
    f"Test accuracies (the baseline's numbers, not ours) run from {100 * test.min():.0f} to {100 * test.max():.0f} %, mean {100 * test.mean():.1f} ± {100 * test.std(ddof=1):.1f}. "
    f"Ten draws of 100 clips would spread as much by chance alone with p = {p:.3f}: splits of GTZAN differ in difficulty, on top of the luck of the clips. "
    f"The best of its validation epochs averages {100 * validation.mean():.1f} %, close to the accuracy that its paper reports. "
    f"A network with this mean and spread would be expected to show {100 * luck.best_of(test.mean(), 100, 10, luck.spread_between(test, 100)):.1f} % as the best of ten test accuracies."
)

# %% [markdown]
# ## Luck of the training
#
# The same split trained again from other initial weights also gives another accuracy. Records of one split with several seeds would show how much; there are none yet.

# %% tags=["hide-input"]
myst.not_run(
    "Several seeds on one split have not been trained.",
    "\n".join(
        f"bnet train --corpus {corpus} --variant bbnn,proposed --protocol holdout --fold 0 --profile {profile} --set seed={seed}"
        for seed in (1, 2)
    ),
)
