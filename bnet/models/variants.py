"""The networks as a table: a variant is a row of data.

Every network of the study is a stem, some blocks that each see the concatenation of the stem and all earlier blocks
(the 'broadcast'), a transition and a decision. Each of these is written as a chain of operations, in the words of
`bnet.models.language`. A dense softmax layer over the classes always closes the network. `bnet.models.builder` turns a
row into a Keras model.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from bnet.errors import unknown
from bnet.models import ablations, rows
from bnet.models.ablations_blocks import SQUEEZE_EXCITATION_RELEASED
from bnet.models.rows import STEPS
from bnet.models.variant import Decision, Variant

__all__ = ["STEPS", "TABLE_3", "VARIANTS", "Decision", "Variant", "decisions", "get_variant"]

VARIANTS: dict[str, Variant] = {
    row.name: row
    for row in (
        rows.BBNN,
        rows.PROPOSED,
        rows.PROPOSED_RELEASED,
        *ablations.TABLE_3_ROWS,
        SQUEEZE_EXCITATION_RELEASED,
        *rows.STEP_ROWS,
    )
}

TABLE_3 = tuple(row.name for row in ablations.TABLE_3_ROWS)
"""The variations of BBNN, in the order of the paper's Table III."""


def get_variant(name: str) -> Variant:
    """The row called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in VARIANTS:
        raise unknown("network", name, VARIANTS)
    return VARIANTS[name]


def decisions(names: Iterable[str] = VARIANTS) -> pd.DataFrame:
    """What the paper leaves open or says in two ways, and what we do.

    Returns
    -------
    pandas.DataFrame
        One line a decision of the networks `names`: ``variant, title, what, choice, reason, source``. Those of BBNN
        hold for all its variations too.

    Raises
    ------
    BnetError
        If a name is unknown.
    """
    lines = [
        {"variant": row.name, "title": row.title, **decision._asdict()}
        for row in map(get_variant, names)
        for decision in row.decisions
    ]
    return pd.DataFrame(lines, columns=["variant", "title", *Decision._fields])
