"""Draw the pictures of the front page: a good nut, a bad one, its map, its outline.

Every pixel is computed: the nuts are drawn, the map is PatchCore's, and the outline runs where the
map passes what it shows on good nuts. Written to ``book/_static/landing``, a few kilobytes each.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image
from scipy import ndimage

from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.hazelnuts import render
from tools.explorer_data import webp
from tools.repository import ROOT

FOLDER = ROOT / "book" / "_static" / "landing"
SIDE = 224
SHOWN = 320  # pixels
GOOD = range(1000, 1060)  # seeds of the nuts to learn from
HELD_OUT = range(2000, 2012)  # and of those that say what a map shows on a good nut
BELT = (3007, 3008, 3010, 3011, 3012, 3014, 3015, 3016)
BAD, DEFECT = 4, "crack"  # which one on the belt, and what has happened to it
ORANGE = (232, 116, 59)  # the logo's


def nuts(seeds: Sequence[int], size: int = SIDE) -> np.ndarray:
    """Draw a good nut for each seed: N×3×size×size, uint8."""
    return np.stack([render.render_nut(seed, size=size)[0].transpose(2, 0, 1) for seed in seeds])


def outlined(picture: np.ndarray, region: np.ndarray, width: int = 2) -> np.ndarray:
    """Draw a line around a region: size × size × 3 and a mask size × size to size × size × 3."""
    edge = ndimage.binary_dilation(region, iterations=width) & ~region
    return np.where(edge[..., None], np.array(ORANGE, np.uint8), picture)


def enlarged(values: np.ndarray, size: int) -> np.ndarray:
    """Enlarge a map of numbers smoothly."""
    return np.array(Image.fromarray(values.astype(np.float32)).resize((size, size), Image.BICUBIC))


def main() -> None:
    """Fit, look, draw and write."""
    detector = PatchCoreDetector(PatchCoreSettings(weights="formula")).fit(nuts(GOOD))
    usual = detector.predict(nuts(HELD_OUT)).maps
    seed = BELT[BAD]
    small = render.render_nut(seed, DEFECT, SIDE)[0].transpose(2, 0, 1)[None]
    found = enlarged(detector.predict(small).maps[0], SHOWN)
    limit = usual.max()
    good, bad = render.render_nut(seed, size=SHOWN)[0], render.render_nut(seed, DEFECT, SHOWN)[0]
    shade = np.clip((found - usual.min()) / (found.max() - usual.min()), 0, 1)
    heat = (mpl.colormaps["cividis"](shade)[..., :3] * 255).astype(np.uint8)
    belt = [
        render.render_nut(s, DEFECT if place == BAD else "good", 128)[0]
        for place, s in enumerate(BELT)
    ]
    pictures = {
        "belt": np.concatenate(belt, axis=1),
        "good": good,
        "bad": bad,
        "map": heat,
        "found": outlined(bad, found > limit),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        path = FOLDER / f"{name}.webp"
        path.write_bytes(webp(picture, quality=82))
        print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size / 1000:.1f} kB")
    print(f"{(found > limit).sum()} pixels lie above what good nuts show")


if __name__ == "__main__":
    main()
