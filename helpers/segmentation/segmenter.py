"""A segmenter: a U-Net trained on pictures with masks, in crops where the defects are."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from tqdm import trange

from helpers.augmentation.colour_jitter import colour_jitter
from helpers.data.labelled import check_masks
from helpers.machine import this_machine, to_unit_range
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.inference import check_fitted, infer
from helpers.networks.learner import Learner
from helpers.networks.normalisation import averaged_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings, finite_loss, optimise
from helpers.segmentation.losses import MaskLoss
from helpers.segmentation.unet import SMALL, unet

LOSSES_KEPT = 20  # the mean loss of so many equal parts of the training is kept
SETTLING = 20  # batches that settle the normalisations after the training


@dataclass(frozen=True)
class SegmenterSettings:
    """Settings of a segmenter.

    Attributes
    ----------
    encoder, width, levels, skips
        Of the network; see ``helpers.segmentation.unet.unet``.
    loss
        What it is trained on.
    steps, batch_size, learning_rate, seed
        Training steps, crops in a step, the highest rate of the one cycle (Smith and Topin, 2019)
        of AdamW, and the seed of weights, crops and augmentation.
    crop
        Side of the crops in pixels. Larger than the pictures: the whole picture.
    defect_share
        Share of the crops that hold a defective pixel, chosen at random; the others lie anywhere,
        on good pictures too.
    jitter
        How much the colours are changed at random; see
        ``augmentation.colour_jitter``.
    threshold
        Probability above which a pixel belongs to the mask.
    top_share
        From map to image score; see ``helpers.metrics.scores.pool``.
    """

    encoder: str = SMALL
    width: int = 16
    levels: int = 4
    skips: tuple[int, ...] | None = None
    loss: MaskLoss = field(default_factory=MaskLoss)
    steps: int = 250
    batch_size: int = 24
    learning_rate: float = 5e-3
    seed: int = 0
    crop: int = 96
    defect_share: float = 0.6
    jitter: float = 0.05
    threshold: float = 0.5
    top_share: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1; got {self.steps}.")
        TrainingSettings(1, self.batch_size, self.learning_rate, self.seed)  # its checks
        if not 0 <= self.defect_share <= 1:
            raise ValueError(f"defect_share must be between 0 and 1; got {self.defect_share}.")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1; got {self.threshold}.")
        if self.crop < 1:
            raise ValueError(f"crop must be a number of pixels, at least 1; got {self.crop}.")


class Segmenter(Learner):
    """Mark the defective pixels of pictures, after seeing pictures with their masks.

    Unlike the detectors of the other chapters it needs labelled defects: ``fit`` takes masks.
    ``predict`` returns ``Scores`` as theirs does, so that maps and image scores can be compared.

    Parameters
    ----------
    settings
        All choices.

    Attributes
    ----------
    model
        The network, after ``fit``.
    losses
        Mean losses of equal parts of the training, after ``fit``.
    """

    revision = 1
    settings_class = SegmenterSettings
    any_size = True

    def fit(self, images: np.ndarray, masks: np.ndarray) -> Self:
        """Learn from pictures, uint8 N×3×H×W, and their masks, bool N×H×W (empty when good).

        Raises
        ------
        ValueError
            When images and masks do not fit, no mask marks anything, or the side of the crops is
            no multiple of the network's stride.
        DivergedError
            When the loss is not finite.
        """
        s = self.settings
        check_masks(images, masks)
        if not masks.any():
            raise ValueError(
                "no mask marks anything: a segmenter learns from labelled defects. Give some "
                "pictures with defects, or take a detector that needs none (chapter 10)."
            )
        machine = this_machine()
        data = machine.stage(images)
        truth = torch.tensor(masks, device=machine.device)
        sampler = CropSampler(masks, s)
        model = machine.place(unet(s.encoder, s.width, s.levels, s.skips, s.seed)).train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=s.learning_rate, fused=True)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, s.learning_rate, total_steps=s.steps, pct_start=0.2
        )
        losses = []
        with seeded(s.seed):
            for step in trange(s.steps, desc="segmenter", leave=False):
                pictures, wanted = sampler.batch(data, truth, step)
                with machine.autocast():
                    logits = model(colour_jitter(pictures, s.jitter) if s.jitter else pictures)
                loss = s.loss(logits.float(), wanted)
                optimise(loss, optimiser, cycle)
                losses.append(finite_loss(float(loss.detach()), _rate(s)))
            with averaged_normalisation(model), machine.autocast():
                for step in range(s.steps, s.steps + SETTLING):
                    model(sampler.batch(data, truth, step)[0])
        parts = np.array_split(losses, min(LOSSES_KEPT, len(losses)))
        self.losses = [float(np.mean(part)) for part in parts]
        self.model = model
        return self

    def predict(self, images: np.ndarray) -> Scores:
        """Return the probability of each pixel of uint8 images N×3×H×W to be defective."""
        check_fitted(self)
        maps = infer(lambda batch: self.model(batch).float().sigmoid(), images, 16)
        return scores_from_maps(maps, top_share=self.settings.top_share)

    def masks(self, images: np.ndarray) -> np.ndarray:
        """Return the masks of uint8 images N×3×H×W: bool, N×H×W."""
        return self.predict(images).maps > self.settings.threshold


class CropSampler:
    """Random crops of pictures and masks, rotated and flipped at random.

    Parameters
    ----------
    masks
        bool, N×H×W.
    settings
        Batch size, crop, share of crops around defects, and seed.
    """

    def __init__(self, masks: np.ndarray, settings: SegmenterSettings) -> None:
        self.settings = settings
        self.count, self.height, self.width = masks.shape
        self.side = min(settings.crop, self.height, self.width)
        self.marked = [np.argwhere(mask) for mask in masks]
        self.defective = np.flatnonzero([len(pixels) for pixels in self.marked])

    def batch(
        self, data: torch.Tensor, truth: torch.Tensor, step: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pictures, float B×3×S×S in [0, 1], and masks, bool B×S×S, of a training step."""
        s = self.settings
        rng = np.random.default_rng((s.seed, step))
        pictures, wanted = [], []
        for number in range(s.batch_size):
            row, top, left = self._position(rng, number < round(s.defect_share * s.batch_size))
            here = (slice(top, top + self.side), slice(left, left + self.side))
            turns, mirror = int(rng.integers(4)), rng.random() < 0.5
            for source, target in ((data, pictures), (truth, wanted)):
                cut = torch.rot90(source[(row, ..., *here)], turns, (-2, -1))
                target.append(cut.flip(-1) if mirror else cut)
        stacked = torch.stack(pictures).contiguous(memory_format=torch.channels_last)
        return to_unit_range(stacked), torch.stack(wanted)

    def _position(self, rng: np.random.Generator, on_defect: bool) -> tuple[int, int, int]:
        """Return picture, top and left of a crop."""
        free = np.array([self.height, self.width]) - self.side
        if not on_defect:
            top, left = rng.integers(free + 1)
            return int(rng.integers(self.count)), int(top), int(left)
        row = int(rng.choice(self.defective))
        pixel = self.marked[row][rng.integers(len(self.marked[row]))]
        # Anywhere in the crop, or the network would learn that defects lie in its middle.
        top, left = np.clip(pixel - rng.integers(self.side, size=2), 0, free)
        return row, int(top), int(left)


def _rate(settings: SegmenterSettings) -> TrainingSettings:
    return TrainingSettings(1, settings.batch_size, settings.learning_rate, settings.seed)
