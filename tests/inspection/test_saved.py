import json
import zipfile

import numpy as np
import pytest

from helpers.detectors.saved import save_detector
from helpers.errors import DataError
from helpers.inspection.saved import load_inspector, save_inspector
from tests.inspection.conftest import photo


@pytest.fixture
def file(fitted, tmp_path):
    return save_inspector(fitted.inspector, tmp_path / "nut.zip", photos=24)


def test_a_loaded_inspector_gives_the_same_verdicts(fitted, file):
    loaded = load_inspector(file)
    for seed in (300, 301):
        one, other = (i.inspect(photo(seed, scratch=True)) for i in (fitted.inspector, loaded))
        assert one.score == other.score
        assert np.array_equal(one.map, other.map)
    assert (loaded.promise, loaded.squares) == (fitted.inspector.promise, fitted.inspector.squares)
    assert loaded.usual == fitted.inspector.usual


def test_a_file_cut_short_or_changed_is_refused(file):
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-1], b"", whole.replace(b"rank", b"tank")):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=r"nut\.zip"):
            load_inspector(file)
    place = len(whole) // 2
    file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(DataError, match=r"nut\.zip is damaged"):
        load_inspector(file)


def test_a_detector_without_a_threshold_is_refused(fitted, tmp_path):
    path = save_detector(fitted.inspector.detector, tmp_path / "bare.zip")
    with pytest.raises(DataError, match="without a threshold"):
        load_inspector(path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"format": 99}, "reads 1. Fit it again"),
        ({"promise": {"threshold": 1}}, "holds no inspector"),
        ({"squares": {"size": -1, "long_side": 1, "overlap": 0}}, "holds no inspector"),
    ],
)
def test_a_file_of_another_version_is_refused(fitted, file, changed, told):
    with zipfile.ZipFile(file) as archive:
        header = next(json.loads(archive.read(n)) for n in archive.namelist() if ".json" in n)
    kept = header["more"]["inspection"] | changed
    save_detector(fitted.inspector.detector, file, inspection=kept)
    with pytest.raises(DataError, match=told):
        load_inspector(file)
