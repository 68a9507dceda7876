"""A network as a row of data: its fields, and the canonical text that a run's hash covers."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import NamedTuple

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "selu", "silu", "tanh")
INITIALIZERS = ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform")
CONNECTIONS = ("broadcast", "chain")
_NOT_ARCHITECTURE = ("name", "title", "source", "section", "change", "hope", "decisions")
_LEFT_OUT_IF_DEFAULT = ("later_branches", "after", "connection", "label_smoothing")


class Decision(NamedTuple):
    """Something that the paper leaves open, or says in two ways, and what we do.

    Parameters
    ----------
    what
        The question, in a few words.
    choice
        What the row does.
    reason
        Why, in a sentence.
    source
        Where the choice comes from: paper section, figure, reference or published notebook.
    """

    what: str
    choice: str
    reason: str
    source: str


@dataclass(frozen=True)
class Variant:
    """A network by name.

    Parameters
    ----------
    name, title
        Short name for commands, and name for people.
    branches
        The parallel branches of a block, each a chain of operations (`bnet.models.language`); their outputs are
        concatenated.
    blocks
        How many blocks.
    filters
        Kernels in every convolution that gives no number of its own; a block of plain branches adds
        ``filters * len(branches)`` channels.
    stem, transition, decision
        Chains of operations before, after and at the end.
    initializer
        Keras name of the kernel initialiser, one of `INITIALIZERS`.
    activation
        Keras name of the activation that follows every normalisation, one of `ACTIVATIONS`.
    source
        Where the row comes from: section and figure of the paper, or a published notebook.
    later_branches
        Branches of the second, third, ... block, where they differ from `branches`; the last entry goes on.
    after
        Chain of operations on a block's concatenation (attention, residual sum).
    connection
        What a block sees: ``broadcast``, the concatenation of the stem and of all earlier blocks; ``chain``, the
        block before it alone.
    label_smoothing
        This share of every training target is spread evenly over all classes, from 0 up to, not including, 1.
    section
        Section of the paper that describes it.
    change, hope
        What differs from BBNN, and why one would expect it to help; plain sentences.
    decisions
        What the paper leaves open, and what this row does.

    Notes
    -----
    Fields from `later_branches` on are not in `architecture` where they hold their default, so that records made
    before a field existed keep their hash: such a default must never change.
    """

    name: str
    title: str
    branches: tuple[str, ...]
    blocks: int
    filters: int = 32
    stem: str = "conv3x3 norm maxpool4x1"
    transition: str = "norm conv1x1 avgpool2x2"
    decision: str = "norm gap"
    initializer: str = "glorot_uniform"
    activation: str = "relu"
    source: str = ""
    later_branches: tuple[tuple[str, ...], ...] = ()
    after: str = ""
    connection: str = "broadcast"
    label_smoothing: float = 0.0
    section: str = ""
    change: str = ""
    hope: str = ""
    decisions: tuple[Decision, ...] = ()

    def __post_init__(self):
        """Lists, as JSON and YAML give them, become tuples."""
        object.__setattr__(self, "branches", tuple(self.branches))
        object.__setattr__(self, "later_branches", tuple(tuple(branches) for branches in self.later_branches))

    def branches_of(self, number: int) -> tuple[str, ...]:
        """The branches of block `number`, from 1."""
        kinds = (self.branches, *self.later_branches)
        return kinds[min(number, len(kinds)) - 1]

    def chains(self) -> dict[str, str]:
        """Every chain of the row by its place, such as ``block2_branch1``."""
        places = {"stem": self.stem}
        for number in range(1, self.blocks + 1):
            for i, chain in enumerate(self.branches_of(number), 1):
                places[f"block{number}_branch{i}"] = chain
            if self.after:
                places[f"block{number}"] = self.after
        return {**places, "transition": self.transition, "decision": self.decision}

    def architecture(self) -> str:
        """Canonical JSON of all that decides what the network learns (not its name or texts), for the run's hash."""
        row = dataclasses.asdict(self)
        for key in _NOT_ARCHITECTURE:
            del row[key]
        for field in dataclasses.fields(self):
            if field.name in _LEFT_OUT_IF_DEFAULT and row[field.name] == field.default:
                del row[field.name]
        return json.dumps(row, sort_keys=True)

    @classmethod
    def from_architecture(cls, name: str, architecture: str) -> Variant:
        """The row that a record's `architecture` describes; its title is its name."""
        return cls(name=name, title=name, **json.loads(architecture))


ARCHITECTURE_FIELDS = tuple(f.name for f in dataclasses.fields(Variant) if f.name not in _NOT_ARCHITECTURE)
"""The fields of a row that decide what a network learns."""


def reworded(row: Variant, words: dict[str, str], **changes) -> Variant:
    """`row` with tokens replaced in all its chains, and fields as in `changes`.

    >>> row = Variant("a", "A", ("norm conv5x5",), 1)
    >>> reworded(row, {"conv5x5": "conv3x3"}, name="b").branches
    ('norm conv3x3',)
    """

    def swap(chain: str) -> str:
        return " ".join(words.get(token, token) for token in chain.split() if words.get(token, token))

    return dataclasses.replace(
        row,
        **{
            "branches": tuple(swap(chain) for chain in row.branches),
            "later_branches": tuple(tuple(swap(chain) for chain in kind) for kind in row.later_branches),
            **{key: swap(getattr(row, key)) for key in ("stem", "transition", "decision", "after")},
            **changes,
        },
    )
