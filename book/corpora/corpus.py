# %% [markdown]
# # {{ title }}

# %% tags=["parameters"]
corpus = "{{ corpus }}"
profile = ""  # whose records are shown: smoke, laptop, evening, desktop, paper, custom; empty: the fullest that has any
protocol = ""  # how clips were split: grouped, holdout, kfold or official; empty: the first that has records
exclude = ""  # kinds of clips that were left out: duplicates, faults or both, with a comma
train = False  # True: first extract and train what has no record yet
networks = (
    "baselines,bbnn,proposed,proposed-released"  # what is shown (any other, if none of these was run) and trained
)

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile

from bnet.audit import paper, plots, tables
from bnet.audit.checks import confused
from bnet.audit.evidence import Evidence
from bnet.audit.report import load
from bnet.audit.words import effort
from bnet.book import myst
from bnet.corpora import SR, get_corpus, other_forms
from bnet.errors import BnetError
from bnet.paths import results_dir
from bnet.runs import jobs
from bnet.statistics import metrics
from bnet.training.config import get_profile

plots.style()
found, others = get_corpus(corpus), other_forms(corpus)
kinds = [kind for kind in exclude.split(",") if kind]
wanted = jobs.variants([networks])
if train:
    first = load(corpus, results_dir(), profile, protocol, exclude)[0]
    todo = jobs.jobs(corpus, [networks], first.protocol, get_profile(first.profile), exclude=kinds)
    jobs.run_all(todo, results_dir())


def trained(report):
    """How many runs of the networks that are shown a report has."""
    return sum(len(report.of(name)) for name in report.networks if name in wanted)


whole = []
for form in (found, *others):  # what has no network stands back where another profile has some on the same splits
    every = load(form.name, results_dir(), profile, protocol, exclude)
    better = {report.protocol for report in every if trained(report)}
    whole += sorted((r for r in every if trained(r) or r.protocol not in better), key=trained, reverse=True)
reports = [report.only(wanted) if set(wanted) & set(report.networks) else report for report in whole]
measured = [report for report in reports if report.records]
by_form = [[report for report in measured if report.corpus is form] for form in (found, *others)]
main = [some[0] for some in by_form if some]
setting = next(report.settings for report in reports if report.corpus is found)


def here(form):
    """The clips of a corpus, as far as they are on this machine."""
    try:
        return form.tracks()
    except BnetError:
        return []


def label(what, report):
    """The label of a table or figure: a plain one for the page's first report."""
    same = [one for one in reports if (one.corpus, one.protocol) == (report.corpus, report.protocol)]
    more = f"-{report.corpus.name}-{report.protocol}" + f"-{same.index(report)}" * (len(same) > 1)
    return f"{what}{more if report is not reports[0] else ''}"


def named(report):
    """What the clips of a report are read from, where the page has more than one form of them."""
    return f" from {report.corpus.medium}" if others else ""


everything = here(found)
used = jobs.selected(found, setting.training, kinds) if everything else []

# %% tags=["remove-input"]
myst.text(found.about)

# %% [markdown]
# ## Classes

# %% tags=["remove-input"]
if found.labels:
    at_hand = (
        f"Here: {len(everything)} clips in {len({track.group for track in everything})} groups; a group is never in both training "
        f"and test of a grouped split. The profile `{setting.name}` uses {len(used)} clips of "
        f"{jobs.clip_seconds(found, setting.training):g} s."
        if everything
        else "The corpus itself was not at hand where this page was made."
    )
    printed = f"The paper's columns are its Table I. {paper.TABLE_1_REMARKS.get(corpus, '')} "
    table = tables.classes(found, {form.name: here(form) for form in (found, *others)}, others)
    if everything:
        groups = {(track.label, track.group) for track in everything}
        table["Groups"] = [sum(label == own for own, _ in groups) for label in table["Class"]]
        table[f"Used by {setting.name}"] = tables.counted(table["Class"], used)
    if (facts := found.class_facts()) is not None:
        table = table.join(facts, on="Class")
    myst.table(
        table.dropna(axis=1, how="all"),
        f"Classes of `{corpus}`. {printed if corpus in paper.TABLE_1 else ''}{at_hand}",
        "tab-{{ slug }}-classes",
        names=["Class"],
    )
else:
    myst.text("*The classes are the names of your folders.*")

# %% tags=["remove-input"]
myst.text(found.notes)

# %% tags=["remove-input"]
reported = {
    network: paper.TABLE_2[corpus, network] for network in ("bbnn", "proposed") if (corpus, network) in paper.TABLE_2
}
if reported:
    rows = [[jobs.title(name), value.validation, value.test] for name, value in reported.items()]
    columns = ["Network", "Validation %", "Test %"]
    myst.table(
        pd.DataFrame(rows, columns=columns),
        f"What **the paper** reports on this corpus ({reported['bbnn'].where}): 'the highest test accuracy' of ten random splits. Not measured here.",
        "tab-{{ slug }}-paper",
        formats=dict.fromkeys(columns, ".1f"),
    )

# %% [markdown]
# ## The same clips as pictures

# %% tags=["remove-input"]
for other in others:
    myst.text(f"{other.about}\n{other.notes}")
    pairs = [f"{own}: {same}" for own, same in sorted(other.known.items())]
    lines = "\n".join(f"- {pair}" for pair in pairs)
    myst.text(":::{dropdown} " + f"The {len(pairs)} pairs of equal pictures\n{lines}\n:::")

# %% tags=["remove-input"]
for other in others:
    try:
        track = other.tracks()[0]
        values, _ = other.log_mel(track, other.front_end.seconds, other.front_end)
    except BnetError:
        steps = "\n".join([*other.steps(), "bnet pages build"])
        myst.text(f"No picture is shown, since they are not at hand here. To have one:\n\n```bash\n{steps}\n```")
        continue
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", width_ratios=(1, 1.6))
    plots.published(values, other.front_end, axes=axes)
    myst.figure(
        fig,
        f"One clip of `{other.name}`, {track.track_id} ({track.label}): left in the colours and size of the published picture, "
        f"drawn again from its {other.front_end.columns} x {other.front_end.n_mels} decoded levels; right what a network takes in, "
        "in dB below the loudest point.",
        f"fig-{{ slug }}-{other.name}",
        f"Two spectrograms of the same 30 s; the right one has seconds, Hz and decibels, from {values.min():.0f} to "
        f"{values.max():.0f} dB.",
        kind="png",
    )

# %% [markdown]
# ## Results
#
# The networks are compared with three baselines: the **majority class**, and two support-vector machines (SVM), one on
# **timbre** (mean and standard deviation of each mel band) and one on **rhythm** (the autocorrelation of the onset
# envelope: after how long the pattern of onsets repeats).

# %% tags=["remove-input"]
for report in measured:
    if others:
        myst.text(f"**From {report.corpus.medium}, protocol `{report.protocol}`, {report.described}:**")
    myst.table(
        report.results(),
        f"Measured here on `{report.corpus.name}`, from {report.corpus.medium}: {report.described} ({effort(report.settings)}), "
        f"protocol `{report.protocol}`{', without ' + exclude if exclude else ''}. "
        f"Accuracy and F1 are means over {report.kind.replace('splits', 'folds')}, with ± the standard deviation where there are "
        "several; the interval is over all tested clips and does not cover other trainings, with "
        + (
            "whole groups resampled."
            if report.groups
            else "single clips resampled, since the corpus is not here to tell its groups."
        ),
        label("tab-{{ slug }}-results", report),
    )
    further = len(set(whole[reports.index(report)].variants) - set(report.variants))
    if further:
        links = "{doc}`/ablations`"
        myst.text(f"{further} further networks were run: {links}.")
    lost = {name for record in report.records for name in record.run["data"]["lost"]}
    if lost:
        myst.text(f"Left out, because they could not be read: {', '.join(map(myst.plain, sorted(lost)))}.")
    pairs = [("proposed", "bbnn"), ("proposed-released", "bbnn"), ("proposed-released", "proposed")]
    pairs += [(name, other) for name in report.networks for other in ("svm-timbre", "svm-rhythm")]
    said = [f"- {report.compare(one, two)}" for one, two in pairs if {one, two} <= set(report.variants)]
    if said:
        myst.text("**Compared on the same clips:**\n\n" + "\n".join(said))
    myst.provenance(report.provenance())
for report in reports:
    form = report.corpus
    if not report.records and not (measured and form.of):
        myst.not_run(
            f"There are no records of `{form.name}`{named(report)} with profile `{report.profile}`, protocol "
            f"`{report.protocol}`{'' if here(form) else ', and it is not at hand here'}. With a copy of it, this makes them, "
            "and then this page:",
            "\n".join([*form.steps(), report.command(), "bnet pages build"]),
        )

# %% tags=["remove-input"]
for report in main:
    fig, ax = plt.subplots(figsize=(6.4, 0.5 * len(report.variants) + 1.3))
    plots.dots(report.summary, "accuracy", series="kind", ax=ax, width=0)
    if (floor := report.chance()) is not None:
        ax.axvline(floor, color=plots.INK, linestyle=":", linewidth=1.2, label="always the largest class")
    ax.set(xlabel="test accuracy", xlim=(0, max(0.6, report.summary["high"].max() + 0.05)))
    ax.legend(**plots.ABOVE, ncols=3)
    best = report.summary.sort_values("accuracy").iloc[-1]
    myst.figure(
        fig,
        f"Test accuracy{named(report)}, protocol `{report.protocol}`: mean over folds as a dot, 95 % interval as a bar.",
        label("fig-{{ slug }}-intervals", report),
        f"Dots with intervals, one row per method; the highest is {best['title']} at {best['accuracy']:.2f}.",
    )

# %% [markdown]
# ## Learning curves
#
# The paper's Figure 3. Thin lines are single folds, thick lines their mean; dashed is the validation part, on which the
# best epoch is chosen.

# %% tags=["remove-input"]
for report in main:
    if not report.networks:
        continue
    histories = report.histories(report.networks)
    fig, axes = plt.subplots(1, 2, figsize=(7.0, 3.4), layout="constrained")
    for ax, column in zip(axes, ("loss", "accuracy"), strict=True):
        plots.learning_curves(histories, column, ax=ax)
    axes[0].legend(fontsize=8)
    myst.figure(
        fig,
        f"Loss and accuracy{named(report)} over the epochs of training.",
        label("fig-{{ slug }}-curves", report),
        "Mean validation accuracy at the end: "
        + ", ".join(
            f"{title} {np.mean([run['val_accuracy'].iloc[-1] for run in runs]):.2f}"
            for title, runs in histories.items()
        )
        + ".",
    )
    myst.text(report.how_far(report.networks))

# %% [markdown]
# ## Confusions

# %% tags=["remove-input"]
if main:
    myst.text(
        "Each row is a true class: how many of its clips were given which name, and what share of the row that is, over the "
        "test parts of all folds. The paper's Figure 2 shows the same of its proposed network."
    )
for report in main:
    for name in [name for name in ("proposed", "bbnn") if name in report.variants] or report.networks[:1]:
        _, truth, probabilities = report.pooled(name)
        counts = metrics.confusion(truth, probabilities)
        fig, ax = plt.subplots(figsize=(5.8, 5.5))
        index, columns = (pd.Index(report.labels, name=which) for which in ("true", "predicted"))
        plots.confusion(pd.DataFrame(counts, index, columns), ax=ax).set(title=jobs.title(name), aspect="equal")
        off = counts.copy()
        off[range(len(off)), range(len(off))] = 0
        a, b = divmod(int(off.argmax()), len(off))
        myst.figure(
            fig,
            f"Confusions of {jobs.title(name)}{named(report)}: counts, and percent of the true class.",
            label(f"fig-{{ slug }}-confusion-{name}", report),
            f"Confusion matrix of {len(report.labels)} classes, {counts.trace()} of {counts.sum()} clips right; most often "
            f"mistaken: {report.labels[a]} for {report.labels[b]}, {off.max()} times.",
        )

# %% tags=["remove-input"]
for report in main:
    if not report.networks:
        continue
    recalls = {jobs.title(name): metrics.recalls(*report.pooled(name)[1:]) for name in report.networks}
    recalls = pd.DataFrame(recalls, pd.Index(report.labels, name="genre"))
    long = recalls.reset_index().melt("genre", var_name="title", value_name="recall")
    fig, ax = plt.subplots(figsize=(5.6, 0.45 * len(report.labels) + 1.2))
    plots.dots(long, "recall", "genre", "title", ax=ax).set(xlabel="recall", xlim=(-0.03, 1.03))
    ax.legend(**plots.ABOVE, ncols=3)
    low = long.loc[long["recall"].idxmin()]
    myst.figure(
        fig,
        f"Recall{named(report)}: the share of each class's clips that were recognised.",
        label("fig-{{ slug }}-recall", report),
        f"One dot per network and class; the lowest is {low['title']} on {low['genre']} with {low['recall']:.2f}.",
    )
    never = [(genre, recalls.columns[row == 0]) for genre, row in recalls.iterrows()]
    lost = [f"{genre} by {' and '.join(names)}" for genre, names in never if len(names)]
    first = [report.summary.sort_values(key)["title"].iloc[-1] for key in ("accuracy", "macro_f1")]
    myst.text(
        (f"**Never recognised**, not one clip: {'; '.join(lost)}. " if lost else "")
        + f"First by accuracy is {first[0]}, by macro F1, in which every class counts alike, {first[1]}."
    )

# %% tags=["remove-input"]
if corpus in paper.CONFUSED:
    pairs = "; ".join(" and ".join(pair) for pair in paper.CONFUSED[corpus])
    measured_pairs = confused(corpus, Evidence(results_dir())).measured if main else "not run"
    myst.text(f"**The paper** reads from its Figure 2 that these are confused: {pairs}. **Here:** {measured_pairs}.")

# %% [markdown]
# ## Is the network calibrated?
#
# Clips are sorted by the probability of the class that the network names. Points on the diagonal are calibrated; below it
# the network is overconfident.

# %% tags=["remove-input"]
for report in main:
    names = [name for name in ("bbnn", "proposed") if name in report.variants]
    if not names:
        continue
    fig, ax = plt.subplots(figsize=(5, 4.4), layout="constrained")
    plots.reliability({jobs.title(name): report.pooled(name)[1:] for name in names}, ax=ax)
    myst.figure(
        fig,
        f"Calibration{named(report)}, all folds: the area of a dot is its number of clips. The error is the expected calibration error.",
        label("fig-{{ slug }}-calibration", report),
        "; ".join(ax.get_legend_handles_labels()[1]) + ".",
    )

# %% [markdown]
# ## Mistakes to listen to
#
# The clips on which the network was most confident, and wrong.

# %% tags=["remove-input"]
report = reports[0]
heard = [name for name in ("proposed", "bbnn") if name in report.variants] or report.networks[:1]
if heard and everything and found.may_share:
    ids, truth, probabilities = report.pooled(heard[0])
    sure = (-probabilities.max(axis=1)).argsort(kind="stable")
    by_id = {track.track_id: track for track in everything}
    players = []
    for i in [i for i in sure if probabilities[i].argmax() != truth[i]][:6]:
        track = by_id[ids[i]]
        target = myst.static_file(f"audio/{corpus}/{track.track_id}.mp3")
        soundfile.write(target, found.audio(track, report.records[0].config.training.clip_seconds), SR, format="MP3")
        guess = report.labels[probabilities[i].argmax()]
        players.append(
            (
                target,
                f"{track.label}, taken for {guess} ({100 * probabilities[i].max():.0f} %): {found.describe(track)}",
            )
        )
    myst.text(f"Network: {jobs.title(heard[0])}.")
    myst.audio(players)
elif any(report.networks for report in main):
    why = (
        "the audio of this corpus cannot be redistributed"
        if everything
        else "the audio of this corpus is not at hand here"
    )
    myst.text(f"*No audio on this page: {why}.*")
