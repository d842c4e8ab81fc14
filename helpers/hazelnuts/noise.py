"""Periodic noise from which every generated hazelnut takes its texture.

The tiles are made once a process from a fixed seed. A nut chooses where in a tile it lies, so the
same nut has the same texture at every resolution.
"""

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter

MARK_TILE = 1024  # texels a side
MARK_PERIOD = 3.2  # nut radii a side; the visible half of a nut is 2.8 wide in its chart
GRAIN_TILE = (2048, 256)  # texels round the nut, along its axis
GRAIN_PERIOD = 8.0  # nut radii along the axis
TILE_SEED = 20190615


def band_noise(
    shape: tuple[int, int],
    low: tuple[float, float],
    high: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return periodic Gaussian noise whose spectrum lies between two ellipses.

    Parameters
    ----------
    shape
        Rows and columns of the tile.
    low, high
        Cycles a tile, along rows and columns: the spectrum rises at ``low`` and falls at ``high``.
    rng
        Source of the phases.

    Returns
    -------
    np.ndarray
        float32, mean 0 and standard deviation 1.
    """
    rows = np.fft.fftfreq(shape[0], 1 / shape[0])[:, None]
    columns = np.fft.rfftfreq(shape[1], 1 / shape[1])[None, :]
    inner = (rows / low[0]) ** 2 + (columns / low[1]) ** 2
    outer = (rows / high[0]) ** 2 + (columns / high[1]) ** 2
    gain = np.exp(-outer) * (1 - np.exp(-inner))
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) * gain
    noise = np.fft.irfft2(spectrum, s=shape)
    return (noise / noise.std()).astype(np.float32)


def _scratches(
    count: int, length: tuple[float, float], blur: float, rng: np.random.Generator
) -> np.ndarray:
    """Return a tile (0 to about 1) of short, slightly bent strokes of varying strength."""
    tile = np.zeros((MARK_TILE, MARK_TILE), np.float32)
    steps = np.arange(0, 1, 0.004)
    for _ in range(count):
        span = np.exp(rng.uniform(*np.log(length)))
        angle = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.25) * steps
        points = rng.uniform(0, MARK_TILE, 2)[:, None] + span * np.stack(
            [np.cumsum(np.cos(angle)), np.cumsum(np.sin(angle))]
        ) * (steps[1] - steps[0])
        # Strokes break up: not every step leaves a trace.
        kept = points[:, rng.random(steps.size) < rng.uniform(0.4, 1)].astype(int) % MARK_TILE
        np.maximum.at(tile, (kept[0], kept[1]), np.float32(rng.beta(0.9, 2.2)))
    return np.clip(gaussian_filter(tile, blur, mode="wrap") * (1 + 5 * blur), 0, 1)


@cache
def mark_tile() -> np.ndarray:
    """Return the isotropic channels: blotch, mottle, roughness, pale marks, dark pits.

    Returns
    -------
    np.ndarray
        float32, MARK_TILE² × 5; a row is one texel. The first three have standard deviation 1, the
        last two lie between 0 and 1.
    """
    rng = np.random.default_rng(TILE_SEED)
    shape = (MARK_TILE, MARK_TILE)
    channels = [
        band_noise(shape, (1, 1), (5, 5), rng),
        band_noise(shape, (8, 8), (32, 32), rng),
        band_noise(shape, (40, 40), (200, 200), rng),
        np.maximum(_scratches(900, (3, 14), 1.1, rng), _scratches(110, (20, 90), 0.9, rng)),
        _scratches(260, (1, 9), 1.8, rng),
    ]
    return np.ascontiguousarray(np.stack([c.ravel() for c in channels], axis=1))


@cache
def grain_tile() -> np.ndarray:
    """Return the channels that run along the meridians: stripes, lines, fibres, teeth.

    Returns
    -------
    np.ndarray
        float32, (rows·columns) × 4 for GRAIN_TILE rows (round the nut) and columns (along it); each
        channel has standard deviation 1.
    """
    rng = np.random.default_rng(TILE_SEED + 1)
    channels = [
        band_noise(GRAIN_TILE, (14, 400), (42, 1.4), rng),
        band_noise(GRAIN_TILE, (45, 400), (150, 6), rng),
        band_noise(GRAIN_TILE, (60, 400), (260, 90), rng),
        band_noise(GRAIN_TILE, (40, 400), (62, 2), rng),
    ]
    return np.ascontiguousarray(np.stack([c.ravel() for c in channels], axis=1))


def sample_marks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mark channels (5 × n) at chart coordinates in nut radii (n each)."""
    row = _wrap(a * (MARK_TILE / MARK_PERIOD), MARK_TILE)
    column = _wrap(b * (MARK_TILE / MARK_PERIOD), MARK_TILE)
    return np.ascontiguousarray(mark_tile().take(row * MARK_TILE + column, axis=0).T)


def sample_grain(turn: np.ndarray, along: np.ndarray, dither: np.ndarray) -> np.ndarray:
    """Return the grain channels (4 × n).

    Parameters
    ----------
    turn
        Angle round the nut, in whole turns (n).
    along
        Place along the axis, in nut radii (n).
    dither
        Noise of about unit size (n) that hides the coarse steps along the axis.
    """
    rows, columns = GRAIN_TILE
    row = _wrap(turn * rows, rows)
    column = _wrap(along * (columns / GRAIN_PERIOD) + 0.4 * dither, columns)
    return np.ascontiguousarray(grain_tile().take(row * columns + column, axis=0).T)


def _wrap(place: np.ndarray, period: int) -> np.ndarray:
    """Return the texel of each place in a tile that repeats; ``period`` is a power of two."""
    return np.floor(place).astype(np.int32) & (period - 1)
