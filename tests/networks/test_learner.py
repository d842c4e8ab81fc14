"""Whatever learns from pictures looks at pictures and settings first, and alike."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import detectors
from helpers.detection.detector import BoxDetector
from helpers.long_tail.classifier import DefectClassifier
from helpers.networks.learner import Learner
from helpers.networks.training import TrainingSettings
from helpers.segmentation.segmenter import Segmenter
from tests.stripes import still_stripes

EVERYTHING = [
    *(getattr(detectors, name) for name in dir(detectors) if name.endswith("Detector")),
    Segmenter,
    DefectClassifier,
    BoxDetector,
]
GOOD = still_stripes(4)
WRONG = {
    "floats": (GOOD / np.float32(255), r"got float32 .* \(255 \* images\)"),
    "one picture": (GOOD[0], r"shape \(3, 64, 64\). A single picture is a batch of one: images\[N"),
    "none": (GOOD[:0], r"shape \(0, 3, 64, 64\). Give at least one picture"),
    "no pixels": (GOOD[..., :0], "Give at least one picture"),
    "channels last": (GOOD.transpose(0, 2, 3, 1), r"images.transpose\(0, 3, 1, 2\)"),
    "grey": (GOOD[:, :1], r"uint8 of shape N×3×H×W; got uint8 of shape \(4, 1, 64, 64\)"),
    "16 bits": (GOOD.astype(np.uint16), "got uint16"),
    "wide": (GOOD[..., :32, :], "must be square, N×3×H×H; got 32 × 64 pixels"),
    "tall": (GOOD[..., :32], "must be square, N×3×H×H; got 64 × 32 pixels"),
    "a list": (GOOD.tolist(), "must be a NumPy array.* got list"),
}


def test_every_learner_is_tested():
    assert len(EVERYTHING) == 20
    assert all(issubclass(each, Learner) for each in EVERYTHING)
    assert [each for each in EVERYTHING if each.any_size] == [Segmenter]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("learner", EVERYTHING, ids=lambda each: each.__name__)
def test_wrong_pictures_are_refused_with_a_remedy(learner, wrong):
    images, message = WRONG[wrong]
    if learner.any_size and wrong in ("wide", "tall"):
        pytest.skip("takes pictures of any size")
    labels = {Segmenter: [None], DefectClassifier: [None], BoxDetector: [None, None]}
    with pytest.raises(ValueError, match=message):
        learner().fit(images, *labels.get(learner, ()))
    for ask in ("predict", "reconstruct", "embed", "probabilities"):
        if hasattr(learner, ask):
            more = [8] if (ask, learner.__name__) == ("embed", "PatchCutPasteDetector") else []
            with pytest.raises(ValueError, match=message):
                getattr(learner(), ask)(images, *more)


def tiny(**changes):
    training = TrainingSettings(epochs=1, batch_size=4)
    return detectors.AutoencoderSettings(width=2, code_side=8, training=training, **changes)


def test_pictures_of_another_size_than_fitted_to_are_refused():
    for detector in (
        detectors.AutoencoderDetector(tiny()),
        detectors.PatchCoreDetector(
            detectors.PatchCoreSettings(weights="random", coreset_share=0.1, neighbours=1)
        ),
    ):
        detector.fit(GOOD)
        with pytest.raises(ValueError, match=r"of 128 × 128 pixels cannot .* 64 × 64"):
            detector.predict(still_stripes(1, side=128))
        assert detector.predict(GOOD).maps.shape == (4, 64, 64)


def test_a_fit_that_fails_changes_nothing():
    detector = detectors.AutoencoderDetector(tiny())
    with pytest.raises(ValueError, match="batch of 4 is larger"):
        detector.fit(GOOD[:3])
    with pytest.raises(ValueError, match="has not been fitted"):
        detector.predict(GOOD)
    before = detector.fit(GOOD).predict(GOOD).image
    with pytest.raises(ValueError, match="batch of 4 is larger"):
        detector.fit(still_stripes(2, side=128))
    assert np.array_equal(detector.predict(GOOD).image, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smoothing": float("nan")}, "smoothing must be finite; got nan"),
        ({"smoothing": -0.1}, "smoothing must be between 0 and 1"),
        ({"top_share": 1.5}, "top_share must be between 0 and 1"),
        ({"top_share": float("inf")}, "top_share must be finite"),
        ({"width": 2.5}, r"width must be a whole number; got 2.5"),
        ({"width": True}, "width must be a whole number"),
        ({"code_side": "8"}, "code_side must be a whole number; got '8'"),
        ({"smoothing": "little"}, "smoothing must be a number"),
    ],
)
def test_settings_that_are_no_numbers_are_refused_before_the_training(change, message):
    with pytest.raises(ValueError, match=message):
        detectors.AutoencoderDetector(replace(tiny(), **change))


def test_settings_of_parts_and_of_others_are_looked_at_too():
    with pytest.raises(ValueError, match="epochs must be a whole number; got 2.5"):
        detectors.GanDetector(detectors.GanSettings(training=TrainingSettings(epochs=2.5)))
    with pytest.raises(ValueError, match="area must"):
        detectors.FilledMasksDetector(detectors.FilledMasksSettings(area=(0.1, float("nan"))))
    with pytest.raises(ValueError, match="PatchCoreDetector takes PatchCoreSettings; got GanS"):
        detectors.PatchCoreDetector(detectors.GanSettings())


@pytest.mark.parametrize("name", ["epochs", "batch_size", "learning_rate", "seconds"])
def test_a_training_of_nan_is_refused(name):
    with pytest.raises(ValueError, match=name):
        TrainingSettings(**{name: float("nan")})
