"""What other systems report on the paper's corpora, by protocol. Accuracies in percent, all of them others' numbers."""

from __future__ import annotations

from dataclasses import dataclass

from bnet.audit import paper

PROTOCOLS = {
    "random": "random ten-fold or hold-outs over all clips",
    "best": "best of several random splits",
    "filtered": "GTZAN without its known faults, artists disjoint (443 / 197 / 290 clips)",
    "de-duplicated": "GTZAN without its copies",
    "official": "the corpus's own split",
    "unknown": "not stated",
}
"""Protocol -> what it is. Accuracies are comparable within a corpus and a protocol only."""


@dataclass(frozen=True)
class System:
    """One reported accuracy.

    Parameters
    ----------
    corpus, protocol
        What was classified, and how clips were split (`PROTOCOLS`).
    name
        The system.
    accuracy
        Percent; mean where several splits were drawn.
    source
        Where it was read.
    year
        Year of publication; 0 where a source does not tell.
    sd
        Standard deviation over splits, where reported.
    """

    corpus: str
    protocol: str
    name: str
    accuracy: float
    source: str
    year: int = 0
    sd: float | None = None


_PAPER = "the paper, Table II"
SYSTEMS: tuple[System, ...] = (
    *(
        System(corpus, "best", title, paper.TABLE_2[corpus, variant].test, _PAPER, 2022)
        for corpus in paper.CORPUS_TITLES
        for variant, title in (("bbnn", "BBNN, as the paper reports it"), ("proposed", "the proposed network"))
    ),
    System("gtzan", "random", "BBNN, as its paper claims", 93.9, "Kong et al. 2020 (PANNs), Table XVII", 2020),
    System("gtzan", "random", "BBNN, its published logs", 91.3, "the baseline's published notebook", 2019, 4.6),
    System("gtzan", "random", "PCNN + CapSA", 96.2, "Scientific Reports 15:9580", 2025),
    System("gtzan", "random", "PANNs CNN14, from scratch", 75.8, "Kong et al. 2020", 2020),
    System("gtzan", "random", "PANNs CNN14, fine-tuned", 91.5, "Kong et al. 2020", 2020),
    System("gtzan", "random", "Jukebox features, SVM", 92.5, "p-lambda/jukemir", 2021, 2.9),
    System("gtzan", "random", "Choi's convnet features, SVM", 89.8, "keunwoochoi/transfer_learning_music", 2017),
    System("gtzan", "random", "MFCC, SVM", 66.0, "keunwoochoi/transfer_learning_music", 2017),
    System("gtzan", "random", "spectral, auditory and acoustic features, SVM", 91.8, "Cai & Zhang 2022", 2022, 3.0),
    System(
        "gtzan", "de-duplicated", "spectral, auditory and acoustic features, SVM", 86.0, "Cai & Zhang 2022", 2022, 2.3
    ),
    System("gtzan", "filtered", "MuQ, iterated", 85.6, "tencent-ailab/MuQ", 2025),
    System("gtzan", "filtered", "MuQ", 85.5, "tencent-ailab/MuQ", 2025),
    System("gtzan", "filtered", "MusicFM", 83.8, "tencent-ailab/MuQ"),
    System("gtzan", "filtered", "MERT", 78.6, "tencent-ailab/MuQ"),
    System("gtzan", "filtered", "MULE, supervised", 83.4, "PandoraMedia", 2022),
    System("gtzan", "filtered", "MULE, unsupervised", 73.4, "PandoraMedia", 2022),
    System("gtzan", "filtered", "VGGish", 77.6, "quoted by another paper"),
    System("gtzan", "filtered", "MSD_musicnn", 77.2, "quoted by another paper"),
    System("gtzan", "filtered", "OpenL3", 74.7, "quoted by another paper"),
    System("extended-ballroom", "random", "PCNN + CapSA", 96.1, "Scientific Reports 15:9580", 2025),
    System("extended-ballroom", "random", "Marchand & Peeters", 94.9, "quoted by another paper", 2016),
    System(
        "extended-ballroom", "random", "temporal CNN with random weights, nothing trained", 89.8, "jordipons/elmarc"
    ),
    System("homburg", "random", "spectral, auditory and acoustic features, SVM", 65.2, "Cai & Zhang 2022", 2022, 2.3),
    System("fma-small", "unknown", "BYOL-A + DNN", 64.3, "arXiv 2603.13871"),
    System("fma-medium", "official", "MFCC and contrast, SVM", 63.0, "mdeff/paper-fma-ismir2017", 2017),
)
"""The reported accuracies, by corpus and protocol."""

CORPORA = {**paper.CORPUS_TITLES, "fma-medium": "FMA-medium"}
"""Corpus -> title, in the order of the page."""


def earlier_and_better(corpus: str, until: int = 2022) -> list[System]:
    """Systems published by `until`, over random splits, that report more than the proposed network; the best first."""
    ours = paper.TABLE_2[corpus, "proposed"].test
    found = [s for s in SYSTEMS if s.corpus == corpus and s.protocol == "random" and 0 < s.year <= until]
    return sorted((s for s in found if s.accuracy > ours), key=lambda s: -s.accuracy)
