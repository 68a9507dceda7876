"""What the paper states, as data. Every value here is the paper's, not a measurement of ours.

Source: Heakl, Abdelgawad, Parque (2022), *A Study on Broadcast Networks for Music Genre Classification*.
"""

from __future__ import annotations

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
    "gtzan": "'Raggae' is a misprint of reggae. The order of the genres is another than in the corpus and its loaders.",
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
