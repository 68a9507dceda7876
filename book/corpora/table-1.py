# %% [markdown]
# # The corpora (Table I)
#
# The paper tests on four collections, and prints how many tracks of which genre each holds. Here its Table I stands beside
# what the collections publish, and what was at hand on the machine that made this page.

# %% tags=["remove-cell"]
import itertools

import matplotlib.pyplot as plt
import pandas as pd

from bnet.audit import paper, plots, tables
from bnet.audit.literature import CORPORA as RANKED
from bnet.audit.literature import PROTOCOLS, SYSTEMS
from bnet.book import myst
from bnet.corpora import CORPORA, get_corpus, other_forms
from bnet.errors import BnetError

here = {}
for name in CORPORA:
    try:
        here[name] = get_corpus(name).tracks()
    except BnetError:
        here[name] = []

# %% tags=["remove-input"]
rows = []
for name, corpus in CORPORA.items():
    if name == "folder":
        continue
    tracks, page = here[name], corpus.of.name if corpus.of else name
    rows.append(
        [
            "{doc}" + f"`{name} <{page}>`" if page in {*paper.TABLE_1, "tunes", "tunes-free"} else f"`{name}`",
            len(corpus.labels),
            paper.TABLE_1_TOTALS.get(name),
            sum(corpus.expected.values()) or None,
            len(tracks) if tracks else None,
            len({track.group for track in tracks}) if tracks else None,
            ", ".join(f"`{protocol}`" for protocol in corpus.protocols),
        ]
    )
columns = ["Corpus", "Classes", "Paper", "Published", "Here", "Groups here", "Protocols"]
frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:6], "Int64"))
absent = [name for name in paper.TABLE_1 if not here[name]]
myst.table(
    frame,
    "All corpora: clips that **the paper** counts, that the corpus publishes, and that are here"
    + (
        f" (the machine that made this page had no audio of {len(absent)} of the paper's four corpora)."
        if absent
        else "."
    )
    + " `gtzan-images` and `fma-small-images` are clips of GTZAN and FMA-small as pictures. A protocol is a way of "
    "splitting; the first is the one to begin with. `emotify` {cite:p}`aljanaki2016` and `drums` are not the paper's: "
    "trained networks are evaluated on them ({doc}`/outside`).",
    "tab-table-1-overview",
)

# %% [markdown]
# ## Class by class

# %% tags=["remove-input"]
for name in paper.TABLE_1:
    corpus, others = get_corpus(name), other_forms(name)
    frame = tables.classes(corpus, here, others)
    counts = frame.columns[2:]
    agree = int((frame["Paper"] == frame["Published"]).sum())
    frame.loc[len(frame)] = {"Printed as": "Total", "Class": "", **frame[counts].sum(min_count=1)}
    frame = frame.astype(dict.fromkeys(counts, "Int64"))
    remarks = ["" if same else "differs" for same in frame["Paper"] == frame["Published"]]
    remarks[-1] = "" if frame["Paper"].iloc[-1] == paper.TABLE_1_TOTALS[name] else "differs"
    if any(remarks):
        frame["Remark"] = remarks
    myst.table(
        frame,
        f"{corpus.title}: {agree} of {len(corpus.labels)} counts of **the paper** are those that the corpus publishes. "
        f"{paper.TABLE_1_REMARKS[name]}",
        f"tab-table-1-{name}",
    )

# %% [markdown]
# ## What a count does not show
#
# Whether clips of one artist, or of one recording, are in both training and test decides more about an accuracy than
# the number of clips. Each corpus's page says more: {doc}`gtzan` has replicas and wrong labels,
# {doc}`extended-ballroom` marks its own duplicates, {doc}`homburg` has clips of 10 s only, {doc}`fma-small` brings a split
# by artist.
#
# (since)=
# ## What other systems report
#
# Accuracies under different rules can't be ranked together: a random split of GTZAN has copies of recordings and the same
# artists in training and test, the filtered one has not. So there is one ranking per corpus and rule. All numbers are
# those of their authors; none was measured here.

# %% tags=["remove-cell"]
plots.style()
ranked = dict(iter(SYSTEMS.sort_values("accuracy", ascending=False, kind="stable").groupby(["corpus", "protocol"])))
parts = {key: [*ranked[key].itertuples()] for key in itertools.product(RANKED, PROTOCOLS) if key in ranked}

# %% tags=["remove-input"]
fig, ax = plt.subplots(figsize=(8, 0.3 * sum(len(v) + 1.3 for v in parts.values())), layout="constrained")
position, ticks, names = 0.0, [], []
colours = dict(zip(PROTOCOLS, plots.PALETTE, strict=False))
for (corpus, protocol), some in parts.items():
    position -= 1.3
    ax.text(
        0.0,
        position + 0.35,
        f"{RANKED[corpus]}: {protocol}",
        transform=ax.get_yaxis_transform(),
        weight="bold",
        fontsize=10,
    )
    for system in some:
        position -= 1
        ticks.append(position)
        names.append(system.name + (f" ({system.year})" if system.year else ""))
        if system.sd > 0:
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
    + ", ".join(f"{RANKED[c]} {p} {s.name} {s.accuracy:.1f} %" for (c, p), s in best.items())
    + ".",
)

# %% tags=["remove-input"]
myst.table(
    pd.DataFrame(
        [
            {
                "Corpus": RANKED[corpus],
                "Splits": protocol,
                "System": system.name,
                "Year": system.year or myst.NOTHING,
                "Accuracy %": f"{system.accuracy:.1f}" + (f" ± {system.sd:.1f}" if system.sd > 0 else ""),
                "Read in": system.source.replace("/", "/\u200b").replace("_", "_\u200b"),
            }
            for (corpus, protocol), some in parts.items()
            for system in some
        ]
    ),
    "The same as a table; compare within one corpus and one kind of split only.",
    "tab-since",
)

# %% tags=["remove-input"]
myst.text("**The kinds of split.** " + "; ".join(f"*{name}*: {what}" for name, what in PROTOCOLS.items()) + ".")
