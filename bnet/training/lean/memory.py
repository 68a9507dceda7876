"""Where the maps of a step lie: slots of one array, taken and given back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bnet.training.lean.plan import CHANNELS


def _zeros() -> np.ndarray:
    return np.zeros(CHANNELS)


@dataclass(eq=False)
class Map:
    """32 maps of all clips, with what the forward and the backward pass know of them.

    Parameters
    ----------
    slot
        Where its values are; None where they have been given up.
    mean, variance
        Of every channel, over all pixels and clips; with group normalisation those of its group.
    grad
        Slot of its gradient, as far as it has been added up; None before.
    offset, slope
        What flows through mean and variance: ``offset + slope * x`` per channel is to be added to the gradient.
    """

    slot: int | None
    mean: np.ndarray = field(default_factory=_zeros)
    variance: np.ndarray = field(default_factory=_zeros)
    grad: int | None = None
    offset: np.ndarray = field(default_factory=_zeros)
    slope: np.ndarray = field(default_factory=_zeros)


class Memory:
    """Slots of `size` rows x 32 channels, float32.

    It grows when asked for more and larger slots, and then keeps nothing of what it held.
    """

    def __init__(self):
        self.array, self.size, self.most = np.empty(0, np.float32), 0, 0
        self.free: list[int] = []

    def lay_out(self, size: int, slots: int) -> None:
        """Begin with `slots` free slots of `size` rows."""
        if self.array.size < slots * size * CHANNELS:
            self.array = np.empty(0, np.float32)  # two at a time would be too much
            self.array = np.empty(slots * size * CHANNELS, np.float32)
        self.size, self.slots, self.most = size, slots, 0
        self.free = list(range(slots))

    def take(self) -> int:
        """A free slot, the lowest; `most` is how many have been in use together."""
        slot = min(self.free)
        self.free.remove(slot)
        self.most = max(self.most, self.slots - len(self.free))
        return slot

    def give(self, maps: Map, *kinds: str) -> None:
        """Give up the values (``slot``) or the gradient (``grad``) of maps, or both."""
        for kind in kinds or ("slot", "grad"):
            if (slot := getattr(maps, kind)) is not None:
                self.free.append(slot)
                setattr(maps, kind, None)

    def new_grad(self, maps: Map) -> bool:
        """Take a slot for the gradient where there is none; whether that was so."""
        fresh = maps.grad is None
        if fresh:
            maps.grad = self.take()
        return fresh

    def rows(self, slot: int) -> np.ndarray:
        """A slot as an array [shape=(size, 32)]."""
        floats = self.size * CHANNELS
        return self.array[slot * floats : (slot + 1) * floats].reshape(-1, CHANNELS)
