"""Fine-tuning SAM: the mask decoder learns, both encoders stay as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from helpers.data.labelled import check_masks
from helpers.networks.seeding import epoch_order, epoch_seed, seeded
from helpers.networks.training import TrainingSettings, finite_loss, optimise
from helpers.segmentation.losses import MaskLoss
from helpers.segmentation.prompts import Prompt, jitter_box
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
    jitter
        How far the edges of the boxes move at random, as a share of the boxes' size.
    """

    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=20, batch_size=4, learning_rate=1e-5)
    )
    loss: MaskLoss = field(default_factory=MaskLoss)
    jitter: float = 0.15


def freeze_encoders(sam: Sam) -> dict[str, tuple[int, int]]:
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
    sam: Sam,
    images: np.ndarray,
    masks: np.ndarray,
    prompts: Sequence[Prompt],
    settings: FineTuning | None = None,
) -> list[float]:
    """Train SAM's mask decoder in place; return the mean loss of each epoch.

    The image encoder is frozen, so each picture goes through it once, before the training.

    Parameters
    ----------
    sam
        Changed in place.
    images, masks
        uint8 N×3×S×S and bool N×S×S; every mask marks something.
    prompts
        One a picture, made from its mask: this is training, where the truth is known.
    settings
        All choices.

    Raises
    ------
    ValueError
        When images, masks and prompts do not fit, or a mask is empty.
    DivergedError
        When the loss is not finite.
    """
    settings = settings or FineTuning()
    s = settings.training
    check_masks(images, masks)
    if len(prompts) != len(images):
        raise ValueError(f"{len(images)} pictures and {len(prompts)} prompts do not fit.")
    empty = np.flatnonzero(~masks.any((1, 2)))
    if empty.size:
        raise ValueError(
            f"the mask of picture {empty[0]} marks nothing, so no prompt can ask for it. Leave "
            "good pictures out."
        )
    freeze_encoders(sam)
    embeddings, side = sam.embed(images), images.shape[-1]
    truth = torch.tensor(masks, device=embeddings.device)
    optimiser = torch.optim.Adam(sam.model.mask_decoder.parameters(), lr=s.learning_rate)
    sam.model.mask_decoder.train()
    losses = []
    for epoch in range(s.epochs):
        rng, total = np.random.default_rng((s.seed, epoch)), []
        with seeded(epoch_seed(s.seed, epoch)):
            for rows in epoch_order(s.seed, epoch, len(images)).split(s.batch_size):
                asked = [jitter_box(prompts[i], rng, settings.jitter, side) for i in rows.tolist()]
                here = rows.to(embeddings.device)
                loss = settings.loss(sam.logits(embeddings[here], asked, side), truth[here])
                optimise(loss, optimiser)
                total.append(finite_loss(float(loss.detach()), s))
        losses.append(float(np.mean(total)))
    sam.model.eval()
    return losses
