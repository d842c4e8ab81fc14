"""Fine-tuning SAM: the mask decoder learns, both encoders stay as they are."""

from dataclasses import dataclass, field

import numpy as np
import torch

from helpers.data.labelled import check_masks
from helpers.networks.seeding import epoch_order, epoch_seed, seeded
from helpers.networks.training import TrainingSettings, finite_loss, optimise
from helpers.segmentation.losses import MaskLoss
from helpers.segmentation.promptable_model import Promptable
from helpers.segmentation.prompts import jitter_box, prompted_objects
from helpers.segmentation.sam import Sam


@dataclass(frozen=True)
class FineTuning:
    """How SAM's mask decoder is fine-tuned.

    Attributes
    ----------
    training
        Epochs, batch size, Adam's learning rate, seed.
    loss
        Dice and cross-entropy in equal parts.
    prompt_type
        ``"box"``, ``"point"`` or ``"both"``.
    jitter
        How far the edges of the boxes move at random, as a share of the boxes' size.
    """

    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=20, batch_size=4, learning_rate=1e-5)
    )
    loss: MaskLoss = field(default_factory=MaskLoss)
    prompt_type: str = "box"
    jitter: float = 0.15


def freeze_encoders(sam: Sam | Promptable) -> dict[str, tuple[int, int]]:
    """Let the mask decoder alone be trained; return (trainable, all) parameters of each part."""
    model = sam.model
    model.requires_grad_(False)
    model.mask_decoder.requires_grad_(True)
    parts = ("vision_encoder", "prompt_encoder", "mask_decoder")
    return {
        name: (
            sum(p.numel() for p in getattr(model, name).parameters() if p.requires_grad),
            sum(p.numel() for p in getattr(model, name).parameters()),
        )
        for name in parts
    }


def fine_tune(
    sam: Sam | Promptable,
    images: np.ndarray,
    masks: np.ndarray,
    settings: FineTuning | None = None,
) -> list[float]:
    """Train SAM's mask decoder in place; return the mean loss of each epoch.

    Each object of a mask is asked for by a prompt of its own, and is all that is to be found for
    it: this is training, where the truth is known. The image encoder is frozen, so each picture
    goes through it once, before the training.

    Parameters
    ----------
    sam
        Changed in place.
    images, masks
        uint8 N×3×S×S and bool N×S×S; every mask marks something.
    settings
        All choices.

    Raises
    ------
    ValueError
        When images and masks do not fit, a mask is empty, or there is no such type of prompt.
    DivergedError
        When the loss is not finite.
    """
    settings = settings or FineTuning()
    s = settings.training
    check_masks(images, masks)
    empty = np.flatnonzero(~masks.any((1, 2)))
    if empty.size:
        raise ValueError(
            f"the mask of picture {empty[0]} marks nothing, so no prompt can ask for it. Leave "
            "good pictures out."
        )
    objects = [
        (picture, prompt, region)
        for picture, mask in enumerate(masks)
        for prompt, region in prompted_objects(mask, settings.prompt_type)
    ]
    freeze_encoders(sam)
    embeddings, side = sam.embed(images), images.shape[-1]
    optimiser = torch.optim.Adam(sam.model.mask_decoder.parameters(), lr=s.learning_rate)
    sam.model.mask_decoder.train()
    losses = []
    for epoch in range(s.epochs):
        rng, total = np.random.default_rng((s.seed, epoch)), []
        with seeded(epoch_seed(s.seed, epoch)):
            for rows in epoch_order(s.seed, epoch, len(objects)).split(s.batch_size):
                pictures, prompts, found = zip(*(objects[i] for i in rows.tolist()), strict=True)
                asked = [jitter_box(prompt, rng, settings.jitter, side) for prompt in prompts]
                truth = torch.tensor(np.stack([region.on(side, side) for region in found]))
                logits = sam.logits(embeddings[list(pictures)], asked, side)
                loss = settings.loss(logits, truth.to(logits.device))
                optimise(loss, optimiser)
                total.append(finite_loss(float(loss.detach()), s))
        losses.append(float(np.mean(total)))
    sam.model.eval()
    return losses
