"""What others state, as tables: how the paper's text, its figures and the published notebooks differ; other systems'
accuracies on the same corpora; the memory of small computers. Nothing of it was measured here.

Text, figures and notebooks were read in the paper, in its Figure 1, in the authors' repository and in the baseline's
(`REPOSITORIES`).
"""

from __future__ import annotations

import pandas as pd

from bnet.audit import paper
from bnet.audit.rows import read

REPOSITORIES = {
    "the authors' notebooks": "ahmedheakl/Study-on-Broadcast-Networks-for-Music-Genre-Classification, commit 4f92db3",
    "the baseline's notebook": "CaifengLiu/music-genre-classification, commit 7c461a3",
}
"""What is meant -> the repository and commit that were read."""

DIFFERENCES = read("differences")
"""One row per subject, by ``part``: what ``text, figure, notebooks, baseline`` say of it ('' where a source is silent),
and what `bnet` does (``here``)."""

PROTOCOLS = {
    "random": "random ten-fold or hold-outs over all clips",
    "best": "best of several random splits",
    "filtered": "GTZAN without its known faults, artists disjoint (443 / 197 / 290 clips)",
    "de-duplicated": "GTZAN without its copies",
    "official": "the corpus's own split",
    "unknown": "not stated",
}
"""Protocol -> what it is. Accuracies are comparable within a corpus and a protocol only."""

CORPORA = {**paper.CORPUS_TITLES, "fma-medium": "FMA-medium"}
"""Corpus -> title, in the order of the page."""

_PAPERS = [
    (corpus, "best", title, paper.TABLE_2[corpus, variant].test, "the paper, Table II", "2022")
    for corpus in paper.CORPUS_TITLES
    for variant, title in (("bbnn", "BBNN, as the paper reports it"), ("proposed", "the proposed network"))
]
_OTHERS = read("systems", gaps=["sd"])
SYSTEMS = pd.concat([pd.DataFrame(_PAPERS, columns=_OTHERS.columns[:6]), _OTHERS], ignore_index=True)
"""One row per reported accuracy: ``corpus``; ``protocol``, how clips were split (`PROTOCOLS`); ``name`` of the system;
``accuracy`` in percent, the mean where several splits were drawn, and its ``sd`` over splits (nan: not told);
``source``, where it was read; ``year``, as text ('': not told)."""


def earlier_and_better(corpus: str, until: str = "2022") -> pd.DataFrame:
    """Systems published by `until`, over random splits, that report more than the proposed network; the best first."""
    found = SYSTEMS[(SYSTEMS["corpus"] == corpus) & (SYSTEMS["protocol"] == "random")]
    found = found[found["year"].between("1", until) & (found["accuracy"] > paper.TABLE_2[corpus, "proposed"].test)]
    return found.sort_values("accuracy", ascending=False)


BOARDS = read("boards", gaps=["storage_kib"])
"""Small computers of the kinds that 'embedded' may mean (``microcontroller``, ``single-board computer``): memory for
what is computed (``ram_kib``), and for program and network (``storage_kib``; nan: a card, as large as one likes), as
the maker states it (``source``). None was at hand."""


def fits(ram: int, storage: int) -> pd.Series:
    """On which of `BOARDS` something that needs so many bytes of each could run, were nothing else there."""
    return (ram <= 2**10 * BOARDS["ram_kib"]) & ~(storage > 2**10 * BOARDS["storage_kib"])
