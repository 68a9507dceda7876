"""A real HTTP server in a thread of the test, with switches for what servers and lines do wrong.

    with serve(folder) as server:
        server.rules["a.zip"] = Rule(status=503, times=2)  # the first two requests for folder/a.zip fail
        fetch(Remote(server.url("a.zip"), "a.zip"), target)
        assert server.count("a.zip") == 3

It serves the files below `folder` as they are at each request, on 127.0.0.1 and a port of its own, and knows ranges,
``If-Range``, ``ETag`` (of the content) and ``Last-Modified``, as Apache does. A path without a `Rule` is served
faithfully; one without a file is answered 404. `server.requests` lists what was asked, in order. What is wrong with a
path is set in `server.rules`, by the path below the folder, before or between requests.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import http.server
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit


@dataclass
class Rule:
    """What goes wrong with one path.

    Parameters
    ----------
    times
        For how many requests this holds (then the path is served faithfully); None: for all.
    status
        Answer with this status, and no file.
    break_after
        End the connection after so many bytes of the body.
    stall_after
        Send so many bytes of the body and then nothing, until the client goes or the server ends.
    bytes_per_second
        Send the body slowly.
    extra_length
        Added to the ``Content-Length`` that is promised (negative: promise less; then only that is read).
    length
        Whether ``Content-Length`` is sent; without, the end of the connection is the end of the file.
    ranges
        Whether ``Range`` is heeded; else all is sent.
    validators
        Which of ``ETag`` and ``Last-Modified`` are sent.
    wrong_start
        Added to the place from which a range is sent (and said to be).
    bodies
        The content for each request in turn, the last for all further ones, instead of the file's.
    headers
        Further headers, or others than usual.
    """

    times: int | None = None
    status: int | None = None
    break_after: int | None = None
    stall_after: int | None = None
    bytes_per_second: int | None = None
    extra_length: int = 0
    length: bool = True
    ranges: bool = True
    validators: tuple[str, ...] = ("ETag", "Last-Modified")
    wrong_start: int = 0
    bodies: tuple[bytes, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What was asked: the path below the folder, the headers, and the status and bytes of the answer."""

    path: str
    headers: dict[str, str]
    status: int
    sent: int


class Server:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules: dict[str, Rule] = {}
        self.requests: list[Request] = []
        self._seen: Counter[str] = Counter()
        self._lock, self.ended = threading.Lock(), threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str = "") -> str:
        """The address of a path below the folder; of the folder itself, without '/' at its end, by default."""
        return f"http://{self.address}/{quote(path)}".rstrip("/")

    def count(self, path: str | None = None) -> int:
        """Number of requests for a path, or for all."""
        return sum(path in (None, request.path) for request in self.requests)

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Answer no more: the port is closed, and who stalls is let go."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def rule(self, path: str) -> tuple[Rule, int]:
        """The rule for a request, and how many for this path came before."""
        with self._lock:
            before = self._seen[path]
            self._seen[path] += 1
        rule = self.rules.get(path, Rule())
        return (rule if rule.times is None or before < rule.times else Rule()), before


class _Handler(http.server.BaseHTTPRequestHandler):
    owner: Server
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Answer until the client goes, also where it goes in the middle."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """Answer one request."""
        path = unquote(urlsplit(self.path).path).lstrip("/")
        rule, before = self.owner.rule(path)
        body = self._body(path, rule, before)
        status = rule.status or (404 if body is None else 200)
        if status >= 300 or body is None:
            self._send(path, status, b"no file here", {"Content-Type": "text/plain", **rule.headers}, Rule())
            return
        headers: dict[str, Any] = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        date = email.utils.formatdate(int(self._modified(path)), usegmt=True)
        headers |= {name: value for name, value in (("ETag", etag), ("Last-Modified", date)) if name in rule.validators}
        if not rule.ranges:
            del headers["Accept-Ranges"]
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if rule.ranges and found and self.headers.get("If-Range", etag) in (etag, date):
            start = int(found[1]) + rule.wrong_start
            if start >= len(body):
                self._send(path, 416, b"", {"Content-Range": f"bytes */{len(body)}"}, Rule())
                return
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[start:]
        self._send(path, status, body, headers | rule.headers, rule)

    def _body(self, path: str, rule: Rule, before: int) -> bytes | None:
        if rule.bodies:
            return rule.bodies[min(before, len(rule.bodies) - 1)]
        file = self.owner.folder / path
        inside = file.resolve().is_relative_to(self.owner.folder.resolve())
        return file.read_bytes() if inside and file.is_file() else None

    def _modified(self, path: str) -> float:
        file = self.owner.folder / path
        return file.stat().st_mtime if file.is_file() else 0.0

    def _send(self, path: str, status: int, body: bytes, headers: dict[str, Any], rule: Rule) -> None:
        stop = min(n for n in (rule.break_after, rule.stall_after, len(body)) if n is not None)
        request = Request(path, dict(self.headers), status, stop)
        self.owner.requests.append(request)
        self.send_response(status)
        if rule.length:
            headers = {"Content-Length": len(body) + rule.extra_length, **headers}
        for name, value in headers.items():
            self.send_header(name, str(value))
        if not rule.length or rule.extra_length or stop < len(body):
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(ConnectionError, TimeoutError):  # the client has gone
            self._write(body[:stop], rule.bytes_per_second)
            while rule.stall_after is not None and not self.owner.ended.wait(0.05):
                pass

    def _write(self, body: bytes, bytes_per_second: int | None) -> None:
        step = max(1, bytes_per_second // 20) if bytes_per_second else max(1, len(body))
        for at in range(0, len(body), step):
            self.wfile.write(body[at : at + step])
            self.wfile.flush()
            if bytes_per_second:
                time.sleep(step / bytes_per_second)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Serve the files below `folder` while the block runs."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
