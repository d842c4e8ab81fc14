"""A generated stand-in for MVTec AD's hazelnut category: seeded nuts, four defects, exact masks."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from joblib import Parallel, delayed
from PIL import Image
from scipy.ndimage import distance_transform_edt
from tqdm import tqdm

from helpers.errors import DataError, did_you_mean
from helpers.hazelnuts.blemishes import add_blemishes
from helpers.hazelnuts.camera import Frame, add_sensor_noise, background
from helpers.hazelnuts.defects import DEFECT_TYPES, draw_defect
from helpers.hazelnuts.shape import random_shape, trace_rays
from helpers.hazelnuts.skin import gloss, paint, random_appearance
from helpers.hazelnuts.tiers import TIERS

MVTEC_COUNTS: Mapping[str, int] = MappingProxyType(
    {
        "train/good": 391,
        "test/good": 40,
        "test/crack": 18,
        "test/cut": 17,
        "test/hole": 18,
        "test/print": 17,
    }
)
# Of what is drawn; a test forces one to raise it. Records name it, not the pictures' bytes: another
# processor rounds a few pixels otherwise.
REVISION = 1
SMALLEST, LARGEST = 32, 1024  # pixels
JUST_VISIBLE = 2.0  # grey levels; a pixel that a defect changes by more belongs to its mask
FEW = 24  # images that are not worth starting processes for


def render_nut(
    seed: int, defect: str = "good", size: int = 256, tier: str = "real"
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one hazelnut.

    The seed decides the nut, its pose and its light, so the same seed shows the same nut with each
    defect and at each size.

    Parameters
    ----------
    seed
        Any non-negative integer.
    defect
        ``"good"``, ``"crack"``, ``"cut"``, ``"hole"`` or ``"print"``.
    size
        Height and width in pixels, 32 to 1024.
    tier
        How visible the defect is: ``"easy"``, ``"real"`` (as in MVTec AD's hazelnut category) or
        ``"hard"``; see `helpers.hazelnuts.tiers`.

    Returns
    -------
    image : np.ndarray
        uint8, size × size × 3 (RGB).
    mask : np.ndarray
        bool, size × size: the pixels that the defect covers, or changes by more than two grey
        levels, and the tier's margin around them, as a person outlines them. Never empty for a
        defect, always empty for ``"good"``.

    Raises
    ------
    ValueError
        When the defect or the tier is unknown, the seed unusable or the size out of range.
    """
    names = ["good", *DEFECT_TYPES]
    if defect not in names:
        raise ValueError(f"There is no defect {defect!r}. {did_you_mean(str(defect), names)}")
    _check_seed(seed)
    _check_size(size)
    _check_tier(tier)
    chosen = TIERS[tier]
    seeds = np.random.SeedSequence(seed).spawn(6)
    shape_seed, look_seed, blemish_seed, defect_seed, background_seed, noise_seed = seeds
    shape = random_shape(np.random.default_rng(shape_seed))
    look = random_appearance(np.random.default_rng(look_seed))
    frame = Frame(size)
    surface = trace_rays(shape, *frame.rays())
    skin = paint(surface, shape, look)
    add_blemishes(skin, shape, chosen.blemishes, np.random.default_rng(blemish_seed))
    colour = skin.albedo * skin.light + gloss(surface, look)

    backdrop = background(shape, size, np.random.default_rng(background_seed))
    picture = frame.picture(surface.index, colour, backdrop)
    mask = np.zeros((size, size), bool)
    if defect != "good":
        # One stream a defect type, so that the four defects of a seed have nothing in common.
        rng = np.random.default_rng([*defect_seed.generate_state(4), names.index(defect)])
        layer = draw_defect(defect, skin, shape, chosen, rng)
        colour = colour + layer.cover * (layer.colour - colour)
        sound, picture = picture, frame.picture(surface.index, colour, backdrop)
        change = np.abs(picture - sound).max(axis=0)
        mask = (change > JUST_VISIBLE / 255) | (frame.coverage(surface.index[layer.body]) > 0.5)
        # Even a defect too small for the pixels has a mask: the pixel it changes most.
        mask.flat[change.argmax()] = True
        mask = _outlined(mask, chosen.bridge * size, chosen.outline * size)
        mask &= frame.coverage(surface.index) > 0
    return add_sensor_noise(picture, np.random.default_rng(noise_seed)), mask


def _outlined(mask: np.ndarray, bridge: float, margin: float) -> np.ndarray:
    """Close gaps of up to twice ``bridge`` pixels and add ``margin`` pixels around."""
    if bridge:
        wide = distance_transform_edt(~mask) <= bridge
        mask = mask | (distance_transform_edt(wide) > bridge)
    return distance_transform_edt(~mask) <= margin if margin else mask


def write_category(
    folder: Path,
    *,
    size: int = 256,
    counts: Mapping[str, int] = MVTEC_COUNTS,
    seed: int = 0,
    tier: str = "real",
    workers: int | None = None,
) -> None:
    """Write the images and masks of a category into an existing, empty folder.

    Image i of a class depends on ``seed``, the class and i alone: a larger count adds images and
    changes none, and neither does the number of workers.

    Parameters
    ----------
    folder
        An existing, empty folder.
    size
        Height and width of the images in pixels.
    counts
        Images of each class, by the names of `MVTEC_COUNTS`; a class left out has none.
    seed
        Any non-negative integer.
    tier
        How visible the defects are; see `render_nut`.
    workers
        Processes to share the work; by default one a processor.

    Raises
    ------
    DataError
        When the folder is not empty.
    ValueError
        When the size, a count, the seed, the tier or the number of workers is not usable.
    """
    _check(size, counts, seed, workers)
    _check_tier(tier)
    if any(folder.iterdir()):
        raise DataError(f"{folder} is not empty. Remove it or choose another, then run again.")
    tasks = []
    for place, name in enumerate(MVTEC_COUNTS):
        defect = name.split("/")[1]
        for number in range(counts.get(name, 0)):
            sequence = np.random.SeedSequence([seed, place, number])
            image_seed = int(sequence.generate_state(1, np.uint64)[0])
            tasks.append((folder, name, number, image_seed, defect, size, tier))
        if counts.get(name, 0):
            (folder / name).mkdir(parents=True)
            if defect != "good":
                (folder / "ground_truth" / defect).mkdir(parents=True)
    # Unlike Python's own pool, joblib's needs no `if __name__ == "__main__":` in a script.
    pool = Parallel(
        n_jobs=workers or (1 if len(tasks) <= FEW else os.cpu_count() or 1),
        return_as="generator_unordered",
    )
    done = pool(delayed(_write_one)(task) for task in tasks)
    for _ in tqdm(done, total=len(tasks), desc="hazelnuts", unit="image", leave=False, delay=1):
        pass


def _write_one(task: tuple[Path, str, int, int, str, int, str]) -> None:
    folder, name, number, seed, defect, size, tier = task
    image, mask = render_nut(seed, defect, size, tier)
    Image.fromarray(image).save(folder / name / f"{number:03d}.png", compress_level=3)
    if defect != "good":
        target = folder / "ground_truth" / defect / f"{number:03d}_mask.png"
        Image.fromarray(mask.astype(np.uint8) * 255).save(target)


def _check(size: int, counts: Mapping[str, int], seed: int, workers: int | None) -> None:
    _check_size(size)
    _check_seed(seed)
    for name, count in counts.items():
        if name not in MVTEC_COUNTS:
            raise ValueError(f"There is no class {name!r}. {did_you_mean(str(name), MVTEC_COUNTS)}")
        if not _is_whole(count) or count < 0:
            raise ValueError(f"The count of {name!r} must be a whole number >= 0, not {count!r}.")
    if not sum(counts.values()):
        raise ValueError("The counts ask for no image at all; give at least one class a count.")
    if workers is not None and (not _is_whole(workers) or workers < 1):
        raise ValueError(f"workers must be a whole number >= 1 or None, not {workers!r}.")


def _check_size(size: int) -> None:
    if not _is_whole(size):
        raise ValueError(f"The size must be a whole number of pixels, not {size!r}.")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"The size must lie between {SMALLEST} and {LARGEST} pixels, not {size}.")


def _check_tier(tier: str) -> None:
    if tier not in TIERS:
        raise ValueError(f"There is no tier {tier!r}. {did_you_mean(str(tier), TIERS)}")


def _check_seed(seed: int) -> None:
    if not _is_whole(seed) or seed < 0:
        raise ValueError(f"The seed must be a whole number >= 0, not {seed!r}.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
