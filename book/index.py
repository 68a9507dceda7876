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
# {cite:p}`liu2021`: it looks at a picture of the sound (a *mel spectrogram*: the level of each pitch over time), and each
# of its blocks sees the output of *all* earlier blocks, so that low-level detail is broadcast to every layer. They change it
# in five ways, keep it at about 180 000 parameters, and report that the result beats BBNN on four collections of music, and
# that none of fourteen other changes does.
#
# This book rebuilds the networks, trains them on music that anyone can have, and puts what was measured beside what was
# claimed. Every result of ours comes from a stored run, and each number and figure says from which.

# %% tags=["remove-cell"]
from collections import Counter

import pandas as pd
from IPython.display import display

from bnet.audit import finding, paper
from bnet.audit.claims import CLAIMS
from bnet.audit.evidence import Evidence, Verdict, command
from bnet.book import myst
from bnet.paths import results_dir
from bnet.statistics.comparison import RULE

evidence = Evidence(results_dir())
pairs = [finding.reports(evidence, contrast) for contrast in finding.CONTRASTS]
reports = [report for pair in pairs for report in pair if report]

# %% [markdown]
# ## What we found
#
# GTZAN and FMA-small, two of the paper's four corpora, can be learnt from published pictures of their mel spectrograms, which hold what
# a network takes in. The book also brings a corpus of its own, {doc}`tunes <corpora/tunes>`: seven kinds of dance tune from two old
# printed collections, rendered to sound on your machine; in its twin {doc}`tunes-free <corpora/tunes-free>` the same tunes have a
# random tempo. Beside the networks stand two plain methods, **support-vector machines** (SVM): one sees **timbre** (mean and
# spread of each frequency band), one **rhythm** (after how long the pattern of onsets repeats).

# %% tags=["hide-input"]
if reports:
    myst.figure(
        finding.figure(evidence),
        "Test accuracy of the same methods under two conditions. A **random split** may put an artist, or the same recording, into both "
        "training and test; the fault-filtered split of GTZAN and the official one of FMA-small do not. Each number is the mean over splits or seeds.",
        "fig-index-finding",
        finding.description(evidence),
    )
    display(myst.text(finding.sentences(evidence)))
gaps = [c for c, pair in zip(finding.CONTRASTS, pairs, strict=True) if None in pair]
if gaps:
    display(
        myst.not_run(
            f"Not all was run of {', '.join(contrast.title for contrast in gaps)}.",
            "\n".join(command(*side[:2]) for contrast in gaps for side in (contrast.one, contrast.other)),
        )
    )
for report in reports:
    title = f"Where these numbers come from: {report.corpus.title}, {report.protocol}"
    display(myst.provenance(report.only(finding.METHODS).provenance(), title))

# %% tags=["hide-input"]
count = Counter(claim.check(evidence).verdict for claim in CLAIMS)
display(
    myst.text(
        f"**Of {len(CLAIMS)} claims of the paper** "
        + ", ".join(f"{count[v]} {'is' if count[v] == 1 else 'are'} {v.value}" for v in Verdict if count[v])
        + " ({doc}`claims`)."
    )
)
display(
    myst.text(
        f"**Can it be trusted?** {RULE} The intervals account for variation across clips, splits and seeds; "
        "{doc}`table-2` tells how, "
        "with a simulation of this very rule. GTZAN and FMA-small come from pictures with fewer frames per second than the paper's, and "
        "no profile but `paper` trains as long as the paper does. Where something has not been run, its page says so and gives the command."
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
    "What **the paper** reports (its Table II, test columns); what was measured stands in {doc}`table-2`. {doc}`/reproduce` tells how "
    "to run your own copies.",
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
