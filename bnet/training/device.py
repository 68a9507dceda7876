"""How a run is executed: step, device, compilation, memory. What changes the result is not here, but in `Config`.

A `Settings` says what is asked for, and travels to other processes; `take` makes an `Execution` of it, in the process
that trains: what is really done there, which stands in the record (``made.execution``). The same configuration may be
executed in different ways; its results then differ by rounding. A precision other than float32 differs by more, and is
therefore a setting of the run (`bnet.training.config.Training.precision`), with a hash and a record of its own.

This module imports no backend until `take` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_type_hints

from bnet import backend
from bnet.errors import BnetError, unknown
from bnet.training.config import convert

KNOWN = {
    "step": ("auto", "lean", "kernels", "plain"),
    "device": ("auto", "cpu", "gpu"),
    "jit_compile": ("auto", "yes", "no"),
    "resident": ("auto", "yes", "no"),
    "deterministic": ("yes", "no"),
}
"""What the settings that are words may be."""
RESIDENT_BYTES = 4 * 2**30
"""Log-mels of a fold up to this size are copied to a GPU where nobody says otherwise."""


@dataclass(frozen=True)
class Settings:
    """What is asked for. Whatever is left at its default is chosen by `AUTO`, for the backend and device at hand.

    Parameters
    ----------
    step
        ``auto``: the lean step where there is one (`bnet.training.lean.choose`), else the plain graph; ``lean``;
        ``kernels``: the lean step of JAX with Pallas kernels; ``plain``.
    device
        ``auto``: a GPU where there is one; ``cpu`` or ``gpu``.
    jit_compile
        Whether XLA compiles the step: ``auto``, ``yes``, ``no``.
    resident
        Whether the log-mels of the fold are copied to the device once, and batches gathered there: ``auto``, ``yes``,
        ``no``.
    steps_per_execution
        Training steps between two looks at the losses; 0: chosen.
    memory_share
        The share of a GPU's memory that this process may take, up to 1; 0: as much as it comes to need. Several
        processes fit on one device either way.
    deterministic
        Whether the same command gives the same bits again, at some cost on a GPU: ``yes``, ``no``. A CPU always does.

    Raises
    ------
    BnetError
        If a value is unknown or out of range.
    """

    step: str = "auto"
    device: str = "auto"
    jit_compile: str = "auto"
    resident: str = "auto"
    steps_per_execution: int = 0
    memory_share: float = 0.0
    deterministic: str = "yes"

    def __post_init__(self):
        for name, choices in KNOWN.items():
            if getattr(self, name) not in choices:
                raise unknown(name, getattr(self, name), choices)
        if self.steps_per_execution < 0:
            raise BnetError(f"steps_per_execution is {self.steps_per_execution}; expected 1 or more, or 0: chosen")
        if not 0 <= self.memory_share <= 1:
            raise BnetError(f"memory_share is {self.memory_share:g}; expected a share of a GPU's memory, from 0 to 1")
        if self.step == "lean" and self.jit_compile == "yes":
            raise BnetError("jit_compile=yes is for the plain graph, and the lean step was asked for; take one of them")


def parse(pairs: dict[str, str], **named: Any) -> Settings:
    """Settings from texts such as ``{"resident": "yes"}``, and from `named` ones, which have options of their own.

    Raises
    ------
    BnetError
        If a key is unknown, or a value is of a wrong type, unknown or out of range.
    """
    types = {key: kind for key, kind in get_type_hints(Settings).items() if key not in ("step", "device")}
    for key in pairs:
        if key not in types:
            raise unknown("device setting", key, types)
    return Settings(**named, **{key: convert(key, value, types[key]) for key, value in pairs.items()})


@dataclass(frozen=True)
class Choice:
    """A row of `AUTO`: what is chosen where nothing is asked for, and which precisions there are."""

    jit_compile: bool
    resident: bool
    steps_per_execution: int
    precisions: tuple[str, ...]


AUTO = {
    ("tensorflow", "CPU"): Choice(False, False, 1, ("float32", "bfloat16")),
    ("tensorflow", "GPU"): Choice(True, True, 16, ("float32", "tf32", "bfloat16")),
    ("jax", "CPU"): Choice(True, False, 1, ("float32", "bfloat16")),
    ("jax", "GPU"): Choice(True, True, 16, ("float32", "tf32", "bfloat16")),
    ("torch", "CPU"): Choice(False, False, 1, ("float32", "bfloat16")),
    ("torch", "GPU"): Choice(False, True, 16, ("float32", "tf32", "bfloat16")),
}
"""What ``auto`` picks, by backend and kind of device. On a CPU, XLA is slower than TensorFlow's own kernels."""


@dataclass(frozen=True)
class Execution:
    """What is done: the fields of `Settings` without any ``auto``.

    Parameters
    ----------
    backend, device
        ``tensorflow``, ``jax`` or ``torch``; ``CPU`` or ``GPU``.
    step
        ``lean``, ``lean: kernels``, or ``plain: <reason>``.
    precision
        ``float32``, ``tf32`` or ``bfloat16``: as the configuration says.
    """

    backend: str
    device: str
    step: str
    precision: str
    jit_compile: bool
    resident: bool
    steps_per_execution: int
    memory_share: float
    deterministic: bool

    def __str__(self):
        words = [f"{self.backend} on a {self.device}", self.step, self.precision]
        words += ["compiled"] * self.jit_compile
        words += ["log-mels resident"] * self.resident
        words += [f"{self.steps_per_execution} steps at a time"] * (self.steps_per_execution > 1)
        return ", ".join(words)


def take(settings: Settings, precision: str = "float32", corpus_bytes: int = 0) -> Execution:
    """Take the device in this process, and say how training is done on it (its step is chosen later).

    Parameters
    ----------
    settings, precision
        What is asked for.
    corpus_bytes
        Size of the fold's log-mels.

    Raises
    ------
    BnetError
        If there is no such device here, or no such precision on it.
    """
    backend.take(settings.device, settings.memory_share, settings.deterministic == "yes")
    name, kind = backend.name(), backend.device()["kind"]
    choice = AUTO[name, kind]
    if precision not in choice.precisions:
        raise BnetError(
            f"precision {precision} is not to be had with {name} on a {kind}; "
            f"expected one of {', '.join(choice.precisions)} (`--set precision=...`)"
        )
    fits = choice.resident and corpus_bytes <= RESIDENT_BYTES
    return Execution(
        backend=name,
        device=kind,
        step="plain" if name == "tensorflow" and settings.jit_compile == "yes" else settings.step,
        precision=precision,
        jit_compile=_either(settings.jit_compile, choice.jit_compile),
        resident=_either(settings.resident, fits),
        steps_per_execution=settings.steps_per_execution or choice.steps_per_execution,
        memory_share=settings.memory_share,
        deterministic=settings.deterministic == "yes",
    )


def _either(asked: str, chosen: bool) -> bool:
    return chosen if asked == "auto" else asked == "yes"
