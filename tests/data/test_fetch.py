"""`python -m helpers.data.fetch`: from a source to data/mvtec/hazelnut, or to words that help."""

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
import types
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.data import archives
from helpers.data import download as downloading
from helpers.data import fetch as command
from helpers.data.download import Source, SourceError
from helpers.data.fetch import CATEGORY_ARCHIVES, WHOLE_SET, fetch, main, mvtec_sources
from helpers.errors import DataError

FILES = {
    "train/good/000.png": b"train",
    "test/good/000.png": b"good",
    "test/crack/000.png": b"crack",
    "ground_truth/crack/000_mask.png": b"mask",
}


def tar_of(*names):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for name in names:
            for path, data in FILES.items():
                info = tarfile.TarInfo(f"{name}/{path}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def category(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.png")}


def visible(root):
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data" / "mvtec"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A server of the files in a folder; ``shelf.offers(...)`` are the only sources there are."""
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "shelf"
    folder.mkdir()
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def offers(*names, kaggle=None):
        sources = tuple(
            Source(f"shelf {n}", f"http://127.0.0.1:{web.server_port}/{n}.tar.xz") for n in names
        )
        monkeypatch.setattr(command, "mvtec_sources", lambda _: sources)
        monkeypatch.setattr(command, "download", downloading.download)
        monkeypatch.setattr(downloading, "TIMEOUT", 1)
        monkeypatch.setattr(downloading, "ATTEMPTS", 1)
        monkeypatch.setattr(command, "kaggle_folder", kaggle or no_kaggle)

    yield types.SimpleNamespace(folder=folder, requests=requests, offers=offers)
    web.shutdown()
    thread.join()
    web.server_close()


def no_kaggle():
    raise SourceError("the package kagglehub is missing: pip install kagglehub")


def no_way(*_):
    raise AssertionError("nothing is to be downloaded here")


REAL_KAGGLE = command.kaggle_folder


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    for name in ("download", "kaggle_folder"):
        monkeypatch.setattr(command, name, no_way)


def test_the_table_has_all_fifteen_categories():
    names = "bottle cable capsule carpet grid hazelnut leather metal_nut pill screw tile "
    names += "toothbrush transistor wood zipper"
    assert list(CATEGORY_ARCHIVES) == names.split()
    assert len(set(CATEGORY_ARCHIVES.values())) == 15
    for name in CATEGORY_ARCHIVES:
        alone, whole = mvtec_sources(name)
        assert alone.url.startswith("https://www.mydrive.ch/shares/")
        assert alone.url.endswith(f"/{name}.tar.xz")
        assert alone.bytes is alone.sha256 is None
        assert whole is WHOLE_SET
    assert len(bytes.fromhex(WHOLE_SET.sha256)) == hashlib.sha256().digest_size


def test_from_mvtec(shelf, root, capsys):
    (shelf.folder / "hazelnut.tar.xz").write_bytes(tar_of("hazelnut"))
    shelf.offers("hazelnut", "whole", kaggle=no_way)
    assert main(["hazelnut", "--root", str(root)]) == 0
    assert category(root / "hazelnut") == FILES
    assert visible(root) == ["hazelnut"]  # the archive has served its turn
    assert shelf.requests == ["/hazelnut.tar.xz"]
    out, err = capsys.readouterr()
    assert out.startswith(f"{root / 'hazelnut'} is ready.\n")
    assert "100%" in err


def test_the_whole_set_comes_next_and_serves_other_categories_too(shelf, root):
    (shelf.folder / "whole.tar.xz").write_bytes(tar_of("set/hazelnut", "set/grid"))
    shelf.offers("hazelnut", "whole", kaggle=no_way)
    fetch("hazelnut", root)
    shelf.offers("grid", "whole")
    fetch("grid", root, "mvtec")
    assert visible(root) == ["grid", "hazelnut", "whole.tar.xz"]
    assert category(root / "grid") == FILES
    assert shelf.requests.count("/whole.tar.xz") == 1


@pytest.mark.parametrize("found", ["folder", "archive"])
def test_kaggle_comes_last(shelf, root, tmp_path, found):
    if found == "folder":
        with tarfile.open(fileobj=io.BytesIO(tar_of("hazelnut", "bottle"))) as tar:
            tar.extractall(tmp_path / "cache", filter="data")
    else:
        (tmp_path / "cache").write_bytes(tar_of("hazelnut"))
    shelf.offers("hazelnut", "whole", kaggle=lambda: tmp_path / "cache")
    fetch("hazelnut", root)
    assert category(root / "hazelnut") == FILES
    assert visible(root) == ["hazelnut"]
    assert (tmp_path / "cache").exists()
    assert shelf.requests == ["/hazelnut.tar.xz", "/whole.tar.xz"]


def test_only_the_source_asked_for_is_tried(shelf, root):
    shelf.offers("hazelnut", kaggle=no_way)
    with pytest.raises(DataError, match="shelf hazelnut"):
        fetch("hazelnut", root, "mvtec")
    with pytest.raises(DataError, match="kagglehub is missing") as raised:
        shelf.offers(kaggle=no_kaggle)
        fetch("hazelnut", root, "kaggle")
    assert "shelf" not in str(raised.value)


@pytest.mark.parametrize("suffix", [".tar.xz", ".zip"])
def test_from_an_archive_at_hand(root, tmp_path, suffix, capsys):
    archive = tmp_path / f"mine{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path, data in FILES.items():
                file.writestr(f"hazelnut/{path}", data)
    else:
        archive.write_bytes(tar_of("hazelnut"))
    before = archive.read_bytes()
    assert main(["hazelnut", "--source", str(archive), "--root", str(root)]) == 0
    assert category(root / "hazelnut") == FILES
    assert archive.read_bytes() == before


def test_an_archive_at_hand_is_kept_even_when_it_is_bad(root, tmp_path, capsys):
    archive = tmp_path / "mine.tar.xz"
    archive.write_bytes(tar_of("bottle"))
    assert main(["hazelnut", "--source", str(archive), "--root", str(root)]) == 1
    assert "does not hold the category 'hazelnut'" in capsys.readouterr().err
    assert archive.is_file()
    assert visible(root) == []


@pytest.mark.parametrize("bad", [tar_of("hazelnut")[:-40], b"no archive", tar_of("bottle")])
def test_a_bad_download_is_deleted_and_the_next_source_tried(shelf, root, bad):
    (shelf.folder / "hazelnut.tar.xz").write_bytes(bad)
    (shelf.folder / "whole.tar.xz").write_bytes(tar_of("hazelnut"))
    shelf.offers("hazelnut", "whole")
    fetch("hazelnut", root)
    assert category(root / "hazelnut") == FILES
    assert visible(root) == ["hazelnut", "whole.tar.xz"]


def test_when_every_source_fails_the_words_say_what_to_do(shelf, root, capsys):
    (shelf.folder / "whole.tar.xz").write_bytes(b"no archive")
    shelf.offers("hazelnut", "whole")
    assert main(["hazelnut", "--root", str(root)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    for words in (
        "No source delivered 'hazelnut':",
        "shelf hazelnut (http://127.0.0.1",
        "HTTP 404",
        "shelf whole",
        "is no .tar.xz",
        "Kaggle (ipythonx/mvtec-ad): the package kagglehub is missing: pip install kagglehub",
        "1. Open https://www.mvtec.com/company/research/datasets/mvtec-ad",
        "download hazelnut.tar.xz",
        f"2. Move it to {root / 'hazelnut.tar.xz'}",
    ):
        assert words in err
    assert visible(root) == []
    # The last line is a command that works once its archive is there.
    (root / "hazelnut.tar.xz").write_bytes(tar_of("hazelnut"))
    words = err.splitlines()[-1].partition("helpers.data.fetch ")[2].replace('"', "").split()
    assert main(words) == 0
    assert category(root / "hazelnut") == FILES


def test_what_is_there_is_left_untouched_and_reported(root, capsys):
    for path, data in FILES.items():
        (root / "hazelnut" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "hazelnut" / path).write_bytes(data + b" of my own")
    before = category(root / "hazelnut")
    assert main(["hazelnut", "--root", str(root)]) == 0
    assert "is there already; nothing was changed" in capsys.readouterr().out
    assert category(root / "hazelnut") == before


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_something_else_in_its_place_is_left_untouched(root, capsys, kind):
    place = root / "hazelnut"
    if kind == "folder":
        (place / "notes").mkdir(parents=True)
    else:
        root.mkdir(parents=True)
        place.write_text("notes")
    assert main(["hazelnut", "--root", str(root)]) == 1
    assert "is not a category of MVTec AD" in capsys.readouterr().err
    assert place.exists()


@pytest.mark.parametrize("named", ["here", "elsewhere", None])
def test_the_notebooks_are_told_where_to_look(root, tmp_path, monkeypatch, capsys, named):
    (tmp_path / "mine.tar.xz").write_bytes(tar_of("hazelnut"))
    monkeypatch.setenv("MVTEC_ROOT", {"here": str(root), None: ""}.get(named, "elsewhere"))
    main(["hazelnut", "--source", str(tmp_path / "mine.tar.xz"), "--root", str(root)])
    assert (f"set MVTEC_ROOT to {root}" in capsys.readouterr().out) == (named != "here")


def test_the_default_root_is_where_the_notebooks_look(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ONE_BAD_NUT_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("MVTEC_ROOT", raising=False)
    (tmp_path / "mine.tar.xz").write_bytes(tar_of("hazelnut"))
    assert main(["hazelnut", "--source", str(tmp_path / "mine.tar.xz")]) == 0
    assert category(tmp_path / "data" / "mvtec" / "hazelnut") == FILES
    assert "MVTEC_ROOT" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["hazlenut"], "no category 'hazlenut'. Did you mean 'hazelnut'?"),
        (["../hazelnut"], "no category '../hazelnut'"),
        (["hazelnut", "--source", "gone.zip"], "gone.zip is not there"),
        (["hazelnut", "--source", "kagle"], "kagle is not there"),
    ],
)
def test_bad_wishes(root, capsys, argv, words):
    assert main([*argv, "--root", str(root)]) == 1
    assert words in capsys.readouterr().err


def test_a_root_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("a file")
    assert main(["hazelnut", "--root", str(tmp_path / "file" / "mvtec")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_full_disk_ends_the_search_and_keeps_the_archive(shelf, root, monkeypatch):
    (shelf.folder / "hazelnut.tar.xz").write_bytes(tar_of("hazelnut"))
    shelf.offers("hazelnut", "whole", kaggle=no_way)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "free_bytes", lambda _: 3)
        with pytest.raises(DataError, match="Free some space"):
            fetch("hazelnut", root)
    assert visible(root) == ["hazelnut.tar.xz"]
    fetch("hazelnut", root)
    assert shelf.requests == ["/hazelnut.tar.xz"]


def test_an_interruption_says_how_to_go_on(root, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "download", interrupt)
    assert main(["hazelnut", "--root", str(root)]) == 130
    assert "The same command continues" in capsys.readouterr().err


def test_two_at_once_fetch_once(shelf, root):
    (shelf.folder / "hazelnut.tar.xz").write_bytes(tar_of("hazelnut"))
    shelf.offers("hazelnut")
    threads = [threading.Thread(target=fetch, args=("hazelnut", root, None)) for _ in "123"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shelf.requests == ["/hazelnut.tar.xz"]
    assert category(root / "hazelnut") == FILES


def test_kagglehub_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(SourceError, match="pip install kagglehub"):
        REAL_KAGGLE()


def test_kagglehub_is_asked_for_the_set(monkeypatch, tmp_path):
    asked = []
    fake = types.ModuleType("kagglehub")
    fake.dataset_download = lambda name: asked.append(name) or str(tmp_path)
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    assert REAL_KAGGLE() == tmp_path
    assert asked == ["ipythonx/mvtec-ad"]


def test_kagglehubs_own_errors_are_a_failed_source(monkeypatch):
    def fail(_):
        raise ConnectionError("no route to Kaggle")

    fake = types.ModuleType("kagglehub")
    fake.dataset_download = fail
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    with pytest.raises(SourceError, match="ConnectionError: no route to Kaggle"):
        REAL_KAGGLE()


def test_the_command_runs(tmp_path):
    (tmp_path / "mine.tar.xz").write_bytes(tar_of("hazelnut"))
    words = ["hazelnut", "--source", tmp_path / "mine.tar.xz", "--root", tmp_path / "root"]
    run = subprocess.run([sys.executable, "-m", "helpers.data.fetch", *words], capture_output=True)
    assert run.returncode == 0, run.stderr
    assert category(tmp_path / "root" / "hazelnut") == FILES


@pytest.mark.parametrize("where", ["http://[::1", "http://127.0.0.1:port/", f"http://{'a' * 70}/"])
def test_a_source_that_leads_nowhere_does_not_keep_the_next_from_being_tried(
    shelf, root, monkeypatch, where
):
    shelf.offers("moved", "hazelnut")
    (shelf.folder / "hazelnut.tar.xz").write_bytes(tar_of("hazelnut"))
    send_head = SimpleHTTPRequestHandler.send_head

    def redirect(handler):
        if "moved" not in handler.path:
            return send_head(handler)
        handler.send_response(302)
        handler.send_header("Location", where)
        handler.end_headers()
        return None

    monkeypatch.setattr(SimpleHTTPRequestHandler, "send_head", redirect)
    assert category(fetch("hazelnut", root)) == FILES
    assert shelf.requests == ["/moved.tar.xz", "/hazelnut.tar.xz"]


def test_an_archive_that_is_broken_does_not_either(shelf, root):
    shelf.offers("broken", "hazelnut")
    (shelf.folder / "broken.tar.xz").write_bytes(tar_of("hazelnut")[:-30])
    (shelf.folder / "hazelnut.tar.xz").write_bytes(tar_of("hazelnut"))
    assert category(fetch("hazelnut", root)) == FILES
    assert visible(root) == ["hazelnut"]


@pytest.mark.parametrize("root", ["~nosuchuser/mvtec", "a\0b"])
def test_a_root_that_is_none_is_named(root, capsys):
    assert main(["hazelnut", "--root", root]) == 1
    assert "--root is" in capsys.readouterr().err


def test_a_source_that_is_none_is_named(tmp_path, capsys):
    assert main(["hazelnut", "--root", str(tmp_path), "--source", "~nosuchuser/hazelnut.zip"]) == 1
    assert "--source is '~nosuchuser/hazelnut.zip'" in capsys.readouterr().err
