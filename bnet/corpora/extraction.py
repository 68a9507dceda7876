"""Log-mels in worker processes: what `bnet.corpora.store` writes, in order, whatever a clip or a worker does."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.externals import loky

from bnet.corpora import Corpus, Track
from bnet.corpora.walk import linked
from bnet.errors import BnetError
from bnet.paths import sha256_file
from bnet.sound.log_mel import FeatureSettings
from bnet.sound.memory import keep_freed

Setting = tuple[Corpus, float, FeatureSettings]
"""Whose clips, their length in s, and what a log-mel is."""

Due = tuple[Track, str | None]
"""A track, and the checksum of its file when it was extracted before."""

Entry = dict[str, Any]
"""A line of a store's index."""

Result = tuple[Entry, np.ndarray | None]
"""A track's entry, without its row yet, and its log-mel: None if it failed or if its file is the same as before."""

_BATCH = 8


def log_mels(setting: Setting, due: list[Due], jobs: int) -> Iterator[list[Result]]:
    """Results in the order of `due`, batch by batch, those of a few batches in memory. A `BnetError` if a worker is
    killed; names the clip."""
    size = max(1, min(_BATCH, len(due) // (4 * jobs)))
    batches = [due[start : start + size] for start in range(0, len(due), size)]
    jobs, given = max(1, min(jobs, len(batches))), 0
    parallel = joblib.Parallel(jobs, batch_size=1, pre_dispatch="2*n_jobs", return_as="generator")
    try:
        for results in parallel(joblib.delayed(_work)(os.getpid(), setting, batch) for batch in batches):
            yield results
            given += 1
    except loky.BrokenProcessPool as error:
        raise BnetError(
            f"a worker process died at {batches[given][0][0].track_id} of {setting[0].name} or soon after (was memory "
            "short?); what was extracted is kept; run the same command again, with fewer jobs"
        ) from error
    finally:
        if jobs > 1:  # else idle workers keep their memory for minutes
            loky.get_reusable_executor().shutdown(kill_workers=given < len(batches))


@functools.cache
def _prepare(parent: int) -> None:
    """Make a worker ready; it ends with its parent, even if that is killed."""
    keep_freed()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(parent: int, setting: Setting, batch: list[Due]) -> list[Result]:
    if os.getpid() != parent:
        _prepare(parent)
    return [_one(*setting, *pair) for pair in batch]


def _one(corpus: Corpus, seconds: float, settings: FeatureSettings, track: Track, known: str | None) -> Result:
    entry: Entry = {"track_id": track.track_id, "stamp": stamp(track.path)}
    try:
        if track.path and linked(track.path).is_file() and known and sha256_file(track.path) == known:
            return {**entry, "sha256": known}, None
        log_mel, checksum = corpus.log_mel(track, seconds, settings)
        return {**entry, "sha256": checksum}, log_mel
    except BnetError as error:
        reason, settled = str(error), not isinstance(error.__cause__, OSError)
    except Exception as error:  # whatever one clip does, the others go on: it is named and counted
        reason, settled = f"{type(error).__name__}: {error}", False
    return {**entry, "error": reason, **({} if settled else {"stamp": []})}, None


def stamp(path: Path | None) -> list[int] | None:
    """Size in bytes and time in ns of a file: if they are as before, so is the file. None without a path, -1 where
    there is no file."""
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError:
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]
