# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Licences
#
# ## The code and the text
#
# The package, the pages of this book and the records in `results/` are under the MIT licence, as are the two networks that
# come with the package. The paper belongs to its authors and publisher; it is cited here, not reprinted. The page
# {doc}`/listen` carries onnxruntime-web, under the MIT licence.
#
# ## The embedded corpora: scores and sounds
#
# `tunes` and `tunes-free` are rendered on your machine from what Python packages carry. The rendered sound may be passed
# on, which is why there are players in this book.

# %% tags=["remove-input"]
import pandas as pd

from bnet.book import myst
from bnet.corpora import CORPORA

sources = CORPORA["tunes"].sources
myst.table(
    pd.DataFrame(
        [[s.part, s.maker, s.licence, s.where] for s in sources], columns=["Part", "Maker", "Licence", "From"]
    ),
    "Where scores and sounds come from, and under which licence.",
    "tab-reference-licences-sounds",
    cards=True,
)

# %% [markdown]
# ## The paper's corpora
#
# None of them is part of this project, and no sound of theirs is in this book. You bring your own copy; who may have one,
# and from whom, is told on the page of each.

# %% tags=["remove-input"]
rows = [
    ["{" + f"doc}}`{corpus.title} </corpora/{name}>`", f"`{name}`", corpus.may_share]
    for name, corpus in CORPORA.items()
    if name in ("tunes", "tunes-free", "gtzan", "extended-ballroom", "homburg", "fma-small", "folder")
]
myst.table(
    pd.DataFrame(rows, columns=["Corpus", "Name", "Its sound may be on a page"]),
    "What this project passes on of the sound of each corpus.",
    "tab-reference-licences-corpora",
)

# %% [markdown]
# FMA's tracks are under the licence that each artist chose, which `fma_metadata/tracks.csv` names track by track. GTZAN,
# Extended Ballroom and HOMBURG are excerpts of recordings that belong to others. `emotify`, music from outside, holds songs of
# Magnatune under CC BY-NC-SA {cite:p}`aljanaki2016`.
