"""Balanced-MixUp as its authors train it: their optimiser, schedule, batches and augmentation.

The settings are those of the authors' code, https://github.com/agaldran/balanced_mixup
(``train_lt_mxp.py``, ``utils/get_loaders.py`` and the ``config.cfg`` of each run). What differs
here: the network, EfficientNet-Lite0 for the MobileNetV2 whose blocks it is made of; pictures of
the size that they come in; and no change of hue, which theirs hardly had.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.metrics import matthews_corrcoef
from torch import nn
from torch.nn import functional

from helpers.errors import check_least
from helpers.long_tail.classifier import checked_data
from helpers.long_tail.mixing import balanced_share, mix, one_hot
from helpers.long_tail.sampling import PowerSampler
from helpers.machine import this_machine, to_unit_range
from helpers.networks.backbone import FeatureExtractor, trainable_backbone
from helpers.networks.inference import infer
from helpers.networks.learner import Learner
from helpers.networks.seeding import epoch_order, epoch_seed, seeded
from helpers.networks.training import check_batch, optimise

LAYER = "stride 32"


@dataclass(frozen=True)
class RecipeSettings:
    """The authors' settings.

    Attributes
    ----------
    alpha
        Of the Beta distribution; none mixes nothing, which is their baseline.
    architecture, weights
        The network and what it begins with; see ``networks.backbone.backbone``.
    epochs, batch_size
        At most so many passes over the instance-balanced pictures, a last short batch left out.
    learning_rate
        Of plain stochastic gradient descent: no momentum, no weight decay.
    patience, decay, decays
        After more than ``patience`` epochs in which the validation pictures are told apart no
        better, the rate is multiplied by ``decay``; after ``decays`` times training ends. Epochs
        count only where training pictures are told apart better than these.
    seed
        Of the last layer, of the batches and of the augmentation.
    """

    alpha: float | None = 0.1
    architecture: str = "efficientnet_lite0"
    weights: str = "imagenet"
    epochs: int = 30
    batch_size: int = 8
    learning_rate: float = 0.01
    patience: int = 2
    decay: float = 0.1
    decays: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        check_least(self, epochs=1, batch_size=2, patience=0, decays=1, seed=0)
        if self.alpha is not None and not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha must be positive and finite, or none; got {self.alpha}.")


class MeanClassifier(nn.Module):
    """A backbone, the mean of each of its features over the picture, and one linear layer."""

    def __init__(self, backbone: FeatureExtractor, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.channels[backbone.layers[-1]], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of the classes, B×K, for images B×3×H×W in [0, 1]."""
        (features,) = self.backbone(images).values()
        return self.head(features.mean((2, 3)))


class RecipeClassifier(Learner):
    """Tell classes of pictures apart, trained as Balanced-MixUp's authors do.

    Parameters
    ----------
    settings
        All choices.

    Attributes
    ----------
    model
        The network after the epoch that told the validation pictures apart best, after ``fit``.
    kept, epochs
        That epoch, from 1, and how many there were, after ``fit``.
    """

    revision = 1
    settings_class = RecipeSettings

    def fit(
        self,
        images: np.ndarray,
        labels: ArrayLike,
        validation: tuple[np.ndarray, np.ndarray],
    ) -> "RecipeClassifier":
        """Train on pictures, uint8 N×3×H×W, and their class numbers, N.

        Parameters
        ----------
        images, labels
            Every class has at least one picture.
        validation
            Other pictures and their class numbers. By Matthews' correlation coefficient on them
            the rate falls, and an epoch is kept.

        Raises
        ------
        ValueError
            When images and labels do not fit, a class has no image, a label is no class number, or
            there are fewer images than a batch holds.
        """
        s, machine = self.settings, this_machine()
        labels = np.asarray(labels)
        _, counts = checked_data(images, labels, s.batch_size)
        check_batch(len(images), s)
        backbone = trainable_backbone(s.architecture, s.weights, (LAYER,), s.seed)
        with seeded(s.seed):
            self.model = MeanClassifier(backbone, len(counts))
        machine.place(self.model)
        staged = machine.stage(images), torch.tensor(labels, device=machine.device)
        optimiser = torch.optim.SGD(self.model.parameters(), lr=s.learning_rate)
        falls = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, "max", s.decay, s.patience, min_lr=s.learning_rate * s.decay**s.decays
        )
        best, kept = -math.inf, {}
        for self.epochs in range(1, s.epochs + 1):
            with seeded(epoch_seed(s.seed, self.epochs)):
                self._epoch(*staged, len(counts), optimiser)
            seen, unseen = (self._agreement(*known) for known in ((images, labels), validation))
            if seen > unseen:
                falls.step(unseen)
            if unseen > best:
                best, self.kept = unseen, self.epochs
                kept = copy.deepcopy(self.model.state_dict())
            if math.isclose(optimiser.param_groups[0]["lr"], falls.min_lrs[0]):
                break
        self.model.load_state_dict(kept)
        return self

    def _epoch(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        classes: int,
        optimiser: torch.optim.Optimizer,
    ) -> None:
        s, machine, number = self.settings, this_machine(), self.epochs
        own = epoch_seed(s.seed, number)
        rng = np.random.default_rng(own)
        order = epoch_order(s.seed, number, len(images))
        drawn = torch.tensor(list(PowerSampler(labels.cpu().numpy(), power=0, seed=own)))

        def batch(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            rows = rows.to(images.device)
            return augmented(to_unit_range(images[rows])), one_hot(labels[rows], classes)

        self.model.train()
        for first, second in zip(order.split(s.batch_size), drawn.split(s.batch_size), strict=True):
            if len(first) < s.batch_size:
                continue
            pictures, targets = batch(first)
            if s.alpha is not None:
                share = balanced_share(s.alpha, rng)
                mixture = mix((pictures, targets), batch(second), share)
                pictures, targets = mixture.images, mixture.targets
            pictures = pictures.contiguous(memory_format=torch.channels_last)
            with machine.autocast():
                logits = self.model(pictures)
            optimise(functional.cross_entropy(logits.float(), targets), optimiser)

    def _agreement(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return Matthews' correlation coefficient of the answers with the labels."""
        self.model.eval()
        return float(matthews_corrcoef(labels, self.predict(images).argmax(1)))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probability of each class for uint8 images N×3×H×W: float32, N×K."""
        if not hasattr(self, "model"):
            raise ValueError("this classifier has not been fitted; call fit(images, labels) first.")
        return infer(lambda batch: self.model(batch).float().softmax(1), images, batch_size=128)


def augmented(images: torch.Tensor) -> torch.Tensor:
    """Change each picture at random as the authors do: B×3×H×W in [0, 1].

    It is scaled by 0.95 to 1.2, or shifted sideways by up to 5 %, or turned by up to 45°; its
    brightness, contrast and saturation change by up to a quarter; it is flipped either way. What
    comes in from outside is black.
    """
    count, device = len(images), images.device
    draws = torch.rand(9, count).to(device)
    which = (3 * draws[0]).long()
    scale = torch.where(which == 0, 0.95 + 0.25 * draws[1], 1.0)
    shift = torch.where(which == 1, 0.1 * (2 * draws[2] - 1), 0.0)  # the width is 2
    turn = torch.where(which == 2, math.radians(45) * (2 * draws[3] - 1), 0.0)
    across, down = (1 - 2 * (draw < 0.5).float() for draw in draws[4:6])
    cosine, sine = turn.cos() / scale, turn.sin() / scale
    rows = (
        torch.stack([cosine * across, -sine * down, shift], 1),
        torch.stack([sine * across, cosine * down, torch.zeros_like(shift)], 1),
    )
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, align_corners=False)
    brightness, contrast, saturation = (
        0.75 + 0.5 * draw[:, None, None, None] for draw in draws[6:9]
    )
    moved = (moved * brightness).clamp(0, 1)
    grey = moved.mean((1, 2, 3), keepdim=True)
    moved = (grey + contrast * (moved - grey)).clamp(0, 1)
    grey = moved.mean(1, keepdim=True)
    return (grey + saturation * (moved - grey)).clamp(0, 1)
