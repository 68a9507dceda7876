# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Since then
#
# What other systems report on the same corpora. Accuracies under different rules can't be ranked together: a random split of GTZAN has
# copies and the same artists on both sides, the filtered one has not. So there is one ranking for each corpus and rule. All numbers are
# those of their authors, none was measured here.

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd

from bnet.audit import plots
from bnet.audit.since import CORPORA, PROTOCOLS, SYSTEMS
from bnet.book import myst

plots.style()
parts = {}
for corpus in CORPORA:
    for protocol in PROTOCOLS:
        some = sorted((s for s in SYSTEMS if s.corpus == corpus and s.protocol == protocol), key=lambda s: -s.accuracy)
        if some:
            parts[corpus, protocol] = some

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 0.3 * sum(len(v) + 1.3 for v in parts.values())), layout="constrained")
position, ticks, names = 0.0, [], []
colours = dict(zip(PROTOCOLS, plots.PALETTE, strict=False))
for (corpus, protocol), some in parts.items():
    position -= 1.3
    ax.text(
        0.0,
        position + 0.35,
        f"{CORPORA[corpus]}: {protocol}",
        transform=ax.get_yaxis_transform(),
        weight="bold",
        fontsize=10,
    )
    for system in some:
        position -= 1
        ticks.append(position)
        names.append(system.name + (f" ({system.year})" if system.year else ""))
        if system.sd:
            ax.hlines(
                position,
                system.accuracy - system.sd,
                system.accuracy + system.sd,
                color=colours[protocol],
                linewidth=3,
                alpha=0.5,
            )
        ax.plot(system.accuracy, position, "o", color=colours[protocol], markersize=7)
ax.set(yticks=ticks, xlabel="accuracy as reported, %", xlim=(50, 100), ylim=(position - 0.7, 0))
ax.set_yticklabels(names, fontsize=9)
ax.yaxis.grid(False)
best = {key: some[0] for key, some in parts.items()}
myst.figure(
    fig,
    "Reported accuracies, a block for each corpus and rule; bars are standard deviations over splits where they are reported.",
    "fig-since",
    "Dots in blocks; the highest of each: "
    + ", ".join(f"{CORPORA[c]} {p} {s.name} {s.accuracy:.1f} %" for (c, p), s in best.items())
    + ".",
)

# %% tags=["hide-input"]
myst.table(
    pd.DataFrame(
        [
            {
                "Corpus": CORPORA[corpus],
                "Splits": protocol,
                "System": system.name,
                "Year": str(system.year) if system.year else myst.NOTHING,
                "Accuracy %": f"{system.accuracy:.1f}" + (f" ± {system.sd:.1f}" if system.sd else ""),
                "Read in": system.source.replace("/", "/\u200b").replace("_", "_\u200b"),
            }
            for (corpus, protocol), some in parts.items()
            for system in some
        ]
    ),
    "The same as a table; compare within one corpus and one kind of split only.",
    "tab-since",
)

# %% tags=["hide-input"]
myst.text("**The kinds of split.** " + "; ".join(f"*{name}*: {what}" for name, what in PROTOCOLS.items()) + ".")
