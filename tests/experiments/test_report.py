"""Reports: all figures from one place, and records that come back as they were."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from helpers.data.category import Category
from helpers.errors import DataError
from helpers.experiments.report import evaluate, load_report, record_folder, timed
from helpers.metrics import image, pixel
from helpers.metrics.scores import Scores


@dataclass(frozen=True)
class Settings:
    width: int = 3
    sides: tuple[int, ...] = (1, 2)


class Judge:
    settings = Settings()


@pytest.fixture
def category():
    defects = np.array(["good"] * 4 + ["crack"] * 3 + ["hole"] * 3)
    masks = np.zeros((10, 8, 8), bool)
    masks[4:, 2:4, 2:5] = True
    images = np.zeros((10, 3, 8, 8), np.uint8)
    return Category(
        name="nut",
        train=images[:5],
        test=images,
        labels=(defects != "good").astype(int),
        defects=defects,
        masks=masks,
        source="generated",
        fingerprint="abc",
        train_files=tuple(f"train/good/{i}.png" for i in range(5)),
        test_files=tuple(f"test/{d}/{i}.png" for i, d in enumerate(defects)),
    )


@pytest.fixture
def scores(category):
    rng = np.random.default_rng(0)
    maps = rng.random((10, 8, 8), dtype=np.float32) + 0.5 * category.masks
    return Scores(np.array([1, 2, 3, 9, 4, 5, 6, 7, 8, 0.5], np.float32), maps)


@pytest.fixture
def report(category, scores):
    good = np.arange(1, 20, dtype=np.float32) / 4
    held_out = Scores(good, np.zeros((19, 8, 8), np.float32))
    return evaluate("Judge", Judge(), category, scores, held_out, seed=7, seconds={"fit": 1.5})


def test_it_says_which_weights_the_detector_stands_on(category, scores, report, tmp_path):
    class Source:
        def __str__(self):
            return "random weights, seed 3"

    class Network:
        source = Source()

    judge = Judge()
    judge.backbone = Network()
    with_one = evaluate("Judge", judge, category, scores, scores)
    assert report.backbone == ""
    assert load_report(with_one.save(tmp_path)).backbone == "random weights, seed 3"


def test_the_figures_are_those_of_the_metrics(report, category, scores):
    assert report.image_auroc == image.image_auroc(category.labels, scores.image)
    assert report.aupro == pixel.aupro(category.masks, scores.maps)
    assert report.pixel_auroc == pixel.pixel_auroc(category.masks, scores.maps)
    # Worked out by hand: of 4 × 3 pairs of good images with cracks, 9 are in order.
    assert report.auroc_per_defect["crack"] == pytest.approx(9 / 12)


def test_the_threshold_comes_from_the_held_out_images_alone(report, category, scores):
    # 19 scores and a rate of 5 %: rank 19, the largest held-out score, 19 / 4.
    assert report.threshold.value == 4.75
    assert report.threshold.expected_false_alarm_rate == pytest.approx(0.05)
    assert report.confusion == image.Confusion(tn=3, fp=1, fn=2, tp=4)
    assert report.false_alarm_rate == 0.25
    assert report.miss_rate == pytest.approx(2 / 6)


def test_it_says_where_the_figures_come_from(report):
    assert report.settings == {"width": 3, "sides": [1, 2]}
    assert report.data == {
        "category": "nut",
        "source": "generated",
        "size": 8,
        "train": 5,
        "test": {"crack": 3, "good": 4, "hole": 3},
        "fingerprint": "abc",
    }
    assert report.seconds == {"fit": 1.5}
    assert report.environment["profile"] == "quick"
    assert {"machine", "python", "torch", "numpy"} <= set(report.environment)


def test_a_record_comes_back_as_it_was(report, tmp_path):
    path = report.save(tmp_path)
    assert path == tmp_path / "nut-generated-8" / "judge-seed-7.json"
    assert load_report(path) == report


def test_a_record_is_plain_json(report, tmp_path):
    record = json.loads(report.save(tmp_path).read_text("utf-8"))
    assert record["seed"] == 7
    assert record["image_auroc_interval"].keys() == {"low", "high", "level"}


def test_the_summary_has_a_row_named_after_the_method(report):
    table = report.summary()
    assert list(table.index) == ["Judge"]
    assert table.loc["Judge", "missed"] == "33.3%"


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"method": "x"}'])
def test_what_is_not_a_record_is_named(tmp_path, content):
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"r\.json is not a record of this book"):
        load_report(path)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.json is not a record"):
        load_report(tmp_path / "gone.json")


def test_an_unwritable_folder_is_named(report, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        report.save(tmp_path / "file")


def test_maps_of_another_size_are_refused(category, scores):
    small = Scores(scores.image, scores.maps[:, :4])
    with pytest.raises(ValueError, match="predict the category's own test images"):
        evaluate("Judge", Judge(), category, small, small)


def test_the_profile_names_the_folder(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_PROFILE", "full")
    assert record_folder().name == "full"


def test_timing_returns_the_result():
    result, seconds = timed(lambda: 5)
    assert result == 5
    assert 0 <= seconds < 1
