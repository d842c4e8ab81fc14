"""A classifier of defects for labelled pictures, with a remedy for a long tail."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from helpers.data.labels import class_counts
from helpers.long_tail.losses import LOSSES
from helpers.long_tail.mixing import BalancedMixup, Mixture, mixup, one_hot
from helpers.long_tail.sampling import PowerSampler
from helpers.machine import this_machine, to_unit_range
from helpers.networks.backbone import FeatureExtractor, trainable_backbone
from helpers.networks.inference import infer
from helpers.networks.learner import Learner
from helpers.networks.normalisation import averaged_normalisation
from helpers.networks.seeding import epoch_seed, seeded
from helpers.networks.training import TrainingSettings, optimise

Loaders = tuple[DataLoader, DataLoader]


@dataclass(frozen=True)
class Remedy:
    """A remedy: what is done against class imbalance.

    Attributes
    ----------
    batches
        How the batches are sampled or mixed; one of ``BATCHES``.
    loss
        One of ``losses.LOSSES``.
    alpha
        Of the Beta distribution, where pictures are mixed.
    """

    batches: str = "instance-balanced"
    loss: str = "cross-entropy"
    alpha: float = 0.2

    def __post_init__(self) -> None:
        for value, known in ((self.batches, BATCHES), (self.loss, LOSSES)):
            if value not in known:
                raise ValueError(f"no '{value}'; choose one of {', '.join(known)}.")
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha must be positive and finite; got {self.alpha}.")


def _instance_balanced(
    loaders: Loaders, classes: int, alpha: float, seed: int
) -> Iterator[Mixture]:
    for images, labels in loaders[0]:
        yield Mixture(to_unit_range(images), one_hot(labels, classes), 0.0)


def _class_balanced(loaders: Loaders, classes: int, alpha: float, seed: int) -> Iterator[Mixture]:
    for images, labels in loaders[1]:
        yield Mixture(to_unit_range(images), one_hot(labels, classes), 1.0)


def _mixup(loaders: Loaders, classes: int, alpha: float, seed: int) -> Iterator[Mixture]:
    rng = np.random.default_rng(seed)
    for images, labels in loaders[0]:
        yield mixup((to_unit_range(images), one_hot(labels, classes)), alpha, rng)


def _balanced_mixup(loaders: Loaders, classes: int, alpha: float, seed: int) -> Iterator[Mixture]:
    return iter(BalancedMixup(*loaders, classes=classes, alpha=alpha, seed=seed))


BATCHES: dict[str, Callable[[Loaders, int, float, int], Iterator[Mixture]]] = {
    "instance-balanced": _instance_balanced,
    "class-balanced": _class_balanced,
    "mixup": _mixup,
    "Balanced-MixUp": _balanced_mixup,
}

REMEDIES: dict[str, Remedy] = {
    "plain": Remedy(),
    "class-balanced sampling": Remedy("class-balanced"),
    "class weights": Remedy(loss="class weights"),
    "focal loss": Remedy(loss="focal"),
    "logit adjustment": Remedy(loss="logit adjustment"),
    "mixup": Remedy("mixup"),
    "Balanced-MixUp": Remedy("Balanced-MixUp"),
}


@dataclass(frozen=True)
class ClassifierSettings:
    """Settings of a defect classifier.

    Attributes
    ----------
    remedy
        What is done about the tail; plain training when not given.
    weights, layer
        What the ResNet18 begins with, and its last layer; see ``networks.backbone.backbone``.
    training
        An epoch is as many steps as its images fill batches, whatever the remedy. The learning
        rate is the highest of its one cycle (Smith and Topin, 2019).
    """

    remedy: Remedy = field(default_factory=Remedy)
    weights: str = "formula"
    layer: str = "layer2"
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=16, batch_size=32, learning_rate=5e-3)
    )


class PooledClassifier(nn.Module):
    """A backbone, the mean and the maximum of each of its features, and one linear layer."""

    def __init__(self, backbone: FeatureExtractor, classes: int) -> None:
        super().__init__()
        self.backbone, self.classes = backbone, classes
        width = backbone.channels[backbone.layers[-1]]
        self.head = nn.Sequential(nn.BatchNorm1d(2 * width), nn.Linear(2 * width, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of the classes, B×K, for images B×3×H×W in [0, 1]."""
        (features,) = self.backbone(images).values()
        # The mean sees a change all over the part, the maximum one at a single patch.
        return self.head(torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1))


class DefectClassifier(Learner):
    """Tell classes of pictures apart after seeing labelled ones, few of some classes.

    Parameters
    ----------
    settings
        All choices.

    Attributes
    ----------
    backbone
        The backbone, after ``fit``; its ``source`` says what it began with.
    model
        The network, after ``fit``.
    losses
        Mean loss of each epoch, after ``fit``; losses of different remedies cannot be compared.
    epochs
        How many there were, those of the start included.
    """

    revision = 1
    settings_class = ClassifierSettings

    def fit(self, images: np.ndarray, labels: ArrayLike, start: Self | None = None) -> Self:
        """Train on pictures, uint8 N×3×H×W, and their class numbers, N.

        Parameters
        ----------
        images, labels
            Every class has at least one picture.
        start
            A fitted classifier of the same classes to go on from, which is left as it is. Remedies
            that begin only then are called deferred (Cao et al., NeurIPS 2019, Section 3.2).

        Raises
        ------
        ValueError
            When images and labels do not fit, a class has no image, a label is no class number,
            batches would hold a single image (batch normalisation and mixing need two), or the
            start knows other classes.
        """
        s = self.settings.training
        data, counts = checked_data(images, labels, s.batch_size)
        machine = this_machine()
        model = machine.place(self._model(start, len(counts))).train()
        first = 0 if start is None else start.epochs
        self.epochs = first + s.epochs
        steps = s.epochs * math.ceil(len(data) / s.batch_size)
        optimiser = torch.optim.Adam(model.parameters(), lr=s.learning_rate, fused=True)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, s.learning_rate, total_steps=steps)
        loss, counts = LOSSES[self.settings.remedy.loss], torch.tensor(counts)
        self.losses: list[float] = []
        for epoch in range(first, self.epochs):
            total = []
            with seeded(epoch_seed(s.seed, epoch)):
                for batch in self._epoch(data, len(counts), epoch, self.settings.remedy):
                    pictures = _random_flips(batch.images).to(machine.device)
                    targets = batch.targets.to(machine.device)
                    with machine.autocast():
                        logits = model(pictures)
                    value = loss(logits.float(), targets, counts)
                    optimise(value, optimiser, cycle)
                    total.append(float(value.detach()))
            self.losses.append(float(np.mean(total)))
        # Mixtures are paler than pictures, and pictures are what comes later.
        seed = epoch_seed(s.seed, self.epochs)
        with seeded(seed), averaged_normalisation(model), machine.autocast():
            for batch in self._epoch(data, len(counts), self.epochs, Remedy()):
                model(_random_flips(batch.images).to(machine.device))
        self.model = model
        return self

    def _model(self, start: Self | None, classes: int) -> PooledClassifier:
        if start is not None:
            if not hasattr(start, "model") or start.model.classes != classes:
                raise ValueError(
                    f"start must be a classifier fitted on the same {classes} classes."
                )
            self.backbone = start.backbone
            return copy.deepcopy(start.model)
        seed = self.settings.training.seed
        self.backbone = trainable_backbone(
            "resnet18", self.settings.weights, (self.settings.layer,), seed
        )
        with seeded(seed):
            return PooledClassifier(self.backbone, classes)

    def _epoch(
        self, data: TensorDataset, classes: int, epoch: int, remedy: Remedy
    ) -> Iterator[Mixture]:
        s = self.settings.training
        seed = epoch_seed(s.seed, epoch)
        generator = torch.Generator().manual_seed(seed)
        samplers = (
            RandomSampler(data, generator=generator),
            PowerSampler(data.tensors[1].numpy(), power=0, seed=seed),
        )
        # A last batch of one image has nothing to be normalised or mixed with.
        short = len(data) % s.batch_size == 1
        loaders = tuple(
            DataLoader(data, s.batch_size, sampler=sampler, drop_last=short) for sampler in samplers
        )
        return BATCHES[remedy.batches](loaders, classes, remedy.alpha, seed)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probability of each class for uint8 images N×3×H×W: float32, N×K."""
        if not hasattr(self, "model"):
            raise ValueError("this classifier has not been fitted; call fit(images, labels) first.")
        return infer(lambda batch: self.model(batch).float().softmax(1), images)


def checked_data(
    images: np.ndarray, labels: ArrayLike, batch_size: int
) -> tuple[TensorDataset, np.ndarray]:
    """Return pictures and class numbers as a data set, and the images of each class.

    Raises
    ------
    ValueError
        When they do not fit together, there are fewer than two classes, or a batch holds one image.
    """
    counts = class_counts(labels)
    if len(images) != len(np.asarray(labels)):
        raise ValueError(f"{len(images)} images and {len(np.asarray(labels))} labels do not fit.")
    if len(counts) < 2:
        raise ValueError("a classifier needs at least 2 classes; got 1.")
    if batch_size < 2:
        raise ValueError(
            "batch_size must be at least 2: batch normalisation and mixing need a second picture."
        )
    tensor = this_machine().stage(images).cpu()
    return TensorDataset(tensor, torch.tensor(np.asarray(labels))), counts


def _random_flips(images: torch.Tensor) -> torch.Tensor:
    """Flip each picture at random, left-right and top-bottom."""
    for axis in (2, 3):
        chosen = torch.rand(len(images)) < 0.5
        images = torch.where(chosen[:, None, None, None], images.flip(axis), images)
    return images.contiguous(memory_format=torch.channels_last)
