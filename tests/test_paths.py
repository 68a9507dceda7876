"""Files and folders that are written whole: their mode is what the user's umask says, which no thread touches."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from bnet import paths
from bnet.errors import BnetError


def test_mode_follows_the_umask_which_stays_untouched(tmp_path, monkeypatch):
    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", None)
            paths.write_text(tmp_path / "file", "x")
            with paths.whole_folder(tmp_path / "folder") as folder:
                (folder / "file").touch()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "folder")]
    assert modes == [0o640, 0o750]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_file_that_cannot_be_read_is_named_with_its_link(tmp_path):
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(
        BnetError, match=r"cannot read .*/link \(a link to gone: No such file or directory\); restore it"
    ):
        paths.sha256_file(tmp_path / "link")


def test_the_commit_of_another_project_is_not_ours(tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e", *words], check=True)

    for name in ("installed", "own"):
        paths.write_text(tmp_path / name / "code.py", "")
    git("init", "--quiet")
    git("add", "own")
    git("commit", "--quiet", "--message", "own")
    assert paths.commit(tmp_path / "installed", ".") == (None, None)
    assert paths.commit(tmp_path / "own", ".")[1] is False
