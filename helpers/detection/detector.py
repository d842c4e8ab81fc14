"""Train a detector on pictures with boxes, and find boxes on others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torchvision.models.detection.fcos import FCOS

from helpers.detection.boxes import Boxes
from helpers.detection.network import BoxNetworkSettings, box_network
from helpers.machine import Machine, this_machine, to_unit_range
from helpers.networks.inference import check_fitted, each_batch
from helpers.networks.learner import Learner
from helpers.networks.seeding import epoch_order, epoch_seed, seeded
from helpers.networks.training import TrainingSettings, check_batch, finite_loss, optimise

PARTS = {"classification": "class", "bbox_regression": "box", "bbox_ctrness": "centre"}
BATCH = 32  # pictures at a time
GRADIENT_NORM = 20.0  # gradients are clipped to it


@dataclass(frozen=True)
class BoxDetectorSettings:
    """Settings of a detector.

    Attributes
    ----------
    network
        Its shape.
    jitter
        Brightness and contrast of a training picture change by up to this share.
    backbone_rate
        Learning rate of the pretrained backbone as a share of the others': its weights are near
        what they should be already.
    training
        The learning rate is the highest of its one cycle (Smith and Topin, 2019).
    """

    network: BoxNetworkSettings = field(default_factory=BoxNetworkSettings)
    jitter: float = 0.15
    backbone_rate: float = 0.1
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=10, batch_size=8, learning_rate=2e-3)
    )


class BoxDetector(Learner):
    """Find objects with boxes after seeing labelled ones.

    Parameters
    ----------
    settings
        All choices.

    Attributes
    ----------
    model
        TorchVision's FCOS, after ``fit``.
    classes
        Names of the classes.
    losses
        For each part of the loss its mean in each epoch.
    """

    revision = 1
    settings_class = BoxDetectorSettings

    def fit(self, images: np.ndarray, boxes: Sequence[Boxes], classes: Sequence[str]) -> Self:
        """Train on pictures, uint8 N×3×H×W, with their boxes.

        Pictures without a box take part: they teach what is no object.

        Raises
        ------
        ValueError
            When pictures and boxes do not fit, no picture has a box, a label has no class, or a
            batch is larger than what there is.
        """
        s = self.settings.training
        check_boxes(images, boxes, len(classes))
        check_batch(len(images), s)
        self.classes = tuple(classes)
        with seeded(s.seed):
            model = box_network(self.settings.network, len(classes), images.shape[-1])
        self.model, self.losses = train_on_boxes(model, images, boxes, self.settings)
        return self

    def predict(self, images: np.ndarray) -> list[Boxes]:
        """Find boxes on pictures, uint8 N×3×H×W: the most confident of each picture first."""
        check_fitted(self)
        answers = each_batch(lambda batch: self.model(list(batch)), images, BATCH)
        return [boxes_of(answer) for batch in answers for answer in batch]


def train_on_boxes(
    model: FCOS, images: np.ndarray, boxes: Sequence[Boxes], settings: BoxDetectorSettings
) -> tuple[FCOS, dict[str, list[float]]]:
    """Train a network on pictures with boxes, checked before.

    Returns
    -------
    tuple
        The network in evaluation mode, and for each part of the loss its mean in each epoch.
    """
    s, machine = settings.training, this_machine()
    data = machine.stage(images)
    model = machine.place(model).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser, rates = _optimiser(model, s.learning_rate, settings.backbone_rate)
    steps = s.epochs * math.ceil(len(data) / s.batch_size)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps, pct_start=0.15)
    losses: dict[str, list[float]] = {name: [] for name in PARTS.values()}
    for epoch in range(s.epochs):
        order = epoch_order(s.seed, epoch, len(data)).split(s.batch_size)
        totals = dict.fromkeys(PARTS, 0.0)
        with seeded(epoch_seed(s.seed, epoch)):
            for rows in order:
                pictures, targets = batch_of(data, boxes, rows, settings.jitter)
                parts = box_losses(model, pictures, targets, machine)
                loss = sum(parts.values())
                optimise(loss, optimiser, cycle, clipped=trained, longest=GRADIENT_NORM)
                for name, value in parts.items():
                    totals[name] += float(value.detach()) * len(rows) / len(data)
        for name, told in PARTS.items():
            losses[told].append(finite_loss(totals[name], s, told))
    return model.eval(), losses


def batch_of(
    data: torch.Tensor, boxes: Sequence[Boxes], rows: torch.Tensor, jitter: float
) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    """Return pictures in [0, 1] and their targets, both rotated and flipped alike.

    One of the eight symmetries of the square is drawn at random for the batch, and brightness
    and contrast for each picture.
    """
    pictures = to_unit_range(data[rows.to(data.device)])
    symmetry = int(torch.randint(8, ()))
    turned = rotate_flip(pictures, symmetry)
    if jitter:
        change = 1 + jitter * (2 * torch.rand(2, len(rows), 1, 1, 1, device=data.device) - 1)
        mean = turned.mean((1, 2, 3), keepdim=True)
        turned = ((turned - mean) * change[0] + mean * change[1]).clamp(0, 1)
    targets, side = [], data.shape[-1]
    for row in rows.tolist():
        corners = rotate_flip_boxes(torch.tensor(boxes[row].corners), symmetry, side)
        labels = torch.tensor(boxes[row].labels)
        targets.append({"boxes": corners.to(data.device), "labels": labels.to(data.device)})
    return turned.contiguous(memory_format=torch.channels_last), targets


def rotate_flip(pictures: torch.Tensor, symmetry: int) -> torch.Tensor:
    """Apply one of the square's eight symmetries to pictures …×H×H: 0 changes nothing."""
    pictures = pictures.rot90(symmetry % 4, (-2, -1))
    return pictures.flip(-1) if symmetry >= 4 else pictures


def rotate_flip_boxes(corners: torch.Tensor, symmetry: int, side: int) -> torch.Tensor:
    """Do to boxes N×4 what ``rotate_flip`` does to their pictures of ``side`` pixels."""
    left, top, right, bottom = corners.unbind(1)
    for _ in range(symmetry % 4):
        # A quarter turn to the left: what was at the right is now at the top.
        left, top, right, bottom = top, side - right, bottom, side - left
    if symmetry >= 4:
        left, right = side - right, side - left
    return torch.stack([left, top, right, bottom], 1)


def check_boxes(images: np.ndarray, boxes: Sequence[Boxes], classes: int) -> None:
    """Raise ValueError unless pictures and boxes can be learned from."""
    if images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise ValueError(f"pictures must be square, N×3×H×H; got shape {images.shape}.")
    if len(images) != len(boxes):
        raise ValueError(f"there are {len(images)} pictures and boxes for {len(boxes)} of them.")
    if not sum(map(len, boxes)):
        raise ValueError(
            "no picture has a box, so there is nothing to learn. Annotate some, or choose a "
            "detector that learns from good pictures only."
        )
    side = images.shape[-1]
    for row, each in enumerate(boxes):
        if len(each) and not (each.labels.min() >= 0 and each.labels.max() < classes):
            raise ValueError(
                f"picture {row} has a box of class {each.labels.max()}, but there are {classes} "
                "classes, numbered from 0."
            )
        if len(each) and (each.corners.min() < 0 or each.corners.max() > side):
            raise ValueError(
                f"picture {row} has a box that leaves its {side} × {side} pixels. Were the boxes "
                "made for pictures of another size?"
            )


def _optimiser(
    model: FCOS, rate: float, backbone_rate: float
) -> tuple[torch.optim.Optimizer, list[float]]:
    pretrained = [p for p in model.backbone.body.parameters() if p.requires_grad]
    inside = set(map(id, pretrained))
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in inside]
    groups = [(others, rate), (pretrained, rate * backbone_rate)]
    groups = [(parameters, each) for parameters, each in groups if parameters]
    optimiser = torch.optim.AdamW(
        [{"params": parameters, "lr": each} for parameters, each in groups], weight_decay=1e-2
    )
    return optimiser, [each for _, each in groups]


def box_losses(
    model: FCOS, pictures: torch.Tensor, targets: list[dict], machine: Machine
) -> dict[str, torch.Tensor]:
    """Return FCOS's three losses on pictures in [0, 1] with their targets."""
    with machine.autocast():
        features = list(model.backbone(pictures).values())
        answers = model.head(features)
    # Boxes of a hundred pixels need more digits than 16 bits have.
    answers = {name: value.float() for name, value in answers.items()}
    anchors = model.anchor_generator(_ImageList(pictures), features)
    return model.compute_loss(targets, answers, anchors, [f[0, 0].numel() for f in features])


class _ImageList:
    """What TorchVision's anchor generator asks of a batch."""

    def __init__(self, pictures: torch.Tensor) -> None:
        self.tensors = pictures
        self.image_sizes = [tuple(pictures.shape[-2:])] * len(pictures)


def boxes_of(answer: dict[str, torch.Tensor]) -> Boxes:
    """Return what FCOS found on a picture, the most confident box first."""
    corners, labels, scores = (
        answer[name].float().cpu().numpy() for name in ("boxes", "labels", "scores")
    )
    whole = (corners[:, 2:] > corners[:, :2]).all(axis=1)
    order = np.flatnonzero(whole)[np.argsort(-scores[whole], kind="stable")]
    return Boxes(corners[order], labels[order].astype(np.int64), scores[order])
