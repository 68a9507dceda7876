"""A network as a row of data: its fields, and the canonical text that a run's hash covers."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import NamedTuple

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "selu", "silu", "tanh")
INITIALIZERS = ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform")
CONNECTIONS = ("broadcast", "chain")


class Decision(NamedTuple):
    """Something that the paper leaves open, or says in two ways, and what we do.

    `what` is the question in a few words, `choice` what the variant does, `reason` why, in a sentence, `source` where
    the choice comes from: paper section, figure, reference or published notebook.
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
        Short name for commands, and display name.
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
    initializer, activation
        Keras names of the kernel initialiser (one of `INITIALIZERS`) and of the activation that follows every
        normalisation (one of `ACTIVATIONS`).
    source, section
        Where it comes from: section and figure of the paper, or a published notebook; the paper's section on it.
    later_branches
        Branches of the second, third, ... block, where they differ from `branches`; the last entry goes on.
    after
        Chain of operations on a block's concatenation (attention, residual sum).
    connection
        What a block sees: ``broadcast``, the concatenation of the stem and of all earlier blocks; ``chain``, the
        block before it alone.
    label_smoothing
        This share of every training target is spread evenly over all classes, from 0 up to, not including, 1.
    change, hope
        What differs from BBNN, and why one would expect it to help; plain sentences.
    decisions
        What the paper leaves open, and what this variant does.
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

    def architecture(self) -> str:
        """Canonical JSON of all that decides what the network learns (not its name or texts), for the run's hash."""
        values = {name: getattr(self, name) for name in ARCHITECTURE_FIELDS}
        return json.dumps({k: value for k, value in values.items() if value != _LATER.get(k, ...)}, sort_keys=True)

    @classmethod
    def from_architecture(cls, name: str, architecture: str) -> Variant:
        """The variant that a record's `architecture` describes; its title is its name."""
        return cls(name=name, title=name, **json.loads(architecture))


_TEXTS = ("name", "title", "source", "section", "change", "hope", "decisions")
ARCHITECTURE_FIELDS = tuple(f.name for f in dataclasses.fields(Variant) if f.name not in _TEXTS)
"""The fields of a variant that decide what a network learns."""
_LATER = {"later_branches": (), "after": "", "connection": "broadcast", "label_smoothing": 0.0}
"""Fields that came after the first records: left out of `architecture` at these values, so that a hash stays."""
