"""The camera: sampling the frame, the dark background behind the nut, and the sensor's noise."""

from dataclasses import dataclass

import numpy as np

from helpers.hazelnuts.shape import Shape

SAMPLES = 512  # a side at least; smaller pictures average more samples a pixel
BACKGROUND = np.array([0.145, 0.145, 0.164], np.float32)[:, None, None]


@dataclass(frozen=True)
class Frame:
    """A square picture of ``size`` pixels a side, each the mean of several samples."""

    size: int

    @property
    def samples(self) -> int:
        """Samples along a pixel's side."""
        return max(2, -(-SAMPLES // self.size))

    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of all samples (flat), in frame widths from the middle."""
        side = self.size * self.samples
        place = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
        return np.tile(place, side), np.repeat(place, side)

    def picture(self, index: np.ndarray, colour: np.ndarray, backdrop: np.ndarray) -> np.ndarray:
        """Average the nut's samples (3 × n at places ``index``) over the backdrop (3 × size²)."""
        side = self.size * self.samples
        nut = np.zeros((3, side * side), np.float32)
        nut[:, index] = colour
        return self._mean(nut.reshape(3, side, side)) + (1 - self.coverage(index)) * backdrop

    def coverage(self, index: np.ndarray) -> np.ndarray:
        """Return the share of each pixel's samples that ``index`` names (float32 size × size)."""
        side = self.size * self.samples
        flags = np.zeros(side * side, np.float32)
        flags[index] = 1
        return self._mean(flags.reshape(side, side))

    def _mean(self, grid: np.ndarray) -> np.ndarray:
        step = self.samples
        rows = grid[..., ::step, :].copy()
        for offset in range(1, step):
            rows += grid[..., offset::step, :]
        total = rows[..., ::step].copy()
        for offset in range(1, step):
            total += rows[..., offset::step]
        return total / (step * step)


def background(shape: Shape, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the background (float32 3 × size × size), dimmer by the nut and in the corners."""
    place = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    x, y = place[None, :], place[:, None]
    away = np.hypot(x - shape.centre[0], y - shape.centre[1])
    shade = 1 - 0.22 * np.exp(-np.square(away / (1.25 * shape.scale)))
    shade *= 1 - rng.uniform(0, 0.25) * (x * x + y * y)
    shade *= rng.normal(1, 0.04)
    tint = rng.normal(0, 0.02, (2, 3, 1, 1)).astype(np.float32)
    picture = BACKGROUND * shade * (1 + x * tint[0] + y * tint[1])
    # A few motes of dust.
    for _ in range(rng.poisson(4)):
        row, column = rng.uniform(-0.5, 0.5, 2).tolist()
        width = rng.uniform(0.0028, 0.0056)
        blob = np.exp(-np.square((y - row) / width))
        blob = blob * np.exp(-np.square((x - column) / width))
        picture += rng.uniform(0.02, 0.12) * blob
    return picture


def add_sensor_noise(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the sensor's noise to a picture (float32 3 × size², 0..1); return uint8 size² × 3."""
    grey = rng.standard_normal(picture.shape[1:], np.float32)
    noise = 0.9 * grey + 0.7 * rng.standard_normal(picture.shape, np.float32)
    levels = np.clip(np.rint(picture * 255 + noise), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))
