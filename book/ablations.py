# %% [markdown]
# # Fourteen ablations (Table III)
#
# Section III-E of the paper takes BBNN, the network that the study builds on, and changes one thing at a time: fourteen
# variations, one pair of accuracies each, on GTZAN. Each stands here beside what was measured, with its difference from
# BBNN **on the same clips**. The last section walks from BBNN to the paper's network in five steps.

# %% tags=["parameters"]
corpus = (
    ""  # whose records are shown; empty: for each network GTZAN from audio or from pictures, where not run there tunes
)
profile = ""  # smoke, laptop, evening, desktop or paper; empty: the one in which most of these networks were run
protocol = ""  # grouped, holdout, kfold or official; empty: the one in which most of these networks were run
classes = 10  # for parameters and drawings; GTZAN has 10

# %% tags=["remove-cell"]
import base64

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from bnet.audit import ablation, paper, plots
from bnet.audit.evidence import OURS, measured_on
from bnet.audit.report import load, most
from bnet.book import myst
from bnet.corpora import get_corpus
from bnet.models import STEPS, TABLE_3, VARIANTS, drawing
from bnet.models.cost import table
from bnet.paths import results_dir
from bnet.sound import log_mel
from bnet.statistics import significance

plots.style()
names = (ablation.BASELINE, *TABLE_3, *ablation.EXTRAS)
steps = (ablation.BASELINE, *STEPS)
size = {"classes": classes, "frames": log_mel.frames(30)}


def run_on(networks):
    """Of each corpus on which some of these networks were run, the report that has most of them: GTZAN's before tunes'."""
    of = [corpus] if corpus else [*measured_on("gtzan"), "tunes"]
    found = [most(load(c, results_dir(), profile, protocol), networks) for c in of]
    return [r for r in found if len(set(r.networks) & set(networks)) > 1] or found[-1:]


def fullest(networks):
    """Of these reports the first that has more than half of the networks, else the last."""
    found = run_on(networks)
    return next((r for r in found if len(set(r.networks) & set(networks)) > len(networks) / 2), found[-1])


def setting(report):
    """What was measured, in words."""
    config = report.records[0].config.training if report.records else None
    told = f"{report.corpus.title}, profile `{report.profile}`, protocol `{report.protocol}`"
    return told + (f" ({config.clip_seconds:g} s clips, at most {config.epochs} epochs)" if config else "")


def change(row):
    """A difference with its interval, for a cell."""
    return myst.NOTHING if np.isnan(row.change) else f"{row.change:+.1f} ({row.low:+.1f}\u00a0to\u00a0{row.high:+.1f})"


reports = run_on(names)
ours = {get_corpus(name).title for name in OURS}
where = "; where not run there, on ".join(map(setting, reports))
pairs = [(name, ablation.BASELINE) for name in names]
each = [ablation.changes(r, pairs).assign(on=r.corpus.title, at=i) for i, r in enumerate(reports)]
each = pd.concat(each, ignore_index=True)
rank = [each["folds"] == 0, each["on"].isin(ours), each["verdict"] == "too few folds", each["at"]]
order = pd.concat(rank, axis=1, keys=range(len(rank))).sort_values([*range(len(rank))]).index
changes = each.loc[order].drop_duplicates("variant").set_index("variant").loc[[*names]].reset_index()
by_name = changes.set_index("variant")
costs = table([VARIANTS[name] for name in dict.fromkeys((*names, *steps))], **size).set_index("variant")
run = changes[changes["folds"] > 0]

# %% tags=["remove-input"]
varied = changes[changes["variant"].isin(TABLE_3)]
told = varied[varied["verdict"].str.startswith(("better", "worse", "equivalent"))]
judged = varied[(varied["folds"] > 0) & (varied["verdict"] != "too few folds")]
adjusted = pd.Series(significance.holm(judged["p"]), index=judged.index)
if len(run):
    kept = told[adjusted[told.index] < 0.05]["title"]
    few = (varied["verdict"] == "too few folds").sum()
    clear = [
        f"{name} {verdict.replace(';', ',').split(',')[0]}"
        for name, verdict in zip(told["title"], told["verdict"], strict=True)
    ]
    text = (
        f"**In short.** The paper finds no variation better than BBNN. Of its {len(varied)}, {len(judged)} were run on folds enough for "
        f"a verdict{f', {few} on too few' if few else ''}. "
        + (f"Against BBNN: {', '.join(clear)}. " if clear else "")
        + f"The other {len(judged) - len(clear)} show no direction. "
        + f"Of {len(judged)} such comparisons at 95 %, {0.05 * len(judged):.1f} would differ by chance; with Holm's correction {len(kept)} remain{'s' * (len(kept) == 1)}"
        + (f" ({', '.join(kept)})" if len(kept) else "")
        + ". {doc}`table-2` has the rule of the verdicts."
    )
    myst.text(text)
    for report in reports:
        told = report.how_far([ablation.BASELINE, *TABLE_3])
        myst.text(":::{dropdown} " + f"{report.corpus.title}: how far the networks were trained\n\n{told}\n:::")
else:
    myst.not_run(f"No record on {where}.", reports[0].command(names) + "\nbnet pages build")

# %% tags=["remove-input"]
if len(run):
    shown = changes[changes["variant"] != ablation.BASELINE].copy()
    away = shown["on"].isin(ours) & (shown["folds"] > 0)
    shown["title"] += away.map({True: ", on tunes", False: ""})
    fig, ax = plt.subplots(figsize=(5.6, 0.4 * len(shown) + 1.1))
    plots.changes(shown, ax=ax, measured=f"here, {reports[0].corpus.title}, {reports[0].profile}")
    wide = shown[["low", "high"]].abs().max(axis=1) > ax.get_xlim()[1]
    myst.figure(
        fig,
        "Test accuracy minus that of BBNN, in points: the paper's on GTZAN, and ours with 95 % intervals. "
        f"Ours: {where}."
        + (f" Intervals that are wider than the figure: {wide.sum()}; the table has them." if wide.any() else "")
        + (" On tunes: compare directions, not lengths." if away.any() else ""),
        "fig-{{ slug }}-changes",
        "One row per network. "
        + " ".join(f"{r.title}: {r.change:+.1f} points, {r.verdict}." for r in shown.itertuples() if r.folds),
    )

# %% [markdown]
# ## The table

# %% tags=["remove-input"]
link = {name: "{ref}" + f"`{VARIANTS[name].title} <ablation-{name}>`" for name in (*TABLE_3, *ablation.EXTRAS)}
link[ablation.BASELINE] = VARIANTS[ablation.BASELINE].title
frame = pd.DataFrame(
    {
        "Network": [link[name] for name in names],
        "Verdict": changes["verdict"],
        "Measured on": changes["on"].where(changes["folds"] > 0, myst.NOTHING),
        "Here Δ (95 % interval)": [change(row) for row in changes.itertuples()],
        "Paper Δ": [myst.NOTHING if np.isnan(value) else f"{value:+.1f}" for value in changes["paper_change"]],
        "Here, test %": changes["accuracy"],
        "BBNN, same folds %": changes["base"],
        "Folds": changes["folds"],
        "Could show": changes["detectable"],
        "Paper, test %": changes["paper_test"],
        "Parameters": costs.loc[list(names), "parameters"].to_numpy(),
    }
)
myst.table(
    frame,
    "**The paper's** Table III (GTZAN; BBNN from its Table II) beside ours. "
    f"Ours: {where}. Δ is the test accuracy minus BBNN's on the same folds, in points. *Could show*: the smallest difference "
    f"that such data would show in four of five cases. Differences are taken before rounding. Parameters for {classes} classes.",
    "tab-{{ slug }}-all",
    formats=dict.fromkeys(("Paper, test %", "Here, test %", "BBNN, same folds %", "Could show"), ".1f"),
)
if len(run):
    for report in reports:
        myst.provenance(report.only(names).provenance(), f"Where these numbers come from: {report.corpus.title}")
    myst.text(
        f"Any subset runs with one command, such as `{reports[0].command(('bbnn', 'selu', 'xception'))}`; `--variant all` runs every network."
    )

# %% [markdown]
# ## One by one


# %% tags=["remove-cell"]
def unfold(title, svg, alt):
    """Show a drawing that unfolds."""
    data = base64.b64encode(svg.encode()).decode()
    picture = "```{image} " + f"data:image/svg+xml;base64,{data}\n:alt: {alt}\n:class: dark-light bnet-drawing\n```"
    myst.text("::::{dropdown} " + f"{title}\n\n{picture}\n::::")


def show(name):
    """A variation: what changes, what it costs, the paper's numbers, ours, the verdict, its drawings."""
    row, base, line, printed = VARIANTS[name], VARIANTS[ablation.BASELINE], by_name.loc[name], paper.TABLE_3.get(name)
    ratio = costs.loc[name, "parameters"] / costs.loc[base.name, "parameters"]
    said = [
        f"{row.change} {row.hope}\n",
        f"- **Parameters**: {myst.number(costs.loc[name, 'parameters'])}, {'as many as BBNN has' if ratio == 1 else f'{100 * ratio:.0f} % of BBNN'}; "
        f"{costs.loc[name, 'macs'] / 1e9:.1f} billion multiply-adds for 30 s of audio.",
    ]
    if printed:
        said.append(
            f"- **The paper**: {printed.test:.1f} % test, {printed.validation:.1f} % validation; "
            f"{line.paper_change:+.1f} points from BBNN. Its explanation: {printed.explanation}."
        )
    measured = f"{line.accuracy:.1f} %, {change(line)} points from BBNN on {line.folds} folds of {line.on}"
    said.append(f"- **Here**: {f'{measured}; **{line.verdict}**' if line.folds else '**not tested**'}.")
    myst.text("\n".join(said))
    unfold("Drawing", drawing.svg(row, reference=base, **size), drawing.alt(row, reference=base, **size))
    if printed and printed.figure:
        for number in range(1, row.blocks + 1) if row.later_branches else (1,):
            title = f"The paper's {printed.figure}: block {number} of {row.blocks}"
            svg = drawing.svg(row, block=number, **size)
            unfold(title, svg, drawing.alt(row, block=number, **size))


# %% tags=["remove-input"]
for name in (*TABLE_3, *ablation.EXTRAS):
    myst.text("```{rubric} " + f"{VARIANTS[name].title}\n:heading-level: 3\n:name: ablation-{name}\n```")
    show(name)

# %% [markdown]
# (ablation-steps)=
# ## From BBNN to the proposed network, step by step
#
# Section II-A names five changes that lead from BBNN to the proposed network. The paper measures the two ends only. Here
# each step is compared with the network before it.

# %% tags=["remove-input"]
walk = fullest(steps)
walked = ablation.changes(walk, [(ablation.BASELINE, ablation.BASELINE), *ablation.steps()])
what = ["BBNN"] + [
    " ".join(
        said for said in drawing.differences(VARIANTS[name], VARIANTS[before]) if "parameters instead of" not in said
    )
    or f"Kernels start from {VARIANTS[name].initializer.replace('_', ' ')}."
    for name, before in ablation.steps()
]
myst.table(
    pd.DataFrame(
        {
            "Network": [f"`{name}`" for name in steps],
            "What changes in this step": what,
            "Parameters": costs.loc[list(steps), "parameters"].to_numpy(),
            "Folds": walked["folds"],
            "Test %": walked["accuracy"],
            "Before, same folds %": walked["base"],
            "Δ from the step before (95 % interval)": [change(row) for row in walked.itertuples()],
            "Verdict": walked["verdict"].str.split(",").str[0],
        }
    ),
    f"The five steps, each with the network before it. Accuracies: {setting(walk)}; Δ in points, on the folds that both have.",
    "tab-{{ slug }}-steps",
    formats=dict.fromkeys(("Test %", "Before, same folds %"), ".1f"),
)
if walk.records:
    whole = ablation.changes(walk, [("proposed", ablation.BASELINE)]).iloc[0]
    direction = whole["verdict"].partition(", ")[2]
    myst.text(
        f"**The paper** reports {whole['paper_change']:+.1f} points of test accuracy for {whole['title']} against BBNN on GTZAN, "
        f"{ablation.HIGHEST}. **Here** ({setting(walk)}) {walk.compare('proposed', ablation.BASELINE)}"
        + (f" That is {direction}." if direction else "")
    )
    myst.provenance(walk.only(steps).provenance())
missing = [name for name in steps if name not in walk.variants]
if missing:
    myst.not_run(f"Not run on {setting(walk)}: {', '.join(missing)}.", walk.command(steps) + "\nbnet pages build")

# %% [markdown]
# ## Text against table
#
# Section III-E puts five of the losses into words. Added to the table's accuracies, they give the accuracy of BBNN that
# they were measured against.

# %% tags=["remove-input"]
losses = pd.DataFrame(
    [
        [VARIANTS[name].title, row.test, int(row.loss), row.test + row.loss]
        for name, row in paper.TABLE_3.items()
        if row.loss > 0
    ],
    columns=["Network", "Test % (Table III)", "Loss in the text", "BBNN would be at"],
)
implied = losses["BBNN would be at"].round(0)
printed = ablation.reported(ablation.BASELINE).test
myst.table(
    losses,
    "**The paper's** losses in words, and the accuracy of BBNN that they imply.",
    "tab-{{ slug }}-losses",
    formats={"Test % (Table III)": ".1f", "BBNN would be at": ".1f"},
)
common = implied.mode()[0]
whole = sum(value.test == round(value.test) for value in paper.TABLE_3.values())
myst.text(
    f"{(implied == common).sum()} of {len(losses)} imply a BBNN at {common:.0f} %, where Table II prints {printed:.1f} %; the text does not say "
    "which run of BBNN it compares with. Against Table II the losses are "
    f"{printed - losses['Test % (Table III)'].max():.1f} to {printed - losses['Test % (Table III)'].min():.1f} points. What one accuracy of Table III is remains open: "
    f"the paper says {ablation.HIGHEST}, yet only {whole} of {len(paper.TABLE_3)} are whole percents, as 100 test clips would give. "
    "Squeeze ratio, axis of the LSTM, widths of the Inception-ResNet: {doc}`sources` lists what had to be decided, and why."
)
