"""What several test files share: real data when it is there, data folders that are thrown away."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import machine
from tests import stand_in as device

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "mvtec"


@pytest.fixture
def real_root():
    """Give the folder of the real development images, or skip."""
    if not SHARED.is_dir():
        pytest.skip("the real development images are not on this machine")
    return SHARED


def pytest_configure(config):
    """Run every test on the stand-in of a device when ``ONE_BAD_NUT_DEVICE`` names it."""
    if os.environ.get("ONE_BAD_NUT_DEVICE") == device.NAME:
        context = device.stand_in_device()
        machine.DEVICES += (context.__enter__(),)
        config.add_cleanup(lambda: context.__exit__(None, None, None))


@pytest.fixture
def stand_in(monkeypatch):
    """Make the stand-in the device of this machine; see ``tests.stand_in``."""
    with device.stand_in_device() as name:
        monkeypatch.setattr(machine, "DEVICES", (*machine.DEVICES, name))
        monkeypatch.setenv("ONE_BAD_NUT_DEVICE", name)
        monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "float32")
        yield name


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """Keep what is cached or generated in a folder of this test's own."""
    folder = tmp_path / "data"
    monkeypatch.setenv("ONE_BAD_NUT_DATA", str(folder))
    monkeypatch.delenv("MVTEC_ROOT", raising=False)
    return folder


@pytest.fixture
def small_root(tmp_path):
    """Write a category ``nut`` of MVTec AD's layout: 3 training, 2 good and 2 cracked images."""
    root = tmp_path / "root"
    rng = np.random.default_rng(0)
    for place in [f"train/good/{i:03d}" for i in range(3)] + [
        "test/good/000",
        "test/good/001",
        "test/crack/000",
        "test/crack/001",
    ]:
        path = root / "nut" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    for i in range(2):
        mask = np.zeros((16, 16), np.uint8)
        mask[4:8, 4 : 8 + i] = 255
        path = root / "nut" / "ground_truth" / "crack" / f"{i:03d}_mask.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    return root
