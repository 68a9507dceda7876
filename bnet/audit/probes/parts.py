"""The parts of a network that a probe takes out, by their places in the builder's layer names. No Keras here."""

from __future__ import annotations

from bnet.models import Variant


def blocks(row: Variant) -> tuple[str, ...]:
    """The places whose output later parts see: ``stem, block1, ...``."""
    return ("stem", *(f"block{number}" for number in range(1, row.blocks + 1)))


def branches(row: Variant) -> tuple[str, ...]:
    """The branches that hold an operation, of blocks with several: ``block1_branch1, ...``."""
    found = []
    for number in range(1, row.blocks + 1):
        chains = row.branches_of(number)
        found += [f"block{number}_branch{i}" for i, chain in enumerate(chains, 1) if chain and len(chains) > 1]
    return tuple(found)
