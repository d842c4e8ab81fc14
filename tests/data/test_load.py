"""Loading a category: the right arrays from the right place, and clear words when it is not so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.data import load
from helpers.data.category import Category, split_good
from helpers.data.load import generate_category, list_images, load_category
from helpers.errors import DataError

SMALL = {"train/good": 4, "test/good": 2, "test/crack": 2, "test/hole": 1}


def test_arrays_labels_and_names(small_root, data_folder, capsys):
    category = load_category("nut", size=16, root=small_root)
    assert category.train.shape == (3, 3, 16, 16)
    assert category.train.dtype == np.uint8
    assert category.masks.dtype == bool
    assert category.defects.tolist() == ["crack", "crack", "good", "good"]
    assert category.labels.tolist() == [1, 1, 0, 0]
    assert category.masks.sum(axis=(1, 2)).tolist() == [16, 20, 0, 0]
    assert category.test_files[1] == "test/crack/001.png"
    assert category.source == "own pictures"
    assert capsys.readouterr().out == (
        "nut: 3 training and 4 test images, own pictures, 16 pixels wide\n"
    )


def test_pixels_are_the_files_own(small_root, data_folder):
    category = load_category("nut", size=16, root=small_root)
    for array, file in zip(category.test, category.test_files, strict=True):
        own = np.asarray(Image.open(small_root / "nut" / file)).transpose(2, 0, 1)
        np.testing.assert_array_equal(array, own)


def test_the_second_time_comes_from_the_cache(small_root, data_folder, monkeypatch):
    first = load_category("nut", size=8, root=small_root)
    monkeypatch.setattr(load, "read_image", None)
    again = load_category("nut", size=8, root=small_root)
    np.testing.assert_array_equal(first.train, again.train)
    assert first.fingerprint == again.fingerprint


def test_a_changed_file_is_noticed_whatever_its_date(small_root, data_folder):
    first = load_category("nut", size=16, root=small_root)
    path = small_root / "nut" / "train" / "good" / "001.png"
    stamp = path.stat()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(path)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = load_category("nut", size=16, root=small_root)
    assert second.train[1].max() == 0
    assert second.fingerprint != first.fingerprint


def test_a_file_that_changes_while_it_is_read_spoils_no_cache(small_root, data_folder, monkeypatch):
    path, read = small_root / "nut" / "train" / "good" / "001.png", load.read_image

    def read_changed(file, size):
        if file == path:  # no other thread reads it
            Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(path)
        return read(file, size)

    before = load_category("nut", size=8, root=small_root)
    shutil.rmtree(data_folder)
    content = path.read_bytes()
    monkeypatch.setattr(load, "read_image", read_changed)
    with pytest.raises(DataError, match=r"nut changed while its images were read. Run again"):
        load_category("nut", size=8, root=small_root)
    monkeypatch.setattr(load, "read_image", read)
    path.write_bytes(content)
    after = load_category("nut", size=8, root=small_root)
    np.testing.assert_array_equal(after.train, before.train)
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize("name", ["train", "test", "masks"])
def test_a_damaged_cache_is_made_anew(small_root, data_folder, name):
    first = load_category("nut", size=16, root=small_root)
    (kept,) = (data_folder / "cache").glob("nut-*")
    for damage in (Path.unlink, lambda path: np.save(path, np.zeros_like(np.load(path)))):
        damage(kept / f"{name}.npy")
        again = load_category("nut", size=16, root=small_root)
        for array in ("train", "test", "masks"):
            np.testing.assert_array_equal(getattr(again, array), getattr(first, array))


def test_a_category_is_loaded_where_nothing_can_be_kept(small_root, tmp_path, monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_DATA", str(tmp_path / "file" / "data"))
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="Set ONE_BAD_NUT_DATA to a folder you may write to"):
        assert len(load_category("nut", size=8, root=small_root).train) == 3
    with pytest.raises(DataError, match="Set ONE_BAD_NUT_DATA to a folder you may write to"):
        generate_category(64, SMALL)


def test_an_image_that_was_turned_needs_a_mask_that_says_so(small_root, data_folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = small_root / "nut" / "test" / "crack" / "000.png"
    mask = small_root / "nut" / "ground_truth" / "crack" / "000_mask.png"
    marked = np.zeros((16, 16), np.uint8)
    marked[1:3, 5:16] = 255
    Image.fromarray(np.dstack([marked] * 3)).save(image, exif=exif)
    Image.fromarray(marked).save(mask)
    with pytest.raises(DataError, match=r"000_mask\.png has the EXIF orientation 1, its image 6"):
        load_category("nut", size=16, root=small_root)
    Image.fromarray(marked).save(mask, exif=exif)
    category = load_category("nut", size=16, root=small_root)
    np.testing.assert_array_equal(category.masks[0], category.test[0, 0] > 0)
    assert category.masks[0].sum() == 22


def test_a_wrong_file_leaves_no_cache_behind(small_root, data_folder):
    (small_root / "nut" / "test" / "good" / "001.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"001\.png cannot be read"):
        load_category("nut", size=16, root=small_root)
    assert not [p for p in (data_folder / "cache").iterdir() if not p.name.startswith(".")]
    assert not list((data_folder / "cache").glob(".*part*"))


def test_two_processes_load_the_same_category(small_root, data_folder):
    command = f"from helpers.data.load import load_category as l; l('nut', 16, {str(small_root)!r})"
    both = [
        subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs == ["nut: 3 training and 4 test images, own pictures, 16 pixels wide\n"] * 2
    assert len([p for p in (data_folder / "cache").iterdir() if p.is_dir()]) == 1


def test_images_of_unlike_sizes_are_all_resized(small_root, data_folder):
    Image.new("RGB", (40, 40), (9, 9, 9)).save(small_root / "nut" / "train" / "good" / "001.png")
    category = load_category("nut", size=16, root=small_root)
    assert (category.train[1] == 9).all()


def test_the_environment_names_the_root(small_root, data_folder, monkeypatch):
    monkeypatch.setenv("MVTEC_ROOT", str(small_root))
    assert load_category("nut", size=8).source == "own pictures"


def test_an_argument_goes_before_the_environment(small_root, data_folder, monkeypatch):
    monkeypatch.setenv("MVTEC_ROOT", "/nowhere")
    assert len(load_category("nut", size=8, root=small_root).train) == 3


def test_the_data_folder_is_the_default(small_root, data_folder):
    shutil.copytree(small_root / "nut", data_folder / "mvtec" / "hazelnut")
    assert load_category("hazelnut", size=8).source == "MVTec AD"


def test_hazelnuts_are_generated_when_nothing_is_there(data_folder, monkeypatch, capsys):
    monkeypatch.setattr(load.generate_category, "__defaults__", (256, SMALL, 0, "real"))
    category = load_category(size=64)
    assert category.source == "generated"
    assert (len(category.train), len(category.test)) == (4, 5)
    assert capsys.readouterr().out.startswith("MVTec AD is not here (the set-up page says how")
    load_category(size=64, root="generated")
    assert "MVTec AD" not in capsys.readouterr().out, "asked for, so nothing to explain"


def test_generated_counts_seed_and_masks(data_folder):
    category = generate_category(64, SMALL, seed=3)
    assert sorted(category.defects.tolist()) == ["crack", "crack", "good", "good", "hole"]
    assert (category.masks.any(axis=(1, 2)) == category.labels).all()
    other = generate_category(64, SMALL, seed=4)
    assert not np.array_equal(category.train, other.train)


@pytest.mark.parametrize(
    "counts", [{}, {"train/good": 4}, SMALL | {"test/good": 0}, {"train/good": 4, "test/good": 2}]
)
def test_counts_that_nothing_can_be_measured_on_are_refused(data_folder, counts):
    with pytest.raises(ValueError, match="counts must ask for training images, good test images"):
        generate_category(64, counts)
    assert not data_folder.exists()


def test_all_headers_are_listed(small_root, data_folder):
    table = list_images("nut", small_root)
    assert len(table) == 7
    assert table["width"].dtype == table["height"].dtype == np.int64
    assert set(table["width"]) == set(table["height"]) == {16}
    assert table.loc[table["defect"] == "crack", "mask"].tolist() == [
        "ground_truth/crack/000_mask.png",
        "ground_truth/crack/001_mask.png",
    ]
    assert (table["defect"] == "good").sum() == 5


def test_an_odd_size_is_seen_in_the_list_not_only_in_the_first_files(small_root, data_folder):
    Image.new("L", (20, 10)).save(small_root / "nut" / "test" / "good" / "001.png")
    table = list_images("nut", small_root)
    odd = table[table["file"] == "test/good/001.png"].iloc[0]
    assert (odd["width"], odd["height"], odd["mode"]) == (20, 10, "L")


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "256", None, 4097, 10**6, 10**30])
def test_impossible_sizes_are_refused(small_root, size, data_folder):
    for load_it in (load_category, generate_category, lambda size: load_category("nut", size)):
        with pytest.raises(ValueError, match=r"size must be a whole number of pixels from 1 to"):
            load_it(size=size)
    assert not data_folder.exists()


def test_a_size_that_does_not_fit_into_the_memory_is_refused(small_root, data_folder, monkeypatch):
    memory = type("Memory", (), {"total": 300_000})
    monkeypatch.setattr(load.psutil, "virtual_memory", lambda: memory)
    with pytest.raises(ValueError, match="size=64 needs 0 MB for these images, and this machine"):
        load_category("nut", 64, small_root)
    assert len(load_category("nut", 32, small_root).train) == 3


def zero_mask(folder):
    mask = folder / "ground_truth" / "crack" / "000_mask.png"
    with Image.open(mask) as image:
        Image.new("L", image.size).save(mask)


@pytest.mark.parametrize(
    "damage",
    [
        zero_mask,
        lambda folder: (folder / "train" / "good" / "001.png").unlink(),
        lambda folder: shutil.copy(folder / "test/hole/000.png", folder / "test/good/000.png"),
        lambda folder: shutil.rmtree(folder / "test"),
        lambda folder: (folder / ".fingerprint").unlink(),
    ],
)
def test_damaged_generated_images_are_generated_anew(data_folder, damage):
    counts = {"train/good": 2, "test/good": 1, "test/crack": 1, "test/hole": 1}
    first = generate_category(64, counts)
    (folder,) = (data_folder / "generated").glob("*/hazelnut")
    damage(folder)
    again = generate_category(64, counts)
    assert again.fingerprint == first.fingerprint
    for array in ("train", "test", "masks"):
        np.testing.assert_array_equal(getattr(again, array), getattr(first, array))


def test_the_short_description_has_no_arrays(small_root, data_folder):
    text = repr(load_category("nut", size=16, root=small_root))
    assert "train: 3 good" in text
    assert "2 crack, 2 good" in text
    assert "array" not in text


def test_arrays_that_disagree_are_refused(small_root, data_folder):
    good = load_category("nut", size=16, root=small_root)
    fields = vars(good) | {"masks": good.masks[:, :8]}
    with pytest.raises(ValueError, match="masks has shape"):
        Category(**fields)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train", lambda a: a.astype(np.float32), "train holds float32, not uint8"),
        ("masks", lambda a: a.astype(np.uint8), "masks holds uint8, not bool"),
        ("labels", lambda a: a.astype(bool), "labels holds bool, not integer"),
        ("labels", lambda a: 1 - a, "labels must be 0 where defects says 'good'"),
    ],
)
def test_arrays_of_the_wrong_kind_are_refused(small_root, data_folder, name, change, message):
    fields = vars(load_category("nut", size=16, root=small_root))
    with pytest.raises(ValueError, match=message):
        Category(**fields | {name: change(fields[name])})


def test_good_images_are_split_without_loss_or_repeat():
    images = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 2, 2), np.uint8)
    fit, held_out = split_good(images, 0.15, seed=1)
    assert (len(fit), len(held_out)) == (17, 3)
    assert sorted(np.concatenate([fit, held_out])[:, 0, 0, 0]) == list(range(20))
    np.testing.assert_array_equal(held_out, split_good(images, 0.15, seed=1)[1])
    assert not np.array_equal(held_out, split_good(images, 0.15, seed=2)[1])


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.5), (10, 0.0), (10, 1.0)])
def test_impossible_splits_are_refused(count, fraction):
    with pytest.raises(ValueError, match="split in two|between 0 and 1"):
        split_good(np.zeros((count, 3, 2, 2), np.uint8), fraction)


@pytest.mark.parametrize(
    ("name", "train", "defects", "masks", "mode"),
    [("hazelnut", 50, 8, 8, "RGB"), ("grid", 264, 57, 57, "L")],
)
def test_real_images(real_root, data_folder, name, train, defects, masks, mode):
    table = list_images(name, real_root)
    assert set(table["mode"]) == {mode}
    category = load_category(name, size=64, root=real_root)
    assert len(category.train) == train
    assert category.labels.sum() == defects
    assert category.masks.any(axis=(1, 2)).sum() == masks
