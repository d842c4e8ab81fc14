"""What the chapters read beside the pictures."""

from helpers.paths import book_record


def test_the_class_counts_that_others_published_are_read():
    names = [entry["name"] for entry in book_record("class_counts.json")]
    assert "MVTec AD, hazelnut" in names
