"""What records are worth as evidence: grouped by method and data, and told with what limits it."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.experiments.detectors import described
from helpers.experiments.evidence import (
    Assessor,
    Group,
    chosen_in_view,
    detector_groups,
    labels_of,
    segmenter_groups,
)
from helpers.experiments.segmentation import AtRate, MaskCase, MaskResult
from helpers.experiments.store import Provenance, Record
from helpers.metrics.image import image_report
from helpers.metrics.report import Report
from helpers.metrics.threshold import threshold_from_good
from helpers.plain import plain

DEFECTS = np.repeat(["crack", "good", "hole"], [10, 20, 10])
RULES = [
    {"weights": "formula", "category": "grid", "what": "the weights"},
    {"method": "FastFlow", "category": "grid", "what": "its score"},
]


def report(scores, aupro=0.8):
    threshold = threshold_from_good(np.linspace(0, 1, 21))
    images = image_report(DEFECTS, scores, threshold.value)
    return Report(
        image_auroc=images.auroc,
        image_auroc_interval=images.auroc_interval,
        average_precision=images.average_precision,
        pixel_auroc=0.9,
        pixel_average_precision=0.5,
        aupro=aupro,
        image_scores=list(map(float, scores)),
        auroc_per_defect=images.auroc_per_defect,
        threshold=threshold,
        confusion=images.confusion,
        f1=images.confusion.f1,
    )


def record(
    method="PatchCore",
    seed=0,
    shift=3.0,
    *,
    category="hazelnut",
    source="generated",
    train=391,
    variant=None,
    weights="ImageNet",
    revision=3,
    time=0.02,
    aupro=0.8,
):
    """Return a record whose defective images score ``shift`` standard deviations higher."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=40) / 4 + 0.5 + shift / 4 * (DEFECTS != "good")
    names, counts = np.unique(DEFECTS, return_counts=True)
    test = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    return Record(
        "detectors",
        {"method": method, "variant": variant or {}, "seed": seed},
        {},
        {"category": category, "source": source, "size": 128, "fingerprint": "f", "train": train,
         "test": test},
        {"method": revision, "measures": 1},
        report(scores, aupro),
        Provenance({"fit": 1.0, "predict": 1.0, "one image": time}, {}, {}, f"{weights} weights"),
    )  # fmt: skip


def segmenter(seed=0, aupro=0.9, **case):
    case = MaskCase(**{"labels": 16, "seed": seed} | case)
    result = MaskResult(DEFECTS.tolist(), [0.5] * 40, [0.5] * 40, [0] * 40, 0.9, aupro)
    real = case.folds is not None
    names = ("grid", "MVTec AD") if real else ("hazelnut", "generated")
    data = dict(zip(("category", "source"), names, strict=True)) | {"size": 256, "fingerprint": "f"}
    return Record(
        "segmentation", plain(case), {}, data, {"method": 1, "measures": 1}, result,
        Provenance({"fit": 1.0}, {}),
    )  # fmt: skip


def test_seeds_are_grouped_and_what_differs_in_kind_is_not():
    records = [
        record(seed=1), record(seed=0), record("GAN", weights=""), record(weights="formula"),
        record(category="grid", source="MVTec AD"), record(train=40, variant={"good images": "40"}),
        record(variant={"weights": "formula"}, weights="formula"), record(revision=2),
        record(variant={"epochs": "5"}),
    ]  # fmt: skip
    groups = detector_groups(records, "quick")
    assert list(groups[0].runs) == [0, 1]
    assert len(groups) == 6, "ablations are left out"
    assert {group.weights for group in groups} == {"ImageNet", "formula", "none"}


def test_a_segmenter_goes_by_how_many_labels_it_has_seen():
    records = [segmenter(0), segmenter(1), segmenter(labels=8), segmenter(left_out="cut"),
               segmenter(encoder="formula"), segmenter(labels=None, folds=5)]  # fmt: skip
    groups = segmenter_groups(records, "quick")
    assert [(g.method, g.labels, len(g.runs)) for g in groups] == [
        ("U-Net", 16, 2), ("U-Net", 8, 1), ("U-Net, formula weights", 16, 1), ("U-Net", 8, 1),
    ]  # fmt: skip
    # Ten pictures of each of two types; four of five folds are learned from.
    assert labels_of(records[-1]) == 8
    assert [group.generated for group in groups] == [True, True, True, False]


def test_a_rule_applies_where_all_that_it_names_is_so():
    assert chosen_in_view(RULES, "grid", "PatchCore", "formula") == "the weights"
    assert chosen_in_view(RULES, "grid", "FastFlow", "formula") == "the weights; its score"
    assert chosen_in_view(RULES, "grid", "PatchCore", "ImageNet") == ""
    assert chosen_in_view(RULES, "bottle", "FastFlow", "formula") == ""


def test_evidence_on_some_images_is_that_of_these_alone():
    (group,) = detector_groups([record(seed=seed) for seed in (0, 1)], "quick")
    assessor = Assessor(RULES, {"PatchCore": 3})
    cracks = assessor.by_images(group, DEFECTS != "hole")
    assert cracks.test == (20, 10)
    results = [run.result for run in group.runs.values()]
    assert cracks.value == pytest.approx(np.mean([r.auroc_per_defect["crack"] for r in results]))
    assert cracks.interval.low < cracks.value <= cracks.interval.high
    all_of_them = assessor.by_images(group, DEFECTS != "")
    found, alarms = all_of_them.stopped
    assert found == pytest.approx(np.mean([1 - r.miss_rate for r in results]))
    assert alarms == pytest.approx(np.mean([r.false_alarm_rate for r in results]))
    assert all_of_them.seeds == 2


def test_what_limits_evidence_is_told():
    assessor = Assessor(RULES, {"FastFlow": 3})
    (group,) = detector_groups(
        [record("FastFlow", category="grid", source="MVTec AD", weights="formula", revision=2,
                train=200)],
        "medium",
    )  # fmt: skip
    evidence = assessor.by_images(group, np.ones(40, bool))
    assert (evidence.earlier, evidence.in_view) == (True, "the weights; its score")
    for words in (
        "grid, MVTec AD: 200 good to learn from, 20 good and 20 defective to test",
        "medium, 1 seed;",
        "formula weights",
        "earlier form",
        "chosen in view:",
    ):
        assert words in evidence.text()
    assert not assessor.in_view(Group("FastFlow", "quick", {0: record("FastFlow")}))


def test_aupro_has_an_interval_from_two_trainings_on():
    assessor = Assessor([], {})
    two = segmenter_groups([segmenter(0, 0.9), segmenter(1, 0.8)], "quick")[0]
    evidence = assessor.by_pixels(two)
    assert evidence.value == pytest.approx(0.85)
    # Student's t with one degree of freedom: .85 ± 12.706 × .05, cut off at 0 and 1.
    assert evidence.interval.low == pytest.approx(0.85 - 12.706 * 0.05, abs=1e-3)
    assert evidence.interval.high == 1
    alone = assessor.by_pixels(segmenter_groups([segmenter(0)], "quick")[0])
    assert alone.interval is None
    assert "AUPRO 0.900 (no interval)" in alone.text()
    assert alone.stopped is None


def test_a_segmenter_tells_what_it_meets_at_equal_false_alarms():
    known = segmenter(0)
    met = [int(name == "hole") for name in DEFECTS]
    alarms = [int(name != "crack") for name in DEFECTS]
    at_rate = AtRate(0.05, 0.5, alarms, met, [0.5] * 40)
    known = replace(known, result=replace(known.result, at_rate=at_rate))
    evidence = Assessor([], {}).by_pixels(segmenter_groups([known], "quick")[0])
    assert evidence.stopped == (0.5, 1.0)
    assert "meets 50 % of the defects and marks 100 % of good" in evidence.text()


def test_these_records_are_as_the_book_describes_a_category(data_folder):
    """A stand-in that lacked a field would prove nothing."""
    from helpers.data.load import generate_category
    from helpers.hazelnuts.defects import DEFECT_TYPES

    counts = {"train/good": 2, "test/good": 2} | {f"test/{kind}": 2 for kind in DEFECT_TYPES}
    assert set(described(generate_category(32, counts))) == set(record().data)
    assert replace(record(), case={}).data["train"] == 391
