# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where paper, figure and notebooks differ
#
# The authors published their notebooks, and so did the authors of BBNN; without them this page, and much of this book, could not have been written. They
# also show that text, figure and code are not always the same network. Where they differ, someone who builds the network
# has to choose; the last column says what this book does.

# %% tags=["remove-cell"]
import pandas as pd
from IPython.display import display

from bnet.audit.sources import DIFFERENCES, REPOSITORIES
from bnet.book import myst

# %% tags=["hide-input"]
columns = {
    "subject": "Subject",
    "text": "Text",
    "figure": "Figure 1",
    "notebooks": "Authors' notebooks",
    "baseline": "BBNN's notebook",
    "here": "Here",
}
for part in dict.fromkeys(row.part for row in DIFFERENCES):
    some = [row for row in DIFFERENCES if row.part == part]
    used = [key for key in columns if any(getattr(row, key) for row in some)]
    frame = pd.DataFrame([{columns[key]: getattr(row, key) or myst.NOTHING for key in used} for row in some])
    display(
        myst.table(
            frame,
            f"{part[0].upper()}{part[1:]}. A dash: the source does not say.",
            f"tab-differences-{part.replace(' ', '-')}",
            cards=True,
        )
    )

# %% tags=["hide-input"]
myst.text(
    "Read in: "
    + "; ".join(f"**{name}**: {where}" for name, where in REPOSITORIES.items())
    + ". Facts and numbers are cited; no code of theirs is used."
)
