"""Figures made of images: grids, outlines of masks, anomaly maps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import distance_transform_edt

from helpers.plots.picture import STYLE, Picture
from helpers.plots.style import OUTLINE, PAGE, chart, check_lengths, panels

DARK = "black"  # under every bright line, so that it shows on any background
FAINTEST, STRONGEST = 0.45, 0.85  # opacity of a map just above the threshold, and at its top
BESIDE = 0.02  # from a mask to its outline, as a share of the side: what it marks stays visible
EDGE, GAP = 0.04, 0.09  # around pictures and between them, in inches


@contextmanager
def picture_grid(
    count: int, columns: int, titles: Sequence[str] | None, ratio: float = 1.0, fontsize: int = 10
) -> Iterator[tuple[Figure, np.ndarray]]:
    """Give a figure and the axes of ``count`` pictures in rows, their height ``ratio`` × width."""
    rows, width = -(-count // columns), (PAGE - 2 * EDGE - (columns - 1) * GAP) / columns
    lines = 0 if titles is None else 1 + max(str(title).count("\n") for title in titles)
    # Room above each picture for the longest title, and for a gap below the row before.
    above = GAP + 0.018 * fontsize * lines
    height, page = width * ratio, rows * (width * ratio + above) + EDGE
    with mpl.rc_context(STYLE):
        figure = Figure((PAGE, page))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        figure.subplots_adjust(
            EDGE / PAGE, EDGE / page, 1 - EDGE / PAGE, 1 - above / page,
            wspace=GAP / width, hspace=above / height,
        )  # fmt: skip
        for axis in axes:
            axis.set_axis_off()
        for axis, title in zip(axes, () if titles is None else titles, strict=False):
            axis.set_title(title, pad=3, fontsize=fontsize)
        yield figure, axes


def draw_box(axis: Axes, box: Sequence[float], colour: str, line: str = "-") -> None:
    """Draw a box (left, top, right, bottom in the axes' units) that shows on any background."""
    left, top, right, bottom = box
    for ink, width in ((DARK, 2.6), (colour, 1.3)):
        axis.add_patch(
            Rectangle(
                (left, top), right - left, bottom - top, fill=False, ec=ink, lw=width, ls=line
            )
        )


def titled(titles: Sequence[str] | None, mark: str = ": ") -> str:
    """Return the titles as the end of a sentence for the text alternative."""
    return "" if titles is None else mark + ", ".join(map(str, titles))


def image_grid(
    images: np.ndarray,
    masks: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    columns: int = 5,
    shows: str = "pictures of single products",
) -> Picture:
    """Show images in rows, the outline of each mask on top.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    masks
        bool, N×H×W, or none.
    titles
        N texts, or none.
    columns
        Images in a row.
    shows
        What they are, for the text alternative.

    Raises
    ------
    ValueError
        When the arrays disagree in number or shape, or there is no image.
    """
    _check(images, masks, titles)
    if columns < 1:
        raise ValueError(f"a grid needs one column at least; got {columns}.")
    rows = -(-len(images) // columns)
    with picture_grid(len(images), columns, titles, fontsize=11) as (figure, axes):
        for i, axis in enumerate(axes[: len(images)]):
            _image(axis, images[i], None if masks is None else masks[i])
    outlined = ", the defects outlined" if masks is not None else ""
    laid = "in one row" if rows == 1 else f"in {rows} rows of up to {columns}"
    return Picture(figure, f"{len(images)} {shows}, {laid}{outlined}{titled(titles)}.")


def heat_map_overlay(
    images: np.ndarray,
    maps: np.ndarray,
    masks: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    threshold: float | None = None,
    margin: int | None = None,
) -> Picture:
    """Show each image above its anomaly map and above both laid over each other.

    All maps share one colour scale, from the 1st to the 99.9th percentile; or one that a threshold
    fixes, so that the maps of good parts alone do not glow.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    maps
        N×H×W.
    masks
        bool, N×H×W; their outlines are drawn on the images.
    titles
        N texts, or none.
    threshold
        The score above which a pixel counts as anomalous, chosen on good parts: the middle of the
        scale. Its contour is drawn on the map and over the image; what lies below it is not laid
        over the image, and what lies above it, however little, can be seen there.
    margin
        When given, two rows are enlarged in place of the last: the image around its mask, or around
        the highest pixel of its map where nothing is marked, with so many pixels on each side; and
        the map laid over it.

    Raises
    ------
    ValueError
        When the arrays disagree in number or shape, there is no image, or the threshold is not a
        finite number.
    """
    _check(images, masks, titles)
    if maps.shape != (len(images), *images.shape[2:]):
        raise ValueError(f"maps have shape {maps.shape}, the images {images.shape}.")
    if not np.isfinite(maps).all():
        raise ValueError("maps hold values that are not finite numbers.")
    low, high = np.percentile(maps, [1, 99.9])
    faint = low
    if threshold is not None:
        if not np.isfinite(threshold):
            raise ValueError(f"the threshold must be a finite number; got {threshold}.")
        low, faint = min(low, threshold), threshold
        high = max(2 * threshold - low, threshold + 1e-12)
    count, rows = len(images), 3 if margin is None else 4
    with panels(rows, count, rows * PAGE / max(count, 4) + 0.85) as (figure, axes):
        figure.get_layout_engine().set(h_pad=0.08)  # else the titles touch the upper edge
        for i, column in enumerate(axes.T):
            _image(column[0], images[i], None if masks is None else masks[i])
            shown = column[1].imshow(maps[i], vmin=low, vmax=high)
            overlay = column[-1]
            overlay.imshow(images[i].transpose(1, 2, 0))
            strength = STRONGEST * np.clip((maps[i] - faint) / max(high - faint, 1e-12), 0, 1)
            above = threshold is not None and maps[i] > threshold
            if threshold is not None:
                strength = np.where(above, np.maximum(strength, FAINTEST), 0)
            overlay.imshow(maps[i], vmin=low, vmax=high, alpha=strength)
            if np.any(above):
                # Low all round, so that the line closes where the map is high at the border.
                closed = np.pad(maps[i], 1, constant_values=2 * low - high)
                for axis in (column[1], overlay):
                    _contour(axis, closed, threshold, "white", 1)
            if margin is not None:
                marked = maps[i] == maps[i].max()
                if masks is not None and masks[i].any():
                    marked = masks[i]
                column[2].imshow(images[i].transpose(1, 2, 0))
                for axis in column[2:]:
                    show_window(axis, window_about(marked, margin))
            if titles is not None:
                column[0].set_title(titles[i].replace(", ", ",\n"), pad=3)
        for axis in axes.ravel():
            axis.set_axis_off()
        label = "anomaly score" + ("" if threshold is None else ", white at the threshold")
        bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.5, aspect=40, label=label)
        bar.locator = MaxNLocator(3)
        if threshold is not None:
            bar.ax.axvline(threshold, color="white", lw=2)
    outlined = " with any defect outlined" if masks is not None else ""
    laid = "the map"
    if threshold is not None:
        laid = "what of the map is above the threshold, outlined in white,"
    if margin is not None:
        laid = f"enlarged, the damage or the map's highest pixel alone, and {laid}"
    return Picture(
        figure,
        f"Columns: {count}{titled(titles, ' of ')}. From top to bottom: the "
        f"image{outlined}, its anomaly map, and {laid} laid over the image. Yellow means a high "
        "anomaly score.",
    )


def window_about(marked: np.ndarray, margin: int | None) -> tuple[int, int, int]:
    """Return left, top and side of a square around what is marked, within the picture.

    Parameters
    ----------
    marked
        bool, H×W.
    margin
        Pixels on each side; the whole picture where it is none, or nothing is marked.
    """
    height, width = marked.shape
    if margin is None or not marked.any():
        return 0, 0, max(height, width)
    rows, columns = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    side = max(np.ptp(rows), np.ptp(columns)) + 1 + 2 * margin
    side = int(min(side, height, width))
    left, top = (
        int(np.clip((found[0] + found[-1] + 1 - side) // 2, 0, size - side))
        for found, size in ((columns, width), (rows, height))
    )
    return left, top, side


def show_window(axis: Axes, window: tuple[int, int, int]) -> None:
    """Show only a square (left, top, side) of the picture in an axis."""
    left, top, side = window
    axis.set_xlim(left - 0.5, left + side - 0.5)
    axis.set_ylim(top + side - 0.5, top - 0.5)


def mask_position_map(masks: np.ndarray) -> Picture:
    """Show in how many of the masks each pixel is marked.

    Parameters
    ----------
    masks
        bool, N×H×W.
    """
    if masks.dtype != bool or masks.ndim != 3 or not len(masks):
        raise ValueError(
            f"masks must be bool of shape N×H×W with at least one; got {masks.dtype} of shape "
            f"{masks.shape}."
        )
    share = 100 * masks.mean(axis=0)
    row, column = np.unravel_index(share.argmax(), share.shape)
    with chart(3.4, 4.2) as (figure, axis):
        figure.colorbar(axis.imshow(share), label="marked, % of the masks")
        axis.set_xlabel("column in pixels")
        axis.set_ylabel("row in pixels")
    return Picture(
        figure,
        f"Heat map of {len(masks)} masks. Most often marked, in about {share.max():.0f} % of them, "
        f"is a pixel {column / share.shape[1]:.0%} from the left and {row / share.shape[0]:.0%} "
        "from the top.",
    )


def _image(axis: Axes, image: np.ndarray, mask: np.ndarray | None) -> None:
    axis.imshow(image.transpose(1, 2, 0))
    if mask is not None and mask.any():
        _outline(axis, mask)


def _outline(axis: Axes, mask: np.ndarray) -> None:
    """Draw a line about a mask H×W, a little outside it."""
    beside = BESIDE * max(mask.shape)
    room = 1 + int(np.ceil(beside))  # so that the line closes where the mask touches the border
    away = distance_transform_edt(~np.pad(mask, room))
    _contour(axis, -away, -beside - 0.5, OUTLINE, room)


def _contour(axis: Axes, values: np.ndarray, level: float, colour: str, padded: int) -> None:
    """Draw the line at ``level`` about the higher values, ``padded`` pixels larger all round."""
    rows, columns = (np.arange(-padded, side - padded) for side in values.shape)
    # A dark line under a bright one shows on shell, on ink and on the background alike.
    for ink, width in ((DARK, 2.0), (colour, 0.9)):
        axis.contour(
            columns, rows, values, levels=[level], colors=ink, linewidths=width, linestyles="-"
        )
    axis.set_xlim(-0.5, columns[-1] - padded + 0.5)
    axis.set_ylim(rows[-1] - padded + 0.5, -0.5)


def _check(images: np.ndarray, masks: np.ndarray | None, titles: Sequence[str] | None) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"images must be uint8 of shape N×3×H×W; got {images.dtype} of shape {images.shape}."
        )
    if masks is not None and masks.shape != (len(images), *images.shape[2:]):
        raise ValueError(f"masks have shape {masks.shape}, the images {images.shape}.")
    if masks is not None and masks.dtype != bool:
        raise ValueError(f"masks must be bool; got {masks.dtype}.")
    check_lengths(images=images, titles=titles)
