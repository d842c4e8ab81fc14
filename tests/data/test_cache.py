"""Arrays kept on disk under the digest of what they were made from."""

import errno
import os
from pathlib import Path

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


def made():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    return {"x": array, "y": array > 2}


def never():
    pytest.fail("made again")


def assert_right(arrays):
    assert set(arrays) == set(made())
    for name, array in made().items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def test_arrays_come_back_and_are_made_once(tmp_path):
    assert_right(cached(tmp_path / "key", "xy", made))
    again = cached(tmp_path / "key", "xy", never)
    assert_right(again)
    assert again["x"].flags.writeable


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip_last(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def zero(path):
    np.save(path, np.zeros_like(np.load(path)))


def claim_more(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(2, 3), }        ", b"(99999999999, 3),}"))
    assert content != path.read_bytes()


DAMAGES = [
    Path.unlink,
    cut,
    flip_last,
    zero,
    claim_more,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"no array"),
    lambda path: np.save(path, np.load(path).T),
    lambda path: np.save(path, np.load(path).astype(np.int8)),
    lambda path: np.save(path, np.array([{}]), allow_pickle=True),
]


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_array_is_made_anew(tmp_path, name, damage):
    cached(tmp_path / "key", "xy", made)
    damage(tmp_path / "key" / f"{name}.npy")
    assert_right(cached(tmp_path / "key", "xy", made))
    assert_right(cached(tmp_path / "key", "xy", never))
    assert not list(tmp_path.glob(".*part*"))


@pytest.mark.parametrize(
    "sums", [None, "", "[", "[]", "5", "{}", '{"x": 1}', '{"x": 1, "y": 2}', "[" * 100_000]
)
def test_damaged_sums_are_made_anew(tmp_path, sums):
    cached(tmp_path / "key", "xy", made)
    path = tmp_path / "key" / "sums.json"
    path.unlink() if sums is None else path.write_text(sums)
    assert_right(cached(tmp_path / "key", "xy", made))
    assert_right(cached(tmp_path / "key", "xy", never))


def test_arrays_of_another_key_are_not_taken(tmp_path):
    cached(tmp_path / "one", "xy", lambda: {"x": np.ones(3), "y": np.ones(3)})
    (tmp_path / "one").rename(tmp_path / "key")
    assert_right(cached(tmp_path / "key", "xy", made))


def test_arrays_can_be_had_where_nothing_can_be_kept(tmp_path):
    (tmp_path / "cache").write_text("a file in the folder's place")
    with pytest.warns(UserWarning, match=r"key cannot be written: .*decoded every time"):
        assert_right(cached(tmp_path / "cache" / "key", "xy", made))


def test_a_full_disk_does_not_keep_arrays_from_being_used(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    calls = []
    monkeypatch.setattr(np, "save", full)
    with pytest.warns(UserWarning, match=r"No space left.*MB are free there"):
        assert_right(cached(tmp_path / "key", "xy", lambda: calls.append(1) or made()))
    assert calls == [1]
    assert not (tmp_path / "key").exists()


def test_trouble_with_making_is_no_trouble_with_keeping(tmp_path):
    def wrong():
        raise DataError("image.png is wrong")

    with pytest.raises(DataError, match=r"image\.png is wrong"):
        cached(tmp_path / "key", "xy", wrong)
    assert not (tmp_path / "key").exists()


def test_a_file_that_cannot_be_read_is_named(files):
    with pytest.raises(DataError, match=r"gone\.png cannot be read \(No such file"):
        fingerprint(files, ["a", "gone.png"])
