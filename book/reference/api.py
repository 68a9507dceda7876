# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The package
#
# What `import bnet` offers, read from the docstrings. A docstring is a contract: shapes, units, ranges, errors, and the
# place in the paper that it follows. What begins with an underscore is not meant to be used.

# %% tags=["remove-cell"]
from IPython.display import display

from bnet.book import myst, reference


def show(area: str) -> None:
    """Show the modules of an area."""
    for name in reference.area(area):
        display(myst.text(reference.api(name)))


# %% [markdown]
# ## Corpora, sound and features

# %% tags=["remove-input"]
show("sound")

# %% [markdown]
# ## Networks

# %% tags=["remove-input"]
show("networks")

# %% [markdown]
# ## Runs and their records

# %% tags=["remove-input"]
show("runs")

# %% [markdown]
# ## Results and what they say

# %% tags=["remove-input"]
show("results")

# %% [markdown]
# ## Using a trained network

# %% tags=["remove-input"]
show("use")

# %% [markdown]
# ## The book

# %% tags=["remove-input"]
show("book")

# %% [markdown]
# ## All else

# %% tags=["remove-input"]
show("else")
