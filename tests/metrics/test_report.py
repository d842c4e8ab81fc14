"""Reports: all figures from one place."""

from dataclasses import fields, replace

import numpy as np
import pytest

from helpers.data.category import Category
from helpers.metrics import image, pixel
from helpers.metrics.report import evaluate
from helpers.metrics.scores import Scores


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
    return evaluate(category, scores, Scores(good, np.zeros((19, 8, 8), np.float32)))


def test_the_figures_are_those_of_the_metrics(report, category, scores):
    assert report.image_auroc == image.image_auroc(category.labels, scores.image)
    assert report.aupro == pixel.aupro(category.masks, scores.maps)
    assert report.pixel_auroc == pixel.pixel_auroc(category.masks, scores.maps)
    # Worked out by hand: of 4 × 3 pairs of good images with cracks, 9 are in order.
    assert report.auroc_per_defect["crack"] == pytest.approx(9 / 12)


def test_the_threshold_comes_from_the_held_out_images_alone(report):
    # 19 scores and a rate of 5 %: rank 19, the largest held-out score, 19 / 4.
    assert report.threshold.value == 4.75
    assert report.threshold.expected_false_alarm_rate == pytest.approx(0.05)
    assert report.confusion == image.Confusion(tn=3, fp=1, fn=2, tp=4)
    assert report.false_alarm_rate == 0.25
    assert report.miss_rate == pytest.approx(2 / 6)


def test_the_summary_has_a_row_of_the_given_name(report):
    table = report.summary("Judge")
    assert list(table.index) == ["Judge"]
    assert table.loc["Judge", "missed"] == "33.3%"


def test_a_report_knows_of_no_method_and_no_file(report):
    unknown = {"method", "seed", "settings", "environment", "seconds", "code", "data"}
    assert not unknown & {field.name for field in fields(report)}


def test_a_share_is_between_0_and_1(report):
    for wrong in (-0.1, 1.2, float("nan")):
        with pytest.raises(ValueError, match="aupro must be between 0 and 1"):
            replace(report, aupro=wrong)
    with pytest.raises(ValueError, match="crack must be between 0 and 1"):
        replace(report, auroc_per_defect={"crack": 7.0})


def test_maps_of_another_size_are_refused(category, scores):
    small = Scores(scores.image, scores.maps[:, :4])
    with pytest.raises(ValueError, match="predict the category's own test images"):
        evaluate(category, small, small)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("image_auroc_interval", {"level": 95.0}, "level must be between 0 and 1"),
        ("image_auroc_interval", {"low": 1.0, "high": 0.5}, "the interval runs from 1.0 to 0.5"),
        ("threshold", {"low": -1.0}, "the threshold's low must be between 0 and 1"),
        ("threshold", {"value": -1.0}, "is not what the threshold makes of the image scores"),
        ("confusion", {"tn": 4}, "is not what the threshold makes of the image scores"),
        ("confusion", {"fn": -1, "tn": 6}, "is not what the threshold makes of the image scores"),
    ],
)
def test_what_contradicts_itself_is_no_report(report, part, change, message):
    with pytest.raises(ValueError, match=message):
        replace(report, **{part: replace(getattr(report, part), **change)})


def test_scores_of_the_other_sign_or_of_fewer_images_are_no_report(report):
    for scores in ([-score for score in report.image_scores], report.image_scores[1:]):
        with pytest.raises(ValueError, match="is not what the threshold makes"):
            replace(report, image_scores=scores)


def test_a_score_at_the_threshold_may_have_been_on_either_side_before_it_was_rounded(report):
    rounded = [4.75 if score in (4, 5) else score for score in report.image_scores]
    assert replace(report, image_scores=rounded).confusion == report.confusion
