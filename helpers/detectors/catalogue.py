"""Every detector of the book, with the settings that a profile gives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from helpers.detectors.base import Detector
from helpers.detectors.density.fastflow import FastFlowDetector, FastFlowSettings
from helpers.detectors.density.padim import PadimDetector, PadimSettings
from helpers.detectors.filled_masks import FilledMasksDetector, FilledMasksSettings
from helpers.detectors.memory.contrastive_memory import (
    ContrastiveMemoryDetector,
    ContrastiveMemorySettings,
)
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.detectors.reconstruction.autoencoder import AutoencoderDetector, AutoencoderSettings
from helpers.detectors.reconstruction.diffusion import DiffusionDetector, DiffusionSettings
from helpers.detectors.reconstruction.feature_autoencoder import (
    FeatureReconstructionDetector,
    FeatureReconstructionSettings,
)
from helpers.detectors.reconstruction.gan import GanDetector, GanSettings
from helpers.detectors.reconstruction.noisy_bottleneck import (
    NoisyBottleneckDetector,
    NoisyBottleneckSettings,
)
from helpers.detectors.reconstruction.pretrained_autoencoder import (
    PixelReconstructionDetector,
    PixelReconstructionSettings,
)
from helpers.detectors.reconstruction.skip_autoencoder import (
    SkipAutoencoderDetector,
    SkipAutoencoderSettings,
)
from helpers.detectors.self_supervision.cutpaste import CutPasteDetector, CutPasteSettings
from helpers.detectors.self_supervision.feature_noise import (
    FeatureNoiseDetector,
    FeatureNoiseSettings,
)
from helpers.detectors.self_supervision.patch_cutpaste import (
    PatchCutPasteDetector,
    PatchCutPasteSettings,
)
from helpers.detectors.student_teacher import StudentTeacherDetector, StudentTeacherSettings
from helpers.detectors.synthetic_segmenter import (
    SyntheticSegmenterDetector,
    SyntheticSegmenterSettings,
)
from helpers.networks.training import TrainingSettings
from helpers.profiles import Profile

# Every detector of the book, by the name it has in a file.
KINDS: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        AutoencoderDetector,
        PixelReconstructionDetector,
        FeatureReconstructionDetector,
        CutPasteDetector,
        PatchCutPasteDetector,
        SkipAutoencoderDetector,
        PatchCoreDetector,
        ContrastiveMemoryDetector,
        FastFlowDetector,
        StudentTeacherDetector,
        GanDetector,
        DiffusionDetector,
        FilledMasksDetector,
        SyntheticSegmenterDetector,
        PadimDetector,
        NoisyBottleneckDetector,
        FeatureNoiseDetector,
    )
}


@dataclass(frozen=True)
class DetectorSpec:
    """A detector by its name, not yet made.

    Attributes
    ----------
    name
        The same everywhere in the book.
    size
        Side of the images it looks at, in pixels.
    detector
        Makes the detector, not yet fitted.
    attempt
        Which of the coursework's four attempts it belongs to, if it is one of them.
    """

    name: str
    size: int
    detector: Callable[[], Detector]
    attempt: int | None = None


def all_attempts(profile: Profile, images: int, seed: int = 0) -> tuple[DetectorSpec, ...]:
    """Return the attempts in the book's order, for a training set of ``images`` images."""
    size, large, run = profile.image_size, profile.feature_size, (profile, images, seed)
    reconstructed = features(profile, seed)
    return _specs(
        ("Baseline autoencoder", size, AutoencoderDetector, baseline(*run), 1),
        ("Pretrained encoder", size, PixelReconstructionDetector, pixels(*run), 2),
        ("Feature reconstruction", large, FeatureReconstructionDetector, reconstructed, 2),
        ("CutPaste", size, CutPasteDetector, cutpaste(*run), 3),
        ("CutPaste, patch-wise", size, PatchCutPasteDetector, patch_cutpaste(*run), 3),
        ("SSIM, multi-scale, skips", size, SkipAutoencoderDetector, skips(*run), 4),
    )


def all_strategies(profile: Profile, images: int, seed: int = 0) -> tuple[DetectorSpec, ...]:
    """Return the strategies in the book's order, for a training set of ``images`` images."""
    size, large, run = profile.image_size, profile.feature_size, (profile, images, seed)
    return _specs(
        ("PatchCore", large, PatchCoreDetector, patchcore(profile, seed)),
        ("Contrastive memory", large, ContrastiveMemoryDetector, contrastive_memory(*run)),
        ("FastFlow", large, FastFlowDetector, fastflow(*run)),
        ("Student–teacher", large, StudentTeacherDetector, student_teacher(*run)),
        ("GAN", size, GanDetector, gan(*run)),
        ("Diffusion", size, DiffusionDetector, diffusion(*run)),
        ("CutPaste, synthetic defects", size, FilledMasksDetector, synthetic_defects(*run)),
        ("CutPaste, generated textures", size, FilledMasksDetector, generated_textures(*run)),
        ("U-Net, synthetic defects", large, SyntheticSegmenterDetector, synthetic_segmenter(*run)),
    )


def all_newer(profile: Profile, images: int, seed: int = 0) -> tuple[DetectorSpec, ...]:
    """Return the methods of the chapter "What came after", which no other chapter compares."""
    large, run = profile.feature_size, (profile, images, seed)
    return _specs(
        ("PaDiM", large, PadimDetector, padim(profile, seed)),
        ("Noisy bottleneck", large, NoisyBottleneckDetector, noisy_bottleneck(*run)),
        ("Feature noise", large, FeatureNoiseDetector, feature_noise(*run)),
    )


def _specs(*rows: tuple) -> tuple[DetectorSpec, ...]:
    return tuple(
        DetectorSpec(name, size, partial(detector, settings), *attempt)
        for name, size, detector, settings, *attempt in rows
    )


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
        architecture="auto",
        weights=profile.weights,
        layer="stride 16",
        training=_training(profile, images, seed, share=0.4),
    )


def patch_cutpaste(profile: Profile, images: int, seed: int = 0) -> PatchCutPasteSettings:
    """Attempt 3 on crops (chapter 4)."""
    return PatchCutPasteSettings(
        architecture="auto",
        weights=profile.crop_weights,
        layer="stride 16",
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


def patchcore(profile: Profile, seed: int = 0) -> PatchCoreSettings:
    """Memory of frozen features (chapter 10)."""
    return PatchCoreSettings(weights=profile.weights, seed=seed)


def contrastive_memory(profile: Profile, images: int, seed: int = 0) -> ContrastiveMemorySettings:
    """Memory of features trained on ``images`` images (chapter 10): a few passes, slowly.

    The trunk begins with weights that are good already; a larger rate would undo them.
    """
    return ContrastiveMemorySettings(
        memory=patchcore(profile, seed),
        training=TrainingSettings(
            epochs=max(1, round(profile.epochs_for(images) / 3)),
            batch_size=2 * profile.batch_size,
            learning_rate=1e-4,
            seed=seed,
        ),
    )


def fastflow(profile: Profile, images: int, seed: int = 0) -> FastFlowSettings:
    """Flows over frozen features, for a training set of ``images`` images (chapter 11).

    The paper has eight steps with 3×3 kernels, and hundreds of epochs; a profile's width decides
    how many steps, and every second kernel is 1×1.
    """
    return FastFlowSettings(
        weights=profile.weights,
        kernels=(3, 1) * (profile.width // 8),
        training=TrainingSettings(
            epochs=max(2, round(profile.epochs_for(images) / 2)),
            batch_size=profile.batch_size // 2,
            learning_rate=1e-3,
            seed=seed,
        ),
    )


def student_teacher(profile: Profile, images: int, seed: int = 0) -> StudentTeacherSettings:
    """Student taught on ``images`` images (chapter 12): few passes, for every patch is a lesson.

    STFPM makes a hundred passes with a student as large as the teacher. In a processor's minutes a
    slim one comes closer to its teacher, and a wider one closer still. On generated nuts, more than
    thirty passes gained nothing.
    """
    return StudentTeacherSettings(
        weights=profile.weights,
        width=2 * profile.width,
        training=TrainingSettings(
            epochs=min(round(1.2 * profile.epochs_for(images)), 30),
            batch_size=profile.batch_size // 2,
            learning_rate=2e-3,
            seed=seed,
        ),
    )


def gan(profile: Profile, images: int, seed: int = 0) -> GanSettings:
    """GAN on small pictures (chapter 13), which cost little: more epochs than for large ones."""
    epochs = round(2.4 * profile.cheap_factor * profile.epochs_for(images))
    return GanSettings(training=TrainingSettings(epochs, 16, 5e-4, seed))


def diffusion(profile: Profile, images: int, seed: int = 0) -> DiffusionSettings:
    """Diffusion model of small pictures (chapter 13)."""
    epochs = round(2 * profile.cheap_factor * profile.epochs_for(images))
    return DiffusionSettings(training=TrainingSettings(epochs, 8, 5e-3, seed))


def synthetic_defects(profile: Profile, images: int, seed: int = 0) -> FilledMasksSettings:
    """CutPaste's classifier, with masks filled with formula pictures besides (chapter 13)."""
    known = cutpaste(profile, images, seed)
    return FilledMasksSettings(
        architecture=known.architecture,
        weights=known.weights,
        layer=known.layer,
        training=known.training,
    )


def generated_textures(profile: Profile, images: int, seed: int = 0) -> FilledMasksSettings:
    """Make the same, but fill with what the diffusion model generates (chapter 13)."""
    formulas = synthetic_defects(profile, images, seed)
    return replace(formulas, diffusion=diffusion(profile, images, seed))


def synthetic_segmenter(profile: Profile, images: int, seed: int = 0) -> SyntheticSegmenterSettings:
    """U-Net trained on synthetic defects (chapter 13).

    Its encoder is frozen, so a few passes are enough, at twice the rate. On generated nuts, more
    taught it the synthetic defects by heart: five were worse than three.
    """
    few = _training(profile, images, seed, share=0.3)
    return SyntheticSegmenterSettings(
        weights=profile.weights,
        width=profile.width,
        training=replace(few, learning_rate=2 * few.learning_rate),
    )


def padim(profile: Profile, seed: int = 0) -> PadimSettings:
    """Gaussian at each position (chapter 21)."""
    return PadimSettings(weights=profile.weights, seed=seed)


def noisy_bottleneck(profile: Profile, images: int, seed: int = 0) -> NoisyBottleneckSettings:
    """Reconstruct features through dropout, for a training set of ``images`` images (chapter 21).

    On generated nuts a third of the rate was no better.
    """
    return NoisyBottleneckSettings(
        weights=profile.weights, training=_few_steps(profile, images, seed, 3e-3)
    )


def feature_noise(profile: Profile, images: int, seed: int = 0) -> FeatureNoiseSettings:
    """Tell features from noisy ones, for a training set of ``images`` images (chapter 21)."""
    return FeatureNoiseSettings(
        weights=profile.weights, training=_few_steps(profile, images, seed, 1e-3)
    )


def few_photos(profile: Profile, seed: int = 0) -> PatchCoreSettings:
    """PatchCore with a few good photos (chapter 21): it keeps all patches while there is room."""
    return replace(patchcore(profile, seed), coreset_share=1.0)


def anomaly_dino(profile: Profile, seed: int = 0) -> PatchCoreSettings:
    """PatchCore with the tokens of DINOv2, by timm (chapter 21).

    After Damm et al., "AnomalyDINO: Boosting Patch-based Few-shot Anomaly Detection with DINOv2"
    (WACV 2025, arXiv 2405.14529): the tokens of the last block, none averaged with its neighbours,
    and all of them remembered while there is room. The image's score is PatchCore's; the paper's is
    the mean of the largest distances, it turns the photos, and leaves plain backgrounds out.
    """
    return replace(
        few_photos(profile, seed),
        architecture="timm/vit_small_patch14_dinov2",
        weights="auto",
        layers=("blocks.11",),
        patch=1,
    )


def _few_steps(profile: Profile, images: int, seed: int, rate: float) -> TrainingSettings:
    """Train on features that are computed once, at the same rate in all profiles.

    At most some 350 steps: a record of a real category then takes minutes.
    """
    usual = _training(profile, images, seed)
    most = max(1, round(350 / -(-images // usual.batch_size)))
    return replace(usual, epochs=min(usual.epochs, most), learning_rate=rate)


def _training(profile: Profile, images: int, seed: int, share: float = 1.0) -> TrainingSettings:
    return TrainingSettings(
        epochs=max(1, round(share * profile.epochs_for(images))),
        batch_size=profile.batch_size,
        learning_rate=profile.learning_rate,
        seed=seed,
    )
