"""A training step for a CPU that takes a fraction of the time and memory of the plain Keras graph; the same maths.

**The problem.** In a broadcast network every block reads the concatenation of all maps made before it, in several
branches. The plain graph makes each concatenation; each branch normalises all of it, and keeps that copy until the
backward pass. A step spends its time on moving these copies, and its memory on keeping them; arithmetic is the smaller
part.

**The words.** A *feature map* is the 32 channels that one branch adds to what all later blocks read; the stem makes the
first. A *consumer* is what a branch begins with: normalisation, activation and a 1x1 convolution of all feature maps
so far.

**The way out.** Three facts, none of them an approximation:

- A batch normalisation works channel by channel, so mean and variance of a feature map are the same for every consumer:
  they are computed once, when the feature map is made; consumers differ in gamma and beta only. (So it is with group
  normalisation, whose groups lie within a feature map: clip by clip, and averaged over the channels of a group.)
- A 1x1 convolution of a concatenation is a sum of products, one per feature map, so the concatenation is never made.
  All consumers of a block go over the feature maps together, some rows at a time that fit the processor's cache.
- Whatever is cheap is **recomputed** in the backward pass instead of kept: normalised and activated maps, pooled
  feature maps, the stem's convolution. Kept are the feature maps, and what stands between two convolutions of a branch.

**The modules**, from the outside in: `base` is the Keras model that trains a plain network's own weights, and `model`
what it needs of TensorFlow; `plan` reads a row of the table as stem, consumers and convolutions, or says why it can't;
`trunk` runs a plan forward and backward (`clips` does so clip by clip), and `operations` has what it does to one map,
`depthwise` and `recurrence` what separable convolutions and LSTMs add; `memory` has the slots of one array in which
all maps lie; `workers` spreads a kernel over the cores; `kernels` and `stem` are the loops over pixels, compiled on
the spot by numba, made of the vector operations in `lanes` and the matrix products in `products`.

All this is for TensorFlow on a CPU. JAX has a lean step of its own, `bnet.training.gpu`, of the same plan.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from bnet import backend
from bnet.errors import BnetError
from bnet.models.variant import Variant
from bnet.training.lean.plan import NoPlanError, plan

if TYPE_CHECKING:
    import keras


def choose(network: keras.Model, row: Variant, step: str = "auto") -> tuple[keras.Model, str]:
    """The model to train, and a note of why.

    Parameters
    ----------
    network
        The plain network, built from `row` for a fixed number of frames; it owns all weights either way.
    step
        ``lean``; ``kernels``: JAX's lean step with Pallas kernels; ``plain``; or ``auto``: the lean step where there is
        one.

    Returns
    -------
    tuple
        The network itself with ``"plain: <reason>"``, or a model that trains it with ``"lean"`` (``"lean: kernels"``).

    Raises
    ------
    BnetError
        If ``lean`` or ``kernels`` is asked for and not possible.
    """
    if step == "plain":
        return network, "plain: as asked"
    reason = why_not(row, step)
    if reason and step != "auto":
        raise BnetError(f"{row.name} has no lean step here: {reason}; use `auto` or `plain`")
    if reason:
        return network, f"plain: {reason}"
    from bnet.training.lean.base import LeanModel

    if backend.name() == "jax":
        from bnet.training.gpu.model import JaxParts

        parts = JaxParts(network, plan(row), step == "kernels")
    else:
        from bnet.training.lean.model import CpuParts

        parts = CpuParts(network, plan(row))
    return LeanModel(network, parts), "lean: kernels" if step == "kernels" else "lean"


def _triton() -> bool:
    return importlib.util.find_spec("jax.experimental.pallas.triton") is not None


def why_not(row: Variant, step: str = "lean") -> str:
    """Why a network can't be trained by the lean step here (`step` is ``kernels``, or any other); empty if it can."""
    import keras

    name, kind, numbers = backend.name(), backend.device()["kind"], keras.config.dtype_policy().name
    for wrong, reason in (
        (name not in ("tensorflow", "jax"), f"backend {name}; the lean step is for tensorflow and jax"),
        (name == "tensorflow" and kind != "CPU", f"tensorflow on a {kind}; there the lean step is for jax"),
        (name == "tensorflow" and numbers != "float32", f"numbers are {numbers}; the kernels are for float32"),
        (name == "tensorflow" and step == "kernels", "backend tensorflow; step kernels is for jax"),
        (name == "jax" and step == "kernels" and not _triton(), "this JAX has no Triton; take jax<0.12"),
    ):
        if wrong:
            return reason
    try:
        found = plan(row)
    except NoPlanError as error:
        return str(error)
    return f"{found.beyond}, which only the lean step for a CPU knows" if name == "jax" and found.beyond else ""
