"""Everything that scores images after seeing good ones: every detector and its settings."""

from helpers.detectors.density.fastflow import FastFlowDetector, FastFlowSettings
from helpers.detectors.density.padim import PadimDetector, PadimSettings
from helpers.detectors.filled_masks import FilledMasksDetector, FilledMasksSettings
from helpers.detectors.memory.contrastive_memory import (
    ContrastiveMemoryDetector,
    ContrastiveMemorySettings,
)
from helpers.detectors.memory.mutual_scoring import MutualScoring, MutualScoringSettings
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
from helpers.detectors.saved import load_detector, save_detector
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
