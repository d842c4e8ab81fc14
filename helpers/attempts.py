"""The four attempts, each with the settings that a profile gives it."""

from dataclasses import dataclass

from helpers.autoencoders import AutoencoderDetector, AutoencoderSettings
from helpers.contenders import Contender
from helpers.cutpaste import CutPasteDetector, CutPasteSettings
from helpers.feature_reconstruction import (
    FeatureReconstructionDetector,
    FeatureReconstructionSettings,
)
from helpers.patch_cutpaste import PatchCutPasteDetector, PatchCutPasteSettings
from helpers.pixel_reconstruction import PixelReconstructionDetector, PixelReconstructionSettings
from helpers.profiles import Profile
from helpers.skip_autoencoders import SkipAutoencoderDetector, SkipAutoencoderSettings
from helpers.training import TrainingSettings


@dataclass(frozen=True)
class Attempt(Contender):
    """A contender from the coursework.

    Attributes
    ----------
    number
        Which of the assignment's four attempts it belongs to.
    """

    number: int


def baseline(profile: Profile, images: int, seed: int = 0) -> AutoencoderSettings:
    """Attempt 1, for a training set of ``images`` images (chapter 2)."""
    return AutoencoderSettings(width=profile.width, training=_training(profile, images, seed))


def pixels(profile: Profile, images: int, seed: int = 0) -> PixelReconstructionSettings:
    """Attempt 2, first way (chapter 3): half the baseline's epochs are enough."""
    return PixelReconstructionSettings(
        weights=profile.weights,
        width=profile.width,
        training=_training(profile, images, seed, share=0.5),
    )


def features(profile: Profile, seed: int = 0) -> FeatureReconstructionSettings:
    """Attempt 2, second way (chapter 3)."""
    return FeatureReconstructionSettings(weights=profile.weights, seed=seed)


def cutpaste(profile: Profile, images: int, seed: int = 0) -> CutPasteSettings:
    """Attempt 3 on whole pictures (chapter 4): a step sees each picture three times."""
    return CutPasteSettings(
        weights=profile.weights,
        layer="layer3",
        training=_training(profile, images, seed, share=0.4),
    )


def patch_cutpaste(profile: Profile, images: int, seed: int = 0) -> PatchCutPasteSettings:
    """Attempt 3 on crops (chapter 4)."""
    return PatchCutPasteSettings(
        weights=profile.crop_weights,
        layer="layer3",
        stride=1 / 16,
        training=_training(profile, images, seed, share=profile.cheap_factor),
    )


def skips(profile: Profile, images: int, seed: int = 0) -> SkipAutoencoderSettings:
    """Attempt 4 (chapter 5): the one skip is that of the stage before the code."""
    stages = len(SkipAutoencoderSettings(width=profile.width).widths(profile.image_size))
    return SkipAutoencoderSettings(
        width=profile.width,
        skips=(stages - 2,),
        training=_training(profile, images, seed, share=1.2),
    )


def all_attempts(profile: Profile, images: int, seed: int = 0) -> tuple[Attempt, ...]:
    """Return the attempts in the book's order, for a training set of ``images`` images."""
    size = profile.image_size
    return (
        Attempt(
            "Baseline autoencoder", size,
            lambda: AutoencoderDetector(baseline(profile, images, seed)), number=1,
        ),
        Attempt(
            "ResNet18 to pixels", size,
            lambda: PixelReconstructionDetector(pixels(profile, images, seed)), number=2,
        ),
        Attempt(
            "ResNet18 features", profile.feature_size,
            lambda: FeatureReconstructionDetector(features(profile, seed)), number=2,
        ),
        Attempt(
            "CutPaste", size,
            lambda: CutPasteDetector(cutpaste(profile, images, seed)), number=3,
        ),
        Attempt(
            "CutPaste, patch-wise", size,
            lambda: PatchCutPasteDetector(patch_cutpaste(profile, images, seed)), number=3,
        ),
        Attempt(
            "SSIM, multi-scale, skips", size,
            lambda: SkipAutoencoderDetector(skips(profile, images, seed)), number=4,
        ),
    )  # fmt: skip


def _training(profile: Profile, images: int, seed: int, share: float = 1.0) -> TrainingSettings:
    return TrainingSettings(
        epochs=max(1, round(share * profile.epochs_for(images))),
        batch_size=profile.batch_size,
        learning_rate=profile.learning_rate,
        seed=seed,
    )
