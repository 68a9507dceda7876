"""One try at one file over HTTP, from where the last one broke off if the server allows it."""

from __future__ import annotations

import contextlib
import email.utils
import re
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Protocol

import requests
import urllib3

import bnet
from bnet.corpora.part import Part, gibibytes
from bnet.errors import BnetError

_CHUNK = 2**16
_TRY_AGAIN = (408, 425, 429)  # and all from 500 on


class Shown(Protocol):
    """Who is told how far a file has come, in bytes."""

    def start(self, total: int | None, have: int) -> None: ...

    def update(self, n: int) -> object: ...


class Broken(Exception):
    """A try that failed in a way that another may not. `wait`: what the server asks for, in s; `again`: worth a try."""

    def __init__(self, reason: str, wait: float = 0.0, again: bool = True) -> None:
        super().__init__(reason)
        self.wait, self.again = wait, again


class Refused(Exception):
    """The server does not have the file, or has another one."""


class Stopped(Exception):
    """The transfer was ended from outside (`Stop`)."""


class Stop(threading.Event):
    """A switch that ends the transfers of other threads, also of one that waits for a silent server."""

    def __init__(self) -> None:
        super().__init__()
        self._live: set[urllib3.BaseHTTPResponse] = set()

    @contextlib.contextmanager
    def watch(self, response: urllib3.BaseHTTPResponse) -> Iterator[None]:
        """End the reading of `response` when the switch is set."""
        self._live.add(response)
        try:
            if self.is_set():
                raise Stopped
            yield
        finally:
            self._live.discard(response)

    def set(self) -> None:
        """Set the switch."""
        super().set()
        for response in list(self._live):
            with contextlib.suppress(AttributeError, ValueError, RuntimeError, OSError):  # it has just ended
                response.shutdown()


def transfer(
    url: str,
    part: Part,
    *,
    size: int | None,
    checked: bool,
    session: requests.Session,
    timeout: float,
    stop: Stop,
    bar: Shown,
) -> None:
    """Bring `part` to its end, or nearer to it.

    Parameters
    ----------
    url, part
        From where and to where. What `part` has is kept where the server gives the rest of the same version, or where
        a checksum will tell; else the file comes from its beginning.
    size
        Published size in bytes, or None.
    checked
        Whether there is a checksum to be tested afterwards.
    session, timeout
        Connection; longest wait for it, and for each next piece, in s.
    stop, bar
        Switch that ends it; progress in bytes.

    Raises
    ------
    Broken, Refused, Stopped
        See there; what has come is kept.
    BnetError
        If there is no room on the disk.
    """
    if size is not None and part.size > size:
        part.discard()
    have, validator = part.size, part.validator(url)
    if size is not None and have == size:
        return
    headers = {"User-Agent": f"bnet/{bnet.__version__}", "Accept-Encoding": "identity"}
    if have and (validator or checked):
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
    response = _get(session, url, headers, timeout)
    with contextlib.closing(response), stop.watch(response.raw):
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        decode = encoding != "identity" and not part.path.name.endswith((".gz.part", ".tgz.part"))  # there, the file's
        start, total = _answer(response, part, have if "Range" in headers else 0, decode)
        if start is None:  # all has come already
            return
        if size is not None and total is not None and total != size:
            raise Refused(f"the source has {total} bytes, expected {size}: it is another file than was published")
        if not checked and response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise Refused("the server sent a web page instead of the file")
        if total is None:
            total = size
        bar.start(total, start)
        _make_room(part, 0 if total is None else total - start)
        with _disk(part, total):
            if start == 0:
                part.note(url, "" if decode else _validator(response))
            with open(part.path, "ab" if start else "wb", buffering=0) as sink:
                for chunk in _chunks(response, decode, timeout):
                    sink.write(chunk)
                    bar.update(len(chunk))
    if total is not None and part.size != total:
        came = part.size
        if came > total:
            part.discard()
        raise Broken(f"{came} bytes came, expected {total}")


def _get(session: requests.Session, url: str, headers: dict[str, str], timeout: float) -> requests.Response:
    try:
        return session.get(url, headers=headers, stream=True, timeout=timeout)
    except requests.exceptions.Timeout:
        raise Broken(f"no answer within {timeout:g} s") from None
    except requests.exceptions.ConnectionError as error:
        cause = _cause(error)
        if hasattr(cause, "verify_message"):
            raise Broken(f"its certificate was not accepted: {cause.verify_message}", again=False) from None
        raise Broken(getattr(cause, "strerror", None) or "the connection broke off") from None
    except requests.exceptions.RequestException as error:  # its text may hold the address
        raise Refused(f"the server's answer can't be followed ({type(error).__name__})") from None


def _answer(response: requests.Response, part: Part, asked: int, decode: bool) -> tuple[int | None, int | None]:
    """From where the body goes on (None: all is there), and the size of the whole file (None: unknown)."""
    status = response.status_code
    length = None if decode else _number(response.headers.get("Content-Length"))
    if status == 200:
        return 0, length
    if status == 206 and asked:
        found = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if found and int(found[1]) == asked and not decode:
            return asked, _number(found[2]) or (length and asked + length)
        part.discard()
        raise Broken("the server resumed at another place")
    if status == 416 and asked:
        found = re.match(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
        if found and int(found[1]) == asked:
            return None, asked
        part.discard()
        raise Broken("the server has less than had come")
    reason = f"{status} {response.reason or ''}".strip()
    if status >= 500 or status in _TRY_AGAIN:
        raise Broken(reason, wait=_retry_after(response))
    raise Refused(reason)


def _chunks(response: requests.Response, decode: bool, timeout: float) -> Iterator[bytes]:
    """The body as it comes. `requests` would unpack a ``.tar.gz`` that a server calls an encoded tar; this does not."""
    try:
        yield from response.raw.stream(_CHUNK, decode_content=decode)
    except urllib3.exceptions.ReadTimeoutError:
        raise Broken(f"nothing more came for {timeout:g} s") from None
    except urllib3.exceptions.HTTPError as error:
        raise Broken(getattr(_cause(error), "strerror", None) or "the connection broke off") from None


def _validator(response: requests.Response) -> str:
    """What ``If-Range`` takes: a strong ETag, else the date; '' if the server gives neither."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _retry_after(response: requests.Response) -> float:
    text = response.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _cause(error: BaseException) -> BaseException:
    """The first cause of an error."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return error


def _make_room(part: Part, needed: int) -> None:
    """Refuse a download that can't fit before it begins."""
    free = shutil.disk_usage(part.path.parent).free
    if needed > free:
        raise _no_room(part, "no room", needed, free)


@contextlib.contextmanager
def _disk(part: Part, total: int | None) -> Iterator[None]:
    """A full disk keeps what has come, and says what is needed."""
    try:
        yield
    except OSError as error:
        needed = None if total is None else total - part.size
        raise _no_room(part, error.strerror or str(error), needed, shutil.disk_usage(part.path.parent).free) from error


def _no_room(part: Part, reason: str, needed: int | None, free: int) -> BnetError:
    more = "" if needed is None else f"{gibibytes(needed)} more needed, "
    return BnetError(
        f"could not write {part.path} ({reason}): {more}{gibibytes(free)} free; what has come is kept; "
        "free space, or set BNET_DATA to another folder, then run the same command again"
    )
