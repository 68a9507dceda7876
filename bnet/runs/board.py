"""What people see of several runs at once: a line a run on a terminal, else plain lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm


def say(text: str) -> None:
    """A line for people, on standard error, above whatever bars are there."""
    tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()


class Board:
    """Shows how far each of several runs is.

    Parameters
    ----------
    say
        Prints a line for people.
    terminal
        Whether to draw bars; None: if standard error is a terminal. Else a line is said whenever the figures of a run
        change, which is once an epoch.
    """

    def __init__(self, say: Callable[[str], None] = say, terminal: bool | None = None):
        self.say = say
        self.terminal = sys.stderr.isatty() if terminal is None else terminal
        self.bars: dict[str, tqdm] = {}
        self.notes: dict[str, str] = {}

    def show(self, run: str, n: int, total: int | None, title: str, note: str) -> None:
        """A run is `n` of `total` steps far in what `title` says; `note` holds its latest figures."""
        title = title.removesuffix(": ")
        title = title if title.startswith(run) else f"{run}, {title}"
        if self.terminal:
            bar = self.bars.get(run) or self._bar(run)
            bar.total, bar.n = total, n
            bar.set_description_str(title, refresh=False)
            bar.set_postfix_str(note)
        elif note and self.notes.get(run) != note:
            self.notes[run] = note
            self.say(f"{title}: {n / total:.0%}: {note}" if total else f"{title}: {note}")

    def _bar(self, run: str) -> tqdm:
        taken = {-bar.pos for bar in self.bars.values()}
        free = next(i for i in range(len(taken) + 1) if i not in taken)
        self.bars[run] = tqdm(position=free, leave=False, disable=False, file=sys.stderr, unit="batch")
        return self.bars[run]

    def end(self, run: str | None = None) -> None:
        """Take the line of a run away; None: all lines."""
        for name in [run] if run else list(self.bars):
            if name in self.bars:
                self.bars.pop(name).close()

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()
