"""What the chapters read beside the pictures."""

import pytest

from helpers import paths
from helpers.errors import DataError
from helpers.paths import book_record, data_folder


def test_the_class_counts_that_others_published_are_read():
    names = [entry["name"] for entry in book_record("class_counts.json")]
    assert "MVTec AD, hazelnut" in names


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
