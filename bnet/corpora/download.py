"""Downloads over unreliable connections: a file arrives whole and checked, or stays a ``.part`` that is resumed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests import exceptions as wrong
from tqdm import tqdm

import bnet
from bnet.corpora.remote import Remote, gibibytes, public
from bnet.errors import BnetError, log
from bnet.paths import alone, disk_errors, writable_dir

WAIT, LONGEST_WAIT = 1.0, 60.0
"""Wait before the second try, in s, doubled for each further one; and the longest, also if the server asks for more."""

_GIVE_UP = 4  # after so many files in a row that got no answer, the others are not tried
_ANNOUNCED = 20  # so many files at most are each announced with their size
_ENOUGH = 2**18  # bytes: a try that got so far does not count against the retries
_TRY_AGAIN = (206, 408, 416, 425, 429)  # and all from 500 on; 206 and 416: the server resumes elsewhere


@dataclass(frozen=True)
class Fetched:
    """What `fetch_all` did: files `new` and `kept` (there already), and path -> reason of those that failed."""

    new: int
    kept: int
    failed: dict[str, str] = field(default_factory=dict)


def fetch_all(
    remotes: Iterable[Remote],
    folder: Path,
    *,
    workers: int = 4,
    timeout: float = 30.0,
    retries: int = 5,
    say: Callable[[str], None] = log,
) -> Fetched:
    """Fetch those of `remotes` (with different paths) that are not in `folder` yet; one bad file stops no other.

    A file that is there is kept if its checksum fits or, where none is published, if it is not empty. One that breaks
    off stays a ``.part``; the next try or call resumes it where the server says that its version is the same (by an
    ETag or a date), else restarts it. A call waits for another process that fetches into the same folder.

    Parameters
    ----------
    workers, timeout
        Downloads at once; longest wait for a connection, and for each next piece of a file, in s.
    retries
        Tries of a file after the first, with growing waits; a try that got a good part of it does not count.
    say
        Told a line about each file (if they are few): its size, or that the server does not tell it.

    Raises
    ------
    BnetError
        If no server answers, the disk is full, the folder can't be written, or the timeout is none.
    """
    if not 0 < timeout < 1e6:
        raise BnetError(f"a timeout of {timeout} s; expected more than 0 and less than a million")
    remotes = list(remotes)
    due = [remote for remote in remotes if remote.difference(folder / remote.path)]
    if not due:  # a folder that can't be written will do
        return Fetched(0, len(remotes))
    writable_dir(folder, "data", "BNET_DATA")
    with alone(folder / ".download.lock", f"another process fetches into {folder}; waiting for it", say):
        due = [remote for remote in due if remote.difference(folder / remote.path)]
        altered = [remote.path for remote in due if (folder / remote.path).is_file()]
        if altered:
            say(f"{len(altered)} files in {folder} are not as published, such as {altered[0]}; fetching them again")
        failed = _Downloads(folder, timeout, retries, say if len(due) <= _ANNOUNCED else None).all(due, workers)
    return Fetched(len(due) - len(failed), len(remotes) - len(due), failed)


class _Failed(Exception):
    """A try failed: for good, or, where there is a `wait` (in s), in a way that another may not."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Downloads:
    """The downloads of one call: their connections, their progress bar, and the switch that ends them."""

    def __init__(self, folder: Path, timeout: float, retries: int, say: Callable[[str], None] | None) -> None:
        self.folder, self.timeout, self.retries, self.say = folder, timeout, retries, say
        self.stop, self.session = threading.Event(), requests.Session()
        self.session.headers.update({"User-Agent": f"bnet/{bnet.__version__}", "Accept-Encoding": "identity"})

    def all(self, due: list[Remote], workers: int) -> dict[str, str]:
        """Fetch all and return path -> reason of those that failed."""
        failed: dict[str, str] = {}
        silent = 0
        pool = concurrent.futures.ThreadPoolExecutor(workers)
        work = map if min(workers, len(due)) == 1 else pool.map  # one by one, an interrupt ends a silent wait too
        with pool, tqdm(desc="fetch", unit="B", unit_scale=True, total=0, disable=None) as self.bar:
            try:
                for remote, (reason, answered) in zip(due, work(self.one, due), strict=True):
                    failed |= {remote.path: f"{reason} ({public(remote.url)})"} if reason else {}
                    silent = 0 if answered else silent + 1
                    if silent >= min(_GIVE_UP, len(due)):
                        others = f" (and {silent - 1} others in a row)" if silent > 1 else ""
                        raise BnetError(
                            f"{urlsplit(public(remote.url)).netloc} does not give {remote.path}{others}: {reason}; what"
                            " has come is kept; check the connection, or name another source; the same command resumes"
                        )
            except BaseException:  # an interrupt too
                self.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return failed

    def one(self, remote: Remote) -> tuple[str, bool]:
        """Fetch one file; why it failed ('' if it did not), and whether its server gave an answer."""
        target = self.folder / remote.path
        part, note = target.with_name(f"{target.name}.part"), target.with_name(f".{target.name}.part.txt")
        failures, furthest = 0, _size(part)
        while True:
            try:
                with disk_errors(str(target)):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._try(remote, part, note)
                    note.unlink(missing_ok=True)
                    if problem := remote.difference(part):
                        part.unlink()
                        return f"{problem}; nothing was kept; the source, or the connection, has altered it", True
                    part.replace(target)
                return "", True
            except _Failed as error:
                if error.wait is None:
                    return str(error), True
                failures = 1 if _size(part) >= furthest + _ENOUGH else failures + 1
                furthest = max(furthest, _size(part))
                wait = min(max(error.wait, WAIT * 2 ** (failures - 1)), LONGEST_WAIT)
                if failures > self.retries or self.stop.wait(wait):
                    return f"{error} in {failures} tries", False

    def _try(self, remote: Remote, part: Path, note: Path) -> None:
        """Bring `part` to its end, or nearer to it; `note` holds the version (ETag or date) that it is part of."""
        have, asked = _size(part), {}
        with contextlib.suppress(OSError, ValueError):
            source, version = note.read_text(encoding="utf-8").splitlines()
            if have and version and source == public(remote.url):
                asked = {"Range": f"bytes={have}-", "If-Range": version}
        try:
            with self.session.get(remote.url, headers=asked, stream=True, timeout=self.timeout) as response:
                self._receive(response, remote, _start(response, have, note), part, note)
        except (wrong.Timeout, urllib3.exceptions.TimeoutError):
            raise _Failed(f"no answer within {self.timeout:g} s", 0) from None
        except (wrong.SSLError, wrong.TooManyRedirects, wrong.InvalidURL, wrong.InvalidSchema) as error:
            raise _Failed(f"its address, certificate or answer is not accepted ({type(error).__name__})") from None
        except (wrong.RequestException, urllib3.exceptions.HTTPError) as error:
            cause: BaseException = error  # what it says, unlike the error's own text, holds no address
            while further := cause.__cause__ or cause.__context__:
                cause = further
            raise _Failed(getattr(cause, "strerror", None) or "the connection broke off", 0) from None

    def _receive(self, response: requests.Response, remote: Remote, start: int | None, part: Path, note: Path) -> None:
        """Write the body behind the first `start` bytes of `part`; None: nothing is lacking."""
        if start is None:
            return
        if not remote.checksum and response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise _Failed("the server sent a web page instead of the file")
        length = response.headers.get("Content-Length", "")
        size, free = int(length) if length.isdigit() else None, shutil.disk_usage(part.parent).free
        if self.say:
            told = "the server does not tell its size" if size is None else gibibytes(size)
            self.say(f"{remote.path}: {f'resumed after {gibibytes(start)}, then ' if start else ''}{told}")
        try:
            if (size or 0) > free:
                raise OSError("no room")
            if not start:
                part.unlink(missing_ok=True)
                etag = response.headers.get("ETag", "")  # a weak one may not be asked for (RFC 9110, section 13.1.5)
                version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
                note.write_text(f"{public(remote.url)}\n{version}\n", encoding="utf-8")  # half of it: as good as none
            self.bar.total += size or 0
            with open(part, "ab", buffering=0) as sink:
                # not `iter_content`, which would unpack a .tar.gz that a server calls an encoded tar
                for chunk in response.raw.stream(2**16, decode_content=False):
                    if self.stop.is_set():
                        raise _Failed("stopped", 0)
                    sink.write(chunk)
                    self.bar.update(len(chunk))
                os.fsync(sink.fileno())
        except OSError as error:
            more = "" if size is None else f"{gibibytes(size + start - _size(part))} more needed, "
            raise BnetError(
                f"could not write {part} ({error.strerror or error}): {more}{gibibytes(free)} free; what has come is "
                "kept; free space, or set BNET_DATA to another folder, then run the same command again"
            ) from error


def _start(response: requests.Response, have: int, note: Path) -> int | None:
    """After how many bytes the body goes on, when `have` have come (None: all have)."""
    status, asked = response.status_code, response.headers.get("Retry-After", "")
    if status == 200:
        return 0
    found = re.match(r"bytes (?:(\d+)-\d+|\*)/(\d+)", response.headers.get("Content-Range", ""))
    if have and found and (status, int(found[1] or found[2])) in ((206, have), (416, have)):
        return have if status == 206 else None
    if status in (206, 416):
        note.unlink(missing_ok=True)  # the next try restarts
    again = status in _TRY_AGAIN or status >= 500
    wait = float(asked) if asked.isdigit() else 0.0
    raise _Failed(f"{status} {response.reason or ''}".strip(), wait if again else None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
