"""What words say of an object: its shape, lightness, colour, size and surface, all measured.

A caption is a set of words, and each word is a rule about the object's mask and pixels. So it is
true by construction, and drawn scenes and photographs are captioned alike.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.ndimage import (
    binary_dilation,
    binary_fill_holes,
    distance_transform_edt,
    find_objects,
    label,
)

from helpers.errors import did_you_mean
from helpers.formulas.scenes import SIDE, Scene, draw_each

LUMA = np.array([0.299, 0.587, 0.114])
GAP, RING = 1, 4  # an object's surroundings lie between so many pixels from its edge
# Degrees on the colour circle, red at 0; a colour belongs to the nearest.
HUES = MappingProxyType(
    {"red": 350, "brown": 25, "yellow": 60, "green": 120, "blue": 225, "purple": 300}
)
KINDS = MappingProxyType(
    {
        "shape": ("spot", "line", "ring", "patch"),
        "outline": ("round", "thin"),
        "lightness": ("dark", "bright"),
        "colour": ("white", "grey", "black", *HUES),
        "size": ("small", "large"),
        "surface": ("smooth", "rough"),
    }
)
WORDS = tuple(word for words in KINDS.values() for word in words)


@dataclass(frozen=True, eq=False)
class Captioned:
    """N pictures and their objects, K in all.

    Attributes
    ----------
    pictures
        uint8, N×3×S×S.
    rows
        int64, K: in which picture each is.
    corners
        float32, K×4: left, top, right, bottom of its box; the last two lie beyond its pixels.
    words
        bool, K×``len(WORDS)``: which are true of it.
    """

    pictures: np.ndarray
    rows: np.ndarray
    corners: np.ndarray
    words: np.ndarray


@dataclass(frozen=True)
class Look:
    """What is measured of an object.

    Attributes
    ----------
    width
        How thick it is on average, in pixels: of a strip its width, of a disc two thirds of its
        diameter.
    span
        Its length in pixels, as that of a strip with the same variance along its main direction.
    slenderness
        Area by the width's square: 1.8 of a disc, 2.3 of a square, the length by the width of a
        strip, however it winds.
    detour
        Length along the object, area by width, as a multiple of ``span``: 1 of a straight strip.
    opening
        Largest hole, as a share of the area.
    lightness
        Mean lightness inside as a multiple of that around.
    colour
        Mean red, green and blue inside, 0 to 1.
    contrast
        Standard deviation of the lightness inside, by its mean.
    side
        Of the picture, in pixels.
    """

    width: float
    span: float
    slenderness: float
    detour: float
    opening: float
    lightness: float
    colour: tuple[float, float, float]
    contrast: float
    side: int

    def words(self) -> frozenset[str]:
        """Return all words of ``WORDS`` that are true."""
        thin = self.width < 0.035 * self.side
        found = {
            self._shape(): True,
            "round": self.opening < 0.1 and self.slenderness < 2.4,
            "thin": thin and self.slenderness > 5,
            "dark": self.lightness < 0.87,
            "bright": self.lightness > 1.15,
            self._colour(): True,
            "small": self.span < 0.17 * self.side,
            "large": self.span > 0.4 * self.side,
            "smooth": self.contrast < 0.1,
            "rough": self.contrast > 0.2,
        }
        return frozenset(word for word, true in found.items() if true)

    def _shape(self) -> str:
        if self.opening > 0.2:
            return "ring"
        if self.slenderness < 4:
            return "spot"
        return "line" if self.detour < 1.6 else "patch"

    def _colour(self) -> str:
        low, high = min(self.colour), max(self.colour)
        if high < 0.15:
            return "black"
        if high - low < 0.2 * high:
            return "white" if low > 0.6 else "grey"
        hue = _hue(self.colour)
        return min(HUES, key=lambda name: abs((hue - HUES[name] + 180) % 360 - 180))


def look_at(picture: np.ndarray, mask: np.ndarray) -> Look:
    """Measure an object.

    Parameters
    ----------
    picture
        uint8, 3×H×W.
    mask
        bool, H×W: the object's pixels.

    Raises
    ------
    ValueError
        When the mask marks nothing, or is not of the picture's size.
    """
    if mask.shape != picture.shape[1:] or not mask.any():
        raise ValueError(
            f"an object is a mask of its picture's size with a marked pixel; got {mask.shape} with "
            f"{int(mask.sum())} for a picture of {picture.shape[1:]}."
        )
    area = int(mask.sum())
    # The mean distance to the edge is a quarter of a strip's width; half a pixel is the grid's.
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask].mean()
    width = max(1.0, 4 * (depth - 0.5))
    places = np.stack(np.nonzero(mask)).astype(float)
    variance = np.linalg.eigvalsh(np.cov(places))[-1] if area > 1 else 0.0
    span = np.sqrt(12 * variance + 1)  # a single pixel is one long
    holes, count = label(binary_fill_holes(mask) & ~mask)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)[1:]
    around = binary_dilation(mask, iterations=RING) & ~binary_dilation(mask, iterations=GAP)
    inside = picture[:, mask] / 255
    light = LUMA @ inside
    outside = (LUMA @ (picture[:, around] / 255)).mean() if around.any() else light.mean()
    return Look(
        width=float(width),
        span=float(span),
        slenderness=float(area / width**2),
        detour=float(area / width / span),
        opening=float(sizes.max(initial=0) / area),
        lightness=float((light.mean() + 0.02) / (outside + 0.02)),  # black is not 0 in a photograph
        colour=tuple(inside.mean(1).tolist()),
        contrast=float(light.std() / (light.mean() + 0.02)),
        side=mask.shape[-1],
    )


def caption(picture: np.ndarray, mask: np.ndarray) -> frozenset[str]:
    """Return all words that are true of an object; parameters and errors are ``look_at``'s."""
    return look_at(picture, mask).words()


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a mask's pixels; the last two lie beyond them."""
    rows, columns = find_objects(mask.astype(np.uint8))[0]
    return columns.start, rows.start, columns.stop, rows.stop


def draw_captioned(
    count: int, seed: int, textures: np.ndarray, side: int = SIDE, workers: int = 1
) -> Captioned:
    """Draw scenes, as ``scenes.draw_scenes`` does, and caption their objects."""
    drawn = draw_each(_captioned, count, seed, textures, side, workers)
    pictures, corners, words = zip(*drawn, strict=True)
    rows = np.repeat(np.arange(count), [len(each) for each in corners])
    return Captioned(np.stack(pictures), rows, np.concatenate(corners), np.concatenate(words))


def _captioned(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    words = memberships([caption(scene.picture, mask) for mask in scene.masks])
    return scene.picture, np.array([box_of(mask) for mask in scene.masks], np.float32), words


def words_of(text: str) -> tuple[str, ...]:
    """Take a text apart, "thin dark line", in any order.

    Raises
    ------
    ValueError
        When there is no word, one occurs twice, or one is not of ``WORDS``.
    """
    words = tuple(text.lower().split())
    for word in words:
        if word not in WORDS:
            raise ValueError(f"the word '{word}' is not known. {did_you_mean(word, WORDS)}")
    if not words or len(set(words)) < len(words):
        raise ValueError(f"a text has one word at least, and none twice; got {text!r}.")
    return words


def memberships(texts: Sequence[Iterable[str]]) -> np.ndarray:
    """Return which words each text has: bool, N×``len(WORDS)``, in the order of ``WORDS``."""
    return np.array([[word in set(text) for word in WORDS] for text in texts], bool).reshape(
        -1, len(WORDS)
    )


def is_true(texts: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """Say of which objects each text is true: those that have all of its words.

    Parameters
    ----------
    texts, objects
        bool, N×W and K×W: the words of each.

    Returns
    -------
    np.ndarray
        bool, K×N.
    """
    return (objects[:, None] | ~texts[None]).all(2)


def _hue(colour: tuple[float, float, float]) -> float:
    """Return the angle of a colour on the colour circle in degrees, red at 0, green at 120."""
    red, green, blue = colour
    return float(np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360)
