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
# {cite:p}`liu2021`: it looks at a picture of the sound (a *mel spectrogram*: how loud which pitch is at which time), and each
# of its blocks sees the output of *all* earlier blocks, so that low-level detail is broadcast to every layer. They change it
# in five ways, keep it at about 180 000 parameters, and report that the result beats BBNN on four collections of music, and
# that none of fourteen other changes does.
#
# This book rebuilds the networks, trains them on music that anyone can have, and puts what was measured beside what was
# claimed. Nothing in it was typed in by hand: every number and picture is computed from the record of a run, and each
# says which.

# %% tags=["parameters"]
profile = "laptop"  # whose records are shown: smoke, laptop or paper
protocol = "grouped"  # how clips were split: grouped, holdout or kfold

# %% tags=["remove-cell"]
import pandas as pd
from IPython.display import display

from bnet.audit import finding, paper
from bnet.book import myst
from bnet.paths import results_dir

reports = finding.load(results_dir(), profile, protocol)

# %% [markdown]
# ## What we found
#
# The book comes with a collection of its own, {doc}`tunes <corpora/tunes>`: seven kinds of dance tune from two old
# printed collections, rendered to sound on your machine. Beside the networks stand two plain methods,
# **support-vector machines** (SVM) that see no picture: one hears **timbre** (mean and spread of each frequency band), one
# **rhythm** (after how long the pattern of onsets repeats). In the twin {doc}`tunes-free <corpora/tunes-free>` the same
# tunes have a tempo drawn by lot. Tables call the paper's network *Proposed (Figure 1)*, and *Proposed (as released)* where
# it is built as in the authors' notebooks, which differ from the figure.

# %% tags=["hide-input"]
some = any(report.records for report in reports.values())
if some:
    myst.drawing(
        finding.svg(reports),
        "Test accuracy, measured here. A **fold** is one way to divide the clips into those to learn from and those to be "
        "tested on; **grouped** means that no tune stands on both sides, not even in another version.",
        "fig-index-finding",
        finding.description(reports),
    )
else:
    display(
        myst.not_run(
            f"There are no records with the profile `{profile}` and the protocol `{protocol}` yet.",
            "\n".join(report.command() for report in reports.values()),
        )
    )

# %% tags=["hide-input"]
if some:
    display(myst.text(finding.sentences(reports)))
    pairs = [("proposed", "bbnn"), ("proposed-released", "bbnn"), ("proposed", "svm-rhythm"), ("bbnn", "svm-rhythm")]
    for name, report in reports.items():
        said = [f"- {report.compare(one, two)}" for one, two in pairs if {one, two} <= set(report.variants)]
        if said:
            display(myst.text(f"On `{name}`, the same clips heard by both:\n\n" + "\n".join(said)))
        if report.records:
            display(myst.provenance(report.provenance(), f"Where these numbers come from: {name}"))

# %% tags=["hide-input"]
if some:
    config = next(report.records[0].config for report in reports.values() if report.records)
    display(
        myst.text(
            f"**Can it be trusted?** Clips of {config.clip_seconds:g} s and at most {config.epochs} epochs of training (profile "
            f"`{profile}`): the paper trains longer, on clips of 30 s. The comparisons above know the luck of clips and splits, "
            "and were themselves checked by simulation; {doc}`table-2` has that, and the random hold-outs of the paper's kind too. The paper's four collections have not been run: nobody "
            "may pass their sound on. Where something has not been run, its page says so and gives the command."
        )
    )

# %% [markdown]
# ## What the paper claims
#
# The paper's main table gives one pair of numbers for each collection and network: the best of ten random splits. Four of
# four test accuracies favour the new network. In clips, the differences are small: the last column says how many test
# clips separate the two, if one clip in ten is tested as the paper describes. {doc}`claims` judges everything that the
# paper says, {doc}`table-2` this table, and {doc}`luck` shows what reporting the best of several splits does.

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
# ## How to read this book
#
# - **The paper.** {doc}`networks`: what a broadcast network is, layer by layer. {doc}`features`, with pictures and
#   sound.
# - **The corpora.** {doc}`corpora/table-1` and a page for each: results with their spread, confusions, and the clips that
#   were mistaken, to listen to.
# - **The ablations.** {doc}`ablations/table-3`: the fourteen variations of BBNN, a page for each; {doc}`ablations/steps`:
#   from BBNN to the paper's network one change at a time.
# - **The audit.** {doc}`claims`: all that the paper says, with a verdict each; {doc}`table-2`, {doc}`luck`,
#   {doc}`rhythm-or-tempo`, {doc}`inside`, {doc}`differences`, {doc}`since`.
# - **Do it yourself.** {doc}`listen`: a network at work in your browser, on sound of your own. {doc}`reproduce`: run all of it;
#   then tutorials for a GPU, a network, a corpus or a folder of your own.
# - **Reference.** Commands, package, decisions, licences; {doc}`runs`: every run behind this book, with its hours;
#   {doc}`status`: when, where and from what each page was made.
