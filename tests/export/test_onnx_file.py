"""A detector in ONNX Runtime gives the scores, the maps and the verdicts that it gives here."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from helpers.detectors import (
    AutoencoderDetector,
    FeatureReconstructionDetector,
    FeatureReconstructionSettings,
)
from helpers.errors import DataError
from helpers.export import OnnxDetector, export_detector, exportable, quantise
from helpers.export.graph import blur_matrix
from tests.stripes import moving_stripes
from tests.tiny import KNOWN, SIDE, SPECS

REFUSED = {"CutPaste, patch-wise": "crops", "Diffusion": "noise"}
# Of the spread of the scores, and of the maps; rounding in single precision.
TOLERANCE = 1e-4


@pytest.fixture(autouse=True)
def single_precision(monkeypatch):
    """Compute here as the runtime does: on the processor, for a GPU rounds convolutions more."""
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "float32")
    monkeypatch.setenv("ONE_BAD_NUT_DEVICE", "cpu")


@cache
def fitted(name):
    return SPECS[name].detector().fit(moving_stripes(KNOWN, side=SIDE))


def pictures(count=5):
    """Return stripes, of which every second has a spot; one batch of the runtime is not enough."""
    drawn = moving_stripes(count, seed=1, side=SIDE)
    drawn[::2, :, 24:34, 30:40] = 20
    return drawn


@pytest.mark.parametrize("name", [name for name in SPECS if name not in REFUSED])
def test_scores_maps_and_verdicts_are_those_of_the_page(name, tmp_path):
    shown = pictures(9 if name == "PatchCore" else 5)
    here = fitted(name).predict(shown)
    threshold = float(np.median(here.image)) + 1e-3 * float(np.ptp(here.image))
    path = export_detector(fitted(name), tmp_path / "nut.onnx", threshold)
    there, verdicts = OnnxDetector(path).judge(shown)
    assert abs(there.image - here.image).max() < TOLERANCE * np.ptp(here.image)
    assert abs(there.maps - here.maps).max() < TOLERANCE * np.ptp(here.maps)
    assert np.array_equal(verdicts, here.image > threshold)
    assert 0 < verdicts.sum() < len(verdicts)


def test_the_usual_backbone_pads_its_pictures_there_as_here(tmp_path):
    settings = FeatureReconstructionSettings(weights="imagenet")
    detector = FeatureReconstructionDetector(settings).fit(moving_stripes(4, side=SIDE))
    path = export_detector(detector, tmp_path / "nut.onnx", 1.0)
    here, (there, _) = detector.predict(pictures()), OnnxDetector(path).judge(pictures())
    assert abs(there.maps - here.maps).max() < TOLERANCE * np.ptp(here.maps)


def test_a_threshold_of_other_arithmetic_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "bfloat16")
    detector = SPECS["GAN"].detector().fit(moving_stripes(KNOWN, side=SIDE))
    path = tmp_path / "nut.onnx"
    with pytest.raises(ValueError, match="fitted, and is asked, in bfloat16.*PRECISION=float32"):
        export_detector(detector, path, 0.25)
    monkeypatch.delenv("ONE_BAD_NUT_PRECISION")
    with pytest.raises(ValueError, match="in bfloat16"):  # the fit decides, as it does for scores
        export_detector(detector, path, 0.25)
    assert not path.exists()
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "float32")
    scores = detector.predict(pictures()).image
    there, _ = OnnxDetector(export_detector(detector, path, 0.25)).judge(pictures())
    assert abs(there.image - scores).max() < TOLERANCE * np.ptp(scores)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exported_says_why(name, tmp_path):
    detector = fitted(name)
    with pytest.raises(ValueError, match=f"{REFUSED[name]}.*save_detector"):
        export_detector(detector, tmp_path / "nut.onnx", 1.0)
    assert not list(tmp_path.iterdir())
    assert REFUSED[name] in exportable()[type(detector).__name__]


def test_the_others_have_no_reason_not_to():
    why = exportable()
    others = {type(s.detector()).__name__ for name, s in SPECS.items() if name not in REFUSED}
    assert not any(why[name] for name in others)


def test_whole_numbers_of_eight_bits_are_smaller_and_near(tmp_path):
    path = export_detector(fitted("Feature reconstruction"), tmp_path / "nut.onnx", 1.0)
    small = quantise(path, tmp_path / "int8.onnx", moving_stripes(KNOWN, side=SIDE))
    assert small.stat().st_size < 0.5 * path.stat().st_size
    there, _ = OnnxDetector(small).judge(pictures())
    here = fitted("Feature reconstruction").predict(pictures())
    assert np.isfinite(there.maps).all()
    assert there.image[::2].min() > there.image[1::2].max()  # the spots are still the highest
    assert not np.array_equal(there.image, here.image)


def test_the_file_says_what_it_is(tmp_path):
    detector = OnnxDetector(export_detector(fitted("GAN"), tmp_path / "nut.onnx", 0.25))
    assert (detector.kind, detector.side, detector.threshold) == ("GanDetector", SIDE, 0.25)


def test_pictures_of_another_size_are_refused(tmp_path):
    detector = OnnxDetector(export_detector(fitted("GAN"), tmp_path / "nut.onnx", 0.25))
    with pytest.raises(ValueError, match="64 × 64"):
        detector.judge(moving_stripes(1, side=64))


def test_what_is_not_fitted_is_not_exported(tmp_path):
    with pytest.raises(ValueError, match="fit"):
        export_detector(AutoencoderDetector(), tmp_path / "nut.onnx", 1.0)


def test_a_damaged_or_foreign_file_is_refused(tmp_path):
    path = export_detector(fitted("GAN"), tmp_path / "nut.onnx", 0.25)
    content = path.read_bytes()
    for wrong in (b"", content[: len(content) // 2], b"no model"):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match="nut.onnx is damaged"):
            OnnxDetector(path)
    with pytest.raises(DataError, match="there is no file"):
        OnnxDetector(tmp_path / "other.onnx")


@pytest.mark.parametrize("sigma", [0, 0.7, 2, 9])
def test_a_matrix_smooths_as_the_filter_does(sigma):
    lines = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    blur = blur_matrix(16, sigma)
    wanted = gaussian_filter(lines, sigma) if sigma else lines
    assert np.allclose((blur @ torch.tensor(lines) @ blur.T).numpy(), wanted, atol=1e-6)
