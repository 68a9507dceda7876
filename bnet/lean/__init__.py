"""A training step for a CPU that takes a fraction of the time and memory of the plain Keras graph; the same maths.

The plain graph reads the concatenation of all earlier maps once for every reader of a block, and keeps a copy of it,
normalised, each time. Here the concatenation is never made (`bnet.lean.trunk` says how), and the loops over pixels are
compiled on the spot by numba (`bnet.lean.kernels`). The weights stay the Keras network's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnet import backend
from bnet.errors import BnetError
from bnet.lean.plan import NoPlanError, plan
from bnet.models.variant import Variant

if TYPE_CHECKING:
    import keras

STEPS = ("auto", "lean", "plain")
"""What may be asked for: ``auto`` takes the lean step where there is one."""


def choose(network: keras.Model, row: Variant, step: str = "auto") -> tuple[keras.Model, str]:
    """The model to train, and a note of why.

    Parameters
    ----------
    network
        The plain network, built from `row` for a fixed number of frames; it owns all weights either way.
    step
        One of `STEPS`.

    Returns
    -------
    tuple
        The network itself with ``"plain: <reason>"``, or a model that trains it with ``"lean"``.

    Raises
    ------
    BnetError
        If ``lean`` is asked for and not possible, or `step` is none of `STEPS`.
    """
    if step not in STEPS:
        raise BnetError(f"unknown step {step!r}; expected one of {', '.join(STEPS)}")
    if step == "plain":
        return network, "plain: as asked"
    reason = why_not(row)
    if reason and step == "lean":
        raise BnetError(f"{row.name} has no lean step here: {reason}; use `auto` or `plain`")
    if reason:
        return network, f"plain: {reason}"
    from bnet.lean.model import LeanModel

    return LeanModel(network, plan(row)), "lean"


def why_not(row: Variant) -> str:
    """Why a network can't be trained by the lean step here; empty if it can."""
    import keras

    kind, numbers = backend.device()["kind"], keras.config.dtype_policy().name
    for wrong, reason in (
        (backend.name() != "tensorflow", f"backend {backend.name()}; the lean step is for tensorflow"),
        (kind != "CPU", f"on a {kind}; the lean step is for a CPU"),
        (numbers != "float32", f"numbers are {numbers}; the lean step's kernels are for float32"),
    ):
        if wrong:
            return reason
    try:
        plan(row)
    except NoPlanError as error:
        return str(error)
    return ""
