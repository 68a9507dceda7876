# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Decisions
#
# The paper leaves things open, and its text, figures and published notebooks do not always agree ({doc}`/differences`).
# Each choice that had to be made for a network stands in the row of that network, with its reason and its source; this
# table is collected from there, as `bnet networks --decisions` does.

# %% tags=["remove-input"]
from bnet import models
from bnet.book import myst

made = models.decisions()
shown = made.drop(columns="variant").rename(columns=str.capitalize).rename(columns={"Title": "Network"})
myst.table(
    shown,
    f"{len(made)} decisions of {made['variant'].nunique()} networks. Those of BBNN hold for all that start from it.",
    "tab-reference-decisions",
    cards=True,
)

# %% [markdown]
# Decisions beyond the networks have their own pages: sound and log-mel in {doc}`/features`, splits and profiles in
# {doc}`/reproduce`, what is done about the faults of a corpus on the page of that corpus.
