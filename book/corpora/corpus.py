# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {{ title }}

# %% tags=["parameters"]
corpus = "{{ corpus }}"
profile = ""  # whose records are shown: smoke, laptop or paper; empty: the fullest that has any
protocol = ""  # how clips were split: grouped, holdout, kfold or official; empty: the first that has records
exclude = ""  # kinds of clips that were left out: duplicates, faults or both, with a comma
train = False  # True: first extract and train what has no record yet
networks = (
    "baselines,bbnn,proposed,proposed-released"  # what is shown (any other, if none of these was run) and trained
)

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
import soundfile
from IPython.display import display

from bnet.audit import paper, plots, tables
from bnet.audit.report import Report, chosen
from bnet.book import myst
from bnet.corpora import SR, get_corpus
from bnet.errors import BnetError
from bnet.paths import results_dir
from bnet.runs import jobs
from bnet.statistics import metrics
from bnet.training.config import get_profile

plots.style()
found = get_corpus(corpus)
profile, protocol = chosen(corpus, profile, protocol, results_dir(), exclude)
setting = get_profile(profile)
kinds = [kind for kind in exclude.split(",") if kind]
if train:
    jobs.run_all(jobs.jobs(corpus, [networks], protocol, setting, exclude=kinds), results_dir())
whole = Report.load(corpus, profile, protocol, results_dir(), exclude)
wanted = jobs.variants([networks])
report = whole.only(wanted) if set(wanted) & set(whole.networks) else whole
try:
    everything, used, absent = found.tracks(), jobs.selected(found, setting, kinds), ""
except BnetError as error:
    everything, used, absent = [], [], str(error)

# %% tags=["hide-input"]
myst.text(found.about)

# %% [markdown]
# ## Classes

# %% tags=["hide-input"]
if found.labels:
    display(
        myst.table(
            tables.classes(found, everything, used, profile),
            f"Classes of `{corpus}`. "
            + (
                f"The paper's column is its Table I, names as printed. {paper.TABLE_1_REMARKS[corpus]} "
                if corpus in paper.TABLE_1
                else ""
            )
            + (
                f"Here: {len(everything)} clips in {len({track.group for track in everything})} groups; a group never stands on both "
                f"sides of a grouped split. The profile `{profile}` uses {len(used)} clips of {jobs.clip_seconds(found, setting):g} s."
                if everything
                else "The corpus itself was not at hand where this page was made."
            ),
            "tab-{{ slug }}-classes",
        )
    )
else:
    display(myst.text("*The classes are the names of your folders.*"))

# %% tags=["hide-input"]
myst.text(found.notes)

# %% tags=["hide-input"]
reported = {
    network: paper.TABLE_2[corpus, network] for network in ("bbnn", "proposed") if (corpus, network) in paper.TABLE_2
}
if reported:
    rows = [[jobs.title(name), value.validation, value.test] for name, value in reported.items()]
    columns = ["Network", "Validation %", "Test %"]
    display(
        myst.table(
            pd.DataFrame(rows, columns=columns),
            f"What **the paper** reports on this corpus ({reported['bbnn'].where}): the best of ten random splits. Not measured here.",
            "tab-{{ slug }}-paper",
            formats=dict.fromkeys(columns, ".1f"),
        )
    )

# %% [markdown]
# ## Results
#
# Beside the networks stand what they must beat: the **majority class**, and two support-vector machines (SVM), one on
# **timbre** (mean and standard deviation of each mel band) and one on **rhythm** (the autocorrelation of the onset
# envelope: after how long the pattern of onsets repeats).

# %% tags=["hide-input"]
if report.records:
    lost = {name: why for record in report.records for name, why in record.run["data"]["lost"].items()}
    display(
        myst.table(
            report.results(),
            f"Measured here on `{corpus}`: profile `{profile}` ({report.records[0].config.clip_seconds:g} s clips, at most "
            f"{report.records[0].config.epochs} epochs), protocol `{protocol}`{', without ' + exclude if exclude else ''}. Accuracy and F1 are means over folds, with ± the standard deviation where there are "
            "several; the interval is over all tested clips, with "
            + (
                "whole groups resampled."
                if report.groups
                else "single clips resampled, since the corpus is not here to tell its groups."
            ),
            "tab-{{ slug }}-results",
        )
    )
    if further := len(set(whole.variants) - set(report.variants)):
        links = "{doc}`/ablations/table-3`, {doc}`/ablations/steps`"
        display(myst.text(f"{further} further networks were run: {links}."))
    if lost:
        display(myst.text(f"Left out, because they could not be made into sound: {', '.join(sorted(lost))}."))
else:
    display(
        myst.not_run(
            f"There are no records of `{corpus}` with profile `{profile}`, protocol `{protocol}`"
            + (", and its sound is not at hand here" if absent else "")
            + ". With a copy of it, this makes them, and then this page:",
            "\n".join([*found.steps(), report.command(), "bnet pages build"]),
        )
    )

# %% tags=["hide-input"]
if report.records:
    fig, ax = plt.subplots(figsize=(6.4, 0.5 * len(report.variants) + 1.3))
    plots.intervals(report.summary, ax=ax, floor=report.chance())
    best = report.summary.sort_values("accuracy").iloc[-1]
    myst.figure(
        fig,
        "Test accuracy: mean over folds as a dot, 95 % interval as a bar.",
        "fig-{{ slug }}-intervals",
        f"Dots with intervals, one row a method; the highest is {best['title']} at {best['accuracy']:.2f}.",
    )

# %% tags=["hide-input"]
if report.records:
    pairs = [("proposed", "bbnn"), ("proposed-released", "bbnn"), ("proposed-released", "proposed")]
    pairs += [(name, "svm-rhythm") for name in report.networks]
    said = [f"- {report.compare(one, two)}" for one, two in pairs if {one, two} <= set(report.variants)]
    if said:
        display(myst.text("**Compared on the same clips:**\n\n" + "\n".join(said)))
    display(myst.provenance(report.provenance()))

# %% [markdown]
# ## Learning curves
#
# Thin lines are single folds, thick lines their mean; dashed is the validation part, on which the best epoch is chosen.

# %% tags=["hide-input"]
if report.networks:
    fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), layout="constrained")
    for name, color in zip(report.networks, plots.PALETTE, strict=False):
        histories = [record.history for record in report.of(name)]
        for ax, column in zip(axes, ("loss", "accuracy"), strict=True):
            plots.learning_curves(histories, column=column, label=jobs.title(name), color=color, ax=ax)
    axes[0].legend(fontsize=8)
    last = {jobs.title(n): report.of(n)[0].history["val_accuracy"].iloc[-1] for n in report.networks}
    myst.figure(
        fig,
        "Loss and accuracy over the epochs of training.",
        "fig-{{ slug }}-curves",
        "Curves of loss and accuracy; validation accuracy at the end: "
        + ", ".join(f"{name} {value:.2f}" for name, value in last.items())
        + ".",
    )

# %% [markdown]
# ## What is mistaken for what
#
# Each row is a true class: how many of its clips were given which name, and what share of the row that is. Test parts
# of all folds together.

# %% tags=["hide-input"]
shown = [name for name in ("proposed", "bbnn") if name in report.variants] or report.networks[:1]
for name in shown:
    _, truth, probabilities = report.pooled(name)
    counts = metrics.confusion(truth, probabilities)
    fig, ax = plt.subplots(figsize=(6.5, 6.2))
    plots.confusion(counts, report.labels, ax=ax, title=jobs.title(name))
    off = counts.copy()
    off[range(len(off)), range(len(off))] = 0
    a, b = divmod(int(off.argmax()), len(off))
    myst.figure(
        fig,
        f"Confusions of {jobs.title(name)}: counts, and percent of the true class.",
        f"fig-{{ slug }}-confusion-{name}",
        f"Confusion matrix of {len(report.labels)} classes, {counts.trace()} of {counts.sum()} clips right; most often mistaken: "
        f"{report.labels[a]} for {report.labels[b]}, {off.max()} times.",
    )

# %% tags=["hide-input"]
if report.networks:
    recalls = {jobs.title(name): metrics.recalls(*report.pooled(name)[1:]) for name in report.networks}
    fig, ax = plt.subplots(figsize=(8, 0.5 * len(report.labels) + 1.2))
    plots.recalls(recalls, report.labels, ax=ax)
    low = min(
        ((v, n, c) for n, row in recalls.items() for v, c in zip(row, report.labels, strict=True)),
        key=lambda item: item[0],
    )
    myst.figure(
        fig,
        "Recall: the share of each class's clips that were recognised.",
        "fig-{{ slug }}-recall",
        f"One dot a network and class; the lowest is {low[1]} on {low[2]} with {low[0]:.2f}.",
    )

# %% [markdown]
# ## Mistakes to listen to
#
# The clips on which the network was most sure, and wrong.

# %% tags=["hide-input"]
if shown and not (everything and found.may_share):
    why = "the sound of this corpus may not be passed on" if everything else "the corpus is not at hand here"
    display(myst.text(f"*No sound in this page: {why}.*"))
elif shown:
    ids, truth, probabilities = report.pooled(shown[0])
    wrong = [i for i in (-probabilities.max(axis=1)).argsort(kind="stable") if probabilities[i].argmax() != truth[i]][
        :6
    ]
    by_id = {track.track_id: track for track in everything}
    players = []
    for i in wrong:
        track = by_id[ids[i]]
        target = myst.static_file(f"audio/{corpus}/{track.track_id}.mp3")
        soundfile.write(target, found.audio(track, report.records[0].config.clip_seconds), SR, format="MP3")
        guess = report.labels[probabilities[i].argmax()]
        players.append(
            (target, f"{track.label}, taken for {guess} ({probabilities[i].max():.0%}): {found.describe(track)}")
        )
    display(myst.text(f"Network: {jobs.title(shown[0])}."))
    display(myst.audio(players))
