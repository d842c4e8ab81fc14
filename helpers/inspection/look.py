"""A look at photos before anything is fitted: size, light, focus, copies, two kinds of product."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import laplace
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

SIDE = 256  # pixels; brightness and focus of all photos are measured at this long side
THUMBNAIL = 32
COPY = 1.0  # grey levels between thumbnails: less is the same picture, saved twice
FAR = 5.0  # robust standard deviations
LIGHT_FLOOR, FOCUS_FLOOR = 5.0, 0.15  # spreads below these (grey levels; log units) are ignored
# `benchmarks.inspection kinds`, on training photos: below .25 for one product, above .45 for two;
# for real and generated hazelnuts together between the two. Few photos differ more: 8 bottles,
# grids or hazelnuts reach .33 (20 draws); 12 cubes of two sittings, minutes apart, .43.
TWO_KINDS = 0.4
FEW = 8
NAMED = 6  # photos of a second product, by their names


@dataclass(frozen=True)
class Look:
    """What a photo is like, whatever it shows.

    Attributes
    ----------
    width, height
        In pixels.
    light
        Mean grey level, 0 to 255.
    focus
        Natural logarithm of the variance of the Laplacian: low in a blurred photo (Pech-Pacheco et
        al., ICPR 2000). It depends on what is shown: compare photos of one product only.
    """

    width: int
    height: int
    light: float
    focus: float


def look_at(photo: np.ndarray) -> tuple[Look, np.ndarray]:
    """Measure a photo, uint8 H×W×3; return also its thumbnail: float32, 32×32, grey levels."""
    height, width = photo.shape[:2]
    scale = SIDE / max(width, height)
    grey = Image.fromarray(photo).convert("L")
    small = grey.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    values = np.asarray(small, np.float32)
    thumbnail = grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    focus = float(np.log(laplace(values).var() + 1e-3))
    return Look(width, height, float(values.mean()), focus), np.asarray(thumbnail, np.float32)


@dataclass(frozen=True)
class Usual:
    """The looks of good photos, which those of others are compared with.

    Attributes
    ----------
    sizes
        Width and height of the good photos, each kind once.
    light, focus
        Median and robust standard deviation.
    """

    sizes: tuple[tuple[int, int], ...]
    light: tuple[float, float]
    focus: tuple[float, float]

    def remarks(self, look: Look) -> list[str]:
        """Say in what a photo differs from the good ones."""
        told = []
        if (look.width, look.height) not in self.sizes:
            told.append(f"{look.width} × {look.height} pixels, as no good photo has")
        for name, low, high in (
            ("light", "darker", "brighter"),
            ("focus", "less sharp", "sharper"),
        ):
            middle, spread = getattr(self, name)
            away = (getattr(look, name) - middle) / spread
            if abs(away) > FAR:
                told.append(f"{low if away < 0 else high} than the good photos")
        return told


def usual(looks: Sequence[Look]) -> Usual:
    """Summarise the looks of good photos."""
    return Usual(
        sizes=tuple(sorted({(look.width, look.height) for look in looks})),
        light=_robust([look.light for look in looks], LIGHT_FLOOR),
        focus=_robust([look.focus for look in looks], FOCUS_FLOOR),
    )


def _robust(values: Sequence[float], floor: float) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, max(floor, 1.4826 * float(np.median(np.abs(np.asarray(values) - middle))))


def copies(thumbnails: np.ndarray, groups: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of photos of different groups that are the same picture, or nearly.

    Parameters
    ----------
    thumbnails
        float32, N×32×32.
    groups
        N names; photos of one part may well look alike.
    """
    flat = thumbnails.reshape(len(thumbnails), -1)
    found = []
    for i in range(len(flat) - 1):
        difference = np.abs(flat[i + 1 :] - flat[i]).mean(1)
        near = i + 1 + np.flatnonzero(difference < COPY)
        found += [(i, int(j)) for j in near if groups[i] != groups[j]]
    return found


def two_kinds(embeddings: np.ndarray, seed: int = 0) -> np.ndarray | None:
    """Split photos in two if they show two kinds of things: bool, one a photo; else ``None``.

    Parameters
    ----------
    embeddings
        N×C, the mean features of each photo.
    seed
        Of the clustering.
    """
    if len(embeddings) < FEW:
        return None
    silhouette, second = in_two(embeddings, seed)
    return second if silhouette > TWO_KINDS else None


def in_two(embeddings: np.ndarray, seed: int = 0) -> tuple[float, np.ndarray]:
    """Cluster photos in two by k-means of their mean features, each scaled by its spread.

    Returns
    -------
    silhouette
        How far the clusters lie apart, at most 1 (Rousseeuw, Journal of Computational and Applied
        Mathematics 20, 1987).
    second
        bool, one a photo: the smaller cluster.
    """
    scaled = (embeddings - embeddings.mean(0)) / (embeddings.std(0) + 1e-9)
    kind = KMeans(2, n_init=5, random_state=seed).fit_predict(scaled)
    if len(set(kind)) < 2:
        return 0.0, kind > 0
    return float(silhouette_score(scaled, kind)), kind == np.bincount(kind).argmin()


def warnings(
    files: Sequence[str],
    looks: Sequence[Look],
    pairs: Sequence[tuple[int, int]],
    other_kind: np.ndarray | None,
) -> list[str]:
    """Say in plain sentences what to look at before trusting good photos, the gravest first.

    Where they show two products, the photos of the fewer are not compared with those of the others:
    that they differ in light and focus has been said by then.
    """
    told: list[str] = []
    add: Callable[[str], None] = told.append
    if other_kind is not None:
        told += _two_products(files, other_kind)
        files, looks, pairs = _of_the_usual_kind(files, looks, pairs, ~other_kind)
    sizes = Counter((look.width, look.height) for look in looks)
    if len(sizes) > 1:
        kinds = ", ".join(f"{n} of {w} × {h}" for (w, h), n in sizes.most_common(4))
        add(f"The photos have {len(sizes)} sizes ({kinds}): were they taken in one way?")
    known = usual(looks)
    for file, look in zip(files, looks, strict=True):
        if remarks := known.remarks(look):
            add(f"{file} is {' and '.join(remarks)}.")
    for i, j in pairs[:5]:
        add(f"{files[i]} and {files[j]} are nearly the same picture: one part taken twice?")
    if len(pairs) > 5:
        add(f"{len(pairs) - 5} more pairs are nearly the same: give a pattern for the groups.")
    return told


def _two_products(files: Sequence[str], other_kind: np.ndarray) -> list[str]:
    many, few = (
        [file for file, here in zip(files, other_kind == kind, strict=True) if here]
        for kind in (False, True)
    )
    named = ", ".join(few[:NAMED]) + (f" and {len(few) - NAMED} more" if few[NAMED:] else "")
    return [
        f"These look like two products, or one photographed in two ways: {len(many)} photos such "
        f"as {many[0]}, and {len(few)} unlike them: {named}. What is odd on the one may be usual "
        "on the other, so a defect can hide. Move each product's photos into a folder of its own, "
        "and fit one inspector to each; or photograph them all in one way."
    ]


def _of_the_usual_kind(
    files: Sequence[str],
    looks: Sequence[Look],
    pairs: Sequence[tuple[int, int]],
    usual_kind: np.ndarray,
) -> tuple[list[str], list[Look], list[tuple[int, int]]]:
    rows = np.flatnonzero(usual_kind)
    place = {int(row): i for i, row in enumerate(rows)}
    return (
        [files[row] for row in rows],
        [looks[row] for row in rows],
        [(place[i], place[j]) for i, j in pairs if i in place and j in place],
    )
