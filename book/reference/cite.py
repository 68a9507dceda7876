# %% [markdown]
# # How to cite, licences, references
#
# If this reproduction served you, its code, a number from its tables or a record, cite it with its version and with the
# commit that {doc}`/status` names for the page. The paper's idea is {cite:t}`heakl2022`, the network that it builds on
# {cite:t}`liu2021`; a corpus has authors too, named on its page.
#
# ```{literalinclude} ../../CITATION.cff
# :language: yaml
# ```
#
# ## Licence of the code and the text
#
# The package, the pages of this book and the records in `results/` are under the MIT licence, as are the networks that
# come with the package. The paper belongs to its authors and publisher; it is cited here, not reprinted. The page
# {doc}`/listen` carries onnxruntime-web, under the MIT licence.
#
# ## The embedded corpora: scores and sounds
#
# `tunes` and `tunes-free` are rendered on your machine from what Python packages carry. The rendered audio may be
# redistributed, which is why there are players in this book.

# %% tags=["remove-input"]
import pandas as pd

from bnet.book import myst
from bnet.corpora import CORPORA

sources = CORPORA["tunes"].sources
myst.table(
    pd.DataFrame(sources).set_axis(["Part", "Maker", "Licence", "From"], axis=1),
    "Origin and licence of scores and sounds.",
    "tab-cite-sounds",
    cards=True,
)

# %% [markdown]
# ## The paper's corpora
#
# None of them is part of this project, and no audio of theirs is in this book. You bring your own copy; the page of each
# corpus says who may have one, and from whom.

# %% tags=["remove-input"]
rows = [
    ["{" + f"doc}}`{corpus.title} </corpora/{name}>`", f"`{name}`", corpus.may_share]
    for name, corpus in CORPORA.items()
    if name in ("tunes", "tunes-free", "gtzan", "extended-ballroom", "homburg", "fma-small", "folder")
]
myst.table(
    pd.DataFrame(rows, columns=["Corpus", "Name", "Its audio may be on a page"]),
    "Whether the audio of a corpus may be redistributed.",
    "tab-cite-corpora",
)

# %% [markdown]
# FMA's tracks are under the licence that each artist chose, which `fma_metadata/tracks.csv` names track by track. GTZAN,
# Extended Ballroom and HOMBURG are excerpts of recordings that belong to others. `emotify`, music from outside, holds songs of
# Magnatune under CC BY-NC-SA {cite:p}`aljanaki2016`.
#
# ## References
#
# ```{bibliography}
# :all:
# ```
