"""Every claim of the paper that could be true or false, as a row of ``rows/claims.csv``, in our words: where the paper
makes it, what would show it true or false, and the pages, anchors or tables that have the numbers. `CHECKS` names the
test of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from bnet.audit import checks, counted, paper
from bnet.audit.evidence import APART, OURS, Evidence, Result, Verdict, graded
from bnet.audit.rows import read
from bnet.corpora import SR
from bnet.models import TABLE_3, VARIANTS
from bnet.models.drawing.words import number
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
    "fourth-block": counted.fourth_block,
    "initialiser": partial(checks.compared, one="step-3", other="step-4", sign=1, corpora=("gtzan", "tunes")),
    "channels": counted.channels,
    "convolutions": counted.convolutions,
    "mel-range": _known(
        graded(SR / 2 >= 22_050),
        f"Audio sampled at {number(SR)} Hz holds nothing above {number(SR // 2)} Hz; the mel filters end there",
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
        checks.compared,
        one="bbnn",
        other="proposed",
        sign=1,
        corpora=("gtzan",),
        size=(0.05, float("inf")),
        labels=("country", "metal", "rock"),
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


class Claim(NamedTuple):
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


def _words() -> Iterator[dict[str, Any]]:
    """For each corpus and each variation, the words that the text of a claim about it takes."""
    for corpus, title in paper.CORPUS_TITLES.items():
        pairs = "; ".join(" with ".join(pair) for pair in paper.CONFUSED[corpus])
        most = checks.most_confused(corpus)
        yield {"corpus": corpus, "title": title, "gain": paper.gain(corpus), "pairs": pairs, "most": most}
    for name, row in paper.TABLE_3.items():
        loss = paper.loss(name)
        does = f"it loses {loss:.1f} points of test accuracy on GTZAN" if loss else "it keeps the accuracy of BBNN"
        does += f" (Table III against Table II; the text: {row.loss:g})" * (row.loss > 0)
        yield {"variant": name, "title": VARIANTS[name].title, "does": does, "explanation": row.explanation}


def _role(target: str) -> str:
    """The MyST role that leads to an anchor (``#since``), a table (``tab-...``) or a page."""
    kind = {"#": "ref", "t": "numref"}[target[0]] if target.startswith(("#", "tab-")) else "doc"
    return f"{{{kind}}}`{target.removeprefix('#')}`"


def _claims(row: dict[str, str]) -> Iterator[Claim]:
    """The claim of a row, or one for each corpus or variation that its name has a placeholder for."""
    about, check = row["name"].partition("{")[2].removesuffix("}"), CHECKS[row["name"]]
    for words in [words for words in _words() if about in words] or [{}]:
        name, section, says, test, page = (text.format(**words) for text in row.values())
        measure = partial(check, words[about]) if words else check
        yield Claim(name, section, says, test, " ".join(map(_role, page.split())), measure)


CLAIMS: tuple[Claim, ...] = tuple(claim for row in read("claims").to_dict("records") for claim in _claims(row))
"""The claims, in the order of the paper."""
