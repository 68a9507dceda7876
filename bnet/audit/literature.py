"""What others state, as data: how the paper's text, its figures and the published notebooks differ; other systems'
accuracies on the same corpora; the memory of small computers. Nothing of it was measured here.

The rows are tables in ``bnet/audit/rows``. Text, figures and notebooks were read in the paper, in its Figure 1, in the
authors' repository and in the baseline's (`REPOSITORIES`).
"""

from __future__ import annotations

from typing import NamedTuple

from bnet.audit import paper
from bnet.audit.rows import read

REPOSITORIES = {
    "the authors' notebooks": "ahmedheakl/Study-on-Broadcast-Networks-for-Music-Genre-Classification, commit 4f92db3",
    "the baseline's notebook": "CaifengLiu/music-genre-classification, commit 7c461a3",
}
"""What is meant -> the repository and commit that were read."""


class Discrepancy(NamedTuple):
    """One subject and what each source says of it; '' where a source is silent. `here` is what `bnet` does."""

    part: str
    subject: str
    text: str
    figure: str
    notebooks: str
    baseline: str
    here: str


DIFFERENCES = tuple(Discrepancy(**row) for row in read("differences"))
"""The differences, by part."""


class System(NamedTuple):
    """An accuracy (in percent; the mean where several splits were drawn) that a system reports on a corpus, how clips
    were split (`PROTOCOLS`), where it was read, the year and the sd over splits where they are told."""

    corpus: str
    protocol: str
    name: str
    accuracy: float
    source: str
    year: int | None = None
    sd: float | None = None


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

SYSTEMS = (
    *(
        System(corpus, "best", title, paper.TABLE_2[corpus, variant].test, "the paper, Table II", 2022)
        for corpus in paper.CORPUS_TITLES
        for variant, title in (("bbnn", "BBNN, as the paper reports it"), ("proposed", "the proposed network"))
    ),
    *(System(**row) for row in read("systems", accuracy=float, year=int, sd=float)),
)
"""The reported accuracies, by corpus and protocol."""


def earlier_and_better(corpus: str, until: int = 2022) -> list[System]:
    """Systems published by `until`, over random splits, that report more than the proposed network; the best first."""
    ours = paper.TABLE_2[corpus, "proposed"].test
    found = [s for s in SYSTEMS if s.corpus == corpus and s.protocol == "random" and s.year and s.year <= until]
    return sorted((s for s in found if s.accuracy > ours), key=lambda s: -s.accuracy)


class Board(NamedTuple):
    """A small computer of a kind that 'embedded' may mean (``microcontroller``, ``single-board computer``): memory for
    what is computed, and for program and network, in bytes, as the maker states it (None: a card, as large as one
    likes). None was at hand."""

    name: str
    kind: str
    ram: int
    storage: int | None
    source: str

    def holds(self, ram: int, storage: int) -> bool:
        """Whether something that needs so many bytes of each could run, were nothing else there."""
        return ram <= self.ram and (self.storage is None or storage <= self.storage)


def _kib(text: str) -> int:
    return 2**10 * int(text)


BOARDS = tuple(Board(*row.values()) for row in read("boards", ram_kib=_kib, storage_kib=_kib))
"""The small computers, by kind."""
