"""The feature store: log-mels of a corpus, extracted once, in parallel, resumable, memory-mapped for training.

A store is one folder for a corpus and a setting. ``log_mel.f32`` holds rows of float32 [shape=(frames, n_mels)] one
behind the other; ``index.jsonl`` holds a line for each track, appended after its row was written, or the reason why it
has none. A row is never written again once a line names it, so that the lines that are whole are true, whatever killed
an extraction, and a reader may go on while another process extracts.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.externals import loky
from tqdm import tqdm

from bnet.corpora import Corpus, Track
from bnet.errors import BnetError
from bnet.paths import alone, cache_dir, disk_errors, sha256, sha256_file, writable_dir, write_text
from bnet.sound.front_end import FrontEnd
from bnet.sound.memory import keep_freed

FORMAT = 1
"""Version of the files of a store and of what decides a row; part of the name of its folder."""

_BATCH = 8
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB", "BLIS")}

Entry = dict[str, Any]


@dataclass(frozen=True)
class Extraction:
    """What `FeatureStore.extract` did to the tracks it was given.

    Parameters
    ----------
    done, reused
        Number of tracks extracted now, and of those whose log-mel was there.
    failed
        Track id -> reason, of those without a log-mel.
    """

    done: int
    reused: int
    failed: dict[str, str] = field(default_factory=dict)


class FeatureStore:
    """Log-mels of one corpus at one clip length. Cheap to make: nothing is read or written before it is needed.

    Parameters
    ----------
    corpus
        Whose clips; its name and `source` are part of the store's identity.
    seconds
        Clip length, in seconds.
    settings
        What a log-mel is; None: the corpus's own `front_end`.
    root
        Folder of all stores; ``features`` in the cache folder by default.

    Attributes
    ----------
    shape
        Of one log-mel: (frames, n_mels).
    """

    def __init__(self, corpus: Corpus, seconds: float, settings: FrontEnd | None = None, root: Path | None = None):
        self.corpus, self.seconds, self.settings = corpus, float(seconds), settings or corpus.front_end
        if not 0 < self.seconds < float("inf"):
            raise BnetError(f"a clip length of {seconds} s; expected more than 0")
        if self.settings.sr != corpus.front_end.sr:
            raise BnetError(
                f"features at {self.settings.sr} Hz; expected {corpus.front_end.sr} Hz, the rate of {corpus.name}"
            )
        setting = json.dumps(
            [FORMAT, corpus.name, corpus.source, self.seconds, dataclasses.asdict(self.settings)], sort_keys=True
        )
        self.folder = (root or cache_dir() / "features") / f"{corpus.name}-{self.seconds:g}s-{sha256(setting)[:8]}"
        self.shape = (self.settings.frames(self.seconds), self.settings.n_mels)
        self._row_bytes = 4 * math.prod(self.shape)
        self._seen: tuple[Any, dict[str, Entry]] = (None, {})

    @property
    def index(self) -> dict[str, Entry]:
        """Track id -> its line: ``row`` and ``sha256``, or ``error``; read again after somebody has extracted."""
        signature = [_signature(self.folder / name) for name in ("index.jsonl", "log_mel.f32")]
        if self._seen[0] != signature:
            self._seen = (signature, self._read_index()[0])
        return self._seen[1]

    @property
    def failures(self) -> dict[str, str]:
        """Track id -> reason, of tracks that could not be used."""
        return {track_id: entry["error"] for track_id, entry in self.index.items() if "error" in entry}

    @property
    def available(self) -> set[str]:
        """Ids of the tracks that have a log-mel."""
        return {track_id for track_id, entry in self.index.items() if "row" in entry}

    @property
    def array(self) -> np.ndarray:
        """All rows, memory-mapped and read-only: float32 [shape=(rows, frames, n_mels)], in dB."""
        rows = self._rows_in_file()
        if not rows:
            return np.zeros((0, *self.shape), np.float32)
        return np.memmap(self.folder / "log_mel.f32", np.float32, "r", shape=(rows, *self.shape))

    def row_numbers(self, track_ids: Iterable[str]) -> np.ndarray:
        """The rows of `array` that hold these tracks [shape=(n,)].

        Raises
        ------
        BnetError
            If one of them has no log-mel; names it and the command that extracts it.
        """
        track_ids, index = list(track_ids), self.index
        missing = [track_id for track_id in track_ids if "row" not in index.get(track_id, {})]
        if missing:
            why = index.get(missing[0], {}).get("error", "not extracted yet")
            raise BnetError(
                f"no features of {len(missing)} of {len(track_ids)} tracks of {self.corpus.name} at {self.seconds:g} "
                f"s, such as {missing[0]} ({why}); extract them: bnet features --corpus {self.corpus.name}"
            )
        return np.array([index[track_id]["row"] for track_id in track_ids], dtype=int)

    def rows(self, track_ids: Iterable[str]) -> np.ndarray:
        """The log-mels of these tracks, copied: float32 [shape=(n, frames, n_mels)], in dB; errors of `row_numbers`."""
        numbers = self.row_numbers(track_ids)  # before the array, which another process may be making longer
        return np.asarray(self.array[numbers])

    def checksum(self, track_ids: Iterable[str]) -> str:
        """SHA-256 over the sorted (id, checksum of its sound): two runs with equal ones heard the same."""
        ids, index = sorted(track_ids), self.index
        self.row_numbers(ids)
        return sha256("\n".join(f"{track_id}\t{index[track_id]['sha256']}" for track_id in ids))

    def extract(
        self, tracks: Iterable[Track], *, jobs: int | None = None, progress: bool = True, retry: bool = False
    ) -> Extraction:
        """Extract what is missing, or whose file has changed since (by size or time, then by its bytes).

        Rows do not depend on `jobs`, on the order of `tracks`, or on how often a run was killed and started again.

        Parameters
        ----------
        tracks
            Of this corpus, with different ids.
        jobs
            Worker processes; None: one a core.
        progress
            Whether to draw a progress bar, if standard error is a terminal.
        retry
            Try again what failed for its content; what failed for another reason is always tried again.

        Raises
        ------
        BnetError
            If the cache can't be written, the disk is full or a worker is killed; what was done until then is kept.
        """
        tracks = sorted(tracks, key=lambda track: track.track_id)
        double = [a.track_id for a, b in itertools.pairwise(tracks) if a.track_id == b.track_id]
        if double:
            raise BnetError(f"two tracks of {self.corpus.name} are called {double[0]!r}; expected different ids")
        if jobs is not None and jobs < 1:
            raise BnetError(f"{jobs} worker processes; expected 1 or more")
        done = 0
        if self._due(tracks, retry):  # else a cache that can't be written will do
            writable_dir(self.folder, "cache", "BNET_CACHE")
            with alone(self.folder / ".lock", f"another process extracts {self.folder.name}; waiting for it", _say):
                done = self._extract(tracks, jobs or joblib.cpu_count(), progress, retry)
        failures = self.failures
        failed = {track.track_id: failures[track.track_id] for track in tracks if track.track_id in failures}
        return Extraction(done, len(tracks) - done - len(failed), failed)

    def _extract(self, tracks: Sequence[Track], jobs: int, progress: bool, retry: bool) -> int:
        """Extract what is due and return the number of new rows; the lock is held."""
        first_row = row = self._mend()
        known, todo = self.index, self._due(tracks, retry)
        hidden = None if progress else True  # None: hidden unless standard error is a terminal
        with (
            tqdm(total=len(todo), desc=f"features of {self.corpus.name}", unit="clip", disable=hidden) as bar,
            contextlib.closing(self._results(todo, known, jobs)) as results,
        ):
            for batch in results:
                row = self._append(batch, known, row)
                bar.update(len(batch))
        return row - first_row

    def _due(self, tracks: Iterable[Track], retry: bool) -> list[Track]:
        index = self.index
        return [track for track in tracks if _is_due(track, index.get(track.track_id), retry)]

    def _rows_in_file(self) -> int:
        signature = _signature(self.folder / "log_mel.f32")
        return signature[0] // self._row_bytes if signature else 0

    def _read_index(self) -> tuple[dict[str, Entry], int, int]:
        """The last good line of each track, the first row that no good line names, and the number of bad lines.

        A last line without its end is not counted: that is how a kill looks.
        """
        path = self.folder / "index.jsonl"
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except (FileNotFoundError, NotADirectoryError):
            return {}, 0, 0
        except OSError as error:
            raise BnetError(
                f"cannot read {path} ({error.strerror or error}); make it readable, or set BNET_CACHE to another folder"
            ) from error
        rows, entries, next_row, bad = self._rows_in_file(), {}, 0, 0
        for line in lines:
            try:
                entry = json.loads(line)
                if "error" not in entry:
                    if not isinstance(entry["row"], int) or not 0 <= entry["row"] < rows or len(entry["sha256"]) != 64:
                        raise ValueError("no such row")
                    next_row = max(next_row, entry["row"] + 1)
                entries[entry["track_id"]] = entry
            except (ValueError, KeyError, TypeError):
                bad += 1
        return entries, next_row, bad

    def _mend(self) -> int:
        """Leave only whole and true lines in the index, and return the first free row."""
        index = self.folder / "index.jsonl"
        if not index.exists():
            about = {"corpus": self.corpus.name, "source": self.corpus.source, "seconds": self.seconds}
            write_text(
                self.folder / "store.json",
                json.dumps({**about, "shape": self.shape, "settings": dataclasses.asdict(self.settings)}, indent=1)
                + "\n",
            )
            return 0
        entries, next_row, bad = self._read_index()
        if bad:
            _say(f"{bad} damaged entries in the feature store {self.folder}; extracting those tracks again")
        data = index.read_bytes()
        if bad or (data and not data.endswith(b"\n")):
            write_text(index, "".join(map(_line, entries.values())))
        return next_row

    def _results(self, todo: Sequence[Track], known: dict[str, Entry], jobs: int) -> Iterator[list[_Result]]:
        """Results in the order of `todo`, batch by batch; no more than two batches a worker are in memory."""
        if not todo:
            return
        size = max(1, min(_BATCH, len(todo) // (4 * jobs)))
        pairs = [(track, known.get(track.track_id, {}).get("sha256")) for track in todo]
        batches = [pairs[start : start + size] for start in range(0, len(pairs), size)]
        setting = (self.corpus, self.seconds, self.settings)
        jobs = min(jobs, len(batches))
        if jobs == 1:
            yield from (_work(batch, setting) for batch in batches)
            return
        executor = loky.ProcessPoolExecutor(jobs, initializer=_start, initargs=(os.getpid(), *setting), env=_ONE_THREAD)
        waiting: collections.deque = collections.deque()
        done = 0
        try:
            for batch in batches:
                waiting.append(executor.submit(_work, batch))
                if len(waiting) == 2 * jobs:
                    yield waiting[0].result()
                    waiting.popleft()
                    done += 1
            while waiting:
                yield waiting[0].result()
                waiting.popleft()
                done += 1
        except loky.BrokenProcessPool as error:
            raise BnetError(
                f"a worker process died at {batches[done][0][0].track_id} of {self.corpus.name} or soon after (was "
                "memory short?); what was extracted is kept; run the same command again, with fewer jobs"
            ) from error
        finally:
            executor.shutdown(wait=True, kill_workers=bool(waiting))

    def _append(self, batch: list[_Result], known: dict[str, Entry], row: int) -> int:
        """Write the rows of a batch from `row` on, then its lines; return the next free row."""
        lines = ""
        with disk_errors(f"features in {self.folder}"):
            with _opened(self.folder / "log_mel.f32", os.O_WRONLY) as data:
                for entry, log_mel in batch:
                    if log_mel is not None:
                        entry["row"] = row
                        _write(data, log_mel.tobytes(), row * self._row_bytes)
                        row += 1
                    elif "error" not in entry:
                        entry["row"] = known[entry["track_id"]]["row"]
                    lines += _line(entry)
                os.fsync(data)
            with _opened(self.folder / "index.jsonl", os.O_WRONLY) as index:
                end = os.fstat(index).st_size
                try:
                    _write(index, lines.encode(), end)
                except OSError:
                    os.ftruncate(index, end)
                    raise
        return row


_Result = tuple[Entry, np.ndarray | None]
_setting: tuple[Corpus, float, FrontEnd]


def _start(parent: int, *setting: Any) -> None:
    """Make a worker ready; it ends with its parent, even if that is killed."""
    global _setting
    _setting = setting
    keep_freed()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(batch: list[tuple[Track, str | None]], setting: tuple | None = None) -> list[_Result]:
    """Extract some tracks, in a worker."""
    return [_one(*(setting or _setting), track, known) for track, known in batch]


def _one(corpus: Corpus, seconds: float, settings: FrontEnd, track: Track, known: str | None) -> _Result:
    """A track's line, without its row yet, and its log-mel: None if it failed or if its bytes are the `known` ones."""
    entry: Entry = {"track_id": track.track_id, "stamp": _stamp(track)}
    try:
        if known and _file_checksum(track) == known:
            return {**entry, "sha256": known}, None
        log_mel, checksum = corpus.log_mel(track, seconds, settings)
        return {**entry, "sha256": checksum}, log_mel
    except BnetError as error:
        reason, settled = str(error), not isinstance(error.__cause__, OSError)
    except Exception as error:  # whatever one clip does, the others go on: it is named and counted
        reason, settled = f"{type(error).__name__}: {error}", False
    return {**entry, "error": reason, **({} if settled else {"stamp": []})}, None


def _is_due(track: Track, entry: Entry | None, retry: bool) -> bool:
    return entry is None or (retry and "error" in entry) or entry.get("stamp") != _stamp(track)


def _stamp(track: Track) -> list[int] | None:
    """Size in bytes and time in ns of a track's file: if they are as before, so is the file. None without a file."""
    if track.path is None:
        return None
    signature = _signature(track.path)
    return list(signature[:2]) if signature else [-1, -1]


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _file_checksum(track: Track) -> str | None:
    try:
        return sha256_file(track.path) if track.path else None
    except OSError:
        return None


def _line(entry: Entry) -> str:
    return json.dumps(entry, sort_keys=True) + "\n"


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CREAT, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`; the system may take it in pieces."""
    view = memoryview(data)
    while view:
        taken = os.pwrite(descriptor, view, offset)
        view, offset = view[taken:], offset + taken


def _say(text: str) -> None:
    print(f"bnet: {text}", file=sys.stderr, flush=True)
