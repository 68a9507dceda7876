# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The networks
#
# All networks of the study have one shape. A **stem** turns the log-mel spectrogram into 32 maps and shortens time by
# four. Then come **blocks**. A block looks at its input in several ways at once (its *branches*), each giving 32 maps,
# and hands on everything: the next block sees the concatenation of the stem and of all earlier blocks. That is the
# *broadcast*: what the first layer heard reaches the last one unchanged. A **transition** squeezes all maps to 32, and the
# **decision** averages them over time and frequency and names a class.

# %% tags=["parameters"]
classes = 10  # for the parameter counts; GTZAN has 10

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patches import FancyBboxPatch

from bnet import backend, myst, plots, tables

backend.prepare()
from bnet.models import VARIANTS, build

plots.style()

# %% tags=["hide-input"]
row = VARIANTS["proposed"]
shapes = {layer.name: layer.output.shape for layer in build("proposed", classes, 646).layers}
channels = [shapes["stem_maxpool4x1"][-1], *(shapes[f"block{k}"][-1] for k in range(1, row.blocks + 1))]
boxes = ["log-mel", "stem", *(f"block {k}" for k in range(1, row.blocks + 1)), "transition", "decision"]
notes = ["646 x 128", f"{channels[0]} maps", *(f"+{c} maps" for c in channels[1:]), "to 32 maps", f"{classes} classes"]

fig, ax = plt.subplots(figsize=(9, 2.4))
for x, (name, note) in enumerate(zip(boxes, notes, strict=True)):
    color = plots.PALETTE[0] if name.startswith("block") else "#777777"
    ax.add_patch(
        FancyBboxPatch((x - 0.4, -0.3), 0.8, 0.6, "round,pad=0.02", facecolor=color, alpha=0.25, edgecolor=color)
    )
    ax.text(x, 0.07, name, ha="center", va="center", fontsize=9.5)
    ax.text(x, -0.15, note, ha="center", va="center", fontsize=8, color="#444444")
    if x:
        ax.annotate("", (x - 0.42, 0), (x - 0.58, 0), arrowprops={"arrowstyle": "->", "color": "#444444"})
for start in range(1, 1 + row.blocks):
    for end in range(start + 2, 3 + row.blocks):
        arc = {
            "arrowstyle": "->",
            "connectionstyle": f"arc3,rad=-{0.28 + 0.02 * start}",
            "color": plots.PALETTE[1],
            "alpha": 0.6,
        }
        ax.annotate("", (end, 0.34), (start, 0.34), arrowprops=arc)
ax.set(xlim=(-0.6, len(boxes) - 0.4), ylim=(-0.4, 1.15))
ax.axis("off")
myst.figure(
    fig,
    "The proposed network. Straight arrows: the flow. Arcs: the broadcast, every block's maps go to all later blocks and to "
    "the transition. Drawn from the network itself.",
    "fig-networks-broadcast",
    "A chain of boxes from log-mel through stem, four blocks, transition and decision, with arcs from the stem and from "
    "every block to all later blocks and to the transition.",
)

# %% [markdown]
# ## A network is a row of data
#
# In `bnet` a network is not a program but a row: what its branches do, how many blocks, and which stem, transition and
# decision. `norm` is batch normalisation followed by the activation (ReLU); `conv3x1` is a convolution over three frames
# and one mel band; `pool3x3` is max-pooling that keeps the size; `gap` is the average over time and frequency.

# %% tags=["hide-input"]
parts = ["branches", "blocks", "stem", "transition", "decision", "initializer"]


def shown(value) -> str:
    return "<br>".join(f"`{branch}`" for branch in value) if isinstance(value, tuple) else f"`{value}`"


table = pd.DataFrame(
    {"Part": parts} | {v.title: [shown(getattr(v, part)) for part in parts] for v in VARIANTS.values()}
)
myst.table(table, "The networks, as they stand in `bnet/models/variants.py`.", "tab-networks-rows")

# %% [markdown]
# **Where text, figure and published notebooks differ.** The paper's text puts the normalisation after each convolution,
# its Figure 1 and the authors' notebooks put it before. Figure 1 splits the 3x3 convolution into 3x1 and 1x3 and averages
# in the transition; the notebooks keep the plain 3x3 and take the maximum, and normalise after the transition's
# convolution. Both are plausible readings, so both exist here: *Proposed (Figure 1)* follows the figure,
# *Proposed (as released)* the notebooks. In both, `proposed` starts from LeCun-normal kernels, as the text says.
#
# ## Parameters

# %% tags=["hide-input"]
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
    f"Counted on the Keras models, for {classes} classes. The BBNN paper quotes its kernels and biases only; the paper speaks of "
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

# %% tags=["hide-input"]
model = build("proposed", classes, 646)
rows = [
    [f"`{layer.name}`", type(layer).__name__, " x ".join(str(n) for n in layer.output.shape[1:]), layer.count_params()]
    for layer in sorted(model.layers, key=lambda layer: layer.name.split("_")[:2][-1])
    if layer.name.startswith("block1")
]
myst.table(
    pd.DataFrame(rows, columns=["Layer", "Kind", "Output (frames x bands x maps)", "Parameters"]),
    "The first block of the proposed network, for 30 s of sound.",
    "tab-networks-block",
)
