"""Prompts: the points and boxes that tell a promptable segmenter what to outline."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from helpers.annotations.regions import NEIGHBOURS, Region, region_of, regions
from helpers.errors import did_you_mean

PROMPT_TYPES = ("point", "box", "both")
MOST_PROMPTS = 8  # of a map: a noisy one has as many peaks as pixels
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Prompt:
    """What is asked of one picture, in pixels; the middle of the first pixel is at 0, 0.

    Attributes
    ----------
    points
        x and y of each point.
    inside
        For each point, whether it lies on the object (or on what is not the object).
    box
        Left, top, right, bottom: the first and last column and row, both within the box.

    Raises
    ------
    ValueError
        When there is neither a point nor a box, a point lacks its ``inside``, a number is not
        finite, or the box is upside down.
    """

    points: tuple[tuple[float, float], ...] = ()
    inside: tuple[bool, ...] = ()
    box: Box | None = None

    def __post_init__(self) -> None:
        if not self.points and self.box is None:
            raise ValueError("a prompt needs a point or a box.")
        if len(self.points) != len(self.inside):
            raise ValueError(
                f"{len(self.points)} points and {len(self.inside)} values of inside: say for each "
                "point whether it lies on the object."
            )
        numbers = [value for point in self.points for value in point] + list(self.box or ())
        if not np.isfinite(numbers).all():
            raise ValueError(f"a prompt holds a number that is not finite: {self}.")
        if self.box and (self.box[0] > self.box[2] or self.box[1] > self.box[3]):
            raise ValueError(f"the box {self.box} is upside down; give left, top, right, bottom.")

    def check_within(self, height: int, width: int) -> None:
        """Raise ``ValueError`` when a point or a corner lies outside a picture of this size."""
        box = self.box or ()
        for x, y in (*self.points, *(box and (box[:2], box[2:]))):
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                raise ValueError(
                    f"the prompt's point x={x:g}, y={y:g} is outside the picture of {width} × "
                    f"{height} pixels. Pixels count from 0, x goes to the right, y down."
                )


def prompt_from_mask(mask: np.ndarray, prompt_type: str = "box") -> Prompt:
    """Return a prompt for the one object of a mask.

    Parameters
    ----------
    mask
        bool, H×W. The object may touch the border, have holes, or be a single pixel, whose box
        begins and ends with it.
    prompt_type
        ``"point"``: the pixel deepest inside the object, so never in a hole; ``"box"``: the box
        around it; ``"both"``: pixel and box.

    Raises
    ------
    ValueError
        When the mask is no bool H×W, marks nothing or several objects, or there is no such type.
    """
    found = prompted_objects(mask, prompt_type)
    if len(found) != 1:
        raise ValueError(
            f"the mask marks {len(found)} objects, and a prompt asks for one. Take them one by one "
            "(prompted_objects does)."
            if found
            else "the mask marks nothing, so there is nothing to point at."
        )
    return found[0][0]


def prompted_objects(mask: np.ndarray, prompt_type: str = "box") -> list[tuple[Prompt, Region]]:
    """Return for each object of a mask (bool, H×W) its prompt and what is to be found for it.

    Raises
    ------
    ValueError
        When the mask is no bool H×W, or there is no such type of prompt.
    """
    _check_type(prompt_type)
    found = []
    for region in regions(mask):
        # Beyond its box is outside: the deepest pixel of one that touches the border lies inwards.
        depth = distance_transform_edt(np.pad(region.bits, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        pixel = (region.top + row, region.left + column)
        found.append((_prompt(region, pixel, prompt_type), region))
    return found


def prompt_from_map(scores: np.ndarray, prompt_type: str = "box", level: float = 0.5) -> Prompt:
    """Return the first prompt of `prompts_from_map`: for the object that holds the highest pixel.

    Parameters and errors are those of `prompts_from_map`.
    """
    return prompts_from_map(scores, prompt_type, level, most=1)[0]


def prompts_from_map(
    scores: np.ndarray, prompt_type: str = "box", level: float = 0.5, most: int = MOST_PROMPTS
) -> list[Prompt]:
    """Return prompts where an anomaly map is high, one an object; no ground truth is needed.

    What is connected and at least ``level`` of the way from the map's median to its maximum is
    taken for an object.

    Parameters
    ----------
    scores
        H×W, finite, higher where more anomalous.
    prompt_type
        ``"point"``: the highest pixel of the object; ``"box"``: the box around it; ``"both"``:
        pixel and box.
    level
        Between 0 and 1; a low one makes large boxes.
    most
        Number of objects that are asked for, those with the highest pixels first.

    Raises
    ------
    ValueError
        When the map is not finite H×W or the same everywhere, the level is out of range, or there
        is no such type.
    """
    _check_type(prompt_type)
    if not 0 < level <= 1:
        raise ValueError(f"level must be above 0, at most 1; got {level}.")
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError(f"a map is H×W finite numbers; got shape {scores.shape}.")
    low, high = float(np.median(scores)), float(scores.max())
    if low == high:
        raise ValueError("the map has no pixel that stands out, so there is nothing to point at.")
    numbered, _ = label(scores >= min(low + level * (high - low), high), NEIGHBOURS)
    marked = np.flatnonzero(numbered)
    falling = marked[np.argsort(-scores.ravel()[marked], kind="stable")]
    first = np.sort(np.unique(numbered.ravel()[falling], return_index=True)[1])[:most]
    return [
        _prompt(
            region_of(numbered == numbered.ravel()[peak]),
            np.unravel_index(peak, scores.shape),
            prompt_type,
        )
        for peak in falling[first]
    ]


def jitter_box(prompt: Prompt, rng: np.random.Generator, share: float, side: int) -> Prompt:
    """Move each edge of a prompt's box by up to ``share`` of the box's size, and at least a pixel.

    A model that has only seen perfect boxes is lost with the rough ones of a map.

    Parameters
    ----------
    prompt
        With a box; its points stay.
    rng
        Source of the random numbers.
    share
        At least 0.
    side
        Of the square picture; the box stays within.
    """
    if prompt.box is None:
        return prompt
    left, top, right, bottom = prompt.box
    reach = np.maximum(1, share * np.array([right - left + 1, bottom - top + 1]))
    moved = np.array(prompt.box) + rng.uniform(-1, 1, 4) * np.tile(reach, 2)
    moved = np.clip(moved, 0, side - 1)
    low, high = np.minimum(moved[:2], moved[2:]), np.maximum(moved[:2], moved[2:])
    return Prompt(prompt.points, prompt.inside, tuple(map(float, (*low, *high))))


def _prompt(region: Region, pixel: tuple, prompt_type: str) -> Prompt:
    left, top, width, height = region.box
    box = tuple(map(float, (left, top, left + width - 1, top + height - 1)))
    points, inside = ((float(pixel[1]), float(pixel[0])),), (True,)
    if prompt_type == "box":
        return Prompt(box=box)
    return Prompt(points, inside, None if prompt_type == "point" else box)


def _check_type(prompt_type: str) -> None:
    if prompt_type not in PROMPT_TYPES:
        raise ValueError(
            f"no type of prompt '{prompt_type}'. {did_you_mean(prompt_type, PROMPT_TYPES)}"
        )
