"""Random numbers that repeat: seeds inside a block, and the order of each epoch."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed PyTorch inside the block, and leave the generators outside as they were."""
    deterministic, benchmark = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        try:
            yield
        finally:
            torch.backends.cudnn.deterministic = deterministic
            torch.backends.cudnn.benchmark = benchmark


def epoch_order(seed: int, epoch: int, count: int) -> torch.Tensor:
    """Return the order in which ``train`` shows ``count`` images in an epoch."""
    with seeded(epoch_seed(seed, epoch)):
        return torch.randperm(count)


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of an epoch's random numbers."""
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
