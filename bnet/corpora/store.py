"""The feature store: log-mels of a corpus, extracted once, in parallel, resumable, memory-mapped for training.

A store is one folder per corpus and setting. ``log_mel.npy`` is a float32 array [shape=(rows, frames, n_mels)] that
grows; ``index.jsonl`` has one line per track: its row, or the reason why it has none. A line is written after its row,
and a row that has a line is never written again: whatever killed an extraction, the whole lines are true, and a reader
may go on while another process extracts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from tqdm import tqdm

from bnet.corpora import Corpus, Track
from bnet.corpora.extraction import Entry, Result, log_mels, stamp
from bnet.errors import BnetError, log
from bnet.paths import alone, cache_dir, disk_errors, sha256, writable_dir
from bnet.sound.log_mel import FeatureSettings

FORMAT = 2
"""Version of the files of a store and of what decides a row; part of the name of its folder."""

_HEADER = 128  # bytes of the head of a .npy file of three dimensions, whatever its number of rows


@dataclass(frozen=True)
class Extraction:
    """What `FeatureStore.extract` did: number of tracks extracted now (`done`), and of those whose log-mel was there
    (`reused`); track id -> reason, of those without one (`failed`)."""

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

    def __init__(
        self, corpus: Corpus, seconds: float, settings: FeatureSettings | None = None, root: Path | None = None
    ):
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
        self._array, self._index = self.folder / "log_mel.npy", self.folder / "index.jsonl"
        self._seen: tuple[Any, dict[str, Entry]] = (None, {})

    @property
    def index(self) -> dict[str, Entry]:
        """Track id -> its line: ``row`` and ``sha256``, or ``error``; read again after somebody has extracted."""
        files = [stamp(path) for path in (self._index, self._array)]
        if self._seen[0] != files:
            self._seen = (files, self._read_index())
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
        return np.load(self._array, mmap_mode="r") if self._array.exists() else np.zeros((0, *self.shape), np.float32)

    def row_numbers(self, track_ids: Iterable[str]) -> np.ndarray:
        """The rows of `array` that hold these tracks [shape=(n,)]. A `BnetError` if one of them has no log-mel; names
        it and the command that extracts it."""
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

    def extract(self, tracks: Iterable[Track], *, jobs: int | None = None, progress: bool = True) -> Extraction:
        """Extract what is missing, or whose file has changed since (by size or time, then by its bytes).

        Rows do not depend on `jobs`, on the order of `tracks`, or on how often a run was killed and started again.

        Parameters
        ----------
        tracks
            Of this corpus, with different ids.
        jobs
            Worker processes; None: one per core.
        progress
            Whether to draw a progress bar, if standard error is a terminal.

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
        if self._due(tracks):  # else a cache that can't be written will do
            writable_dir(self.folder, "cache", "BNET_CACHE")
            with alone(self.folder / ".lock", f"another process extracts {self.folder.name}; waiting for it", log):
                done = self._extract(tracks, jobs or joblib.cpu_count(), progress)
        failures = self.failures
        failed = {track.track_id: failures[track.track_id] for track in tracks if track.track_id in failures}
        return Extraction(done, len(tracks) - done - len(failed), failed)

    def _due(self, tracks: Iterable[Track]) -> list[Track]:
        """Those without an entry, or whose file is not as it was; what failed but for its content has no stamp."""
        index = self.index
        return [t for t in tracks if t.track_id not in index or index[t.track_id].get("stamp") != stamp(t.path)]

    def _read_index(self) -> dict[str, Entry]:
        """Track id -> its last line. A last line without its end is not there yet; a damaged line, or one of a row that
        the array lacks, makes it no index."""
        try:
            lines = self._index.read_bytes().split(b"\n")[:-1]
            entries = {entry["track_id"]: entry for entry in map(json.loads, lines)}
            last = max((entry["row"] for entry in entries.values() if "error" not in entry), default=-1)
            return entries if last < 0 or stamp(self._array)[0] >= self._end(last + 1) else {}
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return {}
        except OSError as error:
            raise BnetError(
                f"cannot read {self._index} ({error.strerror or error}); make it readable, or set BNET_CACHE to another"
                " folder"
            ) from error

    def _end(self, rows: int) -> int:
        """Size in bytes of an array of so many rows."""
        return _HEADER + 4 * math.prod((rows, *self.shape))

    def _extract(self, tracks: Sequence[Track], jobs: int, progress: bool) -> int:
        """Extract what is due and return the number of new rows; the lock is held."""
        known, todo = self.index, self._due(tracks)
        data = self._index.read_bytes() if self._index.exists() else b""
        lines = data.split(b"\n")[:-1]  # a kill may have left half a line
        if lines and not known:
            log(f"the feature store {self.folder} is damaged; extracting all of it again")
            lines = []
        if data:
            os.truncate(self._index, sum(map(len, lines)) + len(lines))
        first_row = row = 1 + max((json.loads(line).get("row", -1) for line in lines), default=-1)
        setting = (self.corpus, self.seconds, self.settings)
        due = [(track, known.get(track.track_id, {}).get("sha256")) for track in todo]
        hidden = None if progress else True  # None: hidden unless standard error is a terminal
        with (
            tqdm(total=len(todo), desc=f"features of {self.corpus.name}", unit="clip", disable=hidden) as bar,
            contextlib.closing(log_mels(setting, due, jobs)) as results,
        ):
            for batch in results:
                row = self._append(batch, known, row)
                bar.update(len(batch))
        return row - first_row

    def _append(self, batch: list[Result], known: dict[str, Entry], row: int) -> int:
        """Write the rows of a batch from `row` on, then its lines; return the next free row."""
        lines = ""
        with disk_errors(f"features in {self.folder}"):
            with open(os.open(self._array, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as data:
                data.seek(self._end(row))
                for entry, log_mel in batch:
                    if log_mel is not None:
                        entry["row"] = row
                        data.write(log_mel.tobytes())
                        row += 1
                    elif "error" not in entry:
                        entry["row"] = known[entry["track_id"]]["row"]
                    lines += json.dumps(entry, sort_keys=True) + "\n"
                data.seek(0)
                head = {"descr": "<f4", "fortran_order": False, "shape": (row, *self.shape)}
                np.lib.format.write_array_header_1_0(data, head)
                data.flush()
                os.fsync(data.fileno())
            with open(self._index, "a", encoding="utf-8") as index:
                index.write(lines)
                index.flush()
                os.fsync(index.fileno())
        return row
