"""Finding a category and its files, and naming what is wrong with either."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from helpers.data.mvtec import category_folder, list_files
from helpers.errors import DataError


def test_generated_means_no_folder(data_folder, monkeypatch):
    assert category_folder("hazelnut") is None
    assert category_folder("hazelnut", "generated") is None
    monkeypatch.setenv("MVTEC_ROOT", "generated")
    assert category_folder("hazelnut") is None


def test_a_missing_root_is_never_replaced_by_generated_data(data_folder, tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder. Set MVTEC_ROOT"):
        category_folder("hazelnut", tmp_path / "nowhere")


def test_a_misspelt_category_is_corrected(small_root, data_folder):
    with pytest.raises(DataError, match="no category 'hazlenut'. Did you mean 'hazelnut'?"):
        category_folder("hazlenut", small_root)
    with pytest.raises(DataError, match="Did you mean 'nut'?"):
        category_folder("nuts", small_root)
    with pytest.raises(DataError, match="Did you mean 'grid'?"):
        category_folder("gird")


def test_a_known_category_that_is_not_there_says_how_to_get_it(small_root, data_folder):
    with pytest.raises(DataError, match=r"'grid' is not in .*holds nut.*helpers\.data\.fetch grid"):
        category_folder("grid", small_root)
    with pytest.raises(DataError, match=r"'grid' .*helpers\.data\.fetch grid"):
        category_folder("grid")
    with pytest.raises(DataError, match="Only hazelnut can be generated"):
        category_folder("grid", "generated")


@pytest.mark.parametrize("inside", ["nut", "nut/train", "nut/train/good"])
def test_a_root_too_deep_says_which_folder_to_give(small_root, data_folder, inside):
    with pytest.raises(DataError, match="lies inside the category 'nut'") as error:
        category_folder("hazelnut", small_root / inside)
    assert str(error.value).endswith(str(small_root))


def test_a_root_too_high_says_which_folder_to_give(small_root, data_folder):
    with pytest.raises(DataError, match="lies above the categories") as error:
        category_folder("nut", small_root.parent)
    assert str(error.value).endswith(str(small_root))


def test_a_relative_root_is_understood_from_where_one_stands(small_root, data_folder, monkeypatch):
    monkeypatch.chdir(small_root / "nut" / "train")
    with pytest.raises(DataError, match="lies inside the category 'nut'") as error:
        category_folder("nut", ".")
    assert str(error.value).endswith(str(small_root))
    assert category_folder("nut", "../..").samefile(small_root / "nut")


def test_the_home_folder_may_be_shortened(small_root, data_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(small_root.parent))
    monkeypatch.setenv("USERPROFILE", str(small_root.parent))
    assert category_folder("nut", f"~/{small_root.name}") == small_root / "nut"


def test_a_category_in_a_folder_of_its_own_name(small_root, data_folder):
    (small_root / "nut").rename(small_root / "inner")
    (small_root / "nut").mkdir()
    (small_root / "inner").rename(small_root / "nut" / "nut")
    with pytest.raises(DataError, match="Give the folder that holds them") as error:
        category_folder("nut", small_root)
    assert str(error.value).endswith(str(small_root / "nut"))


def test_data_unpacked_one_folder_too_deep_are_not_passed_over(small_root, data_folder):
    shutil.copytree(small_root / "nut", data_folder / "mvtec" / "mvtec_ad" / "hazelnut")
    with pytest.raises(DataError, match="mvtec lies above the categories") as error:
        category_folder("hazelnut")
    assert str(error.value).endswith(str(data_folder / "mvtec" / "mvtec_ad"))


def test_a_category_that_is_being_fetched_does_not_count(small_root, data_folder):
    shutil.copytree(small_root / "nut", data_folder / "mvtec" / ".hazelnut.part-x" / "hazelnut")
    assert category_folder("hazelnut") is None
    (small_root / "nut").rename(small_root / ".nut.part-x")
    with pytest.raises(DataError, match=r"'grid' is not in [^(]*\. Fetch it"):
        category_folder("grid", small_root)


@pytest.mark.parametrize("name", ["", "..", ".nut", "nut/train", "hazelnut/"])
def test_a_path_is_not_a_category(small_root, data_folder, name):
    with pytest.raises(DataError, match="is not the name of a category"):
        category_folder(name, small_root)


def test_hidden_files_and_litter_are_passed_over(small_root):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._000.png"):
        for place in ("train", "train/good", "test", "test/crack", "ground_truth/crack"):
            (small_root / "nut" / place / name).write_text("x")
    (small_root / "nut" / "license.txt").write_text("as in MVTec AD itself")
    assert len(list_files(small_root / "nut")) == 7


def test_endings_in_capitals_are_images(small_root):
    folder = small_root / "nut" / "train" / "good"
    (folder / "000.png").rename(folder / "000.PNG")
    assert list_files(small_root / "nut")[0].file == "train/good/000.PNG"


def test_an_empty_training_folder(small_root):
    shutil.rmtree(small_root / "nut" / "train" / "good")
    with pytest.raises(DataError, match=r"good holds no image\. Put good images there"):
        list_files(small_root / "nut")


def test_a_stray_file(small_root):
    (small_root / "nut" / "test" / "crack" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes\.txt is not an image\. Move it out"):
        list_files(small_root / "nut")


@pytest.mark.parametrize("part", ["train", "test", "ground_truth"])
def test_a_file_outside_the_folders_of_its_kind(small_root, part):
    shutil.copy(small_root / "nut" / "test" / "good" / "000.png", small_root / "nut" / part)
    with pytest.raises(DataError, match=rf"{part}.000\.png lies beside the folders of its kind"):
        list_files(small_root / "nut")


def test_training_images_that_would_not_be_used(small_root):
    (small_root / "nut" / "test" / "crack").rename(small_root / "nut" / "train" / "crack")
    with pytest.raises(DataError, match=r"train.crack is not used.*Move it to .*test.crack"):
        list_files(small_root / "nut")


def test_two_images_with_one_mask(small_root):
    crack = small_root / "nut" / "test" / "crack"
    shutil.copy(crack / "000.png", crack / "000.bmp")
    with pytest.raises(DataError, match=r"000_mask\.png is the mask of more than one image"):
        list_files(small_root / "nut")


def test_a_defect_without_mask(small_root):
    (small_root / "nut" / "ground_truth" / "crack" / "001_mask.png").unlink()
    with pytest.raises(DataError, match=r"001\.png has no mask\. Put it at .*001_mask\.png"):
        list_files(small_root / "nut")


def test_a_mask_without_image(small_root):
    (small_root / "nut" / "test" / "crack" / "001.png").unlink()
    with pytest.raises(DataError, match=r"001_mask\.png is the mask of no image"):
        list_files(small_root / "nut")


def test_a_test_set_without_good_images(small_root):
    shutil.rmtree(small_root / "nut" / "test" / "good")
    with pytest.raises(DataError, match="has no good image"):
        list_files(small_root / "nut")


def test_a_test_set_without_defective_images(small_root):
    shutil.rmtree(small_root / "nut" / "test" / "crack")
    shutil.rmtree(small_root / "nut" / "ground_truth")
    with pytest.raises(DataError, match="has no defective image"):
        list_files(small_root / "nut")


@pytest.mark.parametrize("place", ["train/good", "test/crack", "test", "ground_truth"])
def test_a_name_that_is_not_utf_8_is_refused(small_root, place):
    folder = small_root / "nut" / place / os.fsdecode(b"caf\xe9.png")
    folder.mkdir()
    with pytest.raises(DataError, match=r"caf\\udce9\.png has a name that is not UTF-8") as raised:
        list_files(small_root / "nut")
    str(raised.value).encode("utf-8")


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".", ".nut", "n\0t", "n\udce9t", None, 5, b"nut"]
)
def test_what_is_no_name_of_a_category_is_refused(small_root, data_folder, name):
    with pytest.raises(DataError, match="is not the name of a category"):
        category_folder(name, small_root)


def test_a_name_too_long_for_the_disk_is_refused(small_root, data_folder):
    with pytest.raises(DataError, match="cannot be read .File name too long"):
        category_folder("n" * 300, small_root)


def test_brackets_in_a_name_are_no_pattern(small_root, data_folder, tmp_path):
    (small_root / "nut").rename(small_root / "n[u]t")
    assert category_folder("n[u]t", small_root) == small_root / "n[u]t"
    with pytest.raises(DataError, match=rf"lies above the categories.*{small_root}$"):
        category_folder("n[u]t", tmp_path)
    with pytest.raises(DataError, match="there is no category '.n.ut'"):
        category_folder("[n]ut", small_root)


@pytest.mark.parametrize("root", ["~nosuchuser/mvtec", "a\0b", 5, b"root"])
def test_what_is_no_path_is_refused(data_folder, monkeypatch, root):
    with pytest.raises(DataError, match="root is .* Give"):
        category_folder("hazelnut", root)
    if root == "~nosuchuser/mvtec":
        monkeypatch.setenv("MVTEC_ROOT", root)
        with pytest.raises(DataError, match="MVTEC_ROOT is '~nosuchuser/mvtec'.*whole path"):
            category_folder("hazelnut")


@pytest.mark.parametrize("place", ["train/good", "test", "test/crack", "ground_truth/crack"])
def test_a_folder_that_may_not_be_read_is_named(small_root, monkeypatch, place):
    closed, iterdir = small_root / "nut" / place, Path.iterdir

    def guarded(self):
        if self == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", guarded)
    with pytest.raises(DataError, match=rf"{place} cannot be read \(Permission denied\). Check"):
        list_files(small_root / "nut")
