"""Rows of the table: variations of BBNN in the paper's Table III whose blocks are of another kind."""

from __future__ import annotations

from dataclasses import replace

from bnet.models.rows import BBNN
from bnet.models.variant import Decision


def _section(number: int) -> str:
    return f"paper, section III-E{number}"


SQUEEZE_EXCITATION = replace(
    BBNN,
    name="squeeze-excitation",
    title="Squeeze-and-excitation",
    after="se:8",
    source="paper, Table III, row 11, and Figure 4a; Hu et al. 2018",
    section="III-E9",
    change="After every block, each map is weighted by a number from 0 to 1 that depends on all maps of the clip.",
    hope="What matters differs from clip to clip: the network can turn up the maps that tell, and turn down the rest.",
    decisions=(
        Decision(
            "squeeze",
            "global average",
            "the paper refers to Hu et al., who average; the notebook's maximum is in `squeeze-excitation-released`",
            "Hu et al. 2018",
        ),
        Decision(
            "reduction ratio",
            "8: 128 maps, 16, 128",
            "Hu et al. prefer 16; the only published code of this variant has 8",
            "the authors' published notebook",
        ),
        Decision(
            "what is weighted",
            "the block's own 128 maps, before they are broadcast; ReLU, then sigmoid, dense layers with bias",
            "the text puts it after each block; the notebook agrees",
            f"{_section(9)}; the authors' published notebook",
        ),
    ),
)

SQUEEZE_EXCITATION_RELEASED = replace(
    SQUEEZE_EXCITATION,
    name="squeeze-excitation-released",
    title="Squeeze-and-excitation (as released)",
    after="semax:8",
    transition="conv1x1 norm maxpool2x2",
    source="the authors' published notebook of this variant",
    change="As squeeze-and-excitation, but the weights depend on the maximum of each map, and the transition "
    "normalises last and takes the maximum.",
    decisions=(
        Decision(
            "squeeze and transition",
            "global maximum; 1x1 convolution, normalisation, max pool",
            "the notebook's; it is the only variant with published results",
            "the authors' published notebook",
        ),
    ),
)

LSTM = replace(
    BBNN,
    name="lstm",
    title="LSTM",
    branches=(*BBNN.branches, "norm conv1x1 norm lstm"),
    source="paper, Table III, row 12, and Figure 4b",
    section="III-E10",
    change="Every block has a fifth branch, in which an LSTM runs along the frames.",
    hope="Convolutions see a limited stretch of time; an LSTM can carry what it heard on to the end of the clip.",
    decisions=(
        Decision(
            "where",
            "a branch of its own beside the four, behind a 1x1 convolution as the others",
            "the paper embeds the layer into the block and speaks of filters that it adds",
            _section(10),
        ),
        Decision(
            "axis",
            "along the frames, for each mel band by itself, with the same weights for all bands",
            "the paper wants features in time; its output then has the size of the other branches",
            _section(10),
        ),
        Decision(
            "units",
            "32, the whole sequence is handed on",
            "the paper does not say; as many as every other branch has maps",
            _section(10),
        ),
    ),
)

INCEPTION_RESNET = replace(
    BBNN,
    name="inception-resnet",
    title="Inception-ResNet",
    stem="conv3x3v/2:12 norm conv3x3v:12 norm conv3x3:24 norm maxpool3x3/2 conv1x1:30 norm conv3x3v:72 norm "
    "conv3x3v/2:96 norm",
    branches=("norm conv1x1", "norm conv1x1 norm conv3x3", "norm conv1x1 norm conv3x3 norm conv3x3"),
    later_branches=(
        ("norm conv1x1", "norm conv1x1 norm conv1x7 norm conv7x1"),
        ("norm conv1x1", "norm conv1x1 norm conv1x3 norm conv3x1"),
    ),
    after="norm residual",
    connection="chain",
    source="paper, Table III, row 13, and Figure 5; Szegedy et al. 2017, Inception-ResNet-v1",
    section="III-E11",
    change="The three blocks are those of Inception-ResNet-v1, each added to its input, behind that network's stem.",
    hope="A sum with the block's input lets gradients pass unhindered; factorised kernels look far for few weights.",
    decisions=(
        Decision(
            "which blocks",
            "one A, one B and one C block, in this order, without reductions between them",
            "the paper replaces each of BBNN's three blocks by its counterpart, and names the reductions as something "
            "that its small network lacks",
            _section(11),
        ),
        Decision(
            "broadcast or sum",
            "each block sees the block before it alone, and adds to it",
            "the sum is what makes such a block; concatenating as well would double the maps with every block",
            "Szegedy et al. 2017",
        ),
        Decision(
            "scaling of the residual",
            "none",
            "the paper names activation scaling as an aid of very large networks",
            _section(11),
        ),
        Decision(
            "widths",
            "32 maps in the branches, three eighths of the original widths in the stem (12 to 96 maps)",
            "the original stem alone has 613 664 weights; the paper asks for similar size, and this gives about BBNN's",
            _section(11),
        ),
        Decision(
            "normalisation",
            "before every convolution of a block and nothing after the sum; after the convolutions of the stem",
            "the paper says so for blocks; the stem is the original one",
            f"{_section(11)}; Szegedy et al. 2017",
        ),
        Decision(
            "transition",
            "BBNN's",
            "the paper replaces stem and blocks, and names BBNN's decision",
            _section(11),
        ),
        Decision(
            "which half of Figure 5",
            "the text of section III-E11 decides",
            "text and caption contradict each other about which half shows which network",
            "paper, Figure 5",
        ),
    ),
)

XCEPTION = replace(
    BBNN,
    name="xception",
    title="Xception-like",
    branches=("norm sepconv3x3:128",),
    blocks=4,
    transition="conv1x1 norm maxpool2x2",
    source="paper, Table III, row 14, and Figure 5; the authors' published notebook",
    section="III-E12",
    change="Four blocks of a single separable 3x3 convolution with 128 maps each replace BBNN's three.",
    hope="A separable convolution learns where and what one after the other, with far fewer weights, and nobody "
    "has to choose kernel sizes by hand.",
    decisions=(
        Decision(
            "'residual connections'",
            "the broadcast: a block's maps are concatenated with all before it, not summed",
            "so the notebook does; the text does not say",
            "the authors' published notebook",
        ),
        Decision(
            "maps of a block, transition",
            "128 maps; 1x1 convolution, normalisation, max pool",
            "the notebook's; they meet the paper's 'about 141 k' parameters: 141 354 in kernels and biases "
            "(145 322 with those of normalisation)",
            "the authors' published notebook",
        ),
    ),
)
