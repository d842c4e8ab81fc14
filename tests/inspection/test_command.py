import csv
import errno
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from helpers.inspection import __main__ as command
from helpers.inspection.inspector import InspectorSettings
from tests.inspection.conftest import SIZE, SMALL, photo, write


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Fit a small memory on random weights: what the command does is tested, not how well."""
    monkeypatch.setattr(
        command,
        "InspectorSettings",
        lambda **asked: InspectorSettings(detector=SMALL, **asked),
    )
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def file(good_folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("fitted") / "nut.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            command, "InspectorSettings", lambda **a: InspectorSettings(detector=SMALL, **a)
        )
        assert fit(good_folder, path) == 0
    return path


def fit(folder, path, *more):
    asked = ["--size", str(SIZE), "--false-alarms", "0.1"]
    return command.main(["fit", str(folder), "--out", str(path), *asked, *more])


def test_from_a_folder_to_verdicts(file, new_folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert command.main(["judge", str(file), str(new_folder), "--out", str(out)]) == 2
    told = capsys.readouterr().out
    assert "c.png: not read" in told and "cut short" in told
    with (out / "results.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["file"]: row for row in csv.DictReader(table)}
    assert [rows[f"{name}.png"]["verdict"] for name in "abc"] == ["good", "odd", "not read"]
    assert float(rows["b.png"]["score"]) > float(rows["b.png"]["threshold"])
    page = (out / "index.html").read_text("utf-8")
    pictures = re.findall(r'src="(.+?)" alt="(.{40,}?)"', page)
    assert {name for name, _ in pictures} == {rows[f"{n}.png"]["picture"] for n in "ab"}
    for name, _ in pictures:
        assert Image.open(out / name).size == (2 * SIZE + 4, 48)
    assert page.index("b.png") < page.index("c.png") < page.index("a.png")
    assert sorted(p.name for p in out.iterdir()) == ["index.html", "maps", "results.csv"]


@pytest.mark.parametrize(("scratch", "status"), [(False, 0), (True, 1)])
def test_the_exit_status_tells_good_from_odd(file, tmp_path, scratch, status, capsys):
    folder = write(tmp_path / "new", {"a.png": photo(100), "b.png": photo(101, scratch)})
    (folder / "notes.txt").write_text("no photo, and no trouble")
    assert command.main(["judge", str(file), str(folder)]) == status
    assert (tmp_path / "results_new" / "index.html").is_file()


def test_a_heic_photo_counts_as_not_read(file, tmp_path, capsys):
    folder = write(tmp_path / "new", {"a.png": photo(100)})
    (folder / "b.heic").write_bytes(b"x")
    assert command.main(["judge", str(file), str(folder)]) == 2
    assert "b.heic: not read (HEIC" in capsys.readouterr().out


def test_a_name_in_html_and_in_a_spreadsheet_is_a_name(file, tmp_path, capsys):
    folder = write(tmp_path / "new", {"=1+<b>.png": photo(100)})
    command.main(["judge", str(file), str(folder)])
    assert "<b>.png" not in (tmp_path / "results_new" / "index.html").read_text("utf-8")
    assert "\n'=1+<b>.png," in (tmp_path / "results_new" / "results.csv").read_text("utf-8")


def test_results_that_are_there_are_left_alone(file, new_folder, tmp_path, capsys):
    (tmp_path / "results_new").mkdir()
    (tmp_path / "results_new" / "mine.txt").write_text("mine")
    assert command.main(["judge", str(file), str(new_folder)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "results_new").iterdir()] == ["mine.txt"]


def test_a_full_disk_leaves_nothing_half_written(file, new_folder, tmp_path, monkeypatch, capsys):
    save, saved = Image.Image.save, []

    def full(self, *args, **kwargs):
        if saved:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(args)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "save", full)
    assert command.main(["judge", str(file), str(new_folder), "--out", str(tmp_path / "out")]) == 2
    assert "Free some space" in capsys.readouterr().err
    assert not [p for p in tmp_path.iterdir() if p.is_dir()]


def test_a_damaged_photo_is_left_out_of_the_fit_and_named(good_folder, tmp_path, capsys):
    folder = tmp_path / "good"
    shutil.copytree(good_folder, folder)
    (folder / "00.png").write_bytes(b"no picture")
    assert fit(folder, tmp_path / "nut.zip") == 0
    told = capsys.readouterr().out
    assert "Left out: 00.png" in told and "23 good photos." in told


def test_two_products_in_one_folder_are_told_with_the_remedy(tmp_path, capsys):
    discs = {f"disc{i:02d}.png": photo(i) for i in range(14)}
    grids = {f"grid{i}.png": grid(i) for i in range(8)}
    assert fit(write(tmp_path / "good", discs | grids), tmp_path / "nut.zip") == 0
    told = capsys.readouterr().out
    assert "in two ways: 14 photos such as disc00.png, and 8 unlike them: grid0.png" in told
    assert "fit one inspector to each" in told
    assert told.index("two products") < told.index("strangest")


def grid(seed):
    """Draw bright lines on black, as of another product, with noise."""
    rng = np.random.default_rng(seed)
    picture = np.full((48, 64, 3), 20.0)
    picture[3::8] = picture[:, 3::8] = 200
    return (picture + rng.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("count", "more", "told"),
    [
        (0, (), "holds no photo"),
        (1, (), "1 good photo "),
        (8, (), "accept 0.112 or more"),
        (12, ("--group", "("), "no regular expression"),
        (12, ("--defect-mm", "1"), "belong together"),
        (12, ("--defect-mm", "1", "--field-mm", "90"), "covers 0.7 pixels"),
    ],
)
def test_what_cannot_be_fitted_is_refused_and_nothing_written(tmp_path, capsys, count, more, told):
    folder = write(tmp_path / "good", {f"{i}.png": photo(i) for i in range(count)})
    assert fit(folder, tmp_path / "nut.zip", *more) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "nut.zip").exists()


def test_a_folder_or_file_that_is_not_there_is_named(tmp_path, new_folder, capsys):
    assert fit(tmp_path / "none", tmp_path / "nut.zip") == 2
    assert command.main(["judge", str(tmp_path / "no.zip"), str(new_folder)]) == 2
    told = capsys.readouterr().err
    assert "none is not a folder" in told and "no.zip" in told
