"""Downloads from a real server: whole and checked or not at all; resumed; each failure said and counted."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from children import answer, child
from conftest import until
from httpserver import Rule, serve

from bnet.corpora import download
from bnet.corpora.download import Fetched, Remote, fetch_all, public
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


def fetch(remote: Remote, folder: Path, **options) -> bytes:
    """Fetch one file and return what came; raise the reason if it could not be had."""
    for path, reason in fetch_all([remote], folder, **{"timeout": 5.0, **options}).failed.items():
        raise BnetError(f"{path}: {reason}")
    return (folder / remote.path).read_bytes()


def get(server, folder, checked: bool = False, **options) -> bytes:
    """Fetch the archive."""
    return fetch(Remote(server.url(NAME), NAME, checksum(DATA) if checked else ""), folder, **options)


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


def statuses(server) -> list[int]:
    return [request.status for request in server.requests]


# one file


@pytest.mark.parametrize("kind", ["", "md5", "sha1", "sha256"])
def test_a_file(server, folder, kind):
    published = checksum(DATA, kind) if kind else ""
    remote = Remote(server.url(NAME), f"deep/er/{NAME}", published.upper().replace(kind.upper(), kind))
    assert fetch(remote, folder) == DATA
    assert names(folder) == [NAME]
    assert fetch(remote, folder) == DATA
    assert server.count() == 1
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert server.requests[0].headers["User-Agent"].startswith("bnet/")


def test_its_size_is_said_first_or_that_it_is_not_told(server, folder, capfd):
    get(server, folder)
    assert capfd.readouterr() == ("", f"bnet: {NAME}: 1.4 MiB\n")  # and no bar where there is no terminal
    server.rules["songs/1.mp3"] = Rule(length=False)
    fetch(Remote(server.url("songs/1.mp3"), "1.mp3"), folder)
    assert capfd.readouterr().err == "bnet: 1.mp3: the server does not tell its size\n"
    (folder / NAME).unlink()
    server.rules[NAME] = Rule(break_after=1_048_576, times=2)
    get(server, folder)
    assert capfd.readouterr().err.splitlines()[1] == f"bnet: {NAME}: resumed after 1.0 MiB, then 451424 bytes"
    fetch_all(songs(server) + [Remote(server.url(NAME), str(i)) for i in range(20)], folder)
    assert capfd.readouterr() == ("", "")  # too many to name


def test_a_file_that_is_there_is_kept_or_not(server, folder):
    folder.mkdir(parents=True)
    for content, checked, requests in [
        (b"mine", False, 0),
        (b"", False, 1),
        (OTHER, True, 1),
        (DATA, True, 0),
        (DATA + b"more", True, 1),
    ]:
        (folder / NAME).write_bytes(content)
        server.requests.clear()
        assert get(server, folder, checked) == (DATA if requests else content)
        assert server.count() == requests


def test_a_wrong_file_is_replaced_only_by_a_good_one(server, folder, capfd):
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(OTHER)
    server.rules[NAME] = Rule(status=404)
    fails("404", call=lambda: get(server, folder, checked=True))
    assert (folder / NAME).read_bytes() == OTHER
    assert f"1 files in {folder} are not as published, such as {NAME}" in capfd.readouterr().err


def test_a_file_that_cannot_be_written(server, folder):
    (folder / NAME).mkdir(parents=True)
    fails("could not write", NAME, call=lambda: get(server, folder))


@pytest.mark.parametrize("validators", [("ETag",), ("Last-Modified",), ("ETag", "Last-Modified")])
def test_a_connection_that_breaks_is_resumed(server, folder, validators):
    server.rules[NAME] = Rule(break_after=400_000, validators=validators)
    fails("broke off", call=lambda: get(server, folder, retries=0))
    assert names(folder) == [f".{NAME}.part.txt", f"{NAME}.part"]
    assert get(server, folder) == DATA
    assert ranges(server) == [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]
    assert server.requests[1].headers["If-Range"].startswith('"' if "ETag" in validators else "")
    assert statuses(server) == [200, 206, 206, 206]
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
    assert statuses(server) == [200, 206, 206]


def test_a_server_that_never_speaks(folder):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote(f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}", NAME)
        fails("no answer within 0.2 s in 2 tries", call=lambda: fetch(remote, folder, timeout=0.2, retries=1))


def test_a_weak_etag_is_not_asked_for(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, times=1, headers={"ETag": 'W/"1"'})
    assert get(server, folder) == DATA
    assert server.requests[1].headers["If-Range"].endswith("GMT")


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("validators", [(), ("ETag", "Last-Modified")])
def test_content_that_changes_between_two_tries_is_never_mixed(server, folder, checked, validators):
    server.rules[NAME] = Rule(break_after=400_000, bodies=(OTHER, DATA), times=1, validators=validators)
    assert get(server, folder, checked) == DATA
    assert statuses(server) == [200, 200]
    assert ranges(server) == [None, "bytes=400000-" if validators else None]


def test_another_address_does_not_go_on_with_the_version_of_the_first(server, folder):
    (server.folder / "mirror.zip").write_bytes(OTHER)
    server.rules[NAME] = Rule(break_after=400_000)
    fails("broke off", call=lambda: get(server, folder, retries=0))
    assert fetch(Remote(server.url("mirror.zip"), NAME), folder) == OTHER
    assert ranges(server) == [None, None]


def test_a_server_that_ignores_ranges(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, ranges=False, times=1)
    assert get(server, folder) == DATA
    server.rules[NAME] = Rule(break_after=400_000, ranges=False)
    (folder / NAME).unlink()
    fails("broke off in 4 tries", "the same command resumes", call=lambda: get(server, folder, retries=3))
    assert server.count() == 6


def test_a_server_that_resumes_elsewhere(server, folder):
    server.rules[NAME] = Rule(break_after=400_000, wrong_start=7, times=2)
    assert get(server, folder) == DATA
    assert ranges(server) == [None, "bytes=400000-", None]


@pytest.mark.parametrize(("have", "requests"), [(DATA, 1), (DATA + b"x", 2)])
def test_a_part_that_has_all_or_more(server, folder, have, requests):
    """The server answers 416: its range begins at the end."""
    server.rules[NAME] = Rule(break_after=400_000, times=1)
    fails("broke off", call=lambda: get(server, folder, retries=0))
    (folder / f"{NAME}.part").write_bytes(have)
    assert get(server, folder) == DATA
    assert statuses(server)[1:] == [416, 200][:requests]
    assert names(folder) == [NAME]


def test_a_part_of_unknown_version_is_not_resumed(server, folder):
    folder.mkdir(parents=True)
    for note in (None, b"", b"\xff{", b"\n\n\n", server.url(NAME).encode() + b"\n\n"):
        (folder / f"{NAME}.part").write_bytes(OTHER[:1000])
        if note is not None:
            (folder / f".{NAME}.part.txt").write_bytes(note)
        assert get(server, folder) == DATA
        (folder / NAME).unlink()
    assert ranges(server) == [None] * 5


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_a_server_in_trouble_is_asked_again(server, folder, status):
    server.rules[NAME] = Rule(status=status, times=3)
    assert get(server, folder) == DATA
    assert server.count() == 4


def test_a_server_in_trouble_for_ever(server, folder):
    server.rules[NAME] = Rule(status=503, headers={"Retry-After": "3600"})
    fails("503", "in 3 tries", "same command", call=lambda: get(server, folder, retries=2))
    assert server.count() == 3


@pytest.mark.parametrize("late", ["1", "nonsense"])
def test_retry_after_is_heeded_within_reason(server, folder, late, monkeypatch):
    monkeypatch.setattr(download, "LONGEST_WAIT", 0.5)
    waits = []
    event = type("Event", (threading.Event,), {"wait": lambda self, seconds: waits.append(seconds)})
    monkeypatch.setattr(download, "threading", SimpleNamespace(Event=event))
    server.rules[NAME] = Rule(status=429, times=1, headers={"Retry-After": late})
    assert get(server, folder) == DATA
    assert waits == [download.WAIT if late == "nonsense" else 0.5]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_file_that_is_not_to_be_had(server, folder, status):
    server.rules[NAME] = Rule(status=status)
    fails(f"{NAME}: {status}", server.url(NAME), call=lambda: get(server, folder))
    assert server.count() == 1
    assert names(folder) == []


def test_a_wrong_checksum_says_both_and_leaves_nothing(server, folder):
    server.rules[NAME] = Rule(bodies=(OTHER,))
    text = fails("has altered it", "nothing was kept", call=lambda: get(server, folder, checked=True))
    assert checksum(OTHER)[7:] in text
    assert checksum(DATA)[7:] in text
    assert names(folder) == []
    assert server.count() == 1


def test_a_promise_of_more_than_comes(server, folder):
    server.rules[NAME] = Rule(extra_length=10)
    assert get(server, folder) == DATA  # asked for the rest, the server says that there is none
    assert statuses(server) == [200, 416]
    server.rules[NAME] = Rule(extra_length=10, ranges=False)
    (folder / NAME).unlink()
    fails("in 2 tries", call=lambda: get(server, folder, retries=1))


def test_a_promise_of_less_than_there_is(server, folder):
    server.rules[NAME] = Rule(extra_length=-10)
    fails("its sha256 is", call=lambda: get(server, folder, checked=True))


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
    assert fetch(Remote(server.url("a.tar.gz"), "a.tar.gz", checksum(packed)), folder) == packed
    assert ranges(server) == [None, "bytes=700000-", "bytes=1400000-"]


def test_a_redirection_is_followed(server, folder):
    server.rules["old.zip"] = Rule(status=302, headers={"Location": f"/{NAME}"})
    assert fetch(Remote(server.url("old.zip"), NAME), folder) == DATA
    server.rules["loop.zip"] = Rule(status=302, headers={"Location": "/loop.zip"})
    fails("not accepted (TooManyRedirects)", call=lambda: fetch(Remote(server.url("loop.zip"), "b.zip"), folder))
    server.rules["file.zip"] = Rule(status=302, headers={"Location": "file:///etc/passwd"})
    fails("not accepted (InvalidSchema)", call=lambda: fetch(Remote(server.url("file.zip"), "b.zip"), folder))


def test_names_with_spaces_and_letters(server, folder):
    name = "Dance 1/Jóga & co #1?.mp3"
    (server.folder / "Dance 1").mkdir()
    (server.folder / name).write_bytes(b"sound")
    assert fetch(Remote(server.url(name), name), folder) == b"sound"
    assert (folder / name).is_file()


def test_credentials_are_sent_and_never_shown(server, folder, capfd):
    url = server.url(NAME).replace("http://", "http://me:secret@") + "?token=secret"
    server.rules[NAME] = Rule(break_after=400_000)
    with pytest.raises(BnetError) as caught:
        fetch(Remote(url, NAME), folder, retries=0)
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert "secret" not in str(caught.value)
    assert "secret" not in (folder / f".{NAME}.part.txt").read_text()
    dead = f"http://me:secret@127.0.0.1:{free_port()}/a?token=secret"
    assert "secret" not in fails("Connection refused", call=lambda: fetch(Remote(dead, "b"), folder, retries=0))
    assert "secret" not in capfd.readouterr().err


def test_public():
    assert public("https://me:pw@host:8/a%20b?x=1#y") == "https://host:8/a%20b?..."
    assert public("http://host/a") == "http://host/a"


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_none(folder, timeout):
    fails(f"a timeout of {timeout}", call=lambda: fetch_all([], folder, timeout=timeout))


# many files


def test_all(server, folder):
    assert fetch_all(songs(server), folder) == Fetched(12, 0)
    for i in range(12):
        assert (folder / f"Dance {i % 2}/{i}.mp3").read_bytes() == song(i)
    assert len(names(folder)) == 12
    assert fetch_all(songs(server), folder) == Fetched(0, 12)
    (folder / "Dance 1/3.mp3").unlink()
    (folder / "Dance 0/4.mp3").write_bytes(b"half")
    assert fetch_all(songs(server), folder) == Fetched(2, 10)
    assert server.count() == 14


def test_connections_are_kept(server, folder):
    """Twelve songs over few connections: what a server of 4 180 of them is grateful for."""
    accepted: list[object] = []
    original = server._server.get_request
    server._server.get_request = lambda: accepted.append(1) or original()
    fetch_all(songs(server), folder, workers=2)
    assert len(accepted) <= 2


def test_bad_files_do_not_stop_the_others(server, folder):
    rules = {
        1: (Rule(status=404), "404"),
        2: (Rule(status=410), "410"),
        3: (Rule(bodies=(b"another song",)), "md5"),
        4: (Rule(status=503), "503"),
        5: (Rule(status=503, times=2), ""),
        6: (Rule(break_after=1000), ""),
        7: (Rule(stall_after=100, validators=()), "no answer within 0.3 s"),
        8: (Rule(bodies=(b"<html>",), headers={"Content-Type": "text/html"}), "md5"),
    }
    server.rules |= {f"songs/{i}.mp3": rule for i, (rule, _) in rules.items()}
    result = fetch_all(songs(server), folder, retries=3, timeout=0.3, workers=1)
    assert (result.new, result.kept) == (6, 0)
    reasons = result.failed
    assert {int(path.split("/")[1].split(".")[0]) for path in reasons} == {1, 2, 3, 4, 7, 8}
    for i, (_, reason) in rules.items():
        assert reason in reasons.get(f"Dance {i % 2}/{i}.mp3", "")
    assert server.url("songs/1.mp3") in reasons["Dance 1/1.mp3"]


def test_songs_that_are_all_gone_are_each_named(server, folder):
    result = fetch_all([Remote(server.url(f"gone/{i}.mp3"), f"{i}.mp3") for i in range(20)], folder)
    assert len(result.failed) == 20
    assert result.new == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return closed.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "nowhere.invalid"])
def test_a_host_that_is_not_there_ends_it_soon(folder, host):
    address = host.format(port=free_port())
    remotes = [Remote(f"http://{address}/{i}.mp3", f"{i}.mp3") for i in range(500)]
    fails(f"{address} does not give", "3 others in a row", call=lambda: fetch_all(remotes, folder, retries=1))


def test_a_host_that_goes_in_the_middle_ends_it(server, folder):
    for i in range(5, 12):
        server.rules[f"songs/{i}.mp3"] = Rule(status=503)
    fails(server.address, "503", call=lambda: fetch_all(songs(server), folder, workers=1, retries=1))
    assert names(folder) == ["0.mp3", "1.mp3", "2.mp3", "3.mp3", "4.mp3"]
    server.rules.clear()
    assert fetch_all(songs(server), folder) == Fetched(7, 5)


def test_a_whole_folder_need_not_be_writable(server, folder, monkeypatch):
    fetch_all(songs(server), folder)
    monkeypatch.setattr(download, "writable_dir", lambda *_: pytest.fail("wrote"))
    assert fetch_all(songs(server), folder).kept == 12


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    fails("cannot write to the data folder", "BNET_DATA", call=lambda: get(server, tmp_path / "file" / "corpus"))


# kills, interrupts, full disks, other processes


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("rule", [Rule(bytes_per_second=1_000_000), Rule(stall_after=300_000)])
def test_ended_in_the_middle_and_run_again(server, folder, end, rule):
    """An interrupt ends it soon, also where the server is silent."""
    server.rules[NAME] = rule
    part = folder / f"{NAME}.part"
    with child(fetch_all, [Remote(server.url(NAME), NAME)], folder) as (process, pipe):
        until(lambda: part.is_file() and part.stat().st_size >= 200_000)
        os.kill(process.pid, end)
        process.join(15)  # less than its time-out of 30 s
        assert not process.is_alive()
        assert end == signal.SIGKILL or answer(pipe) == "KeyboardInterrupt: "
    assert not (folder / NAME).exists()
    have = part.read_bytes()
    assert have == DATA[: len(have)]
    server.rules.clear()
    assert get(server, folder) == DATA
    assert ranges(server) == [None, f"bytes={len(have)}-"]
    assert names(folder) == [NAME]


def test_killed_among_many_and_run_again(server, folder):
    for i in range(6, 12):
        server.rules[f"songs/{i}.mp3"] = Rule(stall_after=1000)
    with child(fetch_all, songs(server), folder) as (process, _):
        until(lambda: sum(name.endswith(".mp3") for name in names(folder)) >= 6)
        process.kill()
        process.join()
    server.rules.clear()
    assert fetch_all(songs(server), folder) == Fetched(6, 6)
    assert names(folder) == sorted(f"{i}.mp3" for i in range(12))


def test_a_full_disk_keeps_what_came(server, folder):
    remotes = [Remote(server.url(NAME), NAME), *songs(server)[:3]]
    with child(fetch_all, remotes, folder, largest_file=600_000) as (_, pipe):
        text = answer(pipe)
    for words in ("could not write", "File too large", f"{len(DATA) - 600_000} bytes more needed", "free; what has"):
        assert words in text
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
    with child(fetch_all, [remote], folder) as (_, pipe):
        until((folder / f"{NAME}.part").is_file)
        assert fetch_all([remote], folder) == Fetched(0, 1)
        assert answer(pipe) == Fetched(1, 0)
    assert "another process fetches into" in capfd.readouterr().err
    assert server.count() == 1
