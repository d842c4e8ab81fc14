"""Photos of a plain product, 24 good ones, and an inspector fitted to them."""

import numpy as np
import pytest
from PIL import Image

from helpers.data.squares import Squares
from helpers.detectors.memory.patchcore import PatchCoreSettings
from helpers.inspection.good import gather
from helpers.inspection.inspector import InspectorSettings, fit_inspector

SIZE = 64
SMALL = PatchCoreSettings(weights="random", layers=("stride 4", "stride 8"), largest_memory=200)


def photo(seed, scratch=False, width=64, height=48):
    """Draw a grey disc on black, somewhere near the middle, with noise; perhaps a white scratch."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / height
    away = np.hypot(x - rng.uniform(0.6, 0.7), y - rng.uniform(0.45, 0.55))
    picture = np.where(away < 0.35, 120.0, 20.0)[..., None] * [1, 0.9, 0.8]
    if scratch:
        picture[height // 2 - 2 : height // 2 + 2, width // 2 - 8 : width // 2 + 8] = 255
    picture += rng.normal(0, 4, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def write(folder, photos):
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in photos.items():
        Image.fromarray(picture).save(folder / name)
    return folder


@pytest.fixture(scope="session")
def good_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "good"
    return write(folder, {f"{i:02d}.png": photo(i) for i in range(24)})


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "new"
    write(folder, {"a.png": photo(100), "b.png": photo(101, scratch=True), "c.png": photo(102)})
    whole = (folder / "c.png").read_bytes()
    (folder / "c.png").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="session")
def good(good_folder):
    return gather(good_folder, Squares(SIZE))


@pytest.fixture(scope="session")
def settings():
    return InspectorSettings(false_alarms=0.1, detector=SMALL)


@pytest.fixture(scope="session")
def fitted(good, settings):
    return fit_inspector(good, settings)
