# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Broadcast networks for music genre classification, reproduced
#
# In 2022 Heakl, Abdelgawad and Parque published *A Study on Broadcast Networks for Music Genre Classification*
# {cite:p}`heakl2022`. Their starting point is a small convolutional network, the **bottom-up broadcast network** (BBNN)
# {cite:p}`liu2021`: it looks at a picture of the sound, and each of its blocks sees the output of *all* earlier blocks,
# so that low-level detail is broadcast to every layer. They change it in five ways, keep it at about 180 000
# parameters, and report that the result beats BBNN on four collections of music, and that none of fourteen other changes
# does.
#
# This book rebuilds the networks, trains them on music that anyone can have, and puts what was measured beside what was
# claimed. Nothing in it was typed in by hand: every number and picture below is computed from the record of a run, and
# each says which.

# %% tags=["parameters"]
profile = "laptop"  # whose records are shown: smoke, laptop or paper
protocol = "grouped"  # how clips were split: grouped, holdout or kfold

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from bnet import myst, paper, plots
from bnet.paths import results_dir
from bnet.report import Report

plots.style()
reports = {name: Report.load(name, profile, protocol, results_dir()) for name in ("tunes", "tunes-free")}

# %% [markdown]
# ## What the paper claims
#
# The paper's main table gives one pair of numbers for each collection and network: the best of ten random splits. Four of
# four test accuracies favour the new network. In clips, the differences are small: the fourth column says how many test
# clips separate the two, if one clip in ten is tested as the paper describes. {doc}`claims` judges everything the paper says,
# {doc}`table-2` this table, and {doc}`luck` shows what reporting the best of several splits does.

# %% tags=["hide-input"]
rows = []
for corpus, title in paper.CORPUS_TITLES.items():
    old, new = paper.TABLE_2[corpus, "bbnn"].test, paper.TABLE_2[corpus, "proposed"].test
    rows.append([title, old, new, round((new - old) / 100 * round(paper.TABLE_1_TOTALS[corpus] / 10))])
columns = ["Collection", "BBNN, test %", "Proposed, test %", "Difference in test clips"]
myst.table(
    pd.DataFrame(rows, columns=columns),
    "What **the paper** reports (its Table II, test columns). Not measured here: these collections are not free to copy; "
    "{doc}`/reproduce` tells how to run them on your own.",
    "tab-index-paper",
    formats=dict.fromkeys(columns, ".1f"),
)

# %% [markdown]
# ## What we measured
#
# The book comes with a collection of its own, {doc}`tunes <corpora/tunes>`: seven kinds of dance tune from two old
# printed collections, rendered to sound on your machine. A **fold** is one way to divide the clips into those to learn
# from and those to be tested on; here no tune stands on both sides, not even in another version. Beside the networks
# stand two simple methods, support-vector machines (SVM) on **timbre** (mean and spread of each frequency band) and on
# **rhythm** (after how long the pattern of onsets repeats).
# Its twin {doc}`tunes-free <corpora/tunes-free>` has the same tunes with the tempo drawn by lot, so that rhythm alone
# tells the dances apart.


# %% tags=["hide-input"]
def measured(name: str) -> None:
    """Show one corpus: the picture and the comparisons, or that it was not run."""
    report = reports[name]
    if not report.records:
        display(myst.not_run(f"There are no records of `{name}` with the profile `{profile}` yet.", report.command()))
        return
    fig, ax = plt.subplots(figsize=(8, 0.55 * len(report.variants) + 1.4))
    plots.intervals(report.summary, ax=ax, floor=report.chance())
    best = report.summary.sort_values("accuracy").iloc[-1]
    myst.figure(
        fig,
        f"Measured here: test accuracy on `{name}` (profile `{profile}`, protocol `{protocol}`): mean over folds, and 95 % "
        "interval over all tested clips with whole tunes resampled.",
        f"fig-index-{name}",
        f"Dots with intervals, one row a method; the highest is {best['title']} at {best['accuracy']:.2f}.",
    )
    pairs = [("proposed", "bbnn"), ("proposed-released", "bbnn"), ("proposed", "svm-rhythm")]
    said = [f"- {report.compare(one, two)}" for one, two in pairs if {one, two} <= set(report.variants)]
    if said:
        display(myst.text("\n".join(said)))
    display(myst.provenance(report.provenance()))


measured("tunes")

# %% tags=["hide-input"]
measured("tunes-free")

# %% [markdown]
# ## How to read this book
#
# - {doc}`networks`: what a broadcast network is, the paper's network and BBNN, layer by layer.
# - {doc}`features`: what the networks see, with pictures and sound.
# - {doc}`corpora/table-1` and the pages after it: the paper's four collections and ours, results with their spread,
#   confusions, and the clips that were mistaken, to listen to.
# - {doc}`ablations/table-3`: the fourteen variations of BBNN, a page for each; {doc}`ablations/steps`: from BBNN to the
#   paper's network one change at a time.
# - {doc}`reproduce`: run all of it yourself; {doc}`own-variant`: a network of your own; {doc}`corpora/folder`: your own
#   music.
# - {doc}`status`: when, where and from what each page was made.
#
# **What is not here.** The paper's four collections have not been run: their sound may not be passed on. Where something
# has not been run, its page says so and gives the command.
