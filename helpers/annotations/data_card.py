"""A data card: what a labelled set holds, on one page that goes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.annotations.objects import AnnotationSet

# COCO's evaluation: up to 32 × 32 pixels, up to 96 × 96, and above.
SMALL, MEDIUM = 32**2, 96**2
SIZES = ("small", "medium", "large")


@dataclass(frozen=True, eq=False)
class DataCard:
    """What a labelled set holds.

    Attributes
    ----------
    name, licence
        Of the set.
    side
        Widths and heights of its pictures, such as ``"256 × 256"``.
    pictures
        Number of pictures of each class (rows; a picture with several counts for each) and part
        (columns).
    objects
        The same of objects, without the good pictures.
    sizes
        Number of objects of each class (rows) in COCO's ranges of size (columns), by marked pixels.
    areas
        Smallest, median and largest object of each class: marked pixels, and the median as a share
        of the picture.
    """

    name: str
    licence: str
    side: str
    pictures: pd.DataFrame
    objects: pd.DataFrame
    sizes: pd.DataFrame
    areas: pd.DataFrame

    def markdown(self) -> str:
        """Return the card as a Markdown page."""
        tables = (
            ("Pictures", self.pictures),
            ("Objects", self.objects),
            (f"Objects by size (small below {SMALL} pixels, large from {MEDIUM})", self.sizes),
            ("Areas in pixels", self.areas),
        )
        lines = [f"# {self.name}", "", f"Licence of the pictures: {self.licence}.", ""]
        lines += [f"Pixels: {self.side}.", ""]
        for title, table in tables:
            lines += [f"## {title}", "", *_table(table), ""]
        return "\n".join(lines)


def size_of(area: int) -> str:
    """Return COCO's word for an object of so many pixels: small, medium or large."""
    return SIZES[0] if area < SMALL else SIZES[1] if area < MEDIUM else SIZES[2]


def data_card(annotations: AnnotationSet, parts: Mapping[str, Sequence[int]]) -> DataCard:
    """Count what a labelled set and its parts hold.

    Parameters
    ----------
    annotations
        The set.
    parts
        Positions of the pictures of each part.

    Raises
    ------
    ValueError
        When there is no part or no object.
    """
    classes = list(annotations.classes)
    table = pd.DataFrame(
        [
            (part, row, classes[a.label], a.region.area)
            for part, places in parts.items()
            for row in places
            for a in annotations.images[row].annotations
        ],
        columns=["part", "row", "class", "area"],
    )
    if table.empty:
        raise ValueError("there is no object to count; is a part empty, or every picture good?")
    table["share"] = table["area"] / [np.prod(_size(annotations, row)) for row in table["row"]]
    table["size"] = [size_of(area) for area in table["area"]]
    good = {
        part: sum(not annotations.images[row].annotations for row in places)
        for part, places in parts.items()
    }
    once = table.drop_duplicates(["part", "row", "class"])
    areas = table.groupby("class")["area"].agg(["min", "median", "max"]).reindex(classes)
    areas["median, % of the picture"] = 100 * table.groupby("class")["share"].median()
    sides = sorted({_size(annotations, row) for places in parts.values() for row in places})
    return DataCard(
        name=annotations.name,
        licence=annotations.licence,
        side=", ".join(f"{width} × {height}" for width, height in sides),
        pictures=pd.concat(
            [pd.DataFrame(good, index=["good"]), _counted(once, classes, "part", list(parts))]
        ),
        objects=_counted(table, classes, "part", list(parts)),
        sizes=_counted(table, classes, "size", list(SIZES)),
        areas=areas.round(2),
    )


def _size(annotations: AnnotationSet, row: int) -> tuple[int, int]:
    return annotations.images[row].width, annotations.images[row].height


def _counted(table: pd.DataFrame, classes: list, column: str, values: list) -> pd.DataFrame:
    counts = pd.crosstab(table["class"], table[column])
    return counts.reindex(index=classes, columns=values, fill_value=0).rename_axis(
        index=None, columns=None
    )


def _table(table: pd.DataFrame) -> list[str]:
    head = "| | " + " | ".join(map(str, table.columns)) + " |"
    rule = "|---" * (len(table.columns) + 1) + "|"
    body = [
        f"| {name} | " + " | ".join(f"{value:g}" for value in row) + " |"
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return [head, rule, *body]
