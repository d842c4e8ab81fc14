"""Figures of annotations: boxes and outlines on pictures, and one object described in four ways."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from helpers.plots.images import OUTLINE, WIDTH
from helpers.plots.picture import STYLE, Picture, class_colours

DARK = "black"  # under every bright line, so that it shows on any ground


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
    counts = {len(images), len(boxes), len(labels)} | ({len(titles)} if titles else set())
    if len(counts) > 1 or not len(images):
        raise ValueError(
            f"there are {len(images)} images, {len(boxes)} lists of boxes and {len(labels)} of "
            "labels (and as many titles); all must be one number, at least 1."
        )
    colours = class_colours(name for names in labels for name in names)
    figure, axes = _panels(len(images), columns, 1.0, titles)
    for axis, image, drawn, names in zip(axes, images, boxes, labels, strict=False):
        axis.imshow(image.transpose(1, 2, 0))
        for box, name in zip(drawn, names, strict=True):
            _draw_box(axis, box, colours[name])
    count = sum(map(len, boxes))
    named = f": {', '.join(titles)}" if titles else ""
    return Picture(figure, f"{len(images)} pictures with {count} boxes around the objects{named}.")


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
    figure, axes = _panels(4, 4, (window[3] - window[1]) / (window[2] - window[0]), titles)
    left, top, width, height = box
    extent = (left, left + width, top + height, top)
    shade = np.zeros((*bits.shape, 4))
    shade[bits] = mpl.colors.to_rgba(OUTLINE, 0.65)
    for axis in axes:
        _zoomed(axis, image, window)
    axes[0].imshow(shade, extent=extent)
    _draw_box(axes[1], box, OUTLINE, shift=0)
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
    if not polygons:
        raise ValueError("there is no polygon to draw.")
    window = _window(box, image.shape[1:], margin)
    ratio = (window[3] - window[1]) / (window[2] - window[0])
    figure, axes = _panels(len(polygons), len(polygons), ratio, list(polygons))
    for axis, points in zip(axes, polygons.values(), strict=True):
        _zoomed(axis, image, window)
        _draw_polygon(axis, points)
    listed = "; ".join(f"{name}: {len(points)} vertices" for name, points in polygons.items())
    return Picture(figure, f"The outline of one object as polygons, enlarged. {listed}.")


def _panels(
    count: int, columns: int, ratio: float, titles: Sequence[str] | None
) -> tuple[Figure, list[Axes]]:
    rows, side = -(-count // columns), WIDTH / columns
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, rows * (side * ratio + (0.3 if titles else 0.05))))
        axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
        for axis in axes:
            axis.set_axis_off()
        for axis, title in zip(axes, titles or [], strict=False):
            axis.set_title(title, pad=3, fontsize=10)
        figure.tight_layout(pad=0.3)
    return figure, axes


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


def _zoomed(axis: Axes, image: np.ndarray, window: tuple[int, int, int, int]) -> None:
    # Here a pixel covers the square from its number to the next, as polygons have it.
    height, width = image.shape[1:]
    axis.imshow(image.transpose(1, 2, 0), extent=(0, width, height, 0), interpolation="nearest")
    axis.set_xlim(window[0], window[2])
    axis.set_ylim(window[3], window[1])


def _draw_box(axis: Axes, box: Sequence[int], colour: str, shift: float = 0.5) -> None:
    left, top, width, height = box
    for line, width_of_line in ((DARK, 2.6), (colour, 1.3)):
        axis.add_patch(
            Rectangle(
                (left - shift, top - shift), width, height, fill=False, ec=line, lw=width_of_line
            )
        )


def _draw_polygon(axis: Axes, points: np.ndarray) -> None:
    for line, width in ((DARK, 2.4), (OUTLINE, 1.1)):
        axis.add_patch(Polygon(points, fill=False, ec=line, lw=width))
    axis.plot(*points.T, "o", ms=3, mfc=OUTLINE, mec=DARK, mew=0.5)


def _runs(column: np.ndarray) -> list[tuple[int, int]]:
    """Return start and length of the true runs of a column."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], column.astype(np.int8), [0]])))
    return [(int(a), int(b - a)) for a, b in zip(steps[::2], steps[1::2], strict=True)]
