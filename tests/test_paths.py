"""What the chapters read beside the pictures."""

import pytest

from helpers import paths
from helpers.errors import DataError
from helpers.experiments.detectors import names_of
from helpers.paths import book_record, data_folder
from helpers.profiles import PROFILES


def test_the_class_counts_that_others_published_are_read():
    names = [entry["name"] for entry in book_record("class_counts.json")]
    assert "MVTec AD, hazelnut" in names


def test_published_figures_are_of_the_books_methods_and_have_a_source():
    names = set(names_of(PROFILES["quick"], ("attempts", "strategies")))
    entries = book_record("published_ranking.json")
    methods = [entry["method"] for entry in entries]
    assert set(methods) <= names
    assert len(set(methods)) == len(methods), "one figure a method"
    for entry in entries:
        assert entry["differs"]
        assert entry["network"] in {"pretrained", "none"}
        if entry["image"] is not None:
            assert 0 <= entry["image"] <= 1
            assert entry["source"]
            assert entry["kin"] in {"same method", "same family"}
        if entry["wide"] is not None:
            assert 0 <= entry["wide"] <= 1
            assert entry["network"] == "pretrained" and entry["image"] is not None


def test_a_home_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_DATA", "~nosuchuser/data")
    with pytest.raises(DataError, match="ONE_BAD_NUT_DATA is '~nosuchuser/data'.*whole path"):
        data_folder()


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b"[" * 100_000])
def test_a_damaged_record_of_the_book_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setattr(paths, "project_root", lambda: tmp_path)
    path = tmp_path / "book" / "records" / "counts.json"
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"counts\.json is missing or damaged"):
        book_record("counts.json")


def test_published_tables_have_all_categories_their_mean_and_a_source():
    kept = book_record("published_mvtec.json")
    categories = kept["categories"]
    assert sum(each["good"] for each in categories.values()) == 467
    assert sum(each["defective"] for each in categories.values()) == 1258
    for row in kept["rows"]:
        assert row["url"].startswith("https://")
        if row["image"] is not None:
            assert list(row["image"]) == list(categories)
            # What is printed is rounded to three decimals at best.
            mean = sum(row["image"].values()) / len(categories)
            assert mean == pytest.approx(row["mean"], abs=0.0011)


def test_published_figures_agree_wherever_the_book_keeps_them():
    rows = book_record("published_mvtec.json")["rows"]
    named = {(row["method"], row["table"], row["network"]): row["image"] for row in rows}
    found = 0
    for entry in book_record("published_strategies.json"):
        for network in ("ResNet18", "Wide ResNet50"):
            key = entry["attempt"], "anomalib", network
            if key in named and network in entry["source"] and "anomalib" in entry["source"]:
                category = entry["data"].split(" ")[0]
                assert named[key][category] == entry["image"], entry
                found += 1
    assert found >= 6
