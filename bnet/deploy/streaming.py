"""Many sound files through one network: threads decode and transform the next files while it answers for this one.

Memory is flat, whatever the number and the length of the files: each is read block by block
(`bnet.sound.log_mel.blocks`), a thread waits when a few batches of its file are not yet answered, and few files are
begun at a time. Windows of several files share a batch.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np

from bnet.corpora.walk import SOUNDS, sounds
from bnet.deploy.predict import Prediction, load_network, variant_of, windows
from bnet.errors import OUT_OF_MEMORY, BnetError
from bnet.runs.records import Record
from bnet.sound.memory import keep_freed

BATCH = 8
"""Windows that the network takes at a time."""

WARM = 64
"""Windows after which the network is worth making faster: compiled kernels take seconds to load."""

_AHEAD = 2 * BATCH

Heard = Callable[[Path], Iterator[np.ndarray | None]]
"""The log-mels of a file's windows; None for a silent one."""


@dataclass(frozen=True)
class Failure:
    """A file that could not be used, and why."""

    path: str
    reason: str


def sound_files(paths: Iterable[Path]) -> tuple[list[Path], list[Failure]]:
    """Files as they are given, and for a folder the sound files below it, sorted; hidden ones are left out. Also the
    folders without one.

    Raises
    ------
    BnetError
        If there is no file at all; says what counts as one.
    """
    found: list[Path] = []
    empty: list[Failure] = []
    for path in paths:
        inside = sounds(path) if path.is_dir() else [path]
        found += inside
        if not inside:
            reason = (
                f"no sound file below {path}; expected one or more that end with {' '.join(SOUNDS)} (hidden ones do "
                "not count); name another folder, or the files themselves"
            )
            empty.append(Failure(str(path), reason))
    if empty and not found:
        raise BnetError("; ".join(failure.reason for failure in empty))
    return found, empty


class Classifier:
    """A run's network for windows of its own length; after `WARM` of them by the kernels of `bnet.training.lean`, where
    it can.

    Parameters
    ----------
    record
        The run.
    warm
        Windows until then; 0: at once.
    """

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
    """Classify files by windows of the network's clip length, `hop` seconds apart.

    Parameters
    ----------
    classify
        The network.
    paths
        Sound files.
    hop
        Seconds between the beginnings of two windows.
    jobs
        Threads that decode; None: one a core.

    Yields
    ------
    Prediction or Failure
        One a file, in the order of `paths`, as soon as it is known.

    Raises
    ------
    BnetError
        If `hop` is not positive, or `jobs` less than 1.
    """
    if jobs is not None and jobs < 1:
        raise BnetError(f"{jobs} threads that decode; expected 1 or more")
    if not 0 < hop < float("inf"):
        raise BnetError(f"the hop between windows is {hop} s; expected more than 0")
    keep_freed()
    record, begun = classify.record, deque()
    batch: list[tuple[_File, np.ndarray]] = []

    def known(last: bool = False) -> Iterator[Prediction | Failure]:
        if len(batch) == BATCH or (last and batch):
            for (file, _), row in zip(batch, classify([log_mel for _, log_mel in batch]), strict=True):
                file.rows.append(row)
            batch.clear()
        while begun and begun[0].known:
            yield begun.popleft().answer(record.labels, hop)

    heard = functools.partial(windows, seconds=record.config.training.clip_seconds, hop=hop, front_end=record.front_end)
    with contextlib.closing(_ahead(paths, heard, jobs or joblib.cpu_count())) as parts:
        for path, part in parts:
            if not begun or begun[-1].ended is not None:
                begun.append(_File(path))
            if isinstance(part, str):
                begun[-1].ended = part
            else:
                begun[-1].votes.append(part is not None)
                if part is not None:
                    batch.append((begun[-1], part))
            yield from known()
        yield from known(last=True)


@dataclass
class _File:
    """A file on its way: which of its windows so far are not silent, the probabilities of those, and, once it has
    ended, why it failed or ''."""

    path: Path
    votes: list[bool] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    ended: str | None = None

    @property
    def known(self) -> bool:
        return bool(self.ended) or (self.ended is not None and len(self.rows) == sum(self.votes))

    def answer(self, labels: list[str], hop: float) -> Prediction | Failure:
        if self.ended:
            return Failure(str(self.path), self.ended)
        starts = np.flatnonzero(self.votes) * hop
        return Prediction(str(self.path), labels, starts, np.stack(self.rows), self.votes.count(False))


def _ahead(paths: Sequence[Path], heard: Heard, threads: int) -> Iterator[tuple[Path, np.ndarray | str]]:
    """The log-mels of every file's windows, in order, and after them why the file failed ('' if it did not)."""
    stop, todo, begun = threading.Event(), iter(paths), deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="sound")
    try:
        while True:
            while len(begun) < threads + 2 * BATCH and (path := next(todo, None)) is not None:
                parts: queue.Queue[np.ndarray | str] = queue.Queue(_AHEAD)
                pool.submit(_read, path, heard, parts, stop)
                begun.append((path, parts))
            if not begun:
                return
            path, parts = begun.popleft()
            part: np.ndarray | str | None = None
            while not isinstance(part, str):
                part = parts.get()
                yield path, part
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _read(path: Path, heard: Heard, parts: queue.Queue, stop: threading.Event) -> None:
    """What `heard` gives of every file, in order, and after it why the file failed (\'\' if it did not)."""

    def put(part: np.ndarray | str) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                return parts.put(part, timeout=0.1)

    reason = ""
    try:
        for log_mel in heard(path):
            put(log_mel)
            if stop.is_set():
                return
    except BnetError as error:
        reason = str(error)
    except MemoryError:
        reason = f"{path}: {OUT_OF_MEMORY}"
    except Exception as error:  # whatever one file does, the others go on: it is named and counted
        reason = f"{path}: {type(error).__name__}: {error}"
    put(reason)
