"""Whole or not at all: after errors, kills, full disks, and with two processes at once."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from helpers.errors import DataError
from helpers.files import make_folder_once, whole_file


def fill(folder):
    (folder / "a").write_text("1")
    (folder / "b").write_text("2")


def visible(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_a_folder_appears_filled(tmp_path):
    made = make_folder_once(tmp_path / "deep" / "made", fill)
    assert visible(made) == ["a", "b"]


def test_a_folder_is_filled_only_once(tmp_path):
    make_folder_once(tmp_path / "made", fill)
    make_folder_once(tmp_path / "made", lambda work: pytest.fail("filled again"))


def test_an_error_leaves_nothing(tmp_path):
    def breaks(work):
        fill(work)
        raise KeyError("broken")

    with pytest.raises(KeyError):
        make_folder_once(tmp_path / "made", breaks)
    assert visible(tmp_path) == []
    assert not list(tmp_path.glob(".*part*"))


SCRIPT = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from helpers.files import make_folder_once

    def fill(work):
        (work / "a").write_text("1")
        Path(sys.argv[2]).touch()
        time.sleep(float(sys.argv[3]))
        (work / "b").write_text("2")
        with open(sys.argv[4], "a") as log:
            log.write("filled\\n")

    make_folder_once(Path(sys.argv[1]), fill)
""")


def start(tmp_path, name, seconds):
    flag, log = tmp_path / f"{name}.flag", tmp_path / "log"
    arguments = [tmp_path / "space" / "made", flag, seconds, log]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, arguments)]), flag


def wait_for(path):
    for _ in range(400):
        if path.exists():
            return
        time.sleep(0.025)
    pytest.fail(f"{path} did not appear")


def test_a_killed_run_leaves_nothing_and_the_next_one_finishes(tmp_path):
    killed, flag = start(tmp_path, "first", 30)
    wait_for(flag)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert visible(tmp_path / "space") == []
    make_folder_once(tmp_path / "space" / "made", fill)
    assert visible(tmp_path / "space" / "made") == ["a", "b"]
    assert not list((tmp_path / "space").glob(".*part*")), "the leftover is cleared away"


def test_two_processes_make_one_folder(tmp_path):
    first, flag = start(tmp_path, "first", 0.5)
    wait_for(flag)
    second, _ = start(tmp_path, "second", 0.5)
    assert first.wait() == second.wait() == 0
    assert (tmp_path / "log").read_text() == "filled\n"
    assert visible(tmp_path / "space" / "made") == ["a", "b"]


def test_a_full_disk_is_explained(tmp_path):
    def full(work):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match=r"made cannot be written: No space left.*Free some space"):
        make_folder_once(tmp_path / "made", full)
    assert visible(tmp_path) == []


def test_an_unwritable_place_is_explained(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"made cannot be written.*may write to"):
        make_folder_once(tmp_path / "file" / "made", fill)
    with (
        pytest.raises(DataError, match=r"x\.txt cannot be written"),
        whole_file(tmp_path / "file" / "x.txt"),
    ):
        pass


def test_a_missing_input_of_the_filling_is_not_called_unwritable(tmp_path):
    with pytest.raises(FileNotFoundError):
        make_folder_once(tmp_path / "made", lambda work: Path("/nowhere/at/all").read_text())


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "f.txt"
    path.write_text("old")
    with whole_file(path) as work:
        work.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(DataError, match="cannot be written"), whole_file(path) as work:
        work.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert visible(tmp_path) == ["f.txt"]
    assert not list(tmp_path.glob(".*part*"))


def test_an_interrupted_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as work:
        work.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]


def test_a_file_in_the_folders_place_is_kept(tmp_path):
    (tmp_path / "made").write_text("mine")
    with pytest.raises(DataError, match="made cannot be written"):
        make_folder_once(tmp_path / "made", fill)
    assert (tmp_path / "made").read_text() == "mine"
    assert not list(tmp_path.glob(".*part*"))


def test_trouble_with_a_relative_target_is_explained_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def refused(work):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(work.absolute() / "a"))

    with pytest.raises(DataError, match="made cannot be written: Permission denied"):
        make_folder_once(Path("made"), refused)
