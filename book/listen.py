# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Listen
#
# Two trained networks, at work in this browser: choose a sound, and see and hear what they make of it. The clips are drawn
# by lot from test tracks that neither network was trained on, whatever the networks say of them; what a clip is, is shown
# after they have answered.

# %% tags=["remove-input"]
from IPython.display import HTML

from bnet import myst, weights
from bnet.web import site

folder = myst.static_file("listen/listen.mjs").parent
description = site.write_files(weights.shipped(), folder)
base = myst.static("listen/")
HTML(site.fragment(description, base))  # Jupyter Book links every .css below _static by itself

# %% [markdown]
# The log-mel, the resampling and the windows are those of `bnet predict`, to the digits that matter, and the networks are
# the weights that come with the package. The runtime is onnxruntime-web, under the MIT licence. For a network of your own,
# the same page as a folder for any static host: `bnet export RUN --format web`.

# %% tags=["remove-input"]
myst.provenance(
    {
        network["title"]: f"`{network['corpus']}/{network['run']}`, profile {network['profile']}, commit "
        f"{network['commit'][:10]}, {network['accuracy']:.1%} of {network['tested']} test clips"
        for network in description["networks"]
    }
)
