"""From a mask to its objects: connected regions, their boxes and their run lengths."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from reprlib import repr as shown

import numpy as np
from pycocotools import mask as coco_mask
from scipy.ndimage import binary_dilation, find_objects, label

from helpers.data.decode import MOST_PIXELS

NOTHING = "the mask marks nothing, so it has no region."
NEIGHBOURS = np.ones((3, 3), bool)  # pixels that touch at a corner belong together


@dataclass(frozen=True, eq=False)
class Region:
    """One object of a mask, cut out along its box.

    Attributes
    ----------
    left, top
        Column and row of the box's first pixel.
    bits
        bool, height × width of the box: the pixels of the object. Each of the four edges holds
        one at least, or the box would not be tight.

    Raises
    ------
    ValueError
        When there is no pixel, or an edge of the box is empty.
    """

    left: int
    top: int
    bits: np.ndarray

    def __post_init__(self) -> None:
        if self.bits.dtype != bool or self.bits.ndim != 2 or not self.bits.any():
            raise ValueError(
                "a region is a bool array of height × width with a marked pixel at least; got "
                f"{self.bits.dtype} of shape {self.bits.shape}."
            )
        if min(self.left, self.top) < 0:
            raise ValueError(f"a region at column {self.left}, row {self.top} leaves the image.")
        edges = (self.bits[0], self.bits[-1], self.bits[:, 0], self.bits[:, -1])
        if not all(edge.any() for edge in edges):
            raise ValueError("the region's box is not tight: cut it out with region_of.")

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width, height in pixels."""
        height, width = self.bits.shape
        return self.left, self.top, width, height

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(self.bits.sum())

    def on(self, height: int, width: int) -> np.ndarray:
        """Return the region as a mask of the whole image: bool, height × width.

        Raises
        ------
        ValueError
            When it does not fit.
        """
        left, top, across, down = self.box
        if left + across > width or top + down > height:
            raise ValueError(
                f"the box {self.box} (left, top, width, height) leaves an image of {width} × "
                f"{height} pixels."
            )
        mask = np.zeros((height, width), bool)
        mask[top : top + down, left : left + across] = self.bits
        return mask


@dataclass(frozen=True)
class RegionRules:
    """What counts as one object.

    Attributes
    ----------
    least_area
        Smaller regions, in pixels, are left out. The largest of an image stays in any case: a
        defective image keeps its defect.
    join_within
        Regions that come as close as this many pixels are one object. 1 joins what touches along
        an edge or at a corner and nothing else. Boxes that touch or overlap are never a reason to
        join: the marked pixels decide.
    """

    least_area: int = 1
    join_within: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}.")


EVERY_REGION = RegionRules()


def region_of(mask: np.ndarray) -> Region:
    """Return all marked pixels of a mask (bool, H×W) as one region.

    Raises
    ------
    ValueError
        When nothing is marked.
    """
    _check(mask)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        raise ValueError(NOTHING)
    tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Region(int(columns[0]), int(rows[0]), tight.copy())


def regions(mask: np.ndarray, rules: RegionRules = EVERY_REGION) -> list[Region]:
    """Return the objects of a mask, ordered by the top, then the left edge of their boxes.

    Parameters
    ----------
    mask
        bool, H×W. An empty mask has no object.
    rules
        What counts as one object.

    Raises
    ------
    ValueError
        When the mask is not bool of shape H×W.
    """
    _check(mask)
    # Squares of k × k pixels at two pixels touch exactly when these are k or fewer apart.
    square = np.ones((rules.join_within, rules.join_within), bool)
    numbered, _ = label(binary_dilation(mask, square), NEIGHBOURS)
    numbered = np.where(mask, numbered, 0)
    found = []
    for number, place in enumerate(find_objects(numbered), 1):
        rows, columns = place
        found.append(Region(columns.start, rows.start, numbered[place] == number))
    if not found:
        return []
    least = min(rules.least_area, max(region.area for region in found))
    kept = [region for region in found if region.area >= least]
    return sorted(kept, key=lambda region: (region.top, region.left, region.box))


def run_lengths(mask: np.ndarray) -> dict:
    """Encode a mask as COCO's compressed run lengths (column by column, starting with zeros).

    Returns
    -------
    dict
        ``size``: [height, width]; ``counts``: text.
    """
    _check(mask)
    coded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in coded["size"]], "counts": coded["counts"].decode()}


def from_run_lengths(coded: Mapping) -> np.ndarray:
    """Decode COCO's run lengths, compressed (text or bytes) or not (whole numbers): bool, H×W.

    Raises
    ------
    ValueError
        When they do not fill the image they name, or this is larger than any that is read.
    """
    runs, height, width = _checked_runs(coded)
    marked = np.arange(len(runs)) % 2 == 1
    return np.repeat(marked, runs).reshape(width, height).T


def region_from_run_lengths(coded: Mapping) -> Region:
    """Return what run lengths mark as one region, without making the image they belong to.

    Raises
    ------
    ValueError
        As for `from_run_lengths`, and when nothing is marked.
    """
    runs, height, _ = _checked_runs(coded)
    ends = np.cumsum(runs)
    last = ends[1::2] - 1
    first = ends[::2][: len(last)]
    first, last = first[last >= first], last[last >= first]
    if not first.size:
        raise ValueError(NOTHING)
    left, right = int(first[0] // height), int(last[-1] // height)
    # A run that goes on in the next column has a pixel in the lowest and in the highest row.
    within = (first // height == last // height).all()
    top = int((first % height).min()) if within else 0
    bottom = int((last % height).max()) if within else height - 1
    shape = right - left + 1, bottom - top + 1
    changes = np.zeros(shape[0] * shape[1] + 1, np.int8)
    for pixels, beyond, change in ((first, 0, 1), (last, 1, -1)):
        changes[(pixels // height - left) * shape[1] + pixels % height - top + beyond] += change
    bits = np.cumsum(changes[:-1], dtype=np.int8).reshape(shape).T > 0
    return Region(left, top, bits)


def check_size(width: int, height: int) -> None:
    """Raise ValueError unless a picture can have this size: nothing is made by a size alone."""
    if not all(isinstance(side, int | np.integer) and side >= 1 for side in (width, height)):
        raise ValueError(
            f"a picture's width and height are whole numbers of at least 1; got {width!r} and "
            f"{height!r}."
        )
    if width * height > MOST_PIXELS:
        size = f"{shown(int(width))} × {shown(int(height))}"
        raise ValueError(
            f"a picture of {size} pixels is larger than the {MOST_PIXELS} pixels that are read. "
            "Correct the size, or divide the picture."
        )


def _checked_runs(coded: Mapping) -> tuple[list[int], int, int]:
    """Return the runs, the height and the width of the image."""
    try:
        height, width = (index(side) for side in coded["size"])
        counts = coded["counts"]
        counts = counts.decode("ascii") if isinstance(counts, bytes) else counts
        runs = _unpacked(counts) if isinstance(counts, str) else [index(run) for run in counts]
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(
            "run lengths need 'size' [height, width] and 'counts', text or a list of whole numbers."
        ) from error
    check_size(width, height)
    # pycocotools' own decoder takes too short a text without a word.
    if sum(runs) != height * width or min(runs) < 0:
        raise ValueError(
            f"the runs add up to {shown(sum(runs))} pixels, but the image has {height} × {width} = "
            f"{height * width}: they are cut short or belong to another size."
        )
    return runs, height, width


def _unpacked(text: str) -> list[int]:
    """Return the runs that COCO packs into a text.

    Five bits a letter, the lowest first, and from the fourth run on the difference from the run
    before the last (COCO API, maskApi.c, rleToString).
    """
    runs: list[int] = []
    value = place = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or place > 60:
            raise ValueError("the text of run lengths holds what is no run of pixels.")
        value |= (bits & 31) << place
        place += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << place
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = place = 0
    if place or not runs:
        raise ValueError("the text of run lengths is empty or ends in the middle of a number.")
    return runs


def _check(mask: np.ndarray) -> None:
    if mask.dtype != bool or mask.ndim != 2 or not mask.size:
        raise ValueError(
            f"a mask is bool of shape H×W; got {mask.dtype} of shape {mask.shape}. Take one image "
            "at a time, and compare with 0 if it holds numbers."
        )
