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


def killed(code, *arguments):
    """Run code that kills itself with SIGKILL."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)])
    assert done.returncode == -signal.SIGKILL


KILLED_FILE = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from helpers.files import whole_file

    with whole_file(Path(sys.argv[1])) as work:
        work.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
""")
KILLED_FOLDER = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from helpers.files import make_folder_once

    make_folder_once(Path(sys.argv[1]), lambda work: os.kill(os.getpid(), signal.SIGKILL))
""")


@pytest.mark.parametrize("name", ["f.txt", "f[1].txt", "[!a]*"])
def test_what_a_killed_run_left_of_a_file_is_swept(tmp_path, name):
    killed(KILLED_FILE, tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 1
    with whole_file(tmp_path / name) as work:
        work.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_somebody_is_writing_is_not_swept(tmp_path):
    path = tmp_path / "f.txt"
    with whole_file(path) as first:
        first.write_text("first")
        with whole_file(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]


@pytest.mark.parametrize("name", ["made", "made[1]", "[ ]*"])
def test_what_a_killed_run_left_of_a_folder_is_swept(tmp_path, name):
    killed(KILLED_FOLDER, tmp_path / name)
    assert list(tmp_path.glob(".*part*"))
    make_folder_once(tmp_path / name, fill)
    assert not list(tmp_path.glob(".*part*"))
    assert visible(tmp_path / name) == ["a", "b"]


def test_what_a_killed_run_left_of_another_folder_is_swept_too(tmp_path):
    killed(KILLED_FOLDER, tmp_path / "old key")
    foreign = tmp_path / ".theirs.part-abc"
    foreign.mkdir()
    make_folder_once(tmp_path / "new key", fill)
    assert list(tmp_path.glob(".*part*")) == [foreign], "not ours: nobody locked it"


def test_a_folder_that_somebody_fills_is_not_swept(tmp_path):
    def fill_both(work):
        make_folder_once(tmp_path / "other", fill)
        fill(work)

    make_folder_once(tmp_path / "made", fill_both)
    assert visible(tmp_path) == ["made", "other"]


def test_a_folder_that_is_not_whole_is_made_anew(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "rest").touch()
    make_folder_once(tmp_path / "made", fill, lambda folder: (folder / "b").is_file())
    assert visible(tmp_path / "made") == ["a", "b"]
    make_folder_once(tmp_path / "made", lambda _: pytest.fail("filled again"), Path.is_dir)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, r"[\d,]+ MB are free there\. Free some space or choose a folder"),
        (errno.EDQUOT, r"[\d,]+ MB are free there\. Free some space or choose a folder"),
        (errno.EROFS, r"Read-only file system\. Choose a folder you may write to, then run again"),
        (errno.EACCES, r"Permission denied\. Choose a folder you may write to, then run again"),
        (errno.EIO, r"error\. Choose a folder"),
    ],
)
def test_the_remedy_fits_the_trouble(tmp_path, number, remedy):
    with (
        pytest.raises(DataError, match=rf"f\.txt cannot be written: .*{remedy}"),
        whole_file(tmp_path / "f.txt"),
    ):
        raise OSError(number, os.strerror(number))


def test_trouble_in_the_data_folder_names_its_variable(data_folder):
    with (
        pytest.raises(DataError, match="Set ONE_BAD_NUT_DATA to a folder you may write to"),
        whole_file(data_folder / "f.txt"),
    ):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


WRITERS = {
    "bytes": "work.write_bytes(content)",
    "numpy": "np.save(work.open('wb'), np.frombuffer(content, np.uint8))",
    "npz": "np.savez(work.open('wb'), a=np.frombuffer(content, np.uint8))",
    "picture": "Image.frombytes('L', (1000, 1000), content).save(work, format='bmp')",
}
TOO_LARGE = textwrap.dedent("""
    import resource, signal, sys
    from pathlib import Path
    import numpy as np
    from PIL import Image
    from helpers.errors import DataError
    from helpers.files import whole_file

    content = bytes(1_000_000)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        with whole_file(Path(sys.argv[1])) as work:
            {}
    except DataError as error:
        print(error)
""")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("writer", WRITERS)
def test_whoever_writes_more_than_fits_leaves_nothing(tmp_path, writer):
    code = TOO_LARGE.format(WRITERS[writer])
    path = tmp_path / "f.bin"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert "f.bin cannot be written" in done.stdout, done.stderr
    assert "MB are free there. Free some space" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_text_can_be_told(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    with pytest.raises(DataError) as raised, whole_file(tmp_path / name):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    str(raised.value).encode("utf-8")
    assert r"caf\udce9 cannot be written" in str(raised.value)
