"""Every method of the book fits and predicts on another device than the CPU, with equal results."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import machine
from helpers.detection.boxes import make_boxes
from helpers.detection.detector import BoxDetector
from helpers.detectors.density.fastflow import FastFlowDetector, FastFlowSettings
from helpers.detectors.density.flow import Flow, fit_flow
from helpers.detectors.density.padim import PadimDetector, PadimSettings
from helpers.detectors.filled_masks import FilledMasksDetector, FilledMasksSettings
from helpers.detectors.memory.contrastive_memory import (
    ContrastiveMemoryDetector,
    ContrastiveMemorySettings,
)
from helpers.detectors.memory.coreset import k_centre, random_projection
from helpers.detectors.memory.nearest import nearest_neighbours
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
from helpers.detectors.reconstruction.ssim import similarity
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
from helpers.experiments.detection import box_settings
from helpers.formulas.pretraining import PretrainingSettings, make_pool, pretrain
from helpers.long_tail.classifier import REMEDIES, ClassifierSettings, DefectClassifier
from helpers.machine import this_machine
from helpers.networks.backbone import backbone
from helpers.networks.features import patch_features, patch_vectors
from helpers.networks.training import TrainingSettings
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings
from tests.stripes import moving_stripes

SIDE = 64
SPOT = (slice(24, 34), slice(40, 50))
KNOWN = moving_stripes(4, side=SIDE)
TEST = moving_stripes(2, seed=1, side=SIDE)
TEST[0, :, *SPOT] = 20
TRAINING = TrainingSettings(epochs=1, batch_size=2, learning_rate=1e-3)
LAYERS = ("stride 4", "stride 8")
FRESH = {"weights": "random", "training": TRAINING}
CUTS = {"layer": "stride 8", **FRESH}
DIFFUSION = DiffusionSettings(side=32, width=8, steps=2, draws=1, training=TRAINING)
MEMORY = PatchCoreSettings(weights="random", layers=LAYERS)

DETECTORS = {
    "autoencoder": lambda: AutoencoderDetector(AutoencoderSettings(width=8, training=TRAINING)),
    "pixels": lambda: PixelReconstructionDetector(
        PixelReconstructionSettings(width=8, layer="stride 8", **FRESH)
    ),
    "features": lambda: FeatureReconstructionDetector(
        FeatureReconstructionSettings(weights="random", layers=LAYERS)
    ),
    "CutPaste": lambda: CutPasteDetector(CutPasteSettings(**CUTS)),
    "patch-wise CutPaste": lambda: PatchCutPasteDetector(
        PatchCutPasteSettings(stride=1 / 8, **CUTS)
    ),
    "skips": lambda: SkipAutoencoderDetector(
        SkipAutoencoderSettings(width=8, skips=(1,), scales=2, training=TRAINING)
    ),
    "PatchCore": lambda: PatchCoreDetector(MEMORY),
    "contrastive memory": lambda: ContrastiveMemoryDetector(
        ContrastiveMemorySettings(MEMORY, dimensions=16, crop=1 / 2, training=TRAINING)
    ),
    "FastFlow": lambda: FastFlowDetector(
        FastFlowSettings(layers=LAYERS, kernels=(3, 1), hidden_share=0.25, **FRESH)
    ),
    "student–teacher": lambda: StudentTeacherDetector(
        StudentTeacherSettings(layers=LAYERS, width=8, good_share=0.25, hard_share=0.5,
                               weights="random", training=replace(TRAINING, batch_size=1))
    ),
    "GAN": lambda: GanDetector(GanSettings(side=32, width=4, code=8, training=TRAINING)),
    "diffusion": lambda: DiffusionDetector(DIFFUSION),
    "filled masks": lambda: FilledMasksDetector(
        FilledMasksSettings(textures=2, **CUTS)
    ),
    "synthetic segmenter": lambda: SyntheticSegmenterDetector(
        SyntheticSegmenterSettings(layers=LAYERS, width=4, textures=2, **FRESH)
    ),
    "PaDiM": lambda: PadimDetector(
        PadimSettings(weights="random", layers=LAYERS, features=16)
    ),
    "noisy bottleneck": lambda: NoisyBottleneckDetector(
        NoisyBottleneckSettings(layers=LAYERS, width=8, dropout=0.0, **FRESH)
    ),
    "feature noise": lambda: FeatureNoiseDetector(
        FeatureNoiseSettings(layers=LAYERS, hidden=8, regions=True, adaptor=True, **FRESH)
    ),
}  # fmt: skip


@pytest.fixture
def on_cpu(monkeypatch):
    """Give a function that computes on the CPU in single precision."""

    def computed(function):
        with monkeypatch.context() as patch:
            patch.setenv("ONE_BAD_NUT_DEVICE", "cpu")
            patch.setenv("ONE_BAD_NUT_PRECISION", "float32")
            return function()

    return computed


def alike(a, b):
    assert np.isfinite(a).all()
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max())


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_score_there_as_on_the_cpu(name, on_cpu, stand_in):
    def scores():
        found = DETECTORS[name]().fit(KNOWN).predict(TEST)
        return found.image, found.maps

    for there, here in zip(scores(), on_cpu(scores), strict=True):
        alike(there, here)


@pytest.mark.parametrize("name", ["features", "PatchCore", "FastFlow", "student–teacher"])
def test_features_without_room_on_the_device_go_to_main_memory(name, stand_in, monkeypatch):
    roomy = DETECTORS[name]().fit(KNOWN).predict(TEST)
    monkeypatch.setitem(machine.FREE, stand_in, lambda: 100)
    assert patch_features(backbone(weights="random"), TEST).device.type == "cpu"
    tight = DETECTORS[name]().fit(KNOWN).predict(TEST)
    alike(tight.maps, roomy.maps)


def test_features_and_what_is_found_in_them_stay_on_the_device(stand_in):
    detector = DETECTORS["PatchCore"]().fit(KNOWN)
    features = patch_vectors(patch_features(detector.backbone, TEST))
    chosen = k_centre(random_projection(features, 8, 0), 10)
    found = nearest_neighbours(features, features[chosen])
    for tensor in (features, chosen, *found, detector.memory):
        assert tensor.device.type == stand_in


def test_the_segmenter_marks_there_as_on_the_cpu(on_cpu, stand_in):
    masks = np.zeros((len(TEST), SIDE, SIDE), bool)
    masks[0, *SPOT] = True

    def maps():
        settings = SegmenterSettings(width=4, levels=2, steps=2, batch_size=2, crop=32)
        return Segmenter(settings).fit(TEST, masks).predict(TEST).maps

    alike(maps(), on_cpu(maps))


@pytest.mark.parametrize("name", ["plain", "class weights", "logit adjustment", "Balanced-MixUp"])
def test_the_classifier_learns_there_as_on_the_cpu(name, on_cpu, stand_in):
    def probabilities():
        settings = ClassifierSettings(
            REMEDIES[name], "random", "stride 8", replace(TRAINING, batch_size=3)
        )
        pictures = np.concatenate([KNOWN, TEST])
        return DefectClassifier(settings).fit(pictures, [0, 0, 0, 1, 1, 0]).predict(TEST)

    alike(probabilities(), on_cpu(probabilities))


def test_boxes_are_found_there_as_on_the_cpu(on_cpu, stand_in):
    boxes = [make_boxes([[40, 24, 50, 34]]), make_boxes([])]
    settings = box_settings(epochs=1, weights="random", batch_size=2)
    network = replace(settings.network, width=32, score_threshold=0.0)

    def scores():
        finder = BoxDetector(replace(settings, network=network)).fit(TEST, boxes, ("spot",))
        return np.array([found.scores.max() for found in finder.predict(TEST)])

    alike(scores(), on_cpu(scores))


def test_a_flow_and_its_samples(on_cpu, stand_in):
    points = torch.randn((64, 2, 1, 1), generator=torch.Generator().manual_seed(0))

    def losses():
        flow = Flow(2, (1, 1), 8)
        losses = fit_flow(flow, points, replace(TRAINING, batch_size=32), this_machine())
        return np.array([*losses, *flow.sample((2, 2, 1, 1)).cpu().flatten()])

    alike(losses(), on_cpu(losses))


def test_a_step_of_pretraining(on_cpu, stand_in):
    settings = PretrainingSettings(
        formulas=4, variants=2, pool_side=48, steps=1, episodes=2, views=2, side=32
    )
    pool = make_pool(settings)

    def losses():
        return np.array(pretrain(settings, pool).losses)

    alike(losses(), on_cpu(losses))


def test_a_checkpoint_goes_from_one_device_to_another(tmp_path, stand_in, on_cpu):
    def reconstructed(epochs, checkpoint=None):
        settings = AutoencoderSettings(width=8, training=replace(TRAINING, epochs=epochs))
        return AutoencoderDetector(settings, checkpoint).fit(KNOWN).reconstruct(TEST)

    reconstructed(1, tmp_path / "run.pt")
    shutil.copy(tmp_path / "run.pt", tmp_path / "twin.pt")
    whole = on_cpu(lambda: reconstructed(2))
    alike(on_cpu(lambda: reconstructed(2, tmp_path / "run.pt")), whole)
    alike(reconstructed(2, tmp_path / "twin.pt"), whole)


@pytest.mark.parametrize("name", ["autoencoder", "pixels", "skips", "GAN", "diffusion"])
def test_what_chapters_show_of_a_detector_is_in_main_memory(name, stand_in):
    detector = DETECTORS[name]().fit(KNOWN)
    assert isinstance(detector.reconstruct(TEST), np.ndarray)
    if name in ("GAN", "diffusion"):
        assert isinstance(detector.generate(2), np.ndarray)


def test_ssim(stand_in):
    one, other = (torch.tensor(x) / 255 for x in (KNOWN[:2], TEST))
    there = similarity(one.to(stand_in), other.to(stand_in)).ssim
    assert torch.equal(there.cpu(), similarity(one, other).ssim)
