"""Classify audio files with a trained run: threads decode and transform the next files while the network answers.

Memory is flat, whatever the number and the length of the files: each is read block by block
(`bnet.sound.decode.blocks`), a batch of windows ahead, and few files are begun at a time. Windows of several files
share a batch.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import joblib
import numpy as np

from bnet.corpora.walk import SOUNDS, UNREADABLE, sounds
from bnet.errors import OUT_OF_MEMORY, BnetError
from bnet.runs.records import Record
from bnet.runs.weights import load_network, variant_of
from bnet.sound import decode
from bnet.sound.log_mel import FeatureSettings
from bnet.sound.memory import keep_freed

BATCH = 8
"""Windows that the network takes at a time."""
WARM = 64
"""Windows after which the network is worth making faster: compiled kernels take seconds to load."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one file: its classes, the start of each window in seconds [shape=(windows,)], the class
    probabilities [shape=(windows, classes)], and how many silent windows have no vote and are not among those."""

    path: str
    labels: list[str]
    starts: np.ndarray
    probabilities: np.ndarray
    silent: int = 0

    @property
    def mean(self) -> np.ndarray:
        """Probabilities averaged over the windows [shape=(classes,)]."""
        return self.probabilities.mean(axis=0)

    @property
    def label(self) -> str:
        """The class with the highest average probability."""
        return self.labels[int(self.mean.argmax())]


@dataclass(frozen=True)
class Failure:
    """A file that could not be used, and why."""

    path: str
    reason: str


def sound_files(paths: Iterable[Path]) -> tuple[list[Path], list[Failure]]:
    """Files as they are given, and for a folder the audio files below it, sorted; hidden ones are left out. Also
    folders without one, and music below a folder in formats that can't be read.

    Raises
    ------
    BnetError
        If there is no file at all; says what counts as one.
    """
    found, failed = [], []
    for path in paths:
        below = sounds(path, (*SOUNDS, *UNREADABLE), homes_too=True) if path.is_dir() else []
        inside = [file for file in below if file.suffix.lower() in SOUNDS] if path.is_dir() else [path]
        found += inside
        for file in (file for file in below if file.suffix.lower() in UNREADABLE):
            reason = f"{file}: no {file.suffix} can be read here; convert it (ffmpeg -i FILE FILE.flac)"
            failed.append(Failure(str(file), reason))
        if not inside:
            expected = f"expected one or more that end with {' '.join(SOUNDS)} (hidden ones do not count)"
            reason = f"no sound file below {path}; {expected}; name another folder, or the files themselves"
            failed.append(Failure(str(path), reason))
    if failed and not found:
        raise BnetError("; ".join(failure.reason for failure in failed))
    return found, failed


def windows(
    path: str | Path, seconds: float, hop: float = 1.0, front_end: FeatureSettings | None = None
) -> Iterator[np.ndarray | None]:
    """Log-mels [shape=(frames, n_mels)] of windows of a file, the k-th from ``k * hop`` s on; None: a silent one.

    Windows are `seconds` long and end within the file; a shorter file gives one, lengthened by `front_end` (None:
    the paper's, which pads). Memory does not grow with the length of the file.

    Raises
    ------
    BnetError
        If the file is not usable audio: see `bnet.sound.decode.blocks`; perhaps at its end only. If all windows are
        silent.
    """
    front_end = front_end or FeatureSettings()
    sr, length = front_end.sr, round(seconds * front_end.sr)
    held, dropped, number, voices = np.zeros(0, np.float32), 0, 0, 0
    for block in chain(decode.blocks(path, sr=sr), [None]):
        held = held if block is None else np.concatenate([held, block])
        fitting = math.ceil((max((dropped + len(held)) / sr - seconds, 0) + 1e-9) / hop)  # windows so far
        while True:
            cut = min(round(number * hop * sr) - dropped, len(held))
            held, dropped = held[cut:], dropped + cut
            if number >= fitting or (len(held) < length and block is not None):
                break
            silent = np.abs(held[:length]).max(initial=0.0) < decode.SILENCE
            yield None if silent else front_end(front_end.fit(held[:length], seconds))
            number, voices = number + 1, voices + (not silent)
    if not voices:
        raise BnetError(f"all windows of {path} are silent; expected sound in some; use a shorter --hop, or omit it")


class Classifier:
    """A run's network for windows of its own length; after `warm` of them by the kernels of `bnet.training.lean`, where
    it can."""

    def __init__(self, record: Record, warm: int = WARM):
        self.record, self.left, self.how = record, warm, "plain"
        self.model = load_network(record, record.front_end.frames(record.config.training.clip_seconds))

    def __call__(self, log_mels: Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities [shape=(n, classes)] of log-mels [each shape=(frames, n_mels)]."""
        if self.left <= 0 and self.how == "plain":
            from bnet.training import lean

            self.model, self.how = lean.choose(self.model, variant_of(self.record))
        self.left -= len(log_mels)
        return np.asarray(self.model.predict_on_batch(np.stack(log_mels).astype("float32")[..., None]))


def predict_files(
    classify: Classifier, paths: Sequence[Path], hop: float = 1.0, jobs: int | None = None
) -> Iterator[Prediction | Failure]:
    """Classify files by `windows` of the network's clip length, `hop` seconds apart, through the front end that its
    record names; one answer per file, in their order, as soon as it is known. `jobs` threads decode (None: one a core).

    Raises
    ------
    BnetError
        If `hop` is not positive, or `jobs` less than 1.
    """
    if jobs is not None and jobs < 1:
        raise BnetError(f"{jobs} threads that decode; expected 1 or more")
    if not 0 < hop < math.inf:
        raise BnetError(f"the hop between windows is {hop} s; expected more than 0")
    keep_freed()
    record, votes, rows = classify.record, [], []

    def source(path: Path) -> Iterator[np.ndarray | None]:
        return windows(path, record.config.training.clip_seconds, hop, record.front_end)

    with contextlib.closing(_ahead(paths, source, jobs or joblib.cpu_count())) as heard:
        for path, what in _asked(classify, heard):
            if not isinstance(what, str):
                votes.append(what is not None)
                rows += [what] * votes[-1]
                continue
            if what:
                yield Failure(str(path), what)
            else:
                starts = np.flatnonzero(votes) * hop
                yield Prediction(str(path), record.labels, starts, np.array(rows), votes.count(False))
            votes, rows = [], []


def _asked(classify: Classifier, heard: Iterable[tuple]) -> Iterator[tuple]:
    """What `_ahead` yields, with probabilities in the place of log-mels: `BATCH` of them at a time, whatever their
    files."""
    held, log_mels = [], []
    for one in chain(heard, [None]):
        if one is not None:
            held.append(one)
            log_mels += [one[1]] if isinstance(one[1], np.ndarray) else []
        if one is None or len(log_mels) in (0, BATCH):
            rows = iter(classify(log_mels) if log_mels else ())
            for path, what in held:
                yield path, next(rows) if isinstance(what, np.ndarray) else what
            held, log_mels = [], []


def _ahead(paths: Sequence[Path], source: Callable[[Path], Iterator], threads: int) -> Iterator[tuple]:
    """Each file with its windows, one after the other, and at its end with why it failed or ''. Threads make up to
    `BATCH` windows ahead of every file that has been begun."""
    todo, begun, pool = iter(paths), deque(), ThreadPoolExecutor(threads, thread_name_prefix="sound")
    try:
        while True:
            while len(begun) < threads + 2 * BATCH and (path := next(todo, None)) is not None:
                windows_of = source(path)
                begun.append((path, windows_of, pool.submit(_part, path, windows_of)))
            if not begun:
                return
            path, windows_of, future = begun.popleft()
            part, ended = future.result()
            if ended is None:
                begun.appendleft((path, windows_of, pool.submit(_part, path, windows_of)))
            yield from ((path, one) for one in part)
            if ended is not None:
                yield path, ended
    finally:
        pool.shutdown(cancel_futures=True)


def _part(path: Path, heard: Iterator) -> tuple[list, str | None]:
    """The next windows of a file; and, if they are the last, why it failed or ''."""
    try:
        part = list(islice(heard, BATCH))
        return part, None if len(part) == BATCH else ""
    except BnetError as error:
        return [], str(error)
    except MemoryError:
        return [], f"{path}: {OUT_OF_MEMORY}"
    except Exception as error:  # whatever one file does, the others go on: it is named and counted
        return [], f"{path}: {type(error).__name__}: {error}"
