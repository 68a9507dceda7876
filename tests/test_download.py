"""Downloads from a real server: whole and checked or not at all; resumed; each failure said and counted."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import until
from httpserver import Rule, serve

from bnet.corpora import download
from bnet.corpora.download import Fetched, Remote, fetch, fetch_all
from bnet.corpora.part import public
from bnet.errors import BnetError

DATA = np.random.default_rng(1).bytes(1_500_000)
OTHER = np.random.default_rng(2).bytes(1_500_000)
NAME = "archive.zip"


def checksum(data: bytes, kind: str = "sha256") -> str:
    return f"{kind}:{hashlib.new(kind, data).hexdigest()}"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """The waits between tries, a hundredth of what they are."""
    monkeypatch.setattr(download, "WAIT", download.WAIT / 100)
    monkeypatch.setattr(download, "LONGEST_WAIT", download.LONGEST_WAIT / 100)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(tmp_path):
    """A server of one archive and twelve songs."""
    folder = tmp_path / "served"
    (folder / "songs").mkdir(parents=True)
    (folder / NAME).write_bytes(DATA)
    for i in range(12):
        (folder / f"songs/{i}.mp3").write_bytes(song(i))
    with serve(folder) as running:
        yield running


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where it goes to; not made yet."""
    return tmp_path / "data" / "corpus"


def song(i: int) -> bytes:
    return np.random.default_rng(100 + i).bytes(2000 + i)


def songs(server) -> list[Remote]:
    return [Remote(server.url(f"songs/{i}.mp3"), f"Dance {i % 2}/{i}.mp3", checksum(song(i), "md5")) for i in range(12)]


def get(server, folder, checked: bool = False, **options) -> bytes:
    """Fetch the archive and return what came."""
    remote = Remote(server.url(NAME), NAME, checksum(DATA) if checked else "", options.pop("size", None))
    path = fetch(remote, folder, progress=False, **{"timeout": 5.0, **options})
    assert path == folder / NAME
    return path.read_bytes()


def fails(*words: str, call) -> str:
    with pytest.raises(BnetError) as caught:
        call()
    text = str(caught.value)
    for word in words:
        assert word in text, text
    assert "\n" not in text
    return text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".download.lock")


def ranges(server) -> list[str | None]:
    return [request.headers.get("Range") for request in server.requests]


# one file


@pytest.mark.parametrize("kind", ["", "md5", "sha1", "sha256"])
def test_a_file(server, folder, kind):
    published = checksum(DATA, kind) if kind else ""
    remote = Remote(server.url(NAME), f"deep/er/{NAME}", published)
    path = fetch(remote, folder, progress=False)
    assert path == folder / "deep/er" / NAME
    assert path.read_bytes() == DATA
    assert names(folder) == [NAME]
    assert fetch(remote, folder, progress=False) == path
    assert server.count() == 1
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert server.requests[0].headers["User-Agent"].startswith("bnet/")


def test_a_file_that_is_there_is_kept_or_not(server, folder):
    folder.mkdir(parents=True)
    for content, options, requests in [
        (b"mine", {}, 0),
        (b"", {}, 1),
        (b"mine", {"size": len(DATA)}, 1),
        (OTHER, {"size": len(DATA)}, 0),
        (OTHER, {"checked": True}, 1),
        (DATA, {"checked": True}, 0),
        (DATA + b"more", {"checked": True, "size": len(DATA)}, 1),
    ]:
        (folder / NAME).write_bytes(content)
        server.requests.clear()
        assert get(server, folder, **options) == (DATA if requests else content)
        assert server.count() == requests


def test_a_checksum_in_capitals(server, folder):
    kind, digest = checksum(DATA).split(":")
    fetch(Remote(server.url(NAME), NAME, f"{kind}:{digest.upper()}"), folder)
    assert names(folder) == [NAME]


def test_a_wrong_file_is_replaced_only_by_a_good_one(server, folder, capfd):
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(OTHER)
    server.rules[NAME] = Rule(status=404)
    fails("404", call=lambda: get(server, folder, checked=True))
    assert (folder / NAME).read_bytes() == OTHER
    assert f"1 files in {folder} are not as published, such as {NAME}" in capfd.readouterr().err


def test_a_file_that_cannot_be_read(server, folder):
    (folder / NAME).mkdir(parents=True)
    fails("could not write", NAME, call=lambda: get(server, folder))


@pytest.mark.parametrize("checked", [True, False])
def test_a_connection_that_breaks_is_resumed(server, folder, checked):
    server.rules[NAME] = Rule(break_after=400_000)
    assert get(server, folder, checked) == DATA
    assert ranges(server) == [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]
    assert [request.status for request in server.requests] == [200, 206, 206, 206]
    assert names(folder) == [NAME]


def test_a_try_that_got_far_does_not_count(server, folder):
    server.rules[NAME] = Rule(break_after=300_000)
    assert get(server, folder, retries=1) == DATA
    assert server.count() == 5
    server.rules[NAME] = Rule(break_after=100_000)
    (folder / NAME).unlink()
    fails("broke off in 3 tries", call=lambda: get(server, folder, retries=2))


def test_a_server_that_falls_silent_is_left(server, folder):
    server.rules[NAME] = Rule(stall_after=700_000, times=2)
    assert get(server, folder, timeout=0.3) == DATA
    assert [request.status for request in server.requests] == [200, 206, 206]


def test_a_server_that_never_speaks(folder):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote(f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}", NAME)
        fails("no answer within 0.2 s in 2 tries", call=lambda: fetch(remote, folder, timeout=0.2, retries=1))


@pytest.mark.parametrize("validators", [("ETag",), ("Last-Modified",), ("ETag", "Last-Modified")])
def test_the_version_is_checked_when_resuming(server, folder, validators):
    server.rules[NAME] = Rule(break_after=400_000, validators=validators)
    fails("broke off", call=lambda: get(server, folder, retries=0))
    assert names(folder) == [f".{NAME}.part.json", f"{NAME}.part"]
    server.rules.clear()
    assert get(server, folder) == DATA
    assert server.requests[1].headers["If-Range"].startswith('"' if "ETag" in validators else "")
    assert [request.status for request in server.requests] == [200, 206]


def test_a_weak_etag_is_not_asked_for(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, times=1, headers={"ETag": 'W/"1"'})
    assert get(server, folder) == DATA
    assert server.requests[1].headers["If-Range"].endswith("GMT")


@pytest.mark.parametrize("checked", [True, False])
def test_content_that_changes_between_two_tries(server, folder, checked):
    """The validator tells: nothing of the two versions is mixed."""
    server.rules[NAME] = Rule(break_after=400_000, bodies=(OTHER, DATA), times=1)
    assert get(server, folder, checked) == DATA
    assert [request.status for request in server.requests] == [200, 200]


def test_content_that_changes_behind_a_server_without_validators(server, folder):
    """The checksum tells, and the file is fetched once more from its start."""
    server.rules[NAME] = Rule(break_after=400_000, bodies=(OTHER,), validators=(), times=1)
    fails("broke off", call=lambda: get(server, folder, checked=True, retries=0))
    assert get(server, folder, checked=True) == DATA
    assert ranges(server) == [None, "bytes=400000-", None]


def test_content_that_changes_for_ever(server, folder):
    server.rules[NAME] = Rule(break_after=800_000, bodies=(OTHER, DATA, OTHER, DATA), validators=())
    fails("its sha256 is", call=lambda: get(server, folder, checked=True))
    assert ranges(server) == [None, "bytes=800000-", None, "bytes=800000-"]
    assert names(folder) == []


def test_without_validator_and_checksum_nothing_is_resumed(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, validators=(), times=1)
    assert get(server, folder) == DATA
    assert ranges(server) == [None, None]


def test_another_address_does_not_go_on_with_the_version_of_the_first(server, folder):
    (server.folder / "mirror.zip").write_bytes(OTHER)
    server.rules[NAME] = Rule(break_after=400_000)
    fails("broke off", call=lambda: get(server, folder, retries=0))
    path = fetch(Remote(server.url("mirror.zip"), NAME), folder)
    assert path.read_bytes() == OTHER
    assert ranges(server) == [None, None]


def test_a_server_that_ignores_ranges(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, ranges=False, times=1)
    assert get(server, folder) == DATA
    server.rules[NAME] = Rule(ranges=False)
    (folder / NAME).rename(folder / f"{NAME}.part")
    os.truncate(folder / f"{NAME}.part", 1000)
    assert get(server, folder, checked=True) == DATA
    assert [(request.status, request.headers.get("Range")) for request in server.requests[2:]] == [(200, "bytes=1000-")]


def test_a_server_that_breaks_off_and_ignores_ranges_is_given_up(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, ranges=False)
    fails("broke off in 4 tries", "the same command goes on", call=lambda: get(server, folder, retries=3))
    assert server.count() == 4


def test_a_server_that_resumes_elsewhere(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, wrong_start=7, times=2)
    assert get(server, folder) == DATA
    assert ranges(server) == [None, "bytes=400000-", None]


@pytest.mark.parametrize(("have", "requests"), [(DATA, 1), (DATA + b"x", 2)])
def test_a_part_that_has_all_or_more(server, folder, have, requests):
    """The server answers 416: its range begins at the end."""
    folder.mkdir(parents=True)
    (folder / f"{NAME}.part").write_bytes(have)
    assert get(server, folder, checked=True) == DATA
    assert [request.status for request in server.requests] == [416, 200][:requests]
    assert names(folder) == [NAME]


def test_a_part_of_the_published_size_needs_no_request(server, folder):
    folder.mkdir(parents=True)
    for part, requests in ((DATA, 0), (OTHER, 1), (DATA + b"x", 1)):
        (folder / f"{NAME}.part").write_bytes(part)
        server.requests.clear()
        assert get(server, folder, checked=True, size=len(DATA)) == DATA
        assert ranges(server) == [None] * requests
        (folder / NAME).unlink()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_a_server_in_trouble_is_asked_again(server, folder, status):
    server.rules[NAME] = Rule(status=status, times=3)
    assert get(server, folder) == DATA
    assert server.count() == 4


def test_a_server_in_trouble_for_ever(server, folder):
    server.rules[NAME] = Rule(status=503, headers={"Retry-After": "3600"})
    fails("503", "in 3 tries", "same command", call=lambda: get(server, folder, retries=2))
    assert server.count() == 3


@pytest.mark.parametrize("late", ["1", "Fri, 31 Dec 2100 23:59:59 GMT", "nonsense"])
def test_retry_after_is_heeded_within_reason(server, folder, late, monkeypatch):
    monkeypatch.setattr(download, "LONGEST_WAIT", 0.5)
    server.rules[NAME] = Rule(status=429, times=1, headers={"Retry-After": late})
    waits = []
    monkeypatch.setattr(download.Stop, "wait", lambda self, seconds: waits.append(seconds))
    assert get(server, folder) == DATA
    assert waits == [download.WAIT if late == "nonsense" else 0.5]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_file_that_is_not_to_be_had(server, folder, status):
    server.rules[NAME] = Rule(status=status)
    fails(f"{NAME} could not be fetched: {status}", server.url(NAME), "put it into", call=lambda: get(server, folder))
    assert server.count() == 1
    assert names(folder) == []


def test_a_wrong_checksum_says_both_and_leaves_nothing(server, folder):
    server.rules[NAME] = Rule(bodies=(OTHER,))
    text = fails("the source has changed", "nothing was kept", call=lambda: get(server, folder, checked=True))
    assert checksum(OTHER)[7:] in text
    assert checksum(DATA)[7:] in text
    assert names(folder) == []
    assert server.count() == 1


def test_another_size_than_published_is_refused_before_it_comes(server, folder):
    fails("1500000 bytes, expected 7", call=lambda: get(server, folder, size=7))
    assert names(folder) == []


def test_a_promise_of_more_than_comes(server, folder):
    server.rules[NAME] = Rule(extra_length=10)
    assert get(server, folder) == DATA  # asked for the rest, the server says that there is none
    assert [request.status for request in server.requests] == [200, 416]
    server.rules[NAME] = Rule(extra_length=10, ranges=False)
    (folder / NAME).unlink()
    fails("in 2 tries", call=lambda: get(server, folder, retries=1))


def test_a_promise_of_less_than_there_is(server, folder):
    server.rules[NAME] = Rule(extra_length=-10)
    fails("its sha256 is", call=lambda: get(server, folder, checked=True))
    fails("1499990 bytes, expected 1500000", call=lambda: get(server, folder, size=len(DATA)))


@pytest.mark.parametrize("cut", [False, True])
def test_a_server_that_promises_no_length(server, folder, cut):
    """Where nothing is published, nobody can tell half a file; with a size or a checksum one can."""
    server.rules[NAME] = Rule(length=False, break_after=400_000 if cut else None, times=1)
    assert get(server, folder, size=len(DATA)) == DATA
    assert server.count() == 1 + cut


def test_an_empty_file_is_no_file(server, folder):
    server.rules[NAME] = Rule(bodies=(b"",))
    fails("an empty file", call=lambda: get(server, folder))
    assert names(folder) == []


def test_a_web_page_is_no_archive(server, folder):
    server.rules[NAME] = Rule(bodies=(b"<html>Please log in",), headers={"Content-Type": "text/html; charset=utf-8"})
    fails("a web page instead of the file", call=lambda: get(server, folder))
    assert names(folder) == []


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_packed_file_stays_packed(server, folder, encoding):
    """Many servers call a .tar.gz an encoded tar; its checksum is that of the packed file."""
    packed = gzip.compress(DATA)
    server.rules["a.tar.gz"] = Rule(bodies=(packed,), headers={"Content-Encoding": encoding}, break_after=700_000)
    remote = Remote(server.url("a.tar.gz"), "a.tar.gz", checksum(packed), len(packed))
    assert fetch(remote, folder).read_bytes() == packed
    assert ranges(server) == [None, "bytes=700000-", "bytes=1400000-"]


def test_a_file_that_the_server_packs_is_unpacked(server, folder):
    server.rules["a.xml"] = Rule(bodies=(gzip.compress(DATA),), headers={"Content-Encoding": "gzip"})
    assert fetch(Remote(server.url("a.xml"), "a.xml", checksum(DATA)), folder).read_bytes() == DATA


def test_a_redirection_is_followed(server, folder):
    server.rules["old.zip"] = Rule(status=302, headers={"Location": f"/{NAME}"})
    assert fetch(Remote(server.url("old.zip"), NAME), folder).read_bytes() == DATA
    server.rules["loop.zip"] = Rule(status=302, headers={"Location": "/loop.zip"})
    fails("can't be followed (TooManyRedirects)", call=lambda: fetch(Remote(server.url("loop.zip"), "b.zip"), folder))
    server.rules["file.zip"] = Rule(status=302, headers={"Location": "file:///etc/passwd"})
    fails("can't be followed (InvalidSchema)", call=lambda: fetch(Remote(server.url("file.zip"), "b.zip"), folder))


def test_names_with_spaces_and_letters(server, folder):
    name = "Dance 1/Jóga & co #1?.mp3"
    (server.folder / "Dance 1").mkdir()
    (server.folder / name).write_bytes(b"sound")
    assert fetch(Remote(server.url(name), name), folder).read_bytes() == b"sound"
    assert (folder / name).is_file()


def test_credentials_are_sent_and_never_shown(server, folder, capfd):
    url = server.url(NAME).replace("http://", "http://me:secret@") + "?token=secret"
    server.rules[NAME] = Rule(break_after=400_000)
    with pytest.raises(BnetError) as caught:
        fetch(Remote(url, NAME), folder, retries=0)
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "secret" not in json.loads((folder / f".{NAME}.part.json").read_text())["url"]
    dead = f"http://me:secret@127.0.0.1:{free_port()}/a?token=secret"
    assert "secret" not in fails("Connection refused", call=lambda: fetch(Remote(dead, "b"), folder, retries=0))
    assert "secret" not in fails("address", call=lambda: fetch(Remote("ftp://me:secret@x/a", "b"), folder))
    assert "secret" not in capfd.readouterr().err


def test_public():
    assert public("https://me:pw@host:8/a%20b?x=1#y") == "https://host:8/a%20b?..."
    assert public("http://host/a") == "http://host/a"


def test_a_damaged_note_is_no_harm(server, folder):
    folder.mkdir(parents=True)
    for note in (b"", b"\xff{", b"[]", b"{}", b'{"url": 7, "validator": []}'):
        (folder / f"{NAME}.part").write_bytes(DATA[:1000])
        (folder / f".{NAME}.part.json").write_bytes(note)
        assert get(server, folder) == DATA
        (folder / NAME).unlink()
    assert ranges(server) == [None] * 5


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (Remote("ftp://host/a", "a"), "expected http"),
        (Remote("file:///etc/passwd", "a"), "expected http"),
        (Remote("http:///a", "a"), "expected http"),
        (Remote("http://[x/a", "a"), "expected http"),
        (Remote("http://host:99999/a", "a"), "expected http"),
        (Remote("", "a"), "expected http"),
        (Remote("http://host/a", "../a"), "'..'"),
        (Remote("http://host/a", "/etc/a"), "absolute"),
        (Remote("http://host/a", "C:/a"), "drive letter"),
        (Remote("http://host/a", "a\\b"), "backslash"),
        (Remote("http://host/a", ""), "is empty"),
        (Remote("http://host/a", "./"), "is empty"),
        (Remote("http://host/a", "a", "abc"), "can't be read"),
        (Remote("http://host/a", "a", "md5:abc"), "can't be read"),
        (Remote("http://host/a", "a", "crc32:" + "0" * 8), "can't be read"),
        (Remote("http://host/a", "a", "md5:" + "g" * 32), "can't be read"),
    ],
)
def test_refused_at_the_door(folder, remote, words):
    fails(words, call=lambda: fetch(remote, folder))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "workers is 0"),
        ({"retries": -1}, "retries is -1"),
        ({"timeout": 0}, "timeout of 0"),
        ({"timeout": float("nan")}, "timeout of nan"),
    ],
)
def test_settings_refused_at_the_door(folder, options, words):
    fails(words, call=lambda: fetch_all([], folder, **options))


# many files


def test_all(server, folder):
    assert fetch_all(songs(server), folder, progress=False) == Fetched(12, 0)
    for i in range(12):
        assert (folder / f"Dance {i % 2}/{i}.mp3").read_bytes() == song(i)
    assert len(names(folder)) == 12
    assert fetch_all(songs(server), folder, progress=False) == Fetched(0, 12)
    (folder / "Dance 1/3.mp3").unlink()
    (folder / "Dance 0/4.mp3").write_bytes(b"half")
    assert fetch_all(songs(server), folder, progress=False) == Fetched(2, 10)
    assert server.count() == 14


def test_connections_are_kept(server, folder):
    """Twelve songs over few connections: what a server of 4 180 of them is grateful for."""
    accepted: list[object] = []
    original = server._server.get_request
    server._server.get_request = lambda: accepted.append(1) or original()
    fetch_all(songs(server), folder, workers=2, progress=False)
    assert len(accepted) <= 2


def test_bad_files_do_not_stop_the_others(server, folder):
    for i, rule in {
        1: Rule(status=404),
        2: Rule(status=410),
        3: Rule(bodies=(b"another song",)),
        4: Rule(status=503),
        5: Rule(status=503, times=2),
        6: Rule(break_after=1000),
        7: Rule(stall_after=100),
        8: Rule(bodies=(b"<html>",), headers={"Content-Type": "text/html"}),
    }.items():
        server.rules[f"songs/{i}.mp3"] = rule
    result = fetch_all(songs(server), folder, retries=3, timeout=0.3, workers=1, progress=False)
    assert (result.new, result.kept) == (6, 0)
    reasons = {path.split("/")[1].split(".")[0]: reason for path, reason in result.failed.items()}
    assert set(reasons) == {"1", "2", "3", "4", "7", "8"}
    assert "404" in reasons["1"]
    assert "410" in reasons["2"]
    assert "md5" in reasons["3"]
    assert "503" in reasons["4"]
    assert "nothing more came" in reasons["7"]
    assert "md5" in reasons["8"]
    assert server.url("songs/1.mp3") in reasons["1"]


def test_songs_that_are_all_gone_are_each_named(server, folder):
    remotes = [Remote(server.url(f"gone/{i}.mp3"), f"{i}.mp3") for i in range(20)]
    result = fetch_all(remotes, folder, progress=False)
    assert len(result.failed) == 20
    assert result.new == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return closed.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "nowhere.invalid"])
def test_a_host_that_is_not_there_ends_it_soon(folder, host):
    address = host.format(port=free_port())
    remotes = [Remote(f"http://{address}/{i}.mp3", f"{i}.mp3") for i in range(500)]
    fails(f"{address} does not give", "3 others in a row", call=lambda: fetch_all(remotes, folder, progress=False))


def test_a_host_that_goes_in_the_middle_ends_it(server, folder):
    for i in range(5, 12):
        server.rules[f"songs/{i}.mp3"] = Rule(status=503)
    fails(server.address, "503", call=lambda: fetch_all(songs(server), folder, workers=1, retries=1, progress=False))
    assert names(folder) == ["0.mp3", "1.mp3", "2.mp3", "3.mp3", "4.mp3"]
    server.rules.clear()
    assert fetch_all(songs(server), folder, progress=False) == Fetched(7, 5)


def test_two_files_of_one_name(server, folder):
    remotes = [Remote(server.url(NAME), "a.zip"), Remote(server.url(NAME), "A.zip")]
    fails("'A.zip'", call=lambda: fetch_all(remotes, folder))


def test_a_whole_folder_need_not_be_writable(server, folder, monkeypatch):
    fetch_all(songs(server), folder, progress=False)
    monkeypatch.setattr(download, "writable_dir", lambda *_: pytest.fail("wrote"))
    assert fetch_all(songs(server), folder, progress=False).kept == 12


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    fails("cannot write to the data folder", "BNET_DATA", call=lambda: get(server, tmp_path / "file" / "corpus"))


def test_nothing_is_drawn_where_there_is_no_terminal(server, folder, capfd):
    fetch_all(songs(server), folder)
    fetch(Remote(server.url(NAME), NAME), folder)
    assert capfd.readouterr() == ("", "")


# kills, interrupts, full disks, other processes

SCRIPT = """
import resource, sys
from pathlib import Path
from bnet.corpora import download
from bnet.errors import BnetError
download.WAIT = 0.01
{before}
remotes = [download.Remote(url, path, checksum, size) for url, path, checksum, size in {remotes!r}]
try:
    print(download.fetch_all(remotes, Path({folder!r}), timeout=20), flush=True)
except BnetError as error:
    print(error)
except KeyboardInterrupt:
    print("interrupted")
"""


def start(remotes: list[Remote], folder: Path, before: str = "") -> subprocess.Popen:
    """Another process that fetches."""
    rows = [(remote.url, remote.path, remote.checksum, remote.size) for remote in remotes]
    script = SCRIPT.format(remotes=rows, folder=str(folder), before=before)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def running(process: subprocess.Popen):
    """End a process with the block, whatever happens."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


def wait_for(path: Path, size: int) -> None:
    until(lambda: path.is_file() and path.stat().st_size >= size)


@pytest.mark.parametrize("checked", [True, False])
def test_killed_in_the_middle_and_run_again(server, folder, checked):
    server.rules[NAME] = Rule(bytes_per_second=1_000_000)
    remote = Remote(server.url(NAME), NAME, checksum(DATA) if checked else "")
    part = folder / f"{NAME}.part"
    with running(start([remote], folder)) as process:
        wait_for(part, 200_000)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (folder / NAME).exists()
    have = part.read_bytes()
    assert 200_000 <= len(have) < len(DATA)
    assert have == DATA[: len(have)]
    server.rules.clear()
    assert get(server, folder, checked) == DATA
    assert ranges(server) == [None, f"bytes={len(have)}-"]
    assert names(folder) == [NAME]


def test_killed_among_many_and_run_again(server, folder):
    for i in range(12):
        server.rules[f"songs/{i}.mp3"] = Rule(bytes_per_second=4_000)
    with running(start(songs(server), folder)) as process:
        until(lambda: folder.exists() and sum(name.endswith(".mp3") for name in names(folder)) >= 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
    server.rules.clear()
    result = fetch_all(songs(server), folder, progress=False)
    assert result.new + result.kept == 12
    assert result.kept >= 4
    assert result.new > 0
    assert names(folder) == sorted(f"{i}.mp3" for i in range(12))


@pytest.mark.parametrize("rule", [Rule(bytes_per_second=200_000), Rule(stall_after=200_000)])
def test_an_interrupt_ends_it_soon_and_keeps_what_came(server, folder, rule):
    server.rules[NAME] = rule
    with running(start([Remote(server.url(NAME), NAME)], folder)) as process:
        wait_for(folder / f"{NAME}.part", 100_000)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)  # less than its time-out of 20 s
    assert out == "interrupted\n", err
    server.rules.clear()
    assert get(server, folder) == DATA
    assert server.requests[-1].status == 206


def test_a_full_disk_keeps_what_came(server, folder):
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))"
    with running(start([Remote(server.url(NAME), NAME), *songs(server)[:3]], folder, full)) as process:
        out, err = process.communicate(timeout=60)
    assert "could not write" in out, err
    assert "File too large" in out
    assert f"{len(DATA) - 600_000} bytes more needed" in out
    assert "free; what has come is kept" in out
    assert (folder / f"{NAME}.part").read_bytes() == DATA[:600_000]
    assert get(server, folder) == DATA
    assert server.requests[-1].headers["Range"] == "bytes=600000-"


def test_no_room_is_said_before_it_comes(server, folder):
    server.rules[NAME] = Rule(headers={"Content-Length": str(2**60)})
    fails("no room", f"{2**30:.2f} GiB more needed", "GiB free", "BNET_DATA", call=lambda: get(server, folder))
    assert names(folder) == []


def test_two_processes(server, folder, capfd):
    server.rules[NAME] = Rule(bytes_per_second=1_500_000)
    remote = Remote(server.url(NAME), NAME)
    with running(start([remote], folder)) as process:
        wait_for(folder / f"{NAME}.part", 100_000)
        assert fetch_all([remote], folder, progress=False) == Fetched(0, 1)
        out, err = process.communicate(timeout=30)
    assert out == f"{Fetched(1, 0)}\n", err
    assert "another process fetches into" in capfd.readouterr().err
    assert server.count() == 1
