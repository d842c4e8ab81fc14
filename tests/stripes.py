"""Pictures of stripes, which a detector can learn within a test."""

import numpy as np


def still_stripes(count, seed=0, side=64):
    """Draw the same stripes with other noise: uint8, count×3×side×side."""
    rng = np.random.default_rng(seed)
    stripes = (np.sin(np.arange(side) / 2)[None, None, None] * 30 + 120).repeat(side, 2)
    noise = rng.normal(0, 5, (count, 3, side, side))
    return (stripes + noise).clip(0, 255).astype(np.uint8)


def moving_stripes(count, seed=0, side=64):
    """Draw stripes with a little noise, each moved along at random: uint8, count×3×side×side."""
    rng = np.random.default_rng(seed)
    x = np.arange(side) + rng.integers(0, 8, (count, 1))
    wave = 128 + 60 * np.sin(2 * np.pi * x / 8)
    pictures = wave[:, None, None, :] + rng.normal(0, 4, (count, 3, side, side))
    return pictures.clip(0, 255).astype(np.uint8)
