# %% [markdown]
# # The networks
#
# All networks of the study have one shape. A **stem** turns the log-mel spectrogram into 32 maps and shortens time by
# four. Then come **blocks**. A block looks at its input in several ways at once (its *branches*), each giving 32 maps,
# and hands on everything: the next block sees the concatenation of the stem and of all earlier blocks. That is the
# *broadcast*: the output of the first layer reaches the last one unchanged. A **transition** squeezes all maps to 32, and the
# **decision** averages them over time and frequency and names a class.

# %% tags=["parameters"]
classes = 10  # for the parameter counts; GTZAN has 10

# %% tags=["remove-cell"]
import pandas as pd

from bnet.audit import plots, tables
from bnet.book import myst
from bnet.models import VARIANTS, drawing
from bnet.models.shapes import sections

plots.style()

# %% tags=["remove-input"]
proposed, bbnn = VARIANTS["proposed"], VARIANTS["bbnn"]
myst.drawing(
    drawing.svg(proposed, classes=classes),
    "The proposed network (the paper's Figure 1), drawn from its row. The bands on the left are the broadcast: the maps of the "
    "stem and of every block go to all later blocks and to the transition; a band is as wide as its maps are many.",
    "fig-networks-broadcast",
    drawing.alt(proposed, classes=classes),
)

# %% [markdown]
# ## What it changes
#
# Beside BBNN, the network that the study builds on: what is added, taken out or replaced.

# %% tags=["remove-input"]
myst.drawing(
    drawing.svg(proposed, reference=bbnn, classes=classes),
    "The same network, with its differences from BBNN marked.",
    "fig-networks-difference",
    drawing.alt(proposed, reference=bbnn, classes=classes),
)

# %% [markdown]
# ## A network is a row of data
#
# In `bnet` a network is not a program but a row: what its branches do, how many blocks, and which stem, transition and
# decision. `norm` is batch normalisation followed by the activation (ReLU); `conv3x1` is a convolution over three frames
# and one mel band; `pool3x3` is max-pooling that keeps the size; `gap` is the average over time and frequency.

# %% tags=["remove-input"]
three = ("bbnn", "proposed", "proposed-released")
parts = ["branches", "blocks", "stem", "transition", "decision", "initializer"]


def shown(value) -> str:
    return "<br>".join(f"`{branch}`" for branch in value) if isinstance(value, tuple) else f"`{value}`"


table = pd.DataFrame(
    {"Part": parts} | {v.title: [shown(getattr(v, part)) for part in parts] for v in map(VARIANTS.get, three)}
)
myst.table(table, "The three networks of Table II, as they stand in `bnet/models`.", "tab-networks-rows")

# %% [markdown]
# **Where text, figure and published notebooks differ.** The paper's text puts the normalisation after each convolution but,
# inside the Inception blocks, changes the order after {cite:t}`he2016`; Figure 1 and the authors' notebooks put it before. Figure 1 splits the 3x3 convolution into 3x1 and 1x3 and averages
# in the transition; the notebooks keep the plain 3x3 and take the maximum, and normalise after the transition's
# convolution. Both are plausible readings, so both exist here: *Proposed (as drawn)* follows the figure,
# *Proposed (as released)* the notebooks (but for GTZAN's, which has three blocks and Glorot-uniform kernels). Both start
# from LeCun-normal kernels, as the text says.
#
# ## Parameters

# %% tags=["remove-input"]
counts = tables.parameters(classes)
myst.table(
    counts.drop(columns="variant").rename(
        columns={
            "title": "Network",
            "blocks": "Blocks",
            "convolutions": "Convolutions",
            "total": "Parameters",
            "trainable": "Trainable",
            "weights": "Kernels, biases",
        }
    ),
    f"Counted on the rows, for {classes} classes. The BBNN paper quotes its kernels and biases only; the paper speaks of "
    "'about 180 k'.",
    "tab-networks-parameters",
)

# %% [markdown]
# ## Does our BBNN equal the published one?
#
# The authors of BBNN published trained weights (Keras 2.0.6, HDF5). `bnet.models.load_published_bbnn` reads such a file into
# our `bbnn`; a test compares the class probabilities with those of an independent reading of the file and asks for
# agreement to 1e-4. The file carries no licence, so it is not part of this project.
#
# ## Layers of one block

# %% tags=["remove-input"]
block = next(part for part in sections(proposed, 646) if part.number == 1)
layers = [(op.name + layer.suffix, layer) for chain in block.branches for op in chain for layer in op.layers]
rows = [
    [f"`{name}`", layer.kind, " x ".join(map(str, layer.shape)), layer.parameters]
    for name, layer in [*layers, (block.name, block.merge)]
]
myst.table(
    pd.DataFrame(rows, columns=["Layer", "Kind", "Output (frames x bands x maps)", "Parameters"]),
    "The first block of the proposed network, for 30 s of audio.",
    "tab-networks-block",
)
