# %% [markdown]
# # The package
#
# What `import bnet` offers, read from the docstrings. A docstring is a contract: shapes, units, ranges, errors, and the
# place in the paper that it follows. What begins with an underscore is not meant to be used.

# %% tags=["remove-cell"]

from bnet.book import myst, reference


def show(*rooms: str) -> None:
    """Show the modules of rooms of the package."""
    for name, path in reference.modules(*rooms).items():
        myst.text(reference.api(name, path))


# %% [markdown]
# ## Corpora, sound and features

# %% tags=["remove-input"]
show("sound", "corpora")

# %% [markdown]
# ## Networks

# %% tags=["remove-input"]
show("models")

# %% [markdown]
# ## Runs and their records

# %% tags=["remove-input"]
show("training", "runs")

# %% [markdown]
# ## Results and what they say

# %% tags=["remove-input"]
show("statistics", "audit")

# %% [markdown]
# ## Using a trained network

# %% tags=["remove-input"]
show("deploy")

# %% [markdown]
# ## The book

# %% tags=["remove-input"]
show("book")

# %% [markdown]
# ## All else

# %% tags=["remove-input"]
show("")
