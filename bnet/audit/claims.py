"""Every claim of the paper that could be true or false, as a row, with what would test it and the test itself.

The claims are in our words. `bnet.audit.checks` holds the tests; a page asks each row for its finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnet.audit import checks, paper
from bnet.audit.evidence import APART, OURS, Evidence, Finding
from bnet.models import TABLE_3, VARIANTS


@dataclass(frozen=True)
class Claim:
    """One claim.

    Parameters
    ----------
    name
        Short name, unique.
    section
        Where the paper makes it.
    says
        What it says, in our words.
    test
        What would show it true or false.
    check
        The test: evidence to finding.
    """

    name: str
    section: str
    says: str
    test: str
    check: Callable[[Evidence], Finding]


def _variation(name: str) -> Claim:
    """A row of Table III: what the paper says the variation does to BBNN."""
    reported, base = paper.TABLE_3[name], paper.TABLE_2["gtzan", "bbnn"]
    loss = round(base.test - reported.test, 1)
    does = "keeps the accuracy of BBNN" if loss == 0 else f"loses {loss:.1f} points of test accuracy on GTZAN"
    return Claim(
        f"table-3-{name}",
        "III-E",
        f"{VARIANTS[name].title} {does}. Why, to the paper: {paper.EXPLANATIONS[name]}.",
        "the variation against BBNN on the same folds",
        checks.compared("bbnn", name, -1 if loss else 0, ("gtzan",), size=loss / 100),
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "parameters",
        "abstract, I, IV",
        "The network has about 180 000 parameters.",
        "counting them on the model",
        checks.parameters,
    ),
    Claim(
        "twelve-variants",
        "abstract, I, IV",
        "Twelve variants of the network are studied.",
        "counting the rows of Table III",
        checks.twelve,
    ),
    Claim(
        "state-of-the-art",
        "abstract, I, IV",
        "The accuracies on the four corpora are state of the art.",
        "published results until 2022 under the same kind of split",
        checks.state_of_the_art,
    ),
    Claim(
        "localisation",
        "abstract, II, IV",
        "The network localises better than BBNN.",
        "a measure of localisation; the paper names none",
        checks.not_tested("The text defines no measure of localisation. {doc}`inside` shows where networks look."),
    ),
    Claim(
        "generalisation",
        "abstract, II, IV",
        "The network generalises better than BBNN.",
        "both on the same splits that keep artists, recordings and tunes apart, on every corpus at hand",
        checks.compared("bbnn", "proposed", 1, ("gtzan", "fma-small", *OURS), order=APART),
    ),
    Claim(
        "temporal",
        "abstract, I",
        "Convolutional networks are poor at temporal features of music.",
        "BBNN against a rhythm descriptor with a support vector machine, on corpora whose classes are rhythms: at the "
        "traditional tempo of each dance, and at random tempo",
        checks.compared("bbnn", "svm-rhythm", 1, OURS, order=APART),
    ),
    Claim(
        "more-maps",
        "II-A",
        "Without the 3x3 and with the 5x5 replaced, more feature maps fit into the same number of parameters.",
        "counting maps and parameters on both models",
        checks.more_maps,
    ),
    Claim(
        "fourth-block",
        "II-A",
        "A fourth block makes up for the capacity that the removed 3x3 takes away.",
        "the step with the fourth block against the step before it",
        checks.compared("step-2", "step-3", 1, ("gtzan", "tunes")),
    ),
    Claim(
        "initialiser",
        "II-A",
        "Starting from LeCun normal weights raises the accuracy significantly.",
        "the step with the initialiser against the step before it",
        checks.compared("step-3", "step-4", 1, ("gtzan", "tunes")),
    ),
    Claim(
        "channels",
        "II-B",
        "Before the transition there are 544 channels, of 32 filters each.",
        "reading it from the model",
        checks.channels,
    ),
    Claim(
        "convolutions",
        "II-B",
        "There are 22 convolutions: five 3x3 and seventeen 1x1.",
        "counting them on the model, as Figure 1 and as the notebooks have it",
        checks.convolutions,
    ),
    Claim(
        "mel-range",
        "III-B",
        "128 mel filters cover 0 to 22 050 Hz.",
        "the highest frequency that a sampling rate of 22 050 Hz can carry",
        checks.mel_range,
    ),
    Claim(
        "input-size",
        "III-B, III-C",
        "The input is 646 x 128, elsewhere 647 x 128.",
        "counting the frames of 30 s",
        checks.input_size,
    ),
    Claim(
        "ten-fold",
        "III-C",
        "Accuracies come from a ten-fold validation.",
        "the published notebooks",
        checks.ten_fold,
    ),
    Claim(
        "half-an-hour",
        "III-C",
        "100 epochs on GTZAN take half an hour on a Quadro RTX 5000.",
        "10 000 steps of 8 clips on a GPU",
        checks.half_an_hour,
    ),
    *(
        Claim(
            f"table-2-{corpus}",
            "III-D, Table II",
            f"On {title} the network is better than BBNN by {paper.gain(corpus):.1f} points of test accuracy.",
            "both on the same splits of the corpus",
            checks.table_2(corpus),
        )
        for corpus, title in paper.CORPUS_TITLES.items()
    ),
    Claim(
        "three-genres",
        "III-D",
        "On GTZAN the network recognises country, metal and rock much better than BBNN.",
        "both on the clips of these three genres, on the same splits",
        checks.compared("bbnn", "proposed", 1, ("gtzan",), labels=("country", "metal", "rock")),
    ),
    *(
        Claim(
            f"confused-{corpus}",
            "III-D, Figure 2",
            f"On {title} the network confuses {'; '.join(' with '.join(pair) for pair in paper.CONFUSED[corpus])}.",
            f"whether each pair is among the {checks.MOST_CONFUSED} that are mistaken for each other most often",
            checks.confused(corpus),
        )
        for corpus, title in paper.CORPUS_TITLES.items()
    ),
    Claim(
        "loss",
        "III-D, Figure 3",
        "The network's loss is smaller than BBNN's, in most cases slightly.",
        "the training loss of both in the last epoch, on the same splits",
        checks.smaller_loss("gtzan", "fma-small"),
    ),
    Claim(
        "fma-3-percent",
        "III-D",
        "On FMA the network is better by 3 %.",
        "the paper's own Table II",
        checks.fma_gain,
    ),
    *map(_variation, TABLE_3),
    Claim(
        "losses",
        "III-E",
        "The text names the losses of five variations, in percent of test accuracy.",
        "the paper's own Tables II and III",
        checks.losses,
    ),
    Claim(
        "xception-size",
        "III-E12",
        "The Xception-like network has about 141 000 parameters, some 75 % of BBNN's.",
        "counting them on both models",
        checks.xception_size,
    ),
    Claim(
        "embedded",
        "IV",
        "The network has the potential to run on embedded devices.",
        "memory and time of one prediction; the paper measures neither",
        checks.embedded,
    ),
)
"""The claims, in the order of the paper."""
