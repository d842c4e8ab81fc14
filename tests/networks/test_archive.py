"""A header and its arrays, written and read."""

import io
import zipfile

import numpy as np
import pytest
import torch

from helpers.errors import DataError
from helpers.networks.archive import HEADER, read_archive, write_archive


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nut.zip"


def test_everything_comes_back_as_it_was(path):
    header = {
        "text": "äö", "none": None, "list": [1, 0.1, {"deep": torch.arange(3)}],
        "array": np.ones((2, 0), bool), "scalar": np.float64(1.5) * np.ones(()),
    }  # fmt: skip
    write_archive(path, header)
    found = read_archive(path, "")
    assert found["text"] == "äö"
    assert found["none"] is None
    assert found["list"][:2] == [1, 0.1]
    assert torch.equal(found["list"][2]["deep"], torch.arange(3))
    assert found["array"].shape == (2, 0)
    assert found["array"].dtype == bool
    assert found["scalar"] == 1.5


def test_the_order_in_memory_is_kept(path):
    write_archive(path, {"matrix": torch.arange(6.0).view(2, 3).T})
    assert read_archive(path, "")["matrix"].stride() == (1, 3)


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    for name in ("1", "2"):
        write_archive(tmp_path / name, {"a": torch.zeros(2)})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def replaced(path, name, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for each, part in {**parts, name: content}.items():
            archive.writestr(each, part)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "compression"),
    [
        ("a.npy", npy(np.ones(2, np.float32)), zipfile.ZIP_STORED),
        (HEADER, b"{}", zipfile.ZIP_STORED),
        ("b.npy", npy(np.ones(2)), zipfile.ZIP_STORED),
        ("a.npy", bytes(10_000), zipfile.ZIP_DEFLATED),
    ],
)
def test_a_changed_part_is_refused(path, name, content, compression):
    write_archive(path, {"a": torch.zeros(2)})
    replaced(path, name, content, compression)
    with pytest.raises(DataError, match=r"nut\.zip is damaged.*Do this"):
        read_archive(path, "Do this.")


def test_a_file_cut_short_is_refused(path):
    write_archive(path, {"a": torch.zeros(2)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="damaged"):
        read_archive(path, "")
