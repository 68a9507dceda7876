"""Rows of the table: the variations of BBNN in the paper's Table III, in its order."""

from __future__ import annotations

from dataclasses import replace

from bnet.models.ablations_blocks import INCEPTION_RESNET, LSTM, SQUEEZE_EXCITATION, XCEPTION
from bnet.models.rows import BBNN, REMOVE_3X3
from bnet.models.variant import Decision, Variant, reworded


def _section(number: int) -> str:
    return f"paper, section III-E{number}"


def _depth(blocks: int, title: str, hope: str, place: int) -> Variant:
    return replace(
        BBNN,
        name=title.replace(" ", "-"),
        title=title,
        blocks=blocks,
        source=f"paper, Table III, row {place}",
        section="III-E5",
        change=f"{title.capitalize()} instead of 3.",
        hope=hope,
        decisions=(
            Decision(
                "everything but the number of blocks",
                "as in BBNN",
                "the paper names nothing else; the transition sees 32 maps of the stem and 128 of each block",
                _section(5),
            ),
        ),
    )


TABLE_3_ROWS = (
    REMOVE_3X3,
    reworded(
        BBNN,
        {"conv5x5": "conv3x3"},
        name="replace-5x5",
        title="5x5 replaced by 3x3",
        source="paper, Table III, row 2",
        section="III-E2",
        change="The 5x5 convolution of every block is a 3x3.",
        hope="A 3x3 kernel needs 9 weights where a 5x5 needs 25, and depth makes up for the shorter look.",
        decisions=(
            Decision(
                "the branch that had a 3x3 already",
                "stays, so that two branches are alike",
                "the paper replaces one convolution and names nothing else",
                _section(2),
            ),
        ),
    ),
    replace(
        BBNN,
        name="global-max-pooling",
        title="Global max-pooling",
        decision="norm gmp",
        source="paper, Table III, row 3",
        section="III-E3",
        change="The decision takes the maximum of every map instead of its mean.",
        hope="A maximum keeps the strongest trace of a pattern, however short it sounded.",
        decisions=(
            Decision(
                "which pooling",
                "the global one of the decision, from average to maximum",
                "table and title of the section say 'Global Pooling' and 'Global Average Pooling'; its text says this",
                _section(3),
            ),
        ),
    ),
    replace(
        BBNN,
        name="dropout",
        title="Dropout",
        decision="norm gap dropout:0.4",
        source="paper, Table III, row 4",
        section="III-E4",
        change="While training, 40 % of the 32 values that the last layer sees are dropped at random.",
        hope="The last layer can't lean on a few maps, so it should overfit less.",
        decisions=(
            Decision(
                "what is dropped",
                "40 % of the values, not of single connections",
                "the paper keeps 60 % by a dropout layer in front of the dense one, after the Inception network",
                _section(4),
            ),
        ),
    ),
    _depth(1, "1 block", "The smallest network: fast, and with the least to overfit with.", 5),
    _depth(2, "2 blocks", "A third of the network less, if two looks at the input are enough.", 6),
    _depth(5, "5 blocks", "More blocks see longer patterns, and the broadcast keeps what the first ones heard.", 7),
    replace(
        BBNN,
        name="selu",
        title="SELU",
        activation="selu",
        source="paper, Table III, row 8; Klambauer et al. 2017",
        section="III-E6",
        change="Every ReLU is a SELU.",
        hope="SELU has a slope below zero too, so that no unit can die.",
        decisions=(
            Decision(
                "normalisation and initial weights",
                "batch normalisation and Glorot uniform stay",
                "Klambauer et al. use neither; the paper changes the activation only",
                _section(6),
            ),
        ),
    ),
    reworded(
        BBNN,
        {"norm": "groupnorm:16"},
        name="group-norm",
        title="Group normalisation",
        source="paper, Table III, row 9; Wu and He 2018",
        section="III-E7",
        change="Every batch normalisation is a group normalisation with 16 maps a group.",
        hope="The statistics come from the clip alone: a small batch can't disturb them, and training and use agree.",
        decisions=(
            Decision(
                "over what mean and deviation are taken",
                "all frames, all bands and 16 neighbouring maps of one clip",
                "the definition of Wu and He, with the paper's 16 features a group",
                "Wu and He 2018",
            ),
            Decision(
                "which normalisations",
                "all of them: stem, blocks, transition and decision",
                "the paper excepts none",
                _section(7),
            ),
            Decision(
                "epsilon",
                "0.001",
                "the paper does not say; it is Keras's default and that of BBNN's batch normalisation",
                "Keras",
            ),
        ),
    ),
    replace(
        BBNN,
        name="label-smoothing",
        title="Label smoothing",
        label_smoothing=0.1,
        source="paper, Table III, row 10; Szegedy et al. 2016",
        section="III-E8",
        change="A tenth of every training target is taken from the true class and shared evenly by all classes.",
        hope="A network that is never asked for certainty should be less sure of its errors where classes overlap.",
        decisions=(
            Decision(
                "how much",
                "0.1, spread evenly over the corpus's classes, the true one included",
                "the values of Szegedy et al., to whom the paper refers, with their 1000 classes replaced",
                "Szegedy et al. 2016",
            ),
            Decision(
                "where it counts",
                "in the loss of training and validation; accuracies and probabilities are read as always",
                "the paper smooths the one-hot labels and names nothing else",
                _section(8),
            ),
        ),
    ),
    SQUEEZE_EXCITATION,
    LSTM,
    INCEPTION_RESNET,
    XCEPTION,
)
