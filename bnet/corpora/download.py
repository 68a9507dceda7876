"""Downloads over bad lines: a file arrives whole and checked, or stays a ``.part`` from which the next try goes on."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tqdm import tqdm

from bnet.corpora.part import Part, gibibytes, public
from bnet.corpora.remote import Remote, check_remotes
from bnet.corpora.transfer import Broken, Refused, Shown, Stop, Stopped, transfer
from bnet.errors import BnetError
from bnet.paths import alone, disk_errors, writable_dir

WAIT, LONGEST_WAIT = 1.0, 60.0
"""Wait before the second try, in s, doubled for each further one; and the longest, also if the server asks for more."""

GIVE_UP = 4
"""After so many files in a row that a host did not give for want of an answer, the others are not tried."""

_ENOUGH = 2**18  # bytes: a try that got so far does not count against the retries


@dataclass(frozen=True)
class Fetched:
    """What `fetch_all` did: files `new` and `kept` (there already), and path -> reason of those that failed."""

    new: int
    kept: int
    failed: dict[str, str] = field(default_factory=dict)


def fetch(remote: Remote, folder: Path, *, timeout: float = 30.0, retries: int = 5, progress: bool = True) -> Path:
    """Fetch one file into `folder` and return its path. Parameters and errors as of `fetch_all`.

    Raises
    ------
    BnetError
        Also if the file can't be had: says from where, and why.
    """
    fetched = fetch_all([remote], folder, workers=1, timeout=timeout, retries=retries, progress=progress)
    for path, reason in fetched.failed.items():
        raise BnetError(f"{path} could not be fetched: {reason}; try again later, or put it into {folder} yourself")
    return remote.at(folder)


def fetch_all(
    remotes: Iterable[Remote],
    folder: Path,
    *,
    workers: int = 4,
    timeout: float = 30.0,
    retries: int = 5,
    progress: bool = True,
) -> Fetched:
    """Fetch what of `remotes` is not in `folder` yet.

    A file that is there is kept if its checksum and size are those published, or, where none are, if it is not empty.
    One that breaks off stays a ``.part``, and goes on from there at the next try or call. A call waits for another
    process that fetches into the same folder.

    Parameters
    ----------
    remotes
        With different paths.
    folder
        Made if needed.
    workers
        Downloads at once.
    timeout
        Longest wait for a connection, and for each next piece of a file, in s.
    retries
        Tries of a file after the first, with growing waits; a try that got a good part of it does not count.
    progress
        Whether to draw a progress bar (bytes of one file, else files and bytes), if standard error is a terminal.

    Returns
    -------
    Fetched
        One bad file does not stop the others; its reason is there.

    Raises
    ------
    BnetError
        If a host does not answer at all, the disk is full, the folder can't be written, or an argument is wrong.
    """
    remotes = list(remotes)
    _check(workers, timeout, retries)
    check_remotes(remotes)
    due = [remote for remote in remotes if not _is_there(remote, folder)]
    if not due:  # a folder that can't be written will do
        return Fetched(0, len(remotes))
    writable_dir(folder, "data", "BNET_DATA")
    with alone(folder / ".download.lock", f"another process fetches into {folder}; waiting for it", _say):
        due = [remote for remote in due if not _is_there(remote, folder)]
        wrong = [remote.path for remote in due if remote.at(folder).is_file()]
        if wrong:
            _say(f"{len(wrong)} files in {folder} are not as published, such as {wrong[0]}; fetching them again")
        failed = _Downloads(folder, timeout, retries, progress).all(due, workers)
    return Fetched(len(due) - len(failed), len(remotes) - len(due), failed)


class _Unreachable(Exception):
    """All tries of a file failed for want of an answer, or of a whole one."""


class _Bytes:
    """Shows beside the number of files the bytes that have come, of all of them: a large file takes its time."""

    def __init__(self, bar: tqdm) -> None:
        self.bar, self.came, self.shown, self.lock = bar, 0, 0.0, threading.Lock()

    def start(self, total: int | None, have: int) -> None:
        """One file begins."""

    def update(self, n: int) -> None:
        """So many bytes have come."""
        with self.lock:
            self.came += n
            if time.monotonic() < self.shown + 0.5:
                return
            self.shown = time.monotonic()
        self.bar.set_postfix_str(gibibytes(self.came))


class _OneFile:
    """Shows the bytes of the only file."""

    def __init__(self, bar: tqdm) -> None:
        self.bar, self.update = bar, bar.update

    def start(self, total: int | None, have: int) -> None:
        """The file begins, or goes on after the `have` bytes that had come."""
        self.bar.total, self.bar.n = total, have
        self.bar.refresh()


class _Downloads:
    """The downloads of one call: their connections, and the switch that ends them."""

    def __init__(self, folder: Path, timeout: float, retries: int, progress: bool) -> None:
        self.folder, self.timeout, self.retries = folder, timeout, retries
        self.hidden = None if progress else True  # None: hidden unless standard error is a terminal
        self.stop, self._own = Stop(), threading.local()

    def all(self, due: Sequence[Remote], workers: int) -> dict[str, str]:
        """Fetch all and return path -> reason of those that failed."""
        failed: dict[str, str] = {}
        single = len(due) == 1
        unit = {"unit": "B", "unit_scale": True} if single else {"unit": "file"}
        name = due[0].path if single else f"files into {self.folder.name}"
        pool = concurrent.futures.ThreadPoolExecutor(workers)
        with tqdm(total=None if single else len(due), desc=f"fetch {name}", disable=self.hidden, **unit) as bar:
            shown = (_OneFile if single else _Bytes)(bar)
            futures = {pool.submit(self.one, remote, shown): remote for remote in due}
            try:
                hosts = _Hosts(due)
                for future in concurrent.futures.as_completed(futures):
                    remote = futures[future]
                    reason, answered = future.result()
                    if reason:
                        failed[remote.path] = reason
                    hosts.note(remote, reason, answered)
                    if not single:
                        bar.update()
            except BaseException:  # an interrupt too: every .part stays
                self.stop.set()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return failed

    def one(self, remote: Remote, bar: Shown) -> tuple[str, bool]:
        """Fetch one file; why it failed ('' if it did not), and whether its host gave an answer."""
        try:
            self._one(remote, bar)
        except Refused as error:
            return f"{error} ({public(remote.url)})", True
        except _Unreachable as error:
            return f"{error} ({public(remote.url)})", False
        except Stopped:
            return "stopped", True
        return "", True

    def _one(self, remote: Remote, bar: Shown) -> None:
        target = remote.at(self.folder)
        with disk_errors(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
        part = Part(target)
        again = True
        while True:
            in_pieces = self._tries(remote, part, bar)
            problem = remote.difference(part.path)
            if not problem:
                break
            part.discard()
            if not (in_pieces and again):
                raise Refused(
                    f"{problem}; nothing was kept; the source has changed, or the connection altered it: "
                    "try again, or another source"
                )
            again = False  # the pieces may have been of two versions: once more, from the start
        with disk_errors(str(target)):
            with open(part.path, "rb") as stream:
                os.fsync(stream.fileno())
            part.finish(target)

    def _tries(self, remote: Remote, part: Part, bar: Shown) -> bool:
        """Bring `part` to its end, in as many tries as are allowed, and return whether it came in pieces."""
        failures, furthest = 0, part.size
        settings = {"size": remote.size, "checked": bool(remote.checksum), "timeout": self.timeout, "stop": self.stop}
        while True:
            try:
                transfer(remote.url, part, session=self._session(), bar=bar, **settings)
                return furthest > 0
            except Broken as error:
                if self.stop.is_set():
                    raise Stopped from None
                failures = 1 if part.size >= furthest + _ENOUGH else failures + 1
                furthest = max(furthest, part.size)
                if failures > self.retries or not error.again:
                    tries = f" in {failures} tries" if failures > 1 else ""
                    raise _Unreachable(f"{error}{tries}") from None
                wait = max(error.wait, WAIT * 2 ** (failures - 1))
                if self.stop.wait(min(wait, LONGEST_WAIT)):
                    raise Stopped from None

    def _session(self) -> requests.Session:
        """The connections of this thread."""
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
        return self._own.session


class _Hosts:
    """Files in a row that each host did not give for want of an answer."""

    def __init__(self, due: Sequence[Remote]) -> None:
        self.due = Counter(urlsplit(remote.url).netloc for remote in due)
        self.silent: Counter[str] = Counter()

    def note(self, remote: Remote, reason: str, answered: bool) -> None:
        """Count one file; a `BnetError` if its host seems to be gone."""
        host = urlsplit(remote.url).netloc
        self.silent[host] = 0 if answered else self.silent[host] + 1
        if self.silent[host] >= min(GIVE_UP, self.due[host]):
            others = f" (and {self.silent[host] - 1} others in a row)" if self.silent[host] > 1 else ""
            raise BnetError(
                f"{urlsplit(public(remote.url)).netloc} does not give {remote.path}{others}: {reason}; what has come "
                "is kept; check the connection, or name another source; the same command goes on"
            )


def _check(workers: int, timeout: float, retries: int) -> None:
    """Refuse settings with which nothing can be fetched."""
    for name, value, least in (("workers", workers, 1), ("retries", retries, 0)):
        if value < least:
            raise BnetError(f"{name} is {value}; expected {least} or more")
    if not 0 < timeout < float("inf"):
        raise BnetError(f"a timeout of {timeout} s; expected more than 0")


def _is_there(remote: Remote, folder: Path) -> bool:
    target = remote.at(folder)
    try:
        return target.is_file() and not remote.difference(target)
    except OSError as error:
        raise BnetError(f"cannot read {target} ({error.strerror or error}); make it readable, or delete it") from error


def _say(text: str) -> None:
    print(f"bnet: {text}", file=sys.stderr, flush=True)
