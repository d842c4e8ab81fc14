"""Everything that scores images after seeing good ones: every detector and its settings."""

from helpers.detectors.reconstruction.autoencoder import AutoencoderSettings, AutoencoderDetector
from helpers.detectors.reconstruction.resnet_autoencoder import (
    PixelReconstructionSettings,
    PixelReconstructionDetector,
)
from helpers.detectors.reconstruction.feature_autoencoder import (
    FeatureReconstructionSettings,
    FeatureReconstructionDetector,
)
from helpers.detectors.reconstruction.skip_autoencoder import (
    SkipAutoencoderSettings,
    SkipAutoencoderDetector,
)
from helpers.detectors.reconstruction.gan import GanSettings, GanDetector
from helpers.detectors.reconstruction.diffusion import DiffusionSettings, DiffusionDetector
from helpers.detectors.self_supervision.cutpaste import CutPasteSettings, CutPasteDetector
from helpers.detectors.self_supervision.patch_cutpaste import (
    PatchCutPasteSettings,
    PatchCutPasteDetector,
)
from helpers.detectors.memory.patchcore import PatchCoreSettings, PatchCoreDetector
from helpers.detectors.memory.contrastive_memory import (
    ContrastiveMemorySettings,
    ContrastiveMemoryDetector,
)
from helpers.detectors.density.fastflow import FastFlowSettings, FastFlowDetector
from helpers.detectors.student_teacher import StudentTeacherSettings, StudentTeacherDetector
from helpers.detectors.filled_masks import MadeUpSettings, MadeUpDefectsDetector

__all__ = [
    "AutoencoderDetector",
    "AutoencoderSettings",
    "ContrastiveMemoryDetector",
    "ContrastiveMemorySettings",
    "CutPasteDetector",
    "CutPasteSettings",
    "DiffusionDetector",
    "DiffusionSettings",
    "FastFlowDetector",
    "FastFlowSettings",
    "FeatureReconstructionDetector",
    "FeatureReconstructionSettings",
    "GanDetector",
    "GanSettings",
    "MadeUpDefectsDetector",
    "MadeUpSettings",
    "PatchCoreDetector",
    "PatchCoreSettings",
    "PatchCutPasteDetector",
    "PatchCutPasteSettings",
    "PixelReconstructionDetector",
    "PixelReconstructionSettings",
    "SkipAutoencoderDetector",
    "SkipAutoencoderSettings",
    "StudentTeacherDetector",
    "StudentTeacherSettings",
]
