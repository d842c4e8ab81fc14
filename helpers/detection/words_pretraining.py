"""Pretrain the detector with words for classes on captioned scenes made of formulas."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection.fcos import FCOS

from helpers.detection.boxes import Boxes, make_boxes
from helpers.detection.detector import batch_of, box_losses
from helpers.detection.words import SIDE, word_network
from helpers.formulas.captions import KINDS, WORDS, Captioned, draw_captioned, is_true, memberships
from helpers.formulas.scenes import draw_textures
from helpers.machine import Machine, this_machine
from helpers.networks.architectures import LITE
from helpers.networks.pretraining import rise_and_fall, train_what_is_free
from helpers.networks.seeding import seeded

# Never together on an object of the training, so that they tell whether words combine.
HELD_OUT = (("dark", "ring"), ("blue", "line"), ("green", "spot"), ("white", "patch"))
MOST_WORDS = 4  # of a text


@dataclass(frozen=True)
class WordSettings:
    """How the detector is trained.

    Attributes
    ----------
    body
        One of ``words.BODIES``; it stays as it is.
    scenes, textures, side
        How many scenes are drawn, from how many patterns, and their side in pixels. Those that
        hold a composition of ``HELD_OUT`` are then left out.
    steps, pictures, texts
        Optimiser steps, scenes in a step, and texts that all of a step's scenes are asked for.
    wrong
        Share of the texts of which a word is replaced by another of its kind.
    learning_rate, weight_decay
        Of AdamW. The rate rises over the first ``warming`` steps, and falls to nothing over the
        last ``cooling``.
    seed
        Of scenes, initial weights and every step.
    """

    body: str = LITE
    scenes: int = 5000
    textures: int = 300
    side: int = SIDE
    steps: int = 2300
    pictures: int = 16
    texts: int = 24
    wrong: float = 0.4
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warming: int = 200
    cooling: int = 1200
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Lesson:
    """Scenes to learn from, without those that hold a composition of ``HELD_OUT``.

    Attributes
    ----------
    pictures
        uint8, N×3×S×S.
    boxes
        Of each; a box's label is its object's number.
    words
        bool, K×``len(WORDS)``: what is true of each object.
    """

    pictures: np.ndarray
    boxes: list[Boxes]
    words: np.ndarray


@dataclass(frozen=True, eq=False)
class Pretrained:
    """The outcome: the network in evaluation mode, the loss of every step, and the seconds."""

    network: FCOS
    losses: tuple[float, ...]
    seconds: float


def make_lesson(settings: WordSettings, workers: int = 1) -> Lesson:
    """Draw what the training sees, in so many processes."""
    textures = draw_textures(settings.textures, settings.seed, settings.side)
    return lesson_of(
        draw_captioned(settings.scenes, settings.seed, textures, settings.side, workers)
    )


def lesson_of(known: Captioned) -> Lesson:
    """Leave out the scenes that hold what is held out."""
    held = is_true(memberships(HELD_OUT), known.words).any(1)
    kept = np.setdiff1d(np.arange(len(known.pictures)), known.rows[held])
    boxes = [
        make_boxes(known.corners[mine], mine)
        for mine in (np.flatnonzero(known.rows == row) for row in kept)
    ]
    return Lesson(known.pictures[kept], boxes, known.words)


def draw_texts(
    objects: np.ndarray, count: int, wrong: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw texts to ask for.

    Parameters
    ----------
    objects
        bool, K×W: the words of objects. Each text has some words of one of them.
    count
        How many.
    wrong
        Share of the texts of which a word is replaced by another of its kind.
    rng
        Source of the random numbers.

    Returns
    -------
    np.ndarray
        bool, count×W. None holds a composition of ``HELD_OUT``, which would teach that it is false.
    """
    held, texts = memberships(HELD_OUT), []
    while len(texts) < count:
        words = np.flatnonzero(objects[rng.integers(len(objects))])
        words = rng.permutation(words)[: int(rng.integers(1, MOST_WORDS + 1))]
        text = np.zeros(len(WORDS), bool)
        text[words] = True
        if rng.random() < wrong:
            gone = WORDS[words[0]]
            (kind,) = (names for names in KINDS.values() if gone in names)
            text[words[0]] = False
            text[WORDS.index(rng.choice([word for word in kind if word != gone]))] = True
        if not is_true(held, text[None]).any():
            texts.append(text)
    return np.stack(texts)


def pretrain(
    settings: WordSettings,
    lesson: Lesson,
    checkpoint: Path | None = None,
    *,
    machine: Machine | None = None,
    save_every: int = 100,
    report: Callable[[int, float, float], None] | None = None,
) -> Pretrained:
    """Train the detector; its body stays as it was.

    The random numbers of a step come from the seed and the step's number alone. So a run that was
    killed and continues from its checkpoint ends with the very weights of a run that was not.

    Parameters
    ----------
    settings
        What to do.
    lesson
        From ``make_lesson``.
    checkpoint
        File to write every ``save_every`` steps, and to continue from when it is there.
    machine
        Device and number format; found by itself when not given.
    report
        Called every ``save_every`` steps with the step, the mean loss since the last call, and the
        seconds spent.

    Raises
    ------
    DataError
        When the checkpoint cannot be read or belongs to other settings.
    DivergedError
        When the loss is not finite.
    """
    machine = machine or this_machine()
    with seeded(settings.seed):
        network = machine.place(word_network(settings.body, settings.side)).train()
    data = machine.stage(lesson.pictures)
    losses, seconds = train_what_is_free(
        network,
        lambda step: _loss(network, data, lesson, step, settings, machine),
        lambda step: learning_rate_at(step, settings),
        settings.steps,
        settings,
        ("steps",),
        (lesson.pictures, lesson.words),
        checkpoint,
        save_every=save_every,
        report=report,
    )
    return Pretrained(network.eval(), losses, seconds)


def learning_rate_at(step: int, settings: WordSettings) -> float:
    """Return the learning rate of a step, counted from 0."""
    share = rise_and_fall(step, settings.steps, settings.warming, settings.cooling)
    return settings.learning_rate * share


def _loss(
    network: FCOS,
    data: torch.Tensor,
    lesson: Lesson,
    step: int,
    settings: WordSettings,
    machine: Machine,
) -> torch.Tensor:
    rng = np.random.default_rng((settings.seed, 4, step))
    rows = torch.from_numpy(rng.integers(0, len(data), settings.pictures))
    with seeded(int(rng.integers(2**31))):
        pictures, targets = batch_of(data, lesson.boxes, rows, 0.0)
    objects = lesson.words[np.concatenate([lesson.boxes[row].labels for row in rows.tolist()])]
    texts = draw_texts(objects, settings.texts, settings.wrong, rng)
    network.head.ask(torch.from_numpy(texts))
    for target in targets:
        truth = is_true(texts, lesson.words[target["labels"].cpu().numpy()])
        target["truth"] = torch.from_numpy(truth).to(machine.device)
    return sum(box_losses(network, pictures, targets, machine).values())
