"""The feature store: log-mels of a corpus, extracted once, in parallel, resumable, memory-mapped for training.

A store is one folder for a corpus and a setting: ``log_mel.f32``, rows of float32 [shape=(frames, n_mels)] one behind the
other, and ``index.jsonl``, one line a track, appended after its row was written. A line of a track that failed holds the
reason instead of a row. Whatever kills an extraction, the lines that are whole are true.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import filelock
import joblib
import numpy as np
from tqdm import tqdm

from bnet import audio
from bnet.audio import FeatureSettings
from bnet.corpora import Corpus, Track
from bnet.errors import BnetError
from bnet.paths import cache_dir, disk_errors, sha256, writable_dir

FORMAT = 1


@dataclass(frozen=True)
class Extraction:
    """What `FeatureStore.extract` did: number of tracks extracted and kept, and reason by id of those that failed."""

    done: int
    reused: int
    failed: dict[str, str] = field(default_factory=dict)


class FeatureStore:
    """Log-mels of one corpus at one clip length.

    Parameters
    ----------
    corpus
        Whose clips.
    seconds
        Clip length, in seconds.
    settings
        How sound becomes a log-mel.
    root
        Folder of all stores; ``features`` in the cache folder by default.
    """

    def __init__(
        self, corpus: Corpus, seconds: float, settings: FeatureSettings | None = None, root: Path | None = None
    ):
        self.corpus, self.seconds, self.settings = corpus, float(seconds), settings or FeatureSettings()
        setting = json.dumps(
            [FORMAT, corpus.name, corpus.source, self.seconds, dataclasses.asdict(self.settings)], sort_keys=True
        )
        name = f"{corpus.name}-{self.seconds:g}s-{sha256(setting)[:8]}"
        self.folder = (root or cache_dir() / "features") / name
        frames = audio.frames(self.seconds, sr=self.settings.sr, hop_length=self.settings.hop_length)
        self.shape = (frames, self.settings.n_mels)

    @property
    def _row_bytes(self) -> int:
        return 4 * self.shape[0] * self.shape[1]

    @cached_property
    def index(self) -> dict[str, dict[str, Any]]:
        """Track id -> its line: ``row`` and ``sha256``, or ``error``; lines that are damaged or lack data are left out."""
        path, entries = self.folder / "index.jsonl", {}
        if not path.is_file():
            return entries
        data = self.folder / "log_mel.f32"
        rows = data.stat().st_size // self._row_bytes if data.is_file() else 0
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                track_id = entry["track_id"]
                if "error" in entry or (isinstance(entry["row"], int) and entry["row"] < rows and entry["sha256"]):
                    entries[track_id] = entry
            except (ValueError, KeyError, TypeError):
                continue
        return entries

    @property
    def failures(self) -> dict[str, str]:
        """Track id -> reason, of tracks that could not be used."""
        return {track_id: entry["error"] for track_id, entry in self.index.items() if "error" in entry}

    @property
    def available(self) -> set[str]:
        """Ids of the tracks that have a log-mel."""
        return {track_id for track_id, entry in self.index.items() if "row" in entry}

    @cached_property
    def array(self) -> np.ndarray:
        """All rows, memory-mapped and read-only: float32 [shape=(rows, frames, n_mels)], in dB."""
        path = self.folder / "log_mel.f32"
        rows = path.stat().st_size // self._row_bytes if path.is_file() else 0
        if not rows:
            return np.zeros((0, *self.shape), "float32")
        return np.memmap(path, "float32", "r", shape=(rows, *self.shape))

    def row_numbers(self, track_ids: Iterable[str]) -> np.ndarray:
        """The rows of `array` that hold these tracks [shape=(n,)].

        Raises
        ------
        BnetError
            If one of them has no log-mel; names it and the command that extracts it.
        """
        track_ids = list(track_ids)
        missing = [track_id for track_id in track_ids if "row" not in self.index.get(track_id, {})]
        if missing:
            why = self.failures.get(missing[0], "not extracted yet")
            raise BnetError(
                f"no features of {len(missing)} of {len(track_ids)} tracks of {self.corpus.name} at {self.seconds:g} s, "
                f"such as {missing[0]} ({why}); extract them: bnet features --corpus {self.corpus.name}"
            )
        return np.array([self.index[track_id]["row"] for track_id in track_ids], dtype=int)

    def rows(self, track_ids: Iterable[str]) -> np.ndarray:
        """The log-mels of these tracks, copied: float32 [shape=(n, frames, n_mels)], in dB."""
        return np.asarray(self.array[self.row_numbers(track_ids)])

    def checksum(self, track_ids: Iterable[str]) -> str:
        """SHA-256 over the sorted (id, checksum of its sound): two runs with equal ones heard the same."""
        ids = sorted(track_ids)
        self.row_numbers(ids)
        return sha256("\n".join(f"{track_id}\t{self.index[track_id]['sha256']}" for track_id in ids))

    def extract(
        self, tracks: Sequence[Track], *, jobs: int | None = None, progress: bool = True, retry: bool = False
    ) -> Extraction:
        """Extract what is missing, in `jobs` processes (None: one a core); what failed before is kept unless `retry`.

        Raises
        ------
        BnetError
            If the cache can't be written, or the disk is full; what was extracted until then is kept.
        """
        if jobs is not None and jobs < 1:
            raise BnetError(f"{jobs} worker processes; expected 1 or more")
        writable_dir(self.folder, "cache", "BNET_CACHE")
        lock = filelock.FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            print(f"another process extracts {self.folder.name}; waiting for it", file=sys.stderr, flush=True)
            lock.acquire()
        try:
            return self._extract(tracks, jobs or joblib.cpu_count(), progress, retry)
        finally:
            lock.release()
            self._forget()

    def _forget(self) -> None:
        for name in ("index", "array"):
            self.__dict__.pop(name, None)

    def _extract(self, tracks: Sequence[Track], jobs: int, progress: bool, retry: bool) -> Extraction:
        self._forget()
        todo = [track for track in tracks if self._to_do(track, retry)]
        next_row = 1 + max((entry.get("row", -1) for entry in self.index.values()), default=-1)
        wanted = {track.track_id for track in tracks}
        what = f"features in {self.folder}"
        with disk_errors(what), open(self.folder / "index.jsonl", "ab") as index:
            if index.tell() and not self._ends_whole():
                index.write(b"\n")
            data = os.open(self.folder / "log_mel.f32", os.O_RDWR | os.O_CREAT, 0o666)
            work = (joblib.delayed(_one)(self.corpus, track, self.seconds, self.settings) for track in todo)
            parallel = joblib.Parallel(n_jobs=min(jobs, max(1, len(todo))), return_as="generator_unordered")
            try:
                bar = tqdm(total=len(todo), desc=f"features of {self.corpus.name}", unit="clip", disable=None if progress else True)
                with bar:
                    for entry, log_mel in parallel(work):
                        if log_mel is not None:
                            entry["row"] = next_row
                            os.pwrite(data, log_mel.tobytes(), next_row * self._row_bytes)
                            next_row += 1
                        index.write(json.dumps(entry, sort_keys=True).encode() + b"\n")
                        index.flush()
                        bar.update()
            finally:
                os.close(data)
        self._forget()
        failed = {track_id: reason for track_id, reason in self.failures.items() if track_id in wanted}
        fresh = sum(track.track_id in self.available for track in todo)
        return Extraction(fresh, len(tracks) - len(todo) - sum(t.track_id in failed for t in tracks if t not in todo), failed)

    def _ends_whole(self) -> bool:
        return (self.folder / "index.jsonl").read_bytes().endswith(b"\n")

    def _to_do(self, track: Track, retry: bool) -> bool:
        entry = self.index.get(track.track_id)
        if entry is None or ("error" in entry and retry):
            return True
        return _stamp(track) != entry.get("stamp")


def _stamp(track: Track) -> list[int] | None:
    """Size and time of a track's file: if they are as before, so is the file."""
    if track.path is None:
        return None
    try:
        stat = Path(track.path).stat()
        return [stat.st_size, stat.st_mtime_ns]
    except OSError:
        return [-1, -1]


def _one(
    corpus: Corpus, track: Track, seconds: float, settings: FeatureSettings
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Extract one track, in a worker: its line of the index, and its log-mel unless it failed."""
    entry: dict[str, Any] = {"track_id": track.track_id, "stamp": _stamp(track)}
    try:
        y = corpus.audio(track, seconds)
        log_mel = audio.log_mel(y).astype("float32")
        return {**entry, "sha256": corpus.checksum(track, y)}, np.ascontiguousarray(log_mel)
    except BnetError as error:
        return {**entry, "error": str(error)}, None
