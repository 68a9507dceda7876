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
network = "{{ network }}"
corpus = (
    ""  # whose records are shown; empty: GTZAN, from sound or from pictures, where both networks were run, else tunes
)
profile = ""  # smoke, laptop, evening, desktop or paper; empty: the fullest in which this network and BBNN were run
protocol = ""  # grouped, holdout, kfold or official; empty: the first in which both were run
classes = 10  # for parameters and pictures; GTZAN has 10

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from bnet.audit import ablation, paper, plots
from bnet.audit.evidence import measured_on
from bnet.audit.report import Report, chosen
from bnet.book import myst
from bnet.models import VARIANTS, drawing
from bnet.models.counting import table
from bnet.paths import results_dir
from bnet.sound import log_mel

plots.style()
row, base = VARIANTS[network], VARIANTS[ablation.BASELINE]
both = (base.name, network)
of = [corpus] if corpus else [*measured_on("gtzan"), "tunes"]
reports = [Report.load(c, *chosen(c, profile, protocol, results_dir(), networks=both), results_dir()) for c in of]
report = next((r for r in reports if set(both) <= set(r.networks)), reports[-1])
corpus, profile, protocol = report.corpus.name, report.profile, report.protocol
pair = [name for name in (network, base.name) if name in report.variants]

# %% tags=["hide-input"]
myst.text(f"**What is changed.** {row.change}\n\n**Why one would.** {row.hope}\n\n*Source: {row.source}.*")

# %% [markdown]
# ## The network

# %% tags=["hide-input"]
size = {"classes": classes, "frames": log_mel.frames(30)}
myst.drawing(
    drawing.svg(row, reference=base, **size),
    f"{row.title}, drawn from its row; what differs from BBNN is marked.",
    "fig-{{ slug }}-network",
    drawing.alt(row, reference=base, **size),
)

# %% tags=["hide-input"]
said = drawing.differences(row, base)
if not said:
    display(myst.text("The network itself is BBNN's; only training differs."))
figure = paper.FIGURES.get(network)
if figure:
    numbers = range(1, row.blocks + 1) if row.later_branches else (1,)
    for number in numbers:
        myst.drawing(
            drawing.svg(row, block=number, **size),
            f"The paper's {figure}, drawn from the row: block {number} of {row.blocks} with the parameters of every step"
            + (", which the others repeat." if len(numbers) == 1 and row.blocks > 1 else "."),
            f"fig-{{ slug }}-block-{number}",
            drawing.alt(row, block=number, **size),
        )

# %% tags=["hide-input"]
costs = table([row, base], classes, log_mel.frames(30))
myst.table(
    pd.DataFrame(
        {
            "Network": costs["title"],
            "Parameters": costs["parameters"],
            "Trainable": costs["trainable"],
            "Multiply-adds (millions)": [value / 1e6 for value in costs["macs"]],
            "Activations (MiB)": costs["activation_mib"],
        }
    ),
    f"What one clip of 30 s costs, with {classes} classes: counted on its row. Activations are the outputs of all layers.",
    "tab-{{ slug }}-costs",
    formats={"Multiply-adds (millions)": ".0f", "Activations (MiB)": ".0f"},
)

# %% [markdown]
# ## What the paper reports

# %% tags=["hide-input"]
printed = {VARIANTS[name].title: ablation.reported(name) for name in (network, base.name)}
printed = {title: value for title, value in printed.items() if value}
if len(printed) == 2:
    display(
        myst.table(
            pd.DataFrame(
                [[title, value.validation, value.test, value.where] for title, value in printed.items()],
                columns=["Network", "Validation %", "Test %", "Where"],
            ),
            f"Accuracies on GTZAN as **the paper** prints them; {ablation.HIGHEST}.",
            "tab-{{ slug }}-paper",
            formats={"Validation %": ".1f", "Test %": ".1f"},
        )
    )
    why = paper.EXPLANATIONS[network]
    loss = paper.TABLE_3_LOSSES.get(network)
    gap = ablation.reported(base.name).test - ablation.reported(network).test
    display(
        myst.text(
            f"The paper's explanation: {why}."
            + (
                f" Its text speaks of a loss of {loss} %; from Table II to Table III it is {gap:.1f} points."
                if loss and abs(gap - loss) > 0.5
                else ""
            )
        )
    )
else:
    display(myst.text("The paper's Table III has no row for this network."))

# %% [markdown]
# ## What we measured

# %% tags=["hide-input"]
if len(pair) == 2:
    display(
        myst.table(
            report.common(pair).results(),
            f"Measured here on `{corpus}`: profile `{profile}` ({report.records[0].config.training.clip_seconds:g} s clips, at most "
            f"{report.records[0].config.training.epochs} epochs), protocol `{protocol}`; the folds that both have.",
            "tab-{{ slug }}-results",
        )
    )
else:
    display(
        myst.not_run(
            f"`{network}` and `{base.name}` have no records on the same folds of `{corpus}` with profile `{profile}`.",
            report.command((base.name, network)) + "\nbnet pages build",
        )
    )

# %% tags=["hide-input"]
if len(pair) == 2:
    histories = report.histories(pair)
    fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), layout="constrained")
    for ax, column in zip(axes, ("loss", "accuracy"), strict=True):
        plots.learning_curves(histories, column, ax=ax)
    axes[0].legend(fontsize=8)
    myst.figure(
        fig,
        "Learning curves: loss and accuracy over the epochs. Thin lines are folds, thick ones their mean; dashed is validation."
        + (" The loss of smoothed labels can't reach zero." if row.label_smoothing else ""),
        "fig-{{ slug }}-curves",
        plots.curve_ends(histories),
    )
    display(myst.text(plots.still_rising(histories)))

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
display(myst.text(ablation.sentence(report, network)))
if len(pair) == 2:
    display(myst.provenance(report.only(pair).provenance()))

# %% [markdown]
# ## What we had to decide
#
# Where the paper is silent, or says two things.

# %% tags=["hide-input"]
if row.decisions:
    display(
        myst.table(
            pd.DataFrame(
                [[d.what, d.choice, d.reason, d.source] for d in row.decisions],
                columns=["Question", "Here", "Why", "Source"],
            ),
            "Decisions of this network's row; those of BBNN ({doc}`/networks`) hold too.",
            "tab-{{ slug }}-decisions",
            cards=True,
        )
    )
else:
    display(myst.text("Nothing beyond what was decided for BBNN ({doc}`/networks`)."))
