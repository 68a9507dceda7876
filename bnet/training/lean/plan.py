"""Which networks the lean step can train: a variant, read as consumers and what follows them."""

from __future__ import annotations

from dataclasses import dataclass

from bnet.models.language import named, parse
from bnet.models.operations import Step
from bnet.models.variant import Variant

CHANNELS = 32
"""Channels of a feature map that the kernels are written for."""
ACTIVATIONS = ("relu", "selu")
"""That the CPU's kernels know."""
NORMS = ("norm", "groupnorm")
"""Normalisations, one kind of which a network has from its stem to its transition."""
LARGEST_PATCH = 32
"""Weights of one stem kernel that they have room for."""


@dataclass(frozen=True)
class Convolution:
    """A convolution, by the names of its layers.

    Parameters
    ----------
    conv
        Its own layer, or None: normalisation and activation alone.
    norm
        The normalisation (with activation) before it, or None.
    size
        Of its kernel, in (frames, bands).
    pool
        Size of the max-pool in front of them, or None.
    recurrent
        Whether `conv` is an LSTM along the frames.
    makes
        Feature maps that a depthwise-separable convolution makes, of all feature maps so far; 0: it is none.
    """

    conv: str | None
    norm: str | None
    size: tuple[int, int] = (1, 1)
    pool: tuple[int, int] | None = None
    recurrent: bool = False
    makes: int = 0


@dataclass(frozen=True)
class Stem:
    """Convolution, normalisation and activation of the log-mel, then a max-pool of stride `pool`."""

    conv: str
    norm: str
    size: tuple[int, int]
    pool: tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """A network up to its transition's convolution.

    Parameters
    ----------
    stem
        Makes the first feature map.
    blocks
        A block's branches: each a consumer (a 1x1 convolution of all feature maps so far, perhaps pooled), then
        convolutions of what the one before gave; the last gives a feature map. Or one separable convolution.
    transition
        The consumer of all feature maps. What follows it is left to Keras.
    activation
        Behind every normalisation: one of `ACTIVATIONS`.
    excitations
        The name of each block's squeeze-and-excitation; empty where blocks have none.
    group
        Neighbouring channels that share mean and variance, in each clip by itself (group normalisation); 0: each
        channel has its own, over all clips (batch normalisation).
    """

    stem: Stem
    blocks: tuple[tuple[tuple[Convolution, ...], ...], ...]
    transition: Convolution
    activation: str = "relu"
    excitations: tuple[str, ...] = ()
    group: int = 0

    @property
    def steps(self) -> list[Stem | Convolution]:
        """Stem, convolutions and transition, in the order in which they are done."""
        inside = [step for block in self.blocks for branch in block for step in branch]
        return [self.stem, *inside, self.transition]

    @property
    def convs(self) -> list[str]:
        """Layers with a bias and one kernel, or two (an LSTM, a separable convolution)."""
        dense = [f"{name}_{layer}" for name in self.excitations for layer in ("reduce", "expand")]
        return [*(step.conv for step in self.steps if step.conv), *dense]

    @property
    def beyond(self) -> str:
        """What only the CPU's kernels know, in words; empty where there is nothing of it."""
        has = {
            f"activation {self.activation}": self.activation != "relu",
            "squeeze-and-excitation": bool(self.excitations),
            "group normalisation": self.group > 0,
            "an LSTM": any(step.recurrent for step in self.steps[1:]),
            "separable convolutions": any(step.makes for step in self.steps[1:]),
        }
        return " and ".join(what for what, there in has.items() if there)

    @property
    def norms(self) -> list[str]:
        """Layers with gamma and beta, and with moving statistics where `group` is 0."""
        return [step.norm for step in self.steps if step.norm]


class NoPlanError(ValueError):
    """A variant that the lean step has no kernels for; the message says why, in a few words."""


def plan(variant: Variant) -> Plan:
    """Read a variant.

    Raises
    ------
    NoPlanError
        If some part of it has no kernel.
    """
    for wrong, reason in (
        (variant.filters != CHANNELS, f"{variant.filters} filters; its kernels are for {CHANNELS}"),
        (variant.activation not in ACTIVATIONS, f"activation {variant.activation}; known: {' and '.join(ACTIVATIONS)}"),
        (variant.connection != "broadcast", f"connection {variant.connection}"),
        (_words(variant.after) not in ([], ["se"]), f"blocks end in {variant.after!r}"),
    ):
        if wrong:
            raise NoPlanError(reason)
    stem, blocks = _stem(variant.stem), []
    for number in range(1, variant.blocks + 1):
        branches = enumerate(variant.branches_of(number), 1)
        blocks.append(tuple(_branch(chain, f"block{number}_branch{i}") for i, chain in branches))
    excitations = tuple(name for i in range(len(blocks)) for name, _ in named(variant.after, f"block{i + 1}"))
    return Plan(stem, tuple(blocks), _transition(variant.transition), variant.activation, excitations, _group(variant))


def _words(chain: str) -> list[str]:
    return ["norm" if step.word in NORMS else step.word for step in parse(chain)]


def _group(variant: Variant) -> int:
    branches = [chain for i in range(variant.blocks) for chain in variant.branches_of(i + 1)]
    steps = [step for chain in (variant.stem, *branches) for step in parse(chain)]
    steps += parse(variant.transition)[:1]  # what comes after its convolution is left to Keras
    group, *others = {int(step.number or 0) for step in steps if step.word in NORMS}
    if others or (group and CHANNELS % group):
        raise NoPlanError(f"normalisations of several kinds, or by groups that don't divide {CHANNELS} channels")
    return group


def _stem(chain: str) -> Stem:
    if _words(chain) != ["conv", "norm", "maxpool"]:
        raise NoPlanError(f"stem {chain!r}; expected conv norm maxpool")
    (conv_name, conv), (norm_name, _), (_, pool) = named(chain, "stem")
    if not _plain(conv) or pool.strides != pool.size or conv.size[0] * conv.size[1] > LARGEST_PATCH:
        raise NoPlanError(f"stem {chain!r} has a size or stride without a kernel")
    return Stem(conv_name, norm_name, conv.size, pool.size)


def _branch(chain: str, place: str) -> tuple[Convolution, ...]:
    found, norm, pool, steps = [], None, None, named(chain, place)
    if _words(chain) in (["sepconv"], ["norm", "sepconv"]):
        name, step = steps[-1]
        makes, rest = divmod(int(step.number or CHANNELS), CHANNELS)
        if step.keeps_size and not rest:
            return (Convolution(name, steps[0][0] if len(steps) > 1 else None, step.size, makes=makes),)
    for name, step in steps:
        if step.word == "pool" and not found and not norm and not pool:
            pool = step.size
        elif step.word in NORMS and not norm:
            norm = name
        elif step.word == "conv" and _plain(step) and (found or step.size == (1, 1)):
            found.append(Convolution(name, norm, step.size, pool))
            norm = pool = None
        elif step.word == "lstm" and found and _keeps_channels(step):
            found += [Convolution(None, norm)] if norm else []
            found.append(Convolution(name, None, recurrent=True))
            norm = None
        else:
            raise NoPlanError(f"{step.token!r} in the branch {chain!r}")
    if not found:
        raise NoPlanError(f"the branch {chain!r} doesn't begin with a 1x1 convolution")
    return (*found, Convolution(None, norm)) if norm else tuple(found)


def _transition(chain: str) -> Convolution:
    steps = named(chain, "transition")
    norm = steps.pop(0)[0] if steps and steps[0][1].word in NORMS else None
    name, step = steps[0] if steps else ("", None)
    if not step or step.word != "conv" or step.size != (1, 1) or not _plain(step):
        raise NoPlanError(f"transition {chain!r}; expected a 1x1 convolution, with or without norm before it")
    return Convolution(name, norm)


def _plain(step: Step) -> bool:
    """Whether a convolution keeps the size and makes as many maps as a feature map has."""
    return step.keeps_size and _keeps_channels(step)


def _keeps_channels(step: Step) -> bool:
    return int(step.number or CHANNELS) == CHANNELS
