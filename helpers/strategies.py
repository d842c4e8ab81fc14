"""The strategies that see good images only, each with the settings that a profile gives it."""

from dataclasses import replace

from helpers import attempts
from helpers.contenders import Contender
from helpers.contrastive_memory import ContrastiveMemoryDetector, ContrastiveMemorySettings
from helpers.fastflow import FastFlowDetector, FastFlowSettings
from helpers.gan_detector import GanDetector, GanSettings
from helpers.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.profiles import Profile
from helpers.restoration import DiffusionDetector, DiffusionSettings
from helpers.student_teacher import StudentTeacherDetector, StudentTeacherSettings
from helpers.synthetic_defects import MadeUpDefectsDetector, MadeUpSettings
from helpers.training import TrainingSettings


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

    The paper has eight steps of full width with 3×3 kernels, and hundreds of epochs; a profile's
    width decides how many steps and how wide, and every second kernel is 1×1.
    """
    epochs = round(profile.cheap_factor * profile.epochs_for(images) / 12)
    return FastFlowSettings(
        weights=profile.weights,
        kernels=(3, 1) * (profile.width // 8),
        hidden_share=profile.width / 64,
        training=TrainingSettings(
            epochs=max(2, epochs),
            batch_size=profile.batch_size // 2,
            learning_rate=1e-3,
            seed=seed,
        ),
    )


def student_teacher(profile: Profile, images: int, seed: int = 0) -> StudentTeacherSettings:
    """Student taught on ``images`` images (chapter 12): few passes, for every place is a lesson."""
    return StudentTeacherSettings(
        weights=profile.weights,
        width=2 * profile.width,
        training=TrainingSettings(
            epochs=max(1, round(0.3 * profile.epochs_for(images))),
            batch_size=profile.batch_size,
            learning_rate=2 * profile.learning_rate,
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


def made_up_defects(profile: Profile, images: int, seed: int = 0) -> MadeUpSettings:
    """CutPaste's classifier, with masks filled with formula pictures besides (chapter 13)."""
    known = attempts.cutpaste(profile, images, seed)
    return MadeUpSettings(weights=known.weights, layer=known.layer, training=known.training)


def drawn_defects(profile: Profile, images: int, seed: int = 0) -> MadeUpSettings:
    """Make the same, but fill with what the diffusion model drew (chapter 13)."""
    made_up = made_up_defects(profile, images, seed)
    return replace(made_up, diffusion=diffusion(profile, images, seed))


def all_strategies(profile: Profile, images: int, seed: int = 0) -> tuple[Contender, ...]:
    """Return the strategies in the book's order, for a training set of ``images`` images."""
    return (
        Contender(
            "PatchCore", profile.feature_size,
            lambda: PatchCoreDetector(patchcore(profile, seed)),
        ),
        Contender(
            "Contrastive memory", profile.feature_size,
            lambda: ContrastiveMemoryDetector(contrastive_memory(profile, images, seed)),
        ),
        Contender(
            "FastFlow", profile.feature_size,
            lambda: FastFlowDetector(fastflow(profile, images, seed)),
        ),
        Contender(
            "Student–teacher", profile.feature_size,
            lambda: StudentTeacherDetector(student_teacher(profile, images, seed)),
        ),
        Contender(
            "GAN", profile.image_size,
            lambda: GanDetector(gan(profile, images, seed)),
        ),
        Contender(
            "Diffusion", profile.image_size,
            lambda: DiffusionDetector(diffusion(profile, images, seed)),
        ),
        Contender(
            "CutPaste, made-up defects", profile.image_size,
            lambda: MadeUpDefectsDetector(made_up_defects(profile, images, seed)),
        ),
        Contender(
            "CutPaste, drawn defects", profile.image_size,
            lambda: MadeUpDefectsDetector(drawn_defects(profile, images, seed)),
        ),
    )  # fmt: skip
