"""A small annotated set that has every awkward object: made by hand, checked by hand."""

import numpy as np

from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet
from helpers.annotations.regions import regions

CLASSES = ("déchirure fine", "cut & <hole>")
HEIGHT, WIDTH = 20, 30


def masks():
    """Return masks of 4 images: a ring at the border, two pixels at a corner, full, and empty."""
    ring = np.zeros((HEIGHT, WIDTH), bool)
    ring[0:7, 0:9] = True
    ring[2:5, 3:6] = False
    ring[19, 29] = True
    corner = np.zeros((HEIGHT, WIDTH), bool)
    corner[4, 5] = corner[5, 6] = True
    return [ring, corner, np.ones((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)]


def annotated():
    files = ("test/tear/a b.png", "test/cut/000.png", "test/cut/001.png", "test/good/000.png")
    images = tuple(
        AnnotatedImage(
            file, WIDTH, HEIGHT, tuple(Annotation(label, region) for region in regions(mask))
        )
        for file, label, mask in zip(files, (0, 1, 1, 0), masks(), strict=True)
    )
    return AnnotationSet("nœud", CLASSES, images, "CC0")


def pictures():
    return np.random.default_rng(0).integers(0, 256, (4, 3, HEIGHT, WIDTH), dtype=np.uint8)


PARTS = {"train": [0, 3], "val": [1, 2]}


def contents(folder):
    """Return the bytes of every file under a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def same_objects(first, second):
    """Say whether two images have the same objects, pixel by pixel, in the same order."""
    return len(first.annotations) == len(second.annotations) and all(
        a.label == b.label
        and a.region.box == b.region.box
        and np.array_equal(a.region.bits, b.region.bits)
        for a, b in zip(first.annotations, second.annotations, strict=True)
    )
