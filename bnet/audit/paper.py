"""What the paper states, as data. Every value here is the paper's, not a measurement of ours.

Source: Heakl, Abdelgawad, Parque (2022), *A Study on Broadcast Networks for Music Genre Classification*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Reported:
    """A pair of accuracies as printed: best validation and best test, in percent; `where` names table and column."""

    validation: float
    test: float
    where: str


TABLE_2: dict[tuple[str, str], Reported] = {
    (corpus, variant): Reported(validation, test, f"Table II, {column}")
    for corpus, column, rows in (
        ("gtzan", "GTZAN", (("bbnn", 90.0, 89.0), ("proposed", 91.0, 90.0))),
        ("homburg", "Audio Benchmark", (("bbnn", 64.0, 61.0), ("proposed", 66.1, 64.0))),
        ("extended-ballroom", "Extended Ballroom", (("bbnn", 94.7, 92.3), ("proposed", 93.3, 93.1))),
        ("fma-small", "FMA", (("bbnn", 58.1, 56.9), ("proposed", 58.9, 58.3))),
    )
    for variant, validation, test in rows
}
"""(corpus, network) -> the paper's Table II: 'the highest test accuracy' of ten draws (section III-C)."""

TABLE_3: dict[str, Reported] = {
    variant: Reported(validation, test, f"Table III, row {row}")
    for row, (variant, validation, test) in enumerate(
        (
            ("remove-3x3", 84.0, 83.0),
            ("replace-5x5", 88.0, 77.0),
            ("global-max-pooling", 76.3, 70.6),
            ("dropout", 81.5, 78.3),
            ("1-block", 83.8, 82.4),
            ("2-blocks", 86.0, 82.8),
            ("5-blocks", 89.0, 86.0),
            ("selu", 89.0, 83.0),
            ("group-norm", 78.0, 82.0),
            ("label-smoothing", 87.3, 84.0),
            ("squeeze-excitation", 85.0, 85.0),
            ("lstm", 85.0, 82.0),
            ("inception-resnet", 87.5, 87.1),
            ("xception", 89.2, 89.0),
        ),
        1,
    )
}
"""Variation of BBNN -> the paper's Table III, on GTZAN. It has no row for BBNN itself: that is Table II's."""

TABLE_3_LOSSES = {"selu": 3, "group-norm": 4, "label-smoothing": 2, "squeeze-excitation": 1, "inception-resnet": 2}
"""Variation -> points of test accuracy that it loses against BBNN, as the text of section III-E puts it."""

EXPLANATIONS = {
    "remove-3x3": "too little capacity (27 744 parameters fewer), and poorer localisation without the 3x3",
    "replace-5x5": "overfitting: the parameters that are lost are not made up for",
    "global-max-pooling": "the average ties maps to classes, regularises, and does not mind where a pattern stands",
    "dropout": "the network has too few parameters to do without some of them",
    "1-block": "too little capacity to fit the corpus",
    "2-blocks": "too little capacity to fit the corpus",
    "5-blocks": "more blocks do not raise the accuracy",
    "selu": "a piecewise linear activation suits spectrograms better",
    "group-norm": "batch normalisation has a positive effect",
    "label-smoothing": "the network is not over-confident, although its training loss is low",
    "squeeze-excitation": "more parameters without regularisation, and maps that are not deep enough to tell classes",
    "lstm": "the added filters make the network needlessly complex",
    "inception-resnet": "its blocks are made for very large networks",
    "xception": "comparable accuracy in less space",
}
"""Variation -> how the paper explains its result (section III-E), in our words."""

FIGURES = {
    "squeeze-excitation": "Figure 4a",
    "lstm": "Figure 4b",
    "inception-resnet": "Figure 5",
    "xception": "Figure 5",
}
"""Variation -> the figure of the paper that shows it."""

TABLE_1: dict[str, tuple[tuple[str, str, int], ...]] = {
    "gtzan": tuple(
        (printed, label, 100)
        for printed, label in (
            ("Classic", "classical"),
            ("Jazz", "jazz"),
            ("Blues", "blues"),
            ("Metal", "metal"),
            ("Pop", "pop"),
            ("Rock", "rock"),
            ("Country", "country"),
            ("Disco", "disco"),
            ("Hiphop", "hiphop"),
            ("Raggae", "reggae"),
        )
    ),
    "homburg": (
        ("Electronic", "electronic", 113),
        ("Jazz", "jazz", 319),
        ("Blues", "blues", 120),
        ("Funk/Soul", "funksoulrnb", 47),
        ("Pop", "pop", 116),
        ("Rock", "rock", 504),
        ("Country", "folkcountry", 222),
        ("Alternative", "alternative", 145),
        ("Hiphop", "raphiphop", 300),
    ),
    "extended-ballroom": (
        ("Cha Cha", "Chacha", 455),
        ("Jive", "Jive", 350),
        ("Quickstep", "Quickstep", 497),
        ("Rumba", "Rumba", 470),
        ("Samba", "Samba", 468),
        ("Tango", "Tango", 464),
        ("Viennese Waltz", "Viennesewaltz", 252),
        ("Waltz", "Waltz", 529),
        ("Foxtrot", "Foxtrot", 507),
        ("Pasodoble", "Pasodoble", 53),
        ("Salsa", "Salsa", 47),
        ("Slow Waltz", "Slowwaltz", 65),
        ("Weswing", "Wcswing", 23),
    ),
    "fma-small": tuple(
        (label, label, 1000)
        for label in (
            "Rock", "International", "Folk", "Experimental", "Instrumental", "Pop", "Hip-Hop", "Electronic"
        )
    ),
}  # fmt: skip
"""Corpus -> rows of the paper's Table I, top to bottom: genre as printed, our label, number of tracks."""

TABLE_1_TOTALS = {"gtzan": 1000, "homburg": 1886, "extended-ballroom": 4180, "fma-small": 8000}
"""Corpus -> number of tracks, the last row of the paper's Table I."""

TABLE_1_REMARKS = {
    "gtzan": "'Raggae' is a misprint of reggae. The order of the genres differs from that in the corpus.",
    "homburg": "Three names are shortened: folkcountry is printed as 'Country', funksoulrnb as 'Funk/Soul', raphiphop "
    "as 'Hiphop'. The text calls the corpus HOMBURG, Table II 'Audio Benchmark'.",
    "extended-ballroom": "'Weswing' is a misprint of Wcswing, West Coast swing.",
    "fma-small": "The counts are those of the corpus's own table. Six of the 8 000 clips hold no or hardly any sound; "
    "the paper does not say what became of them.",
}
"""Corpus -> how the paper's Table I differs from the corpus itself, in our words."""

CORPUS_TITLES = {
    "gtzan": "GTZAN",
    "extended-ballroom": "Extended Ballroom",
    "homburg": "HOMBURG",
    "fma-small": "FMA-small",
}
"""The paper's corpora (section III-A), in the order in which its text discusses them."""

TESTED_SHARE = 0.1
"""Share of a corpus in a test part: two draws of 80/10/10 (section III-C, and the published notebooks)."""


def tested_clips(corpus: str) -> int:
    """Number of clips in one test part of a corpus of the paper: 100, 189, 418 and 800."""
    return math.ceil(TESTED_SHARE * TABLE_1_TOTALS[corpus])


def gain(corpus: str) -> float:
    """Points of test accuracy that the proposed network has over BBNN in Table II."""
    return TABLE_2[corpus, "proposed"].test - TABLE_2[corpus, "bbnn"].test


THRESHOLDS = {"gtzan": 0.89, "homburg": 0.62, "fma-small": 0.58, "extended-ballroom": 0.615}
"""Corpus -> test accuracy until which the published notebooks draw a new split."""

BASELINE_LOGS = {
    "validation": (0.92, 0.92, 0.97, 0.91, 0.95, 0.98, 0.89, 0.91, 0.96, 0.97),
    "test": (0.80, 0.95, 0.93, 0.93, 0.93, 0.96, 0.87, 0.93, 0.92, 0.91),
}
"""Part -> BBNN's accuracies on ten random hold-outs of GTZAN, saved in the baseline's published notebook."""

CONFUSED: dict[str, tuple[tuple[str, str], ...]] = {
    "gtzan": (("hiphop", "pop"),),
    "extended-ballroom": (("Rumba", "Slowwaltz"), ("Rumba", "Waltz"), ("Slowwaltz", "Waltz"), ("Pasodoble", "Tango")),
    "homburg": (("jazz", "blues"),),
    "fma-small": (("Pop", "Rock"), ("Electronic", "Hip-Hop")),
}
"""Corpus -> our labels of classes that, by the text, the proposed network confuses in Figure 2 (section III-D)."""
