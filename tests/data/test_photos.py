import numpy as np
import pytest
from PIL import Image

from helpers.data.photos import list_photos, load_photos
from helpers.errors import DataError
from helpers.metrics.report import evaluate
from helpers.metrics.scores import Scores

RNG = np.random.default_rng(0)


def write(folder, *files, size=(24, 16)):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        width, height = size
        picture = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / file)


def test_good_photos_only_and_what_can_be_measured(tmp_path):
    write(tmp_path, *(f"{i}.png" for i in range(8)))
    photos = load_photos(tmp_path, 16)
    assert (len(photos.train), len(photos.test)) == (6, 2)
    assert not photos.labels.any()
    assert "Only false alarms can be measured" in repr(photos)
    assert "padded to 16 × 16" in repr(photos)


def test_good_and_bad_without_masks(tmp_path):
    write(tmp_path, *(f"OK/{i}.jpg" for i in range(8)), "scratch/0.jpg", "dent/0.jpg")
    photos = load_photos(tmp_path, 16)
    assert sorted(photos.defects) == ["dent", "good", "good", "scratch"]
    assert "no AUPRO" in photos.can_measure()
    assert len(photos.train) == 6


def test_folders_called_train_and_test_are_followed_and_masks_passed_over(tmp_path):
    write(tmp_path, "train/good/0.png", "train/good/1.png", "test/good/0.png", "test/bad/0.png")
    write(tmp_path, "ground_truth/bad/0_mask.png")
    photos = load_photos(tmp_path, 16)
    assert photos.train_files == ("train/good/0.png", "train/good/1.png")
    assert photos.test_files == ("test/bad/0.png", "test/good/0.png")
    assert photos.labels.tolist() == [1, 0]


def test_photos_of_all_shapes_keep_their_shape(tmp_path):
    write(tmp_path, "a.png", size=(40, 20))
    write(tmp_path, "b.png", size=(10, 30))
    photos = load_photos(tmp_path, 16)
    assert photos.train.shape[1:] == photos.test.shape[1:] == (3, 16, 16)


def test_what_cannot_be_read_is_left_out_with_a_clear_word(tmp_path):
    write(tmp_path, *(f"{i}.png" for i in range(5)))
    whole = (tmp_path / "3.png").read_bytes()
    (tmp_path / "3.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "IMG_1.HEIC").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    photos = load_photos(tmp_path, 16)
    told = {one.file: one.why for one in photos.skipped}
    assert set(told) == {"3.png", "IMG_1.HEIC", "notes.txt"}
    assert "export it as JPEG" in told["IMG_1.HEIC"]
    assert "cut short" in told["3.png"]
    assert len(photos.train) + len(photos.test) == 4
    assert "Left out: IMG_1.HEIC" in repr(photos)


def test_photos_of_one_part_stay_together(tmp_path):
    write(tmp_path, *(f"good/p{i}_{k}.png" for i in range(6) for k in range(3)))
    write(tmp_path, "bad/p5_9.png")
    photos = load_photos(tmp_path, 16, group=r"p(\d)")
    assert not set(photos.train_groups) & set(photos.test_groups)
    assert photos.test_groups.count("5") == 4  # the part with a defect is no part to learn from


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "holds no photo that can be read"),
        (["crack/0.png"], "holds no good photo"),
        (["train/good/0.png", "train/crack/0.png"], "is in no folder of good photos"),
        (["test/good/0.png"], "train holds no good photo"),
        (["train/good/p1_a.png", "test/good/p1_b.png"], "both in train and elsewhere"),
        (["good/p1_a.png", "bad/p1_b.png"], "none is left to learn from"),
    ],
)
def test_folders_that_say_too_little_are_refused(tmp_path, files, told):
    write(tmp_path, *files)
    with pytest.raises(DataError, match=told):
        load_photos(tmp_path, 16, group=r"p\d" if any("p1" in f for f in files) else None)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        list_photos(tmp_path / "none")


def scores(values):
    return Scores(np.array(values, np.float32), np.zeros((len(values), 1, 1), np.float32))


def test_evaluate_measures_images_alone(tmp_path):
    write(tmp_path, *(f"good/{i}.png" for i in range(8)), "bad/0.png", "bad/1.png")
    photos = load_photos(tmp_path, 16)
    values = np.where(photos.labels == 1, [3.0], [1.0])
    report = evaluate(photos, scores(values), scores(np.linspace(0, 2, 19)))
    assert report.image_auroc == 1
    assert report.image_auroc_interval.low < 1
    assert (report.confusion.tp, report.confusion.fp) == (2, 0)
    assert "pixel AUROC" not in report.summary("x")


def test_evaluate_measures_false_alarms_where_all_is_good(tmp_path):
    write(tmp_path, *(f"{i}.png" for i in range(8)))
    photos = load_photos(tmp_path, 16)
    report = evaluate(photos, scores([1, 3]), scores(np.linspace(0, 2, 19)))
    assert report.image_auroc is None
    assert (report.confusion.fp, report.confusion.tn) == (1, 1)
    assert list(report.summary("x")) == ["false alarms (expected)"]


def test_scores_of_other_photos_are_refused(tmp_path):
    write(tmp_path, *(f"{i}.png" for i in range(8)))
    with pytest.raises(ValueError, match="3 scores and 2 test photos"):
        evaluate(load_photos(tmp_path, 16), scores([1, 2, 3]), scores([1, 2]))
