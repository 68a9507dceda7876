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
# what the collections themselves publish, beside the clips that are published as pictures of their spectrograms, and
# beside what is on the machine that made this page.

# %% tags=["remove-cell"]
import pandas as pd
from IPython.display import display

from bnet.audit import paper
from bnet.book import myst
from bnet.corpora import CORPORA, get_corpus, other_forms
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
    + (f" ({len(absent)} of the paper's four are not at hand on the machine that made this page)." if absent else ".")
    + " `gtzan-images` and `fma-small-images` are clips of GTZAN and FMA-small as pictures. A protocol is a way of "
    "splitting; the first is the one to begin with. `emotify` {cite:p}`aljanaki2016` and `drums` are not the paper's: "
    "trained networks are evaluated on them ({doc}`/outside`).",
    "tab-table-1-overview",
)

# %% [markdown]
# ## Class by class


# %% tags=["hide-input"]
def found(tracks, label):
    """How many clips of a class are here; None where the corpus is not."""
    return sum(track.label == label for track in tracks) if tracks else None


for name, printed in paper.TABLE_1.items():
    corpus, others = get_corpus(name), other_forms(name)
    frame = pd.DataFrame(
        [
            {
                "Printed as": shown,
                "Class": label,
                "Paper": count,
                "Published": corpus.expected[label],
                "Here": found(here[name], label),
                **{f"Published as {other.medium}": other.expected[label] for other in others},
                **{f"{other.medium.capitalize()} here": found(here[other.name], label) for other in others},
            }
            for shown, label, count in printed
        ]
    )
    counts = frame.columns[2:]
    agree = int((frame["Paper"] == frame["Published"]).sum())
    frame.loc[len(frame)] = {"Printed as": "Total", "Class": "", **frame[counts].sum(min_count=1)}
    frame = frame.astype(dict.fromkeys(counts, "Int64"))
    remarks = ["" if same else "differs" for same in frame["Paper"] == frame["Published"]]
    remarks[-1] = "" if frame["Paper"].iloc[-1] == paper.TABLE_1_TOTALS[name] else "differs"
    if any(remarks):
        frame["Remark"] = remarks
    display(
        myst.table(
            frame,
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
