"""Pretrain the promptable segmenter on scenes made of formulas, so that the book can ship one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from helpers.formulas.scenes import SIDE, Scenes, draw_scenes, draw_textures
from helpers.machine import Machine, this_machine, to_unit_range
from helpers.networks.pretraining import rise_and_fall, train_what_is_free
from helpers.networks.seeding import seeded
from helpers.segmentation.losses import dice_losses
from helpers.segmentation.promptable import (
    MINUS,
    PADDING,
    PLUS,
    PromptableNetwork,
    Prompts,
    best_masks,
)

MOST_POINTS = 3
FOCUS = 2.0  # the focal loss's exponent
# Of a loose mask, in pixels, and how often: how far it reaches beyond its object, after gaps and
# bays of up to twice the second number have been filled.
MARGINS, MARGIN_SHARES = (0, 1, 2, 3), (0.4, 0.2, 0.2, 0.2)
CLOSINGS, CLOSING_SHARES = (0, 3, 6, 9), (0.55, 0.15, 0.15, 0.15)
LENGTH = ("steps", "loose")  # a longer run continues a shorter one


@dataclass(frozen=True)
class PretrainingSettings:
    """How the segmenter is trained.

    Attributes
    ----------
    scenes, textures, side
        How many scenes are drawn, from how many patterns, and their side in pixels.
    seen_side
        Side to which the scenes are enlarged before the network sees them, a multiple of 32.
    steps
        Optimiser steps on exact masks.
    loose
        Further steps in which many masks are as people draw them: they reach beyond their object
        and fill its gaps. How far, a box tells, and of three answers to a point one may. The rate
        falls from 0.6 of its height to nothing.
    pictures, objects
        Scenes in a step, and objects of each that are asked for.
    easy
        Steps in which the harder scenes join, one after the other; the first step sees the easiest
        eighth.
    learning_rate, weight_decay
        Of AdamW. The rate rises over the first ``warming`` steps.
    warming, cooling
        Over the last ``cooling`` of ``steps`` the rate falls to nothing. Before these, nothing
        depends on how many steps there are, so a checkpoint from there can be continued to any
        number.
    boxes
        Share of the objects asked for by a box; the others have a point.
    corrected
        Share of the steps that add one or two clicks where the answer so far is wrong.
    focal
        Weight of the focal loss beside that of Dice.
    seed
        Of scenes, initial weights and every step.
    """

    scenes: int = 8000
    textures: int = 600
    side: int = SIDE
    seen_side: int = 192
    steps: int = 5200
    loose: int = 520
    pictures: int = 32
    objects: int = 4
    easy: int = 1500
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-2
    warming: int = 200
    cooling: int = 2000
    boxes: float = 0.5
    corrected: float = 0.35
    focal: float = 20.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Pretrained:
    """The outcome.

    Attributes
    ----------
    network
        Trained, in evaluation mode.
    losses
        Loss of every step.
    seconds
        Time spent on the steps, those before a resume included.
    """

    network: PromptableNetwork
    losses: tuple[float, ...]
    seconds: float


def make_scenes(settings: PretrainingSettings, workers: int = 1) -> Scenes:
    """Draw what the training sees, in so many processes."""
    textures = draw_textures(settings.textures, settings.seed, settings.side)
    return draw_scenes(settings.scenes, settings.seed, textures, settings.side, workers)


def mask_losses(logits: torch.Tensor, truth: torch.Tensor, focal: float) -> torch.Tensor:
    """Return ``focal`` times the focal loss plus the Dice loss of each mask.

    Lin et al. (ICCV 2017) and Milletari et al. (3DV 2016), mixed as SAM's were.

    Parameters
    ----------
    logits
        …×H×W.
    truth
        The same shape, of 0 and 1.
    focal
        Weight.

    Returns
    -------
    torch.Tensor
        …
    """
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    missed = (truth - probability).abs()
    focused = (missed**FOCUS * entropy).mean((-2, -1))
    return focal * focused + dice_losses(probability, truth)


def overlap(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return the IoU of masks, …×H×W each, of which the first are logits."""
    found, truth = logits > 0, truth > 0.5
    either = (found | truth).sum((-2, -1))
    return (found & truth).sum((-2, -1)) / either.clamp(min=1)


def prompt_loss(
    logits: torch.Tensor,
    quality: torch.Tensor,
    truth: torch.Tensor,
    ambiguous: torch.Tensor,
    focal: float,
) -> torch.Tensor:
    """Return the loss of the answers to B prompts.

    A clear prompt is answered by mask 0. A single point has three answers, of which the best
    counts. How good each is must be foretold.

    Parameters
    ----------
    logits, quality
        B×4×h×w and B×4.
    truth
        B×H×W, of 0 and 1.
    ambiguous
        bool, B.
    focal
        Weight of the focal loss.
    """
    side = truth.shape[-2:]

    def part(rows: torch.Tensor, masks: slice) -> tuple[torch.Tensor, torch.Tensor]:
        wanted = truth[rows][:, None]
        found = functional.interpolate(logits[rows, masks].float(), side, mode="bilinear")
        wanted = wanted.expand_as(found)
        with torch.no_grad():
            good = overlap(found, wanted)
        losses = mask_losses(found, wanted, focal).min(1).values
        errors = (quality[rows, masks].float() - good).square().mean(1)
        return losses.sum(), errors.sum()

    parts = [part(~ambiguous, slice(0, 1)), part(ambiguous, slice(1, None))]
    return sum(losses + errors for losses, errors in parts) / len(truth)


def first_prompts(truth: torch.Tensor, boxes: float, generator: torch.Generator) -> Prompts:
    """Return a first prompt for each mask (B×S×S, of 0 and 1): a rough box, or a point inside."""
    count, side, device = len(truth), truth.shape[-1], truth.device
    # Half of the points lie anywhere in the mask, the others rather deep inside.
    depth = _blurred(truth, 9)
    deep = _random((count, 1, 1), generator, device) < 0.5
    point = _pixel(truth * torch.where(deep, depth**6, 1.0), generator)
    columns, rows = truth.amax(1) > 0, truth.amax(2) > 0
    left, right = columns.int().argmax(1), side - columns.flip(1).int().argmax(1)
    top, bottom = rows.int().argmax(1), side - rows.flip(1).int().argmax(1)
    box = torch.stack([left, top, right, bottom], 1).float()
    reach = torch.stack([right - left, bottom - top], 1).repeat(1, 2) * 0.1
    rough = (_random((count, 1), generator, device) < 0.7) * reach.clamp(1, 20)
    box = (box + rough * (2 * _random((count, 4), generator, device) - 1)).clamp(0, side)
    boxed = _random((count,), generator, device) < boxes
    points = torch.zeros(count, MOST_POINTS, 2, device=device)
    labels = torch.full((count, MOST_POINTS), PADDING, device=device)
    points[:, 0] = point
    labels[~boxed, 0] = PLUS
    return Prompts(points, labels, box / side, boxed)


def add_clicks(
    prompts: Prompts, logits: torch.Tensor, truth: torch.Tensor, generator: torch.Generator
) -> Prompts:
    """Return the prompts with a point each where the answer (logits, B×S×S) is wrong."""
    wrong = ((logits > 0) != (truth > 0.5)).float()
    there = wrong.amax((1, 2)) > 0
    depth = _blurred(wrong, 5)
    point = _pixel(wrong * depth**2 + 1e-9, generator)
    side = truth.shape[-1]
    x, y = (point * side).long().unbind(1)
    label = torch.where(
        truth[torch.arange(len(truth), device=truth.device), y, x] > 0.5, PLUS, MINUS
    )
    slot = (prompts.labels != PADDING).sum(1)
    rows = torch.nonzero(there & (slot < MOST_POINTS))[:, 0]
    points, labels = prompts.points.clone(), prompts.labels.clone()
    points[rows, slot[rows]], labels[rows, slot[rows]] = point[rows], label[rows]
    return Prompts(points, labels, prompts.boxes, prompts.boxed)


def pretrain(
    settings: PretrainingSettings,
    scenes: Scenes,
    checkpoint: Path | None = None,
    *,
    machine: Machine | None = None,
    save_every: int = 100,
    report: Callable[[int, float, float], None] | None = None,
) -> Pretrained:
    """Train the segmenter; its image encoder's Lite0 stays as ImageNet made it.

    The random numbers of a step come from the seed and the step's number alone. So a run that was
    killed and continues from its checkpoint ends with the very weights of a run that was not.

    Parameters
    ----------
    settings
        What to do.
    scenes
        From ``make_scenes``.
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
        network = machine.place(PromptableNetwork()).train()
    losses, seconds = train_what_is_free(
        network,
        lambda step: _loss(network, scenes, step, settings, machine),
        lambda step: learning_rate_at(step, settings),
        settings.steps + settings.loose,
        settings,
        LENGTH,
        (scenes.pictures, scenes.bits),
        checkpoint,
        save_every=save_every,
        report=report,
    )
    return Pretrained(network.eval(), losses, seconds)


def learning_rate_at(step: int, settings: PretrainingSettings) -> float:
    """Return the learning rate of a step, counted from 0."""
    if step >= settings.steps:
        left = 1 - (step - settings.steps) / settings.loose
        return 0.6 * settings.learning_rate * left
    share = rise_and_fall(step, settings.steps, settings.warming, settings.cooling)
    return settings.learning_rate * share


def draw_batch(
    scenes: Scenes, step: int, settings: PretrainingSettings, device: str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor, torch.Generator]:
    """Return a step's pictures and masks on a device, turned, mirrored and recoloured.

    Returns
    -------
    pictures
        float32, B×3×S×S, in [0, 1].
    masks
        float32, (B·K)×S×S, of 0 and 1; K of each picture.
    generator
        For what else the step draws at random.
    """
    seed = np.random.SeedSequence((settings.seed, 3, step))
    rng = np.random.default_rng(seed)
    reached = min(1.0, 0.125 + 0.875 * step / max(1, settings.easy))
    pictures, masks = [], []
    for scene in rng.integers(0, max(1, int(reached * len(scenes.counts))), settings.pictures):
        chosen = rng.permutation(int(scenes.counts[scene]))
        chosen = np.resize(chosen, settings.objects)
        both = np.concatenate([scenes.pictures[scene], scenes.masks(int(scene))[chosen]])
        both = np.rot90(both, int(rng.integers(4)), (1, 2))
        both = both[:, :, ::-1] if rng.random() < 0.5 else both
        pictures.append(both[:3][rng.permutation(3)])
        masks.append(both[3:])
    drawn = torch.from_numpy(np.ascontiguousarray(np.stack(pictures))).to(device)
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.25, (len(drawn), 1, 1, 1)))).float()
    batch = to_unit_range(drawn) ** gain.to(device)
    batch = batch.contiguous(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
    truth = torch.from_numpy(np.concatenate(masks)).to(device).float()
    if step >= settings.steps:
        margins = rng.choice(MARGINS, len(truth), p=MARGIN_SHARES)
        truth = as_drawn(truth, margins, rng.choice(CLOSINGS, len(truth), p=CLOSING_SHARES))
    return batch, truth, generator


def as_drawn(truth: torch.Tensor, margins: np.ndarray, closings: np.ndarray) -> torch.Tensor:
    """Return masks (B×S×S, of 0 and 1) as people draw them: gaps filled, and with a margin.

    Parameters
    ----------
    truth
        Exact masks.
    margins, closings
        Of each mask, in pixels; gaps of twice the closing's pixels are filled (Serra, *Image
        Analysis and Mathematical Morphology*, 1982: dilation, then erosion).
    """
    drawn = truth.clone()
    for margin, closing in set(zip(margins.tolist(), closings.tolist(), strict=True)):
        rows = np.flatnonzero((margins == margin) & (closings == closing))
        # Padded, for a closing must not stick to the picture's edge.
        wide = functional.pad(truth[rows], (closing,) * 4)
        closed = 1 - _widened(1 - _widened(wide, closing), closing)
        side = truth.shape[-1]
        drawn[rows] = _widened(
            closed[:, closing : closing + side, closing : closing + side], margin
        )
    return drawn


def _loss(
    network: PromptableNetwork,
    scenes: Scenes,
    step: int,
    settings: PretrainingSettings,
    machine: Machine,
) -> torch.Tensor:
    pictures, truth, generator = draw_batch(scenes, step, settings, machine.device)
    prompts = first_prompts(truth, settings.boxes, generator)
    luck = float(torch.rand((), generator=generator))
    pictures = functional.interpolate(
        pictures, (settings.seen_side,) * 2, mode="bilinear", antialias=True
    )
    with machine.autocast():
        seen = network.vision_encoder(pictures).repeated(settings.objects)
        if luck < settings.corrected:
            for _ in range(1 + (luck < settings.corrected / 3)):
                with torch.no_grad():
                    logits, quality = network.decode(seen, prompts)
                answer = best_masks(logits.float(), quality.float(), prompts.ambiguous)
                large = functional.interpolate(answer[:, None], truth.shape[-2:], mode="bilinear")
                prompts = add_clicks(prompts, large[:, 0], truth, generator)
        logits, quality = network.decode(seen, prompts)
    return prompt_loss(logits, quality, truth, prompts.ambiguous, settings.focal)


def _widened(maps: torch.Tensor, reach: int) -> torch.Tensor:
    """Return the maxima over squares that reach so far, of maps B×S×S."""
    rows = functional.max_pool2d(maps[:, None], (2 * reach + 1, 1), 1, (reach, 0))
    return functional.max_pool2d(rows, (1, 2 * reach + 1), 1, (0, reach))[:, 0]


def _blurred(maps: torch.Tensor, width: int) -> torch.Tensor:
    """Return the means over squares, of maps B×S×S."""
    rows = functional.avg_pool2d(maps[:, None], (width, 1), 1, (width // 2, 0))
    return functional.avg_pool2d(rows, (1, width), 1, (0, width // 2))[:, 0]


def _pixel(weights: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw a pixel of each picture, B×S×S, by its weight; return its middle in shares: B×2."""
    side = weights.shape[-1]
    below = weights.flatten(1).clamp(min=0).cumsum(1)
    # Just below 1, so that rounding never draws what lies behind the last weight.
    share = 0.9999 * _random((len(below), 1), generator, weights.device)
    drawn = torch.searchsorted(below, share * below[:, -1:], right=True)[:, 0]
    return (torch.stack([drawn % side, drawn // side], 1) + 0.5) / side


def _random(
    shape: tuple[int, ...], generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    """Draw numbers in [0, 1) on the processor, so that they are the same for every device."""
    return torch.rand(shape, generator=generator).to(device)
