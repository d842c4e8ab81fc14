"""Figures of annotations: boxes and outlines on pictures, and one object described in four ways."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

from helpers.plots.images import DARK, draw_box, picture_grid, titled
from helpers.plots.picture import Picture, class_colours
from helpers.plots.style import OUTLINE, check_any, check_lengths


def boxes_on_images(
    images: np.ndarray,
    boxes: Sequence[Sequence[Sequence[int]]],
    labels: Sequence[Sequence[str]],
    titles: Sequence[str] | None = None,
    columns: int = 4,
) -> Picture:
    """Show pictures with their boxes, a colour for each class.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    boxes
        For each picture its boxes: left, top, width, height in pixels.
    labels
        For each box the name of its class.
    titles
        N texts, or none.
    columns
        Pictures in a row.

    Raises
    ------
    ValueError
        When there is no picture, or the numbers differ.
    """
    check_lengths(images=images, boxes=boxes, labels=labels, titles=titles)
    colours = class_colours(name for names in labels for name in names)
    with picture_grid(len(images), columns, titles) as (figure, axes):
        for axis, image, drawn, names in zip(axes, images, boxes, labels, strict=False):
            axis.imshow(image.transpose(1, 2, 0))
            for (left, top, width, height), name in zip(drawn, names, strict=True):
                box = left - 0.5, top - 0.5, left + width - 0.5, top + height - 0.5
                draw_box(axis, box, colours[name])
    count = sum(map(len, boxes))
    return Picture(
        figure, f"{len(images)} pictures with {count} boxes around the objects{titled(titles)}."
    )


def four_descriptions(
    image: np.ndarray,
    bits: np.ndarray,
    box: tuple[int, int, int, int],
    polygon: np.ndarray,
    margin: int = 4,
) -> Picture:
    """Show one object as a mask, a box, a polygon, and runs down the columns.

    Parameters
    ----------
    image
        uint8, 3×H×W.
    bits
        bool, height × width of the box: the object's pixels.
    box
        Left, top, width, height in pixels.
    polygon
        N×2, x and y of the vertices, on pixel edges.
    margin
        Pixels to show around the box.
    """
    titles = ("mask", "box", f"polygon, {len(polygon)} vertices", "runs in each column")
    window = _window(box, image.shape[1:], margin)
    left, top, width, height = box
    extent = (left, left + width, top + height, top)
    shade = np.zeros((*bits.shape, 4))
    shade[bits] = mpl.colors.to_rgba(OUTLINE, 0.65)
    with picture_grid(4, 4, titles, _ratio(window)) as (figure, axes):
        for axis in axes:
            _zoomed(axis, image, window)
        axes[0].imshow(shade, extent=extent)
        draw_box(axes[1], (left, top, left + width, top + height), OUTLINE)
        _draw_polygon(axes[2], polygon)
        for column in range(width):
            runs = _runs(bits[:, column])
            for start, length in runs:
                place = (left + column + 0.15, top + start + 0.1)
                axes[3].add_patch(Rectangle(place, 0.7, length - 0.2, fc=OUTLINE, ec=DARK, lw=0.4))
    return Picture(
        figure,
        f"One object of {int(bits.sum())} pixels four times: its pixels marked; a box of {width} × "
        f"{height} pixels around it; a polygon of {len(polygon)} vertices along its pixels' edges; "
        "and in each column of pixels the unbroken runs that belong to it.",
    )


def polygons_on_image(
    image: np.ndarray,
    box: tuple[int, int, int, int],
    polygons: Mapping[str, np.ndarray],
    margin: int = 4,
) -> Picture:
    """Show polygons of one object side by side, with their vertices.

    Parameters
    ----------
    image
        uint8, 3×H×W.
    box
        Of the object: left, top, width, height in pixels.
    polygons
        Title and vertices (N×2) of each.
    margin
        Pixels to show around the box.
    """
    check_any(polygons, "polygon")
    window = _window(box, image.shape[1:], margin)
    count = len(polygons)
    with picture_grid(count, count, list(polygons), _ratio(window)) as (figure, axes):
        for axis, points in zip(axes, polygons.values(), strict=True):
            _zoomed(axis, image, window)
            _draw_polygon(axis, points)
    listed = "; ".join(f"{name}: {len(points)} vertices" for name, points in polygons.items())
    return Picture(figure, f"The outline of one object as polygons, enlarged. {listed}.")


def _window(
    box: tuple[int, int, int, int], shape: tuple[int, int], margin: int
) -> tuple[int, int, int, int]:
    left, top, width, height = box
    return (
        max(left - margin, 0),
        max(top - margin, 0),
        min(left + width + margin, shape[1]),
        min(top + height + margin, shape[0]),
    )


def _ratio(window: tuple[int, int, int, int]) -> float:
    return (window[3] - window[1]) / (window[2] - window[0])


def _zoomed(axis: Axes, image: np.ndarray, window: tuple[int, int, int, int]) -> None:
    # Here a pixel covers the square from its number to the next, as polygons have it.
    height, width = image.shape[1:]
    axis.imshow(image.transpose(1, 2, 0), extent=(0, width, height, 0), interpolation="nearest")
    axis.set_xlim(window[0], window[2])
    axis.set_ylim(window[3], window[1])


def _draw_polygon(axis: Axes, points: np.ndarray) -> None:
    for line, width in ((DARK, 2.4), (OUTLINE, 1.1)):
        axis.add_patch(Polygon(points, fill=False, ec=line, lw=width))
    axis.plot(*points.T, "o", ms=3, mfc=OUTLINE, mec=DARK, mew=0.5)


def _runs(column: np.ndarray) -> list[tuple[int, int]]:
    """Return start and length of the true runs of a column."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], column.astype(np.int8), [0]])))
    return [(int(a), int(b - a)) for a, b in zip(steps[::2], steps[1::2], strict=True)]
