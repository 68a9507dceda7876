# %% [markdown]
# # Where sources differ, and what was decided
#
# The authors published their notebooks, and so did the authors of BBNN; without them this book could not have been written.
# They also show that text, figure and code are not always the same network. Where they differ or are silent, anyone who
# rebuilds the network has to choose: the last column of each table says what this book does.

# %% tags=["remove-cell"]

from bnet import models
from bnet.audit.literature import DIFFERENCES, REPOSITORIES
from bnet.book import myst

# %% tags=["remove-input"]
columns = {
    "subject": "Subject",
    "text": "Text",
    "figure": "Figure 1",
    "notebooks": "Authors' notebooks",
    "baseline": "BBNN's notebook",
    "here": "Here",
}
for part, some in DIFFERENCES.groupby("part", sort=False):
    told = some[[*columns]].loc[:, some[[*columns]].ne("").any()]
    myst.table(
        told.replace("", myst.NOTHING).rename(columns=columns),
        f"{part[0].upper()}{part[1:]}. A dash: the source does not say.",
        f"tab-sources-{part.replace(' ', '-')}",
        cards=True,
    )

# %% tags=["remove-input"]
myst.text(
    "Read in: "
    + "; ".join(f"**{name}**: {where}" for name, where in REPOSITORIES.items())
    + ". Facts and numbers are cited; no code of theirs is used."
)

# %% [markdown]
# ## Decisions, network by network
#
# Each choice stands in the row of its network, with its reason and its source; `bnet networks --decisions` lists the same.
# Audio and log-mel are decided in {doc}`features`, splits and profiles in {doc}`reproduce`.

# %% tags=["remove-input"]
made = models.decisions()
shown = made.drop(columns="variant").rename(columns=str.capitalize).rename(columns={"Title": "Network"})
myst.table(
    shown,
    f"{len(made)} decisions of {made['variant'].nunique()} networks. Those of BBNN hold for all that start from it.",
    "tab-sources-decisions",
    cards=True,
)
