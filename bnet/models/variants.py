"""The networks as a table: a variant is a row of data.

Every network of the study is a stem, some blocks that each see the concatenation of the stem and all earlier blocks
(the 'broadcast'), a transition and a decision. Each of these is written as a chain of operations, in order:

============== =======================================================================================
``conv3x1``    convolution with `filters` kernels of 3 frames x 1 band, 'same' padding, with bias
``norm``       batch normalisation, then the activation
``maxpool4x1`` max-pooling over 4 frames x 1 band, stride equal to its size (for downsampling)
``avgpool2x2`` average pooling, likewise
``pool3x3``    max-pooling 3 x 3 with stride 1 and 'same' padding (inside a block: keeps the size)
``gap``        global average pooling over frames and bands
============== =======================================================================================

A dense softmax layer over the classes always closes the network. `bnet.models.builder` turns a row into a Keras model.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from bnet.errors import unknown


@dataclass(frozen=True)
class Variant:
    """A network by name.

    Parameters
    ----------
    name, title
        Short name for commands, and name for people.
    branches
        The parallel branches of a block, each a chain of operations; their outputs are concatenated.
    blocks
        How many blocks.
    filters
        Kernels in every convolution; a block adds ``filters * len(branches)`` channels.
    stem, transition, decision
        Chains of operations before, after and at the end.
    initializer
        Keras name of the kernel initialiser.
    activation
        Keras name of the activation that follows every normalisation.
    source
        Where the row comes from: section and figure of the paper, or a published notebook.
    """

    name: str
    title: str
    branches: tuple[str, ...]
    blocks: int
    filters: int = 32
    stem: str = "conv3x3 norm maxpool4x1"
    transition: str = "norm conv1x1 avgpool2x2"
    decision: str = "norm gap"
    initializer: str = "glorot_uniform"
    activation: str = "relu"
    source: str = ""

    def architecture(self) -> str:
        """Canonical JSON of all that defines the network (not its name, title or source), for the run's hash."""
        row = dataclasses.asdict(self)
        for key in ("name", "title", "source"):
            del row[key]
        return json.dumps(row, sort_keys=True)


_BBNN_BRANCHES = ("norm conv1x1", "norm conv1x1 norm conv3x3", "norm conv1x1 norm conv5x5", "pool3x3 norm conv1x1")

_ROWS = (
    Variant(
        name="bbnn",
        title="BBNN (baseline)",
        branches=_BBNN_BRANCHES,
        blocks=3,
        source="Liu et al. 2021 and its published notebook; the paper's baseline",
    ),
    Variant(
        name="proposed",
        title="Proposed (Figure 1)",
        branches=(
            "norm conv1x1",
            "norm conv1x1 norm",
            "norm conv1x1 norm conv3x1 conv1x3",
            "pool3x3 norm conv1x1",
        ),
        blocks=4,
        initializer="lecun_normal",
        source="paper, section II and Figure 1: factorised 3x3, pre-activated transition, average pool",
    ),
    Variant(
        name="proposed-released",
        title="Proposed (as released)",
        branches=(
            "norm conv1x1",
            "norm conv1x1 norm",
            "norm conv1x1 norm conv3x3",
            "pool3x3 norm conv1x1",
        ),
        blocks=4,
        transition="conv1x1 norm maxpool2x2",
        initializer="lecun_normal",
        source="the authors' published notebooks: plain 3x3, transition of convolution, norm and max pool",
    ),
)

VARIANTS: dict[str, Variant] = {row.name: row for row in _ROWS}


def get_variant(name: str) -> Variant:
    """The row called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in VARIANTS:
        raise unknown("network", name, VARIANTS)
    return VARIANTS[name]
