"""Rows of the table: BBNN, the proposed network in its two readings, and the steps from one to the other."""

from __future__ import annotations

from dataclasses import replace

from bnet.models.variant import Decision, Variant, reworded

_TEXT, _FIGURE_1 = "paper, section II", "paper, Figure 1"
_BASELINE, _RELEASED = "the baseline's published notebook", "the authors' published notebooks"

BBNN = Variant(
    name="bbnn",
    title="BBNN (baseline)",
    branches=("norm conv1x1", "norm conv1x1 norm conv3x3", "norm conv1x1 norm conv5x5", "pool3x3 norm conv1x1"),
    blocks=3,
    source="Liu et al. 2021 and its published notebook; the paper's baseline",
    section="II-B",
    change="Nothing: this is the network that all others are compared with.",
    hope="Kernels of several sizes look at short and long patterns at once, and what the first layers heard reaches "
    "the last one unchanged.",
    decisions=(
        Decision(
            "normalisation before or after a convolution",
            "before it inside blocks and transition, after it in the stem",
            "the paper's text says after; its Figure 1 and all published notebooks say before",
            f"{_FIGURE_1}; {_BASELINE}",
        ),
        Decision(
            "transition",
            "normalisation, 1x1 convolution, average pool 2x2",
            "the authors' own notebook of a BBNN variant puts the normalisation after the convolution and takes the "
            "maximum; the baseline's notebook, whose trained weights can be read, does not",
            _BASELINE,
        ),
        Decision(
            "initial weights",
            "Glorot uniform",
            "the paper names an initialiser for its own network only; this is what Keras does by default",
            _BASELINE,
        ),
    ),
)

PROPOSED = Variant(
    name="proposed",
    title="Proposed (as drawn)",
    branches=(
        "norm conv1x1",
        "norm conv1x1 norm",
        "norm conv1x1 norm conv3x1 conv1x3",
        "pool3x3 norm conv1x1",
    ),
    blocks=4,
    initializer="lecun_normal",
    source="paper, section II and Figure 1: factorised 3x3, pre-activated transition, average pool",
    section="II",
    change="No 3x3 branch, a factorised 3x3 instead of the 5x5, four blocks instead of three, LeCun-normal kernels.",
    hope="Small kernels keep detail in time and pitch, and the weights that they save pay for one more block.",
    decisions=(
        Decision(
            "the 3x3 convolution",
            "a 3x1, then a 1x3, with nothing between them",
            "text and figure factorise it, the notebooks don't; `proposed-released` keeps it whole",
            f"{_TEXT}-A; {_FIGURE_1}",
        ),
        Decision(
            "transition",
            "normalisation, 1x1 convolution, average pool 2x2",
            "the figure's order; the notebooks put the normalisation after the convolution and take the maximum",
            _FIGURE_1,
        ),
        Decision(
            "second branch",
            "ends in a normalisation",
            "what is left of '1x1, then 3x3' when the 3x3 alone is removed",
            _FIGURE_1,
        ),
        Decision(
            "'about 180 k' parameters",
            "175 914 in all, 158 122 in kernels and biases",
            "the paper does not say what it counts; every count is in the table of parameters",
            f"{_TEXT}-A",
        ),
    ),
)

PROPOSED_RELEASED = replace(
    PROPOSED,
    name="proposed-released",
    title="Proposed (as released)",
    branches=(
        "norm conv1x1",
        "norm conv1x1 norm",
        "norm conv1x1 norm conv3x3",
        "pool3x3 norm conv1x1",
    ),
    transition="conv1x1 norm maxpool2x2",
    source="the authors' published notebooks: plain 3x3, transition of convolution, norm and max pool",
    change="As the proposed network, but with a whole 3x3 and a transition that normalises last and takes the maximum.",
    decisions=(
        Decision(
            "blocks and initial weights",
            "four blocks, LeCun normal",
            "three of the four data set notebooks and the text agree; the one for GTZAN has three blocks and Keras's "
            "default initialiser",
            _RELEASED,
        ),
    ),
)

_STEP = "paper, section II-A: one of its five changes after the other"
_STEP_HOPE = "Taken one at a time, the five changes show which of them matters."

REMOVE_3X3 = replace(
    BBNN,
    name="remove-3x3",
    title="Without 3x3",
    branches=("norm conv1x1", "norm conv1x1 norm", "norm conv1x1 norm conv5x5", "pool3x3 norm conv1x1"),
    source="paper, Table III, row 1",
    section="III-E1",
    change="The 3x3 convolution of every block is left out; the 1x1 in front of it stays.",
    hope="If 1x1 and 5x5 together see what the 3x3 sees, the smaller network has less to overfit with.",
    decisions=(
        Decision(
            "what is removed",
            "the 3x3 convolution alone, not its branch",
            "the paper counts 27 744 parameters fewer, which is exactly three 3x3 convolutions of 32 maps",
            "paper, section III-E1",
        ),
    ),
)
_STEP_2 = reworded(
    REMOVE_3X3,
    {"conv5x5": "conv3x3"},
    name="step-2",
    title="Step 2: 5x5 replaced",
    source=_STEP,
    section="II-A",
    change="The 3x3 convolution is left out, and the 5x5 replaced by a 3x3.",
    hope=_STEP_HOPE,
    decisions=(),
)
_STEP_3 = replace(
    _STEP_2,
    name="step-3",
    title="Step 3: fourth block",
    blocks=4,
    change="The 3x3 convolution is left out, the 5x5 replaced by a 3x3, and there are four blocks instead of three.",
)
_STEP_4 = replace(
    _STEP_3,
    name="step-4",
    title="Step 4: LeCun normal",
    initializer="lecun_normal",
    change="The 3x3 convolution is left out, the 5x5 replaced by a 3x3, there are four blocks instead of three, and "
    "the kernels start from LeCun normal.",
)

STEP_ROWS = (_STEP_2, _STEP_3, _STEP_4)
STEPS = (REMOVE_3X3.name, *(row.name for row in STEP_ROWS), PROPOSED.name)
"""From BBNN to the proposed network, one change a step, cumulative (section II-A, changes 1 to 5); the fifth, the
factorised 3x3, gives `proposed` itself."""
