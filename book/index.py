# %% [markdown]
# # Broadcast networks for music genre classification, reproduced
#
# *A Study on Broadcast Networks for Music Genre Classification* {cite:p}`heakl2022` changes a small convolutional network,
# BBNN {cite:p}`liu2021`, in five ways, and reports that the result beats it on four collections of music. This book rebuilds
# both, trains them on data that anyone can download or generate, and puts what was measured beside what was claimed.

# %% tags=["remove-cell"]
from collections import Counter

from bnet.audit import contrasts, finding, plots
from bnet.audit.claims import CLAIMS
from bnet.audit.evidence import OURS, Evidence, Verdict, command
from bnet.audit.outside import reading
from bnet.book import myst
from bnet.paths import results_dir

evidence = Evidence(results_dir())
known = finding.description(evidence)

# %% tags=["remove-input"]
if known:
    myst.figure(
        finding.figure(evidence),
        "The answers in one figure. Bars are 95 % intervals, an arrow where they leave the axis; diamonds are the paper's.",
        "fig-index-finding",
        known,
    )

# %% tags=["remove-input"]
for answer in finding.answers(evidence):
    myst.text("**{doc}" + f"`{answer.question} <{answer.page}>`** {answer.text}")
count = Counter(claim.check(evidence).verdict for claim in CLAIMS)
myst.text(
    "**{doc}"
    + f"`Of {len(CLAIMS)} claims of the paper <claims>`** "
    + ", ".join(f"{count[v]} {'is' if count[v] == 1 else 'are'} {v.value}" for v in Verdict if count[v])
    + "."
)

# %% [markdown]
# ## Music of our own: `tunes`
#
# The book also brings a corpus that may be redistributed, {doc}`tunes <corpora/tunes>`: seven kinds of dance tune from two old
# printed collections, rendered to audio on your machine. In its twin {doc}`tunes-free <corpora/tunes-free>` the same tunes
# have a random tempo. Beside the networks stand two plain methods, support-vector machines (SVM): one sees **timbre** (mean
# and spread of each frequency band), one **rhythm** (after how long the pattern of onsets repeats). {doc}`rhythm-or-tempo`
# has the details.

# %% tags=["remove-input"]
if told := finding.on_tunes(evidence):
    myst.text(told)
ours = contrasts.CONTRASTS[-1]
if len(contrasts.table(evidence, ours)):
    plots.style()
    fig, told = contrasts.figure(evidence, ours, "test clips named correctly, %")
    caption = "Test accuracy of the same methods on the same tunes, at traditional and at random tempo."
    myst.figure(fig, caption, "fig-index-tunes", told)
sources = [report for contrast in contrasts.CONTRASTS for report in contrasts.reports(evidence, contrast) if report]
sources += [report for gap, report in evidence.compared("bbnn", "proposed", OURS[0]) if gap.enough]
facts = [*dict.fromkeys(line for report in sources for line in report.only(contrasts.METHODS).provenance())]
facts += reading.provenance(finding.outside(results_dir())[:1])
if facts:
    myst.provenance(facts)
gaps = [c for c in contrasts.CONTRASTS if None in contrasts.reports(evidence, c)]
if gaps:
    myst.not_run(
        f"Some {' and '.join(contrast.title for contrast in gaps)} runs are missing.",
        "\n".join(command(*side[:2]) for contrast in gaps for side in (contrast.one, contrast.other)),
    )

# %% [markdown]
# ## How to read this book
#
# - **Results.** {doc}`claims` with a verdict each, {doc}`table-2`, {doc}`ablations`, {doc}`luck`, {doc}`outside`, and a page
#   per corpus ({doc}`corpora/table-1`).
# - **The networks.** {doc}`networks`, layer by layer; {doc}`features`, with pictures and sound; {doc}`sources`.
# - **Do it yourself.** {doc}`listen`: a network at work in your browser, on your own audio. {doc}`reproduce`: run all of it;
#   then tutorials for a GPU, a network, a corpus or a folder of your own.
# - **Reference.** Commands, package, {doc}`every run with its hours <runs>`.
