"""What the explorer page reads, against the records and the data that the detectors saw."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.errors import DataError
from helpers.experiments.detectors import DETECTORS
from helpers.hazelnuts import render
from helpers.metrics.image import confusion_at
from tools import explorer_data

ROOT = Path(__file__).parents[2]

RECORDS = ROOT / "book" / "records" / "detectors" / "quick"


@pytest.fixture(scope="module")
def records():
    return explorer_data.read_records(RECORDS)


def test_the_rounded_scores_give_the_recorded_counts(records):
    for record in records:
        labels = [name != "good" for name in explorer_data.defects_of(record)]
        report = record.result
        counts = confusion_at(
            np.array(labels).astype(int), report.image_scores, report.threshold.value
        )
        assert counts == report.confusion, record.case


def test_every_record_is_on_the_page_once(records):
    data = explorer_data.payload(records)
    entries = [(d["name"], run["seed"]) for d in data["detectors"] for run in d["runs"]]
    assert len(entries) == len(set(entries)) == len(records)
    assert len(data["defects"]) == len(data["detectors"][0]["runs"][0]["scores"])


def test_ablations_come_after_the_detectors(records):
    variants = [d["variant"] for d in explorer_data.payload(records)["detectors"]]
    assert variants == sorted(variants)
    assert any(variants) and not all(variants)


def test_the_script_is_what_json_reads(records):
    text = explorer_data.script("nutScores", {"ü": [1.5, "a"]})
    assert text == 'window.nutScores = {"ü":[1.5,"a"]};\n'
    assert json.loads(text.removeprefix("window.nutScores = ").rstrip(";\n")) == {"ü": [1.5, "a"]}


def test_a_record_that_lacks_scores_is_named(records):
    first = records[0]
    more = first.data["test"] | {"good": first.data["test"]["good"] + 1}
    short = replace(first, data=first.data | {"test": more})
    with pytest.raises(DataError, match=f"{first.case['method']}.* 110 scores for 111 images"):
        explorer_data.defects_of(short)


def test_records_of_different_images_are_refused(records, tmp_path):
    first = records[0]
    other = {"case": first.case | {"seed": 1}, "data": first.data | {"test": {"good": 110}}}
    for record in (first, replace(first, **other)):
        DETECTORS.write(tmp_path, record)
    with pytest.raises(DataError, match="of different test images"):
        explorer_data.read_records(tmp_path)


def test_more_nuts_more_seeds_and_grids_are_left_out(records, tmp_path):
    first = records[0]
    for case in (
        {"seed": 9},
        {"variant": {"test images": "times 4"}},
        {"variant": {"learning rate": "0.1", "epochs": "2"}},
        {},
    ):
        DETECTORS.write(tmp_path, replace(first, case=first.case | case))
    assert [one.case for one in explorer_data.read_records(tmp_path)] == [first.case]


def test_a_folder_without_records_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="make results"):
        explorer_data.read_records(tmp_path)


def test_the_pictures_are_the_test_images_in_the_records_order(tmp_path):
    counts = {"crack": 1, "good": 2, "print": 1}
    pictures = explorer_data.test_pictures(counts, size=64)
    render.write_category(
        tmp_path, size=64, counts={"train/good": 1, **{f"test/{k}": v for k, v in counts.items()}}
    )
    names = ["crack/000", "good/000", "good/001", "print/000"]
    for picture, name in zip(pictures, names, strict=True):
        wanted = np.array(Image.open(tmp_path / "test" / f"{name}.png"))
        np.testing.assert_array_equal(picture, wanted)


def test_a_sheet_has_each_picture_in_its_place():
    pictures = [np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30)]
    page = explorer_data.sheet(pictures, columns=2)
    assert page.shape == (4, 4, 3)
    assert page[0, 0, 0] == 10
    assert page[0, 2, 0] == 20
    assert page[2, 0, 0] == 30
    assert page[2, 2, 0] == 0
    with pytest.raises(ValueError, match="no picture"):
        explorer_data.sheet([])
