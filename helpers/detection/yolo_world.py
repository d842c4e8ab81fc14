"""YOLO-World: a detector whose classes are words. Through ultralytics, which is AGPL-3.0."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn
from torchvision.ops import batched_nms, box_convert, clip_boxes_to_image

from helpers.annotations.objects import AnnotationSet
from helpers.detection.boxes import Boxes, evaluate_boxes
from helpers.detection.detector import batch_of, check_boxes
from helpers.detection.text_prompts import EMBEDDING, Embed, check_prompts
from helpers.errors import DataError
from helpers.machine import this_machine
from helpers.networks.inference import check_fitted, each_batch
from helpers.networks.seeding import epoch_order, epoch_seed, seeded
from helpers.networks.training import TrainingSettings, check_batch, finite_loss, optimise
from helpers.paths import data_folder

INSTALL = "pip install ultralytics"
WEIGHTS = "yolov8s-worldv2.pt"
ORIGIN = f"https://github.com/ultralytics/assets/releases/download/v8.3.0/{WEIGHTS}"
SMALL = "yolov8n-worldv2.yaml"  # the smallest network that the configuration describes
STRIDE = 32  # of its coarsest map


@dataclass(frozen=True)
class YoloWorldSettings:
    """Settings of fine-tuning, after the authors' (Cheng et al., CVPR 2024, Section 4.1).

    Attributes
    ----------
    score_threshold, nms_iou
        As in ``helpers.detection.network.BoxNetworkSettings``.
    weight_decay
        Of AdamW.
    jitter
        Of brightness and contrast.
    training
        The learning rate is the highest of its one cycle.
    """

    score_threshold: float = 0.01
    nms_iou: float = 0.5
    weight_decay: float = 0.05
    jitter: float = 0.15
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=20, batch_size=8, learning_rate=2e-4)
    )


def has_ultralytics() -> bool:
    """Say whether the optional package is installed."""
    return find_spec("ultralytics") is not None


def yolo_world_file() -> Path:
    """Return where the pretrained weights are looked for; they are never downloaded unasked."""
    named = os.environ.get("ONE_BAD_NUT_YOLO_WORLD")
    return Path(named).expanduser() if named else data_folder() / "weights" / WEIGHTS


def small_yolo_world(classes: int, seed: int = 0) -> nn.Module:
    """Build a small network of the same class, with random weights, from its configuration.

    Raises
    ------
    ImportError
        When ultralytics is not installed.
    """
    world_model = _ultralytics("nn.tasks").WorldModel
    with seeded(seed):
        network = world_model(SMALL, nc=classes, verbose=False)
    # Every position begins with a score of one in a hundred (Lin et al., ICCV 2017, Section 3.3).
    # At ultralytics' own -10 the loss of random weights rises before it falls.
    for head in network.model[-1].cv4:
        nn.init.constant_(head.bias, -math.log(99))
    network.args = _ultralytics("cfg").get_cfg()
    return network


def read_yolo_world(path: Path) -> nn.Module:
    """Read a checkpoint as ultralytics saves it.

    Such a file holds Python objects, and reading it can run code: take it from its makers only.

    Raises
    ------
    ImportError
        When ultralytics is not installed.
    DataError
        When the file is missing, damaged, or holds another network.
    """
    if not path.is_file():
        raise DataError(
            f"there are no weights in {path}. Fetch {ORIGIN} and put it there, or name the file "
            "with ONE_BAD_NUT_YOLO_WORLD."
        )
    tasks = _ultralytics("nn.tasks")
    try:
        network, _ = tasks.load_checkpoint(str(path))
    except Exception as error:
        # Unpickling raises whatever the bytes provoke.
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise DataError(f"{path} cannot be read ({reason}). Fetch it again: {ORIGIN}") from error
    if not isinstance(network, tasks.WorldModel):
        raise DataError(
            f"{path} holds a {type(network).__name__}, which knows no prompts. Take {WEIGHTS}."
        )
    network.args = _ultralytics("cfg").get_cfg()
    return network


class YoloWorld:
    """Find what prompts name; fine-tune on labelled boxes.

    Parameters
    ----------
    network
        From ``read_yolo_world`` or ``small_yolo_world``.
    embed
        Turns N texts into N×512 numbers.
    settings
        Of predicting and fine-tuning.

    Attributes
    ----------
    prompts
        The classes that are looked for.
    losses
        Mean loss of each epoch, after ``fit``.
    """

    def __init__(
        self, network: nn.Module, embed: Embed, settings: YoloWorldSettings | None = None
    ) -> None:
        self.settings = settings or YoloWorldSettings()
        self.model = this_machine().place(network).eval()
        self.embed = embed

    def set_prompts(self, prompts: Sequence[str]) -> Self:
        """Choose the classes by their names, without any training."""
        self.prompts = check_prompts(prompts)
        texts = self.embed(self.prompts)
        if texts.shape != (len(self.prompts), EMBEDDING):
            raise ValueError(
                f"the embedding must be {len(self.prompts)}×{EMBEDDING}; got {tuple(texts.shape)}."
            )
        self.texts = texts.detach().to(this_machine().device)
        self.model.model[-1].nc = len(self.prompts)
        self.model.criterion = None  # it remembers the number of classes
        return self

    def fit(self, images: np.ndarray, boxes: Sequence[Boxes]) -> Self:
        """Fine-tune all weights but the text encoder's on uint8 pictures N×3×H×H with boxes.

        Labels are positions in ``prompts``. Each batch goes through the loss that ultralytics
        trains with: a class term, a box term and one for the spread of the edges.

        Raises
        ------
        ValueError
            When no prompts are set, or pictures, boxes and prompts do not fit together.
        """
        check_fitted(self, "prompts")
        s = self.settings.training
        check_boxes(images, boxes, len(self.prompts))
        _check_side(images)
        check_batch(len(images), s)
        machine = this_machine()
        data = machine.stage(images)
        self.model.train().requires_grad_(True)
        self.model.model[-1].dfl.requires_grad_(False)  # fixed numbers, not weights
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(
            trained, lr=s.learning_rate, weight_decay=self.settings.weight_decay
        )
        steps = s.epochs * math.ceil(len(data) / s.batch_size)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, s.learning_rate, total_steps=steps)
        self.losses: list[float] = []
        for epoch in range(s.epochs):
            total = 0.0
            with seeded(epoch_seed(s.seed, epoch)):
                for rows in epoch_order(s.seed, epoch, len(data)).split(s.batch_size):
                    pictures, targets = batch_of(data, boxes, rows, self.settings.jitter)
                    loss = self.loss(pictures, targets) / len(rows)
                    optimise(loss, optimiser, cycle, clipped=trained, longest=10.0)
                    total += float(loss.detach()) * len(rows) / len(data)
            self.losses.append(finite_loss(total, s))
        self.model.eval()
        return self

    def loss(self, pictures: torch.Tensor, targets: list[dict[str, torch.Tensor]]) -> torch.Tensor:
        """Return the summed loss of a batch in [0, 1] and its targets, as ``batch_of`` has them."""
        side = pictures.shape[-1]
        counts = torch.tensor([len(target["labels"]) for target in targets])
        corners = torch.cat([target["boxes"] for target in targets])
        batch = {
            "img": pictures,
            "cls": torch.cat([target["labels"] for target in targets]).float()[:, None],
            "bboxes": box_convert(corners, "xyxy", "cxcywh") / side,
            "batch_idx": torch.repeat_interleave(torch.arange(len(targets)), counts).float(),
            "txt_feats": self.texts.expand(len(pictures), -1, -1),
        }
        return self.model.loss(batch)[0].sum()

    def predict(self, images: np.ndarray) -> list[Boxes]:
        """Find the prompts on uint8 pictures N×3×H×H: of each, the most confident boxes first."""
        check_fitted(self, "prompts")
        _check_side(images)
        answers = each_batch(
            lambda batch: self.model.predict(batch, txt_feats=self.texts[None])[0],
            images,
            batch_size=16,
            machine=replace(this_machine(), precision="float32"),
        )
        return [
            self._boxes(answer.float(), images.shape[2:]) for batch in answers for answer in batch
        ]

    def _boxes(self, answer: torch.Tensor, size: tuple[int, int]) -> Boxes:
        """Decode 4 + K numbers for each of the positions: centre, size, score of each prompt."""
        scores, labels = answer[4:].max(0)
        kept = scores > self.settings.score_threshold
        corners = clip_boxes_to_image(
            box_convert(answer[:4, kept].T, "cxcywh", "xyxy"), (size[0], size[1])
        )
        scores, labels = scores[kept], labels[kept]
        whole = (corners[:, 2:] > corners[:, :2]).all(1)
        corners, scores, labels = corners[whole], scores[whole], labels[whole]
        best = batched_nms(corners, scores, labels, self.settings.nms_iou)[:100]
        return Boxes(*(part[best].cpu().numpy() for part in (corners, labels, scores)))


def before_and_after(
    model: YoloWorld,
    training: tuple[np.ndarray, Sequence[Boxes]],
    test: tuple[AnnotationSet, np.ndarray],
    other: tuple[str, AnnotationSet],
) -> dict[str, dict[str, float]]:
    """Evaluate before and after fine-tuning: AP50 on its classes, and on another prompt.

    Parameters
    ----------
    model
        Fine-tuned here, on the classes of ``test``.
    training
        Pictures to learn from, uint8, and their boxes.
    test
        Held-out pictures with their boxes: the annotations, and the pixels.
    other
        A prompt that is not trained on, and the boxes that it should find on the same pictures.

    Returns
    -------
    dict
        For ``"zero-shot"`` and ``"fine-tuned"`` the AP50 of ``"classes"`` and of ``"other"``.
    """
    annotations, pictures = test
    prompt, elsewhere = other

    def scores() -> dict[str, float]:
        defects = evaluate_boxes(
            annotations, model.set_prompts(annotations.classes).predict(pictures)
        )
        things = evaluate_boxes(elsewhere, model.set_prompts([prompt]).predict(pictures))
        return {"classes": defects["AP50"], "other": things["AP50"]}

    found = {"zero-shot": scores()}
    model.set_prompts(annotations.classes).fit(*training)
    return found | {"fine-tuned": scores()}


def _check_side(images: np.ndarray) -> None:
    if images.shape[-1] % STRIDE:
        raise ValueError(
            f"YOLO-World takes pictures whose side is a multiple of {STRIDE} pixels; got "
            f"{images.shape[-1]}. Load the category at another size."
        )


def _ultralytics(part: str) -> object:
    if not has_ultralytics():
        raise ImportError(
            f"YOLO-World needs the optional package ultralytics (AGPL-3.0): {INSTALL}. The rest of "
            "the book does without."
        )
    # Read when it is imported: ask no server, install nothing behind the reader's back.
    for name, value in (("OFFLINE", "true"), ("AUTOINSTALL", "false"), ("VERBOSE", "false")):
        os.environ.setdefault(f"YOLO_{name}", value)
    return import_module(f"ultralytics.{part}")
