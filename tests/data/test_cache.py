"""Arrays kept on disk under the digest of what they were made from."""

import numpy as np
import pytest

from helpers.data.cache import cached, fingerprint
from helpers.errors import DataError


@pytest.fixture
def files(tmp_path):
    for name, content in {"a": b"1", "b": b"2"}.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_the_fingerprint_follows_content_names_and_settings(files):
    base = fingerprint(files, ["a", "b"], size=8)
    assert base == fingerprint(files, ["a", "b"], size=8)
    assert len(base) == 32
    assert base != fingerprint(files, ["a", "b"], size=9)
    assert base != fingerprint(files, ["b", "a"], size=8)
    assert base != fingerprint(files, ["a"], size=8)
    (files / "b").write_bytes(b"3")
    assert base != fingerprint(files, ["a", "b"], size=8)


def test_swapped_contents_are_noticed(files):
    base = fingerprint(files, ["a", "b"])
    (files / "a").write_bytes(b"2")
    (files / "b").write_bytes(b"1")
    assert base != fingerprint(files, ["a", "b"])


def test_arrays_come_back_and_are_made_once(tmp_path):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    made = cached(tmp_path / "key", lambda: {"x": array, "y": array > 2})
    again = cached(tmp_path / "key", lambda: pytest.fail("made again"))
    for arrays in (made, again):
        np.testing.assert_array_equal(arrays["x"], array)
        assert arrays["y"].dtype == bool


@pytest.mark.parametrize("kept", [b"", b"half an array"])
def test_damaged_arrays_are_named(tmp_path, kept):
    cached(tmp_path / "key", lambda: {"x": np.zeros(3)})
    (tmp_path / "key" / "x.npy").write_bytes(kept)
    with pytest.raises(DataError, match=r"key is damaged .*Remove it and run again"):
        cached(tmp_path / "key", lambda: pytest.fail("made again"))


def test_an_array_cut_short_is_named(tmp_path):
    cached(tmp_path / "key", lambda: {"x": np.zeros(30)})
    path = tmp_path / "key" / "x.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match="key is damaged"):
        cached(tmp_path / "key", lambda: pytest.fail("made again"))


def test_a_file_that_cannot_be_read_is_named(files):
    with pytest.raises(DataError, match=r"gone\.png cannot be read \(No such file"):
        fingerprint(files, ["a", "gone.png"])
