"""Student and teacher: a small network learns what a frozen one says of good images only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.data.category import split_good
from helpers.detectors.base import FeatureDetector
from helpers.errors import check_least
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.backbone import Backbone
from helpers.networks.checkpoint import fingerprint
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import (
    check_fitted,
    collect,
    each_batch,
    in_batches,
    to_array,
    with_numbers,
)
from helpers.networks.normalisation import averaged_normalisation, fold_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.training import History, TrainingSettings, train

Maps = dict[str, torch.Tensor]
# A channel that hardly varies on good images would otherwise be blown up without limit.
LEAST_VARIANCE = 1e-3
BATCH = 16
STANDARD_FROM = 96  # images are enough for the mean and variance of each feature
BORDER = 1 / 8  # of the image's side: where the zeros beyond it are felt most
LEAST_DIFFERENCE = 1e-6  # features of variance 1 are never predicted better than that


@dataclass(frozen=True)
class StudentTeacherSettings:
    """Settings of the student-teacher detector.

    Attributes
    ----------
    architecture, weights, layers
        Of the teacher; see ``helpers.networks.backbone.backbone``.
    width, depth
        Of the student: channels after the first halving of the picture, and convolutions for each
        of the teacher's layers beyond the halvings.
    hard_share
        Share of the squared differences, the largest ones, that the loss counts; 1 counts all.
    good_share
        Share of the good images that teach nothing: the differences on them set the scale.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Image score: mean over this share of the map's highest pixels; 0 for the maximum.
    training
        Of the student.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    width: int = 32
    depth: int = 1
    hard_share: float = 1.0
    good_share: float = 0.1
    smoothing: float = 1 / 64
    top_share: float = 0.0
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=20, learning_rate=2e-3)
    )

    def __post_init__(self) -> None:
        if not 0 < self.hard_share <= 1:
            raise ValueError(f"hard_share must be above 0, at most 1; got {self.hard_share}.")
        check_least(self, width=1, depth=0)


class Teacher(nn.Module):
    """A frozen network, each of its features brought to mean 0 and variance 1 on good images.

    Input: float B×3×H×W in [0, 1]. Output: for each layer, float32 B×C×h×w.
    """

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        self.network = network
        self.standard = nn.ModuleDict(
            {
                name: nn.BatchNorm2d(channels, eps=LEAST_VARIANCE, affine=False)
                for name, channels in network.channels.items()
            }
        )
        self.eval()

    def forward(self, images: torch.Tensor) -> Maps:
        """Return the standardised features of ``images``."""
        maps = self.network(images)
        return {name: self.standard[name](value.float()) for name, value in maps.items()}


class Student(nn.Module):
    """A slim network with an output for each of the teacher's layers, and no other knowledge.

    Input: float B×3×H×W in [0, 1]. Output: for each layer, B×C×h×w.

    Parameters
    ----------
    channels, strides
        Of the teacher's layers, in its order.
    width, depth
        See ``StudentTeacherSettings``.
    """

    def __init__(
        self, channels: Mapping[str, int], strides: Mapping[str, int], width: int, depth: int
    ) -> None:
        super().__init__()
        self.stages, self.heads = nn.ModuleDict(), nn.ModuleDict()
        inside, outside, stride = 3, width, 1
        for name in channels:
            steps: list[nn.Module] = []
            while stride < strides[name]:
                steps += _step(inside, outside, 5 if stride == 1 else 3, 2)
                inside, outside, stride = outside, min(2 * outside, 4 * width), 2 * stride
            for _ in range(depth):
                steps += _step(inside, inside, 3, 1)
            self.stages[name] = nn.Sequential(*steps)
            self.heads[name] = nn.Conv2d(inside, channels[name], 1)

    def forward(self, images: torch.Tensor) -> Maps:
        """Say what the teacher would say of ``images``."""
        maps, value = {}, images
        for name, stage in self.stages.items():
            value = stage(value)
            maps[name] = self.heads[name](value)
        return maps


def _step(inside: int, outside: int, kernel: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]


def differences(teacher: Mapping[str, torch.Tensor], student: Mapping[str, torch.Tensor]) -> Maps:
    """Return teacher minus student, layer by layer: float32, B×C×h×w.

    A network that pads its borders otherwise gives maps a patch larger or smaller; the student's
    are then resized to the teacher's.
    """
    found = {}
    for name, wanted in teacher.items():
        got = student[name].float()
        if got.shape[2:] != wanted.shape[2:]:
            got = functional.interpolate(got, wanted.shape[2:], mode="bilinear")
        found[name] = wanted - got
    return found


def mean_of_hardest(values: torch.Tensor, share: float) -> torch.Tensor:
    """Return the mean over the largest ``share`` of all values: a scalar.

    With 0.001 it is the hard feature loss of Batzner et al. (WACV 2024, Section 3.2): what the
    student already knows no longer teaches it anything.
    """
    if share == 1:
        return values.mean()
    count = max(1, round(share * values.numel()))
    return values.flatten().topk(count, sorted=False).values.mean()


class RelativeDifference(nn.Module):
    """How large differences are, next to those on good images.

    Networks pad maps with zeros, so that a patch at the border sees what no patch elsewhere does.
    There are few of these, the student learns them badly, and the border would be the most
    anomalous part of every good image. So there a difference is measured by those at the same
    place, in all good images; but never by less than elsewhere, or a plain background would count
    too much.

    Parameters
    ----------
    good
        Differences on good images that taught nothing: N×C×h×w.
    border
        Width of the border, as a share of the side.
    """

    def __init__(self, good: torch.Tensor, border: float = BORDER) -> None:
        super().__init__()
        usual = good.square().mean((0, 1))
        rows, columns = (
            slice(wide, -wide or None) for wide in (round(border * side) for side in usual.shape)
        )
        elsewhere = usual[rows, columns].mean()
        usual = usual.clamp_min(elsewhere)
        usual[rows, columns] = elsewhere
        self.register_buffer("usual", usual.clamp_min(LEAST_DIFFERENCE))

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        """Return the mean square of B×C×h×w differences, divided by the usual one: B×h×w.

        It is 1 on average inside good images, at most 1 at their border, and 0 where there is no
        difference.
        """
        return found.square().mean(1) / self.usual


class StudentTeacherDetector(FeatureDetector):
    """Score patches by how far a student, taught on good images only, is from its teacher.

    After Wang et al., "Student-Teacher Feature Pyramid Matching for Anomaly Detection" (BMVC 2021,
    arXiv 2103.04257): a frozen teacher, three of its layers, a student that starts from random
    weights, the product of the layers' maps, and its maximum as the image's score.
    After Batzner et al., "EfficientAD" (WACV 2024, arXiv 2303.14535): features standardised channel
    by channel, a student smaller than an image classifier, the hard feature loss, and maps brought
    to one scale on good images that taught nothing.

    What differs: STFPM's student is as large as its teacher, and compares directions of features;
    with a few minutes of a processor a slim one comes closer to its teacher. EfficientAD takes
    quantiles for the scale, here a mean does it, by place at the border. Its penalty on other
    images and its autoencoder, for parts that are missing or misplaced, are left out.

    Parameters
    ----------
    settings, network
        As for ``FeatureDetector``; the network is the teacher's.
    checkpoint
        File to continue an interrupted training from, or none.

    Attributes
    ----------
    teacher, student, history
        After ``fit``.
    distances
        For each layer, the size of a difference relative to those on good images.
    """

    revision = 3
    settings_class = StudentTeacherSettings

    def __init__(
        self,
        settings: StudentTeacherSettings | None = None,
        network: Backbone | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        super().__init__(settings, network)
        self.checkpoint = checkpoint

    def fit(self, images: np.ndarray) -> Self:
        """Teach the student on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer than two images, fewer to learn from than a batch, or the teacher
            has no such layer.
        DivergedError
            When the loss is no longer finite.
        """
        s = self.settings
        machine = this_machine()
        learned, kept = split_good(images, s.good_share, s.training.seed)
        self._make_backbone(s.training.seed)
        self.teacher = machine.place(Teacher(self.backbone))
        with averaged_normalisation(self.teacher), machine.autocast():
            for batch in in_batches(learned[:STANDARD_FROM], machine, BATCH):
                self.teacher(batch)
        student = self._student()
        # The teacher is a part of the loss.
        taught = fingerprint(*self.teacher.state_dict().values()) if self.checkpoint else None
        self.history: History = train(
            student, learned, self.loss, s.training, checkpoint=self.checkpoint,
            method=(s, taught), title="student",
        )  # fmt: skip
        with averaged_normalisation(student), machine.autocast():
            for batch in in_batches(learned, machine, s.training.batch_size):
                student(batch)
        self.student = fold_normalisation(student)
        distances = {
            name: RelativeDifference(values) for name, values in self.differences(kept).items()
        }
        self.distances = nn.ModuleDict(distances).to(machine.device)
        return self

    def _student(self) -> Student:
        s, network = self.settings, self.backbone
        with seeded(s.training.seed):
            return Student(network.channels, network.strides, s.width, s.depth)

    def _learned(self) -> dict[str, Any]:
        return {
            "backbone": backbone_state(self.backbone),
            "teacher": self.teacher.standard.state_dict(),
            "student": self.student.state_dict(),
            "usual": {name: distance.usual for name, distance in self.distances.items()},
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.teacher = this_machine().place(Teacher(self.backbone))
        with_numbers(self.teacher.standard, state["teacher"])
        self.student = with_numbers(fold_normalisation(self._student().eval()), state["student"])
        distances = {
            name: RelativeDifference(usual[None, None]) for name, usual in state["usual"].items()
        }
        self.distances = nn.ModuleDict(distances)
        with_numbers(
            self.distances, {f"{name}.usual": usual for name, usual in state["usual"].items()}
        )

    def loss(self, student: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        """Return the mean squared difference of a student from the teacher, over the layers."""
        with torch.no_grad():
            wanted = self.teacher(batch)
        found = differences(wanted, student(batch)).values()
        return torch.stack(
            [mean_of_hardest(d.square(), self.settings.hard_share) for d in found]
        ).mean()

    def differences(self, images: np.ndarray) -> Maps:
        """Return teacher minus student of uint8 images N×3×H×W: a layer, float32 N×C×h×w."""
        return collect(each_batch(self._differences, images, BATCH), len(images), this_machine())

    def _differences(self, batch: torch.Tensor) -> Maps:
        return differences(self.teacher(batch), self.student(batch))

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the product of the layers' maps, see ``Learner``."""
        layers = [
            functional.interpolate(
                self.distances[name](values)[:, None], batch.shape[2:], mode="bilinear"
            )
            for name, values in self._differences(batch).items()
        ]
        return torch.stack(layers).prod(0)[:, 0], None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self, "distances")
        parts = []
        for found in each_batch(self._differences, images, BATCH):
            layers = [
                functional.interpolate(
                    self.distances[name](values)[:, None], images.shape[2:], mode="bilinear"
                )
                for name, values in found.items()
            ]
            parts.append(torch.stack(layers).prod(0)[:, 0])
        s = self.settings
        return scores_from_maps(to_array(parts), None, s.smoothing, s.top_share)
