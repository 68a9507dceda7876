"""Every claim of the paper that could be true or false, as a row of ``rows/claims.csv``, in our words: where the paper
makes it, what would show it true or false, and the pages, anchors or tables that have the numbers. `CHECKS` names the
test of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bnet.audit import checks, counted, paper
from bnet.audit.evidence import APART, OURS, Evidence, Result, Verdict, graded
from bnet.audit.rows import read
from bnet.corpora import SR
from bnet.models import TABLE_3, VARIANTS
from bnet.sound import log_mel


def _known(verdict: Verdict, measured: str) -> Callable[[Evidence], Result]:
    """What needs no record: it was read, or counted without a model."""
    return lambda evidence: Result(verdict, measured)


CHECKS: Mapping[str, Callable[..., Result]] = {
    "parameters": counted.parameters,
    "twelve-variants": _known(
        Verdict.SUPPORTED if len(TABLE_3) == 12 else Verdict.PARTLY,
        f"Table III has {len(TABLE_3)} rows; the text describes them in twelve numbered sections",
    ),
    "state-of-the-art": counted.state_of_the_art,
    "localisation": _known(
        Verdict.NOT_TESTED, "The text defines no measure of localisation. {doc}`inside` shows where networks look."
    ),
    "generalisation": partial(
        checks.compared, one="bbnn", other="proposed", sign=1, corpora=("gtzan", "fma-small", *OURS), order=APART
    ),
    "temporal": partial(checks.compared, one="bbnn", other="svm-rhythm", sign=1, corpora=OURS, order=APART),
    "more-maps": counted.more_maps,
    "fourth-block": partial(checks.compared, one="step-2", other="step-3", sign=1, corpora=("gtzan", "tunes")),
    "initialiser": partial(checks.compared, one="step-3", other="step-4", sign=1, corpora=("gtzan", "tunes")),
    "channels": counted.channels,
    "convolutions": counted.convolutions,
    "mel-range": _known(
        graded(SR / 2 >= 22_050),
        f"Sound sampled at {SR} Hz holds nothing above {SR // 2} Hz; the mel filters end there",
    ),
    "input-size": _known(
        Verdict.PARTLY if log_mel.frames(30) in (646, 647) else Verdict.NOT_SUPPORTED,
        f"{log_mel.frames(30)} frames of 128 bands",
    ),
    "ten-fold": _known(
        Verdict.NOT_SUPPORTED,
        "The published notebooks draw a new random split for every 'fold', so that parts overlap; four of them draw "
        "again until the test accuracy passes a threshold",
    ),
    "half-an-hour": counted.half_an_hour,
    "table-2-{corpus}": checks.table_2,
    "three-genres": partial(
        checks.compared, one="bbnn", other="proposed", sign=1, corpora=("gtzan",), labels=("country", "metal", "rock")
    ),
    "confused-{corpus}": checks.confused,
    "loss": checks.smaller_loss,
    "fma-3-percent": counted.fma_gain,
    "table-3-{variant}": checks.table_3,
    "losses": counted.losses,
    "xception-size": counted.xception_size,
    "embedded": counted.embedded,
}
"""Name of a claim, as in ``rows/claims.csv`` -> its test; one with a placeholder takes its value first."""


@dataclass(frozen=True)
class Claim:
    """One claim: a unique short name, the section of the paper, what it says, what would test it, the role that leads
    to the numbers, and the test itself."""

    name: str
    section: str
    says: str
    test: str
    link: str
    measure: Callable[[Evidence], Result]

    def check(self, evidence: Evidence) -> Result:
        """What the evidence says of it, with a link to the numbers."""
        found = self.measure(evidence)
        return found._replace(link=found.link or self.link)


def _does(variant: str) -> str:
    """What Table III says that a variation does to BBNN."""
    loss = paper.loss(variant)
    return f"loses {loss:.1f} points of test accuracy on GTZAN" if loss else "keeps the accuracy of BBNN"


_WORDS = {
    "corpus": [
        {
            "corpus": corpus,
            "title": title,
            "gain": paper.gain(corpus),
            "pairs": "; ".join(" with ".join(pair) for pair in paper.CONFUSED[corpus]),
            "most": checks.MOST_CONFUSED,
        }
        for corpus, title in paper.CORPUS_TITLES.items()
    ],
    "variant": [
        {"variant": name, "title": VARIANTS[name].title, "does": _does(name), "explanation": row.explanation}
        for name, row in paper.TABLE_3.items()
    ],
}
"""Placeholder in a claim's name -> for each value, the words that the row's text takes."""


def _role(target: str) -> str:
    """The MyST role that leads to an anchor (``#since``), a table (``tab-...``) or a page."""
    kind = {"#": "ref", "t": "numref"}[target[0]] if target.startswith(("#", "tab-")) else "doc"
    return f"{{{kind}}}`{target.removeprefix('#')}`"


def _claims(row: dict[str, str]) -> list[Claim]:
    """The claim of a row, or one for each corpus or variation that its name has a placeholder for."""
    kind, claims = next((kind for kind in _WORDS if f"{{{kind}}}" in row["name"]), ""), []
    for words in _WORDS[kind] if kind else [{}]:
        texts = {key: text.format(**words) if kind else text for key, text in row.items()}
        link, check = " ".join(map(_role, texts["page"].split())), CHECKS[row["name"]]
        measure = partial(check, words[kind]) if kind else check
        claims.append(Claim(texts["name"], texts["section"], texts["says"], texts["test"], link, measure))
    return claims


CLAIMS: tuple[Claim, ...] = tuple(claim for row in read("claims").to_dict("records") for claim in _claims(row))
"""The claims, in the order of the paper."""
