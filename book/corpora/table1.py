# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table I: the corpora
#
# The paper tests on four collections, and prints how many tracks of which genre each holds. Here its table stands beside
# what the collections themselves publish, and beside what is on the machine that made this page.

# %% tags=["remove-cell"]
import pandas as pd
from IPython.display import display

from bnet.audit import paper
from bnet.book import myst
from bnet.corpora import CORPORA, get_corpus
from bnet.errors import BnetError

here = {}
for name in CORPORA:
    try:
        here[name] = get_corpus(name).tracks()
    except BnetError:
        here[name] = None

# %% tags=["hide-input"]
rows = []
for name, corpus in CORPORA.items():
    if name == "folder":
        continue
    tracks = here[name]
    rows.append(
        [
            ("{doc}" if name in {*paper.TABLE_1, "tunes", "tunes-free"} else "") + f"`{name}`",
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
    + (f" ({len(absent)} of the paper's four are not at hand on the machine that made this page)." if absent else ".")
    + " A protocol is a way of splitting; the first is the one to begin with. `emotify` {cite:p}`aljanaki2016` and "
    "`drums` are not the paper's: trained networks are evaluated on them ({doc}`/outside`).",
    "tab-table-1-overview",
)

# %% [markdown]
# ## Class by class

# %% tags=["hide-input"]
for name, printed in paper.TABLE_1.items():
    corpus, tracks = get_corpus(name), here[name]
    rows = [
        [
            shown,
            label,
            count,
            corpus.expected[label],
            sum(track.label == label for track in tracks) if tracks else None,
            "" if count == corpus.expected[label] else "differs",
        ]
        for shown, label, count in printed
    ]
    total = [sum(row[column] for row in rows) for column in (2, 3)]
    rows.append(
        [
            "Total",
            "",
            *total,
            len(tracks) if tracks else None,
            "" if total[0] == paper.TABLE_1_TOTALS[name] else "differs",
        ]
    )
    frame = pd.DataFrame(rows, columns=["Printed as", "Class", "Paper", "Published", "Here", "Remark"]).astype(
        {"Here": "Int64"}
    )
    agree = sum(row[2] == row[3] for row in rows[:-1])
    display(
        myst.table(
            frame.drop(columns=["Remark"] if not any(frame["Remark"]) else []),
            f"{corpus.title}: {agree} of {len(printed)} counts of **the paper** are those that the corpus publishes. "
            f"{paper.TABLE_1_REMARKS[name]}",
            f"tab-table-1-{name}",
        )
    )

# %% [markdown]
# ## What a count does not tell
#
# Whether clips of one artist, or of one recording, stand on both sides of a split decides more about an accuracy than
# the number of clips. Each page says what is known of its corpus: {doc}`gtzan` has replicas and wrong labels,
# {doc}`extended-ballroom` marks its own duplicates, {doc}`homburg` has clips of 10 s only, {doc}`fma-small` brings a split
# by artist.
