"""Where things live, and how files are written: whole, or not at all."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pooch

from bnet.errors import BnetError

LEFTOVER = 3600
"""A temporary file that nobody has touched for so many seconds was left by a process that was killed."""


def data_dir() -> Path:
    """The folder that holds the user's own corpora: ``$BNET_DATA``, else ``data`` below the working directory."""
    return Path(os.environ.get("BNET_DATA") or "data").expanduser()


def cache_dir() -> Path:
    """The folder for what can be made again (features): ``$BNET_CACHE``, else the user's cache folder."""
    try:
        return Path(os.environ.get("BNET_CACHE") or pooch.os_cache("bnet")).expanduser()
    except RuntimeError as error:  # no HOME, and a user without a name
        raise BnetError("there is no home folder for the cache; set BNET_CACHE to a folder") from error


def results_dir() -> Path:
    """The folder of run records: ``$BNET_RESULTS``, else ``results`` below the project or the working directory."""
    if os.environ.get("BNET_RESULTS"):
        return Path(os.environ["BNET_RESULTS"]).expanduser()
    project = project_dir()
    return (project or Path.cwd()) / "results"


def project_dir() -> Path | None:
    """The checkout that holds ``_toc.yml`` and ``book``: the working directory or a folder above it or the package."""
    package = Path(__file__).resolve().parent
    for folder in [Path.cwd(), *Path.cwd().parents, *package.parents]:
        if (folder / "_toc.yml").is_file() and (folder / "book").is_dir():
            return folder
    return None


def commit(folder: Path, *watched: str) -> tuple[str | None, bool | None]:
    """The commit that is checked out in `folder`, and whether what is `watched` below it differs; None where there is
    no git, or that of another project, which does not track what is `watched`."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "--", *watched)
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--", *watched))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def writable_dir(folder: Path, what: str, variable: str) -> Path:
    """Make `folder` if needed and make sure that a file can be written there.

    Raises
    ------
    BnetError
        If it can't be made or written to; names the environment `variable` that moves it elsewhere.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BnetError(
            f"cannot write to the {what} folder {folder} ({error.strerror or error}); "
            f"free space or make it writable, or set {variable} to another folder"
        ) from error
    return folder


@contextlib.contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn an operating-system error of the block (disk full, no permission) into a `BnetError` that names `what`."""
    try:
        yield
    except OSError as error:
        raise BnetError(
            f"could not write {what} ({error.strerror or error}); nothing half-written was kept; "
            "free space or make the folder writable, then run the same command again"
        ) from error


@contextlib.contextmanager
def alone(lock: Path, waiting: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold an exclusive lock; if another process has it, `say` that one is `waiting`, and wait.

    The system frees the lock when the process ends, however it ends.
    """
    held = filelock.FileLock(lock)
    with disk_errors(f"the lock {lock}"):
        try:
            held.acquire(timeout=0)
        except filelock.Timeout:
            say(waiting)
            held.acquire()
    try:
        yield
    finally:
        held.release()


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` by way of a temporary file beside it, renamed last."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` by way of a temporary file beside it, renamed last."""
    with disk_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.????????"):  # of one that was killed
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFTOVER:
                    left.unlink()
        temporary = _beside(path)
        try:
            with open(temporary, "xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside `target`, and rename it to `target` when the block ends without an error."""
    with disk_errors(str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(target)
        temporary.mkdir()
        try:
            yield temporary
            os.rename(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def sha256(data: bytes | str) -> str:
    """Hexadecimal SHA-256 of bytes, or of a text in UTF-8."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in pieces; a `BnetError` that names it if it can't be read."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        link = f"a link to {os.readlink(path)}: " if os.path.islink(path) else ""
        raise BnetError(
            f"cannot read {path} ({link}{error.strerror or error}); restore it, make it readable, or remove it"
        ) from error


def _beside(path: Path) -> Path:
    """A hidden name beside `path` that nobody else uses. What is made there plainly has the mode that the user's umask
    gives, which can't be asked for without changing it for all threads."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
