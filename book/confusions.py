# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Figures 2 and 3: confusions and learning curves
#
# The paper's Figure 2 shows the confusion matrices of the proposed network, Figure 3 the learning curves of both networks, on four
# corpora. Here they are drawn from records, where there are any; what the paper says of its figures stands beside them.

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from bnet.audit import paper, plots
from bnet.audit.checks import confused
from bnet.audit.evidence import OURS, Evidence
from bnet.book import myst
from bnet.corpora import get_corpus
from bnet.paths import results_dir
from bnet.runs import jobs
from bnet.statistics import metrics

plots.style()
evidence = Evidence(results_dir())
reports = {
    corpus: found
    for corpus in (*paper.CORPUS_TITLES, *OURS)
    if (found := evidence.fullest(corpus, "bbnn", "proposed") or evidence.fullest(corpus, "proposed"))
}

# %% [markdown]
# ## Figure 2: what is mistaken for what

# %% tags=["hide-input"]
for corpus, report in reports.items():
    _, truth, probabilities = report.pooled("proposed")
    counts = metrics.confusion(truth, probabilities)
    fig, ax = plt.subplots(figsize=(6.2, 5.9))
    plots.confusion(counts, report.labels, ax=ax)
    off = counts - np.diag(np.diag(counts))
    a, b = divmod(int(off.argmax()), len(off))
    myst.figure(
        fig,
        f"{report.corpus.title}: confusions of the proposed network, counts and percent of the true class; profile `{report.profile}`, protocol `{report.protocol}`, {report.folds_of('proposed')} folds.",
        f"fig-confusions-{corpus}",
        f"Confusion matrix, {counts.trace()} of {counts.sum()} clips right; most often mistaken: {report.labels[a]} for {report.labels[b]}, {off.max()} times.",
    )

# %% tags=["hide-input"]
rows = [
    {
        "Corpus": title,
        "Confused by the proposed network, says the paper": "; ".join(
            " with ".join(pair) for pair in paper.CONFUSED[corpus]
        ),
        "Measured here": confused(corpus)(evidence).measured,
    }
    for corpus, title in paper.CORPUS_TITLES.items()
]
myst.table(pd.DataFrame(rows), "What section III-D reads out of the paper's Figure 2.", "tab-confusions-paper")

# %% [markdown]
# ## Is the network as sure as it is right?
#
# Not in the paper: clips are sorted by the probability of the class that the network names. Points on the diagonal are calibrated; below it
# the network is too sure of itself.

# %% tags=["hide-input"]
for corpus, report in reports.items():
    names = [name for name in ("bbnn", "proposed") if name in report.variants]
    fig, ax = plt.subplots(figsize=(5, 4.4), layout="constrained")
    ax.plot([0, 1], [0, 1], ":", color=plots.INK, linewidth=1)
    errors = {}
    for name, colour in zip(names, plots.PALETTE, strict=False):
        _, truth, probabilities = report.pooled(name)
        table = metrics.reliability(truth, probabilities)
        errors[name] = metrics.calibration_error(truth, probabilities)
        ax.plot(table["confidence"], table["accuracy"], "-", color=colour, linewidth=1)
        ax.scatter(
            table["confidence"],
            table["accuracy"],
            s=table["clips"],
            color=colour,
            alpha=0.8,
            label=f"{jobs.title(name)}, error {100 * errors[name]:.1f} points",
        )
    ax.set(xlabel="how sure the network is", ylabel="how often it is right", xlim=(0, 1.03), ylim=(0, 1.03))
    ax.legend(fontsize=9, loc="upper left")
    myst.figure(
        fig,
        f"Calibration on {report.corpus.title}, profile `{report.profile}`, all folds; the area of a dot is its number of clips, the error is the expected calibration error.",
        f"fig-confusions-calibration-{corpus}",
        "; ".join(
            f"{jobs.title(name)}: expected calibration error {100 * value:.1f} points" for name, value in errors.items()
        )
        + ".",
    )

# %% [markdown]
# ## Figure 3: learning curves

# %% tags=["hide-input"]
for corpus, report in reports.items():
    names = [name for name in ("bbnn", "proposed") if name in report.variants]
    histories = report.histories(names)
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for ax, column in zip(axes, ("loss", "accuracy"), strict=True):
        plots.learning_curves(histories, column, ax=ax)
    axes[0].legend(fontsize=8)
    myst.figure(
        fig,
        f"{report.corpus.title}: loss and accuracy over the epochs; thin lines are single folds, thick ones their mean, dashed is validation; profile `{report.profile}`, protocol `{report.protocol}`.",
        f"fig-confusions-curves-{corpus}",
        f"{plots.curve_ends(histories, 'loss')} {plots.curve_ends(histories)}",
    )
    display(myst.text(plots.still_rising(histories)))
    display(myst.provenance(report.only(names).provenance(), f"Where these numbers come from: {report.corpus.title}"))

# %% tags=["hide-input"]
absent = [corpus for corpus in paper.CORPUS_TITLES if corpus not in reports]
if absent:
    display(
        myst.not_run(
            f"{', '.join(paper.CORPUS_TITLES[c] for c in absent)}: no copy of the corpus was at hand.",
            "\n".join(
                f"bnet train --corpus {c} --variant bbnn,proposed --protocol {get_corpus(c).protocols[0]} --profile paper"
                for c in absent
            )
            + "\nbnet pages build",
        )
    )
