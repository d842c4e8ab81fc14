"""Batch normalisations: set to the final weights' statistics, or folded away."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from helpers.machine import this_machine
from helpers.networks.seeding import epoch_seed, seeded
from helpers.networks.training import Loss, TrainingSettings, full_batches


def settle_normalisation(
    model: nn.Module, images: np.ndarray, loss: Loss, settings: TrainingSettings
) -> None:
    """Set every batch normalisation to the statistics of the weights that training ended with.

    One more pass over the images, inside ``averaged_normalisation``.

    Parameters
    ----------
    model, images, loss, settings
        As for ``train``; the model is left in evaluation mode.
    """
    machine = this_machine()
    data = machine.stage(images)
    epoch = settings.epochs
    with (
        seeded(epoch_seed(settings.seed, epoch)),
        averaged_normalisation(model),
        machine.autocast(),
    ):
        for batch in full_batches(data, settings, epoch):
            loss(model, batch)


@contextmanager
def averaged_normalisation(model: nn.Module) -> Iterator[None]:
    """Let every batch normalisation average, plainly, over the batches shown inside the block.

    While weights still move fast, the running averages lag behind them, and a network answers
    otherwise than it did in training. A pass without learning makes them exact (Wu and Johnson,
    "Rethinking 'Batch' in BatchNorm", arXiv 2105.07576, Section 3). No gradients are kept inside;
    the model is left in evaluation mode.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches
    model.train()
    try:
        with torch.no_grad():
            yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.eval()


def fold_normalisation(part: nn.Module) -> nn.Module:
    """Fold every normalisation into the convolution before it: the same function, fewer steps."""
    part = copy.deepcopy(part)
    for module in list(part.modules()):
        for (first, one), (second, two) in pairwise(list(module.named_children())):
            # A class derived from BatchNorm2d may do more than normalise.
            if isinstance(one, nn.Conv2d) and type(two) is nn.BatchNorm2d:
                setattr(module, first, fuse_conv_bn_eval(one, two))
                setattr(module, second, nn.Identity())
    return part
