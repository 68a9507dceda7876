# %% [markdown]
# # The package
#
# What `import bnet` offers, read from the docstrings. A docstring is a contract: shapes, units, ranges, errors, and the
# place in the paper that it follows. What begins with an underscore is not meant to be used.

# %% tags=["remove-cell"]

from bnet.book import myst, reference

# %% [markdown]
# ## Corpora, sound and features

# %% tags=["remove-input"]
myst.text(reference.api("sound", "corpora"))

# %% [markdown]
# ## Networks

# %% tags=["remove-input"]
myst.text(reference.api("models"))

# %% [markdown]
# ## Runs and their records

# %% tags=["remove-input"]
myst.text(reference.api("training", "runs"))

# %% [markdown]
# ## Results and what they say

# %% tags=["remove-input"]
myst.text(reference.api("statistics", "audit"))

# %% [markdown]
# ## Using a trained network

# %% tags=["remove-input"]
myst.text(reference.api("deploy"))

# %% [markdown]
# ## The book

# %% tags=["remove-input"]
myst.text(reference.api("book"))

# %% [markdown]
# ## All else

# %% tags=["remove-input"]
myst.text(reference.api(""))
