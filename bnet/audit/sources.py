"""Where the paper's text, its figures and the published notebooks differ, row by row.

Read in the paper, in its Figure 1, in the authors' repository (commit 4f92db3) and in the baseline's (commit 7c461a3).
"""

from __future__ import annotations

from dataclasses import dataclass

REPOSITORIES = {
    "the authors' notebooks": "ahmedheakl/Study-on-Broadcast-Networks-for-Music-Genre-Classification, commit 4f92db3",
    "the baseline's notebook": "CaifengLiu/music-genre-classification, commit 7c461a3",
}
"""What is meant -> the repository and commit that were read."""


@dataclass(frozen=True)
class Difference:
    """One subject and what each source says of it; '' where a source is silent. `here` is what `bnet` does."""

    part: str
    subject: str
    text: str = ""
    figure: str = ""
    notebooks: str = ""
    baseline: str = ""
    here: str = ""


_NET, _TRAIN, _EVAL, _DATA, _PAPER = "the network", "training", "evaluation", "features", "within the paper"
_BOTH = "`proposed` follows Figure 1, `proposed-released` the notebooks"

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        _NET, "stem", "one 3x3 convolution, normalisation, ReLU", "3x3, normalisation, max-pool 4x1",
        "3x3, normalisation, ReLU, max-pool 4x1 over time", "as the notebooks", "as the notebooks",
    ),
    Difference(_NET, "blocks", "4", "4", "4; 3 in the GTZAN notebook", "3", "4 for both readings of the network"),
    Difference(
        _NET, "third branch", "1x1, then 3x1 and 1x3", "1x1, normalisation, 3x1, 1x3", "1x1, then one plain 3x3",
        "1x1 then 5x5", _BOTH,
    ),
    Difference(
        _NET, "normalisation", "after each convolution", "before it", "before it, ReLU after every normalisation",
        "before it", "before it; after it in the stem",
    ),
    Difference(
        _NET, "transition", "1x1 convolution to 32", "normalisation, 1x1, average pool 2x2",
        "1x1, normalisation, ReLU, max pool 2x2", "normalisation, ReLU, 1x1, average pool 2x2", _BOTH,
    ),
    Difference(
        _NET, "decision", "global average pool, softmax", "normalisation, global average pool, softmax",
        "normalisation, ReLU, global average pool, dense softmax", "as the notebooks", "as the notebooks",
    ),
    Difference(
        _NET, "initial weights", "LeCun normal", "", "LeCun normal in three of four, Glorot in the GTZAN notebook",
        "Glorot uniform", "LeCun normal",
    ),
    Difference(
        _NET, "number of convolutions", "22", "26 when 3x1 and 1x3 count apart", "22", "20", "as each reading gives",
    ),
    Difference(
        _NET, "'residual' connections", "residual connections are named", "concatenation", "concatenation",
        "concatenation", "concatenation: each block reads the stem and all earlier blocks",
    ),
    Difference(
        _TRAIN, "what drives learning rate and stopping", "'the loss'; for stopping, the training loss", "",
        "the training loss for both", "the training loss for both", "the training loss in profile `paper`",
    ),
    Difference(
        _EVAL, "splits", "10-fold validation", "", "a new random 80/10/10 split each time, no seed",
        "ten random hold-outs", "`holdout`, `kfold`, `grouped` and `official`, all seeded",
    ),
    Difference(
        _EVAL, "what is reported", "the highest test accuracy", "",
        "four notebooks draw anew until the test accuracy passes .89 (GTZAN), .62 (HOMBURG), .58 (FMA), .615 (Extended "
        "Ballroom)", "all ten", "mean, spread and interval; the best of the draws beside them, named as such",
    ),
    Difference(
        _EVAL, "saved results", "", "", "one: squeeze-and-excitation on GTZAN, in all six training notebooks; none of "
        "the proposed network", "ten hold-outs of BBNN", "every run is a record",
    ),
    Difference(
        _DATA, "mel filters", "0 to 22 050 Hz at a sampling rate of 22 050 Hz", "", "up to 11 025 Hz",
        "as the notebooks", "as the notebooks",
    ),
    Difference(_DATA, "input", "646 x 128; 647 x 128 in section III-C", "", "646 x 128", "646 x 128", "646 x 128"),
    Difference(
        _PAPER, "number of variants", "twelve in abstract and introduction; fourteen rows in Table III", "", "", "",
        "fourteen",
    ),
    Difference(
        _PAPER, "gain on FMA", "3 % in section III-D; 58.3 against 56.9 in Table II", "", "", "", "the table's",
    ),
    Difference(
        _PAPER, "losses in section III-E",
        "of five variations; against BBNN in Table II most of them are larger", "", "", "", "both, side by side",
    ),
    Difference(
        _PAPER, "names in Table I", "'Raggae', 'Weswing'; GTZAN in another order than the others", "", "", "",
        "reggae, Wcswing",
    ),
)  # fmt: skip
"""The differences, by part."""
