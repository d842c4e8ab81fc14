"""Figures of detection: overlaps, precision over recall, found boxes, maps of a pyramid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from helpers.plots.images import DARK, draw_box, picture_grid, titled
from helpers.plots.picture import LINES, Picture, class_colours
from helpers.plots.style import GREY, PAGE, chart, check_any, check_lengths, panels

if TYPE_CHECKING:  # the package brings torchvision, which takes seconds to import
    from helpers.detection.boxes import Boxes
    from helpers.detection.precision_recall import PrecisionRecall

TRUE = "white"  # the colour of true boxes, dashed; found ones have their class's
TOLD = 0.6  # a box this share as sure as a picture's surest has its class and score written


def box_overlaps(true: Sequence[float], guesses: Sequence[Sequence[float]]) -> Picture:
    """Draw one box with each guess, the shared area filled, the IoU above.

    Parameters
    ----------
    true
        Left, top, right, bottom.
    guesses
        The other boxes.
    """
    check_any(guesses, "box")
    from helpers.detection.precision_recall import iou_matrix

    values = iou_matrix([true], guesses)[0]
    everything = np.array([true, *guesses])
    low, high = everything[:, :2].min(), everything[:, 2:].max()
    with panels(1, len(guesses), PAGE / len(guesses) + 0.35) as (figure, axes):
        for axis, guess, value in zip(axes[0], guesses, values, strict=True):
            left, top = np.maximum(true[:2], guess[:2])
            right, bottom = np.minimum(true[2:], guess[2:])
            if right > left and bottom > top:
                shared = Rectangle((left, top), right - left, bottom - top, fc="#56B4E9", ec="none")
                axis.add_patch(shared)
            draw_box(axis, true, DARK, "--")
            draw_box(axis, guess, "#D55E00", "-")
            axis.set(xlim=(low - 1, high + 1), ylim=(high + 1, low - 1), aspect="equal")
            axis.set_axis_off()
            axis.set_title(f"IoU {value:.2f}")
    listed = ", ".join(f"{value:.2f}" for value in values)
    return Picture(
        figure,
        "The true box, dashed, with a guess in each panel, the area they share filled; the IoU is "
        f"{listed}.",
    )


def precision_recall_steps(curve: PrecisionRecall, numbered: bool = True) -> Picture:
    """Draw precision over recall, box by box, the envelope, and the area under it.

    Parameters
    ----------
    curve
        Of one class.
    numbered
        Whether the boxes are numbered by their rank; for a few only.
    """
    check_any(curve.scores, "box")
    with chart(3.6) as (figure, axis):
        recall = np.concatenate([[0], curve.recall, [curve.recall[-1]]])
        height = np.concatenate([curve.envelope[:1], curve.envelope, [0]])
        axis.fill_between(recall, height, step="pre", color="#56B4E9", alpha=0.35, lw=0)
        axis.plot(curve.recall, curve.precision, color=GREY, lw=1)
        axis.step(recall, height, where="pre", color="#0072B2", lw=2, label="best from here on")
        size = 8 if numbered else 4
        for right, colour, name in ((True, "#009E73", "right"), (False, "#D55E00", "wrong")):
            mine = curve.right == right
            axis.plot(
                curve.recall[mine], curve.precision[mine], "o" if right else "X",
                color=colour, ms=size, ls="", label=name, clip_on=False,
            )  # fmt: skip
        if numbered:
            for rank, point in enumerate(zip(curve.recall, curve.precision, strict=True), 1):
                axis.annotate(str(rank), point, (6, 5), textcoords="offset points")
        axis.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.05), ylim=(0, 1.08))
        axis.legend(frameon=False, loc="lower left")
    return Picture(
        figure,
        f"Precision over recall as {len(curve.scores)} boxes are accepted, the surest first, "
        "right and wrong ones marked; a falling staircase touches it from above, and the area "
        "under the staircase is filled.",
    )


def precision_recall_curves(curves: Mapping[str, PrecisionRecall]) -> Picture:
    """Draw the envelopes of several classes."""
    check_any(curves, "curve")
    colours = class_colours(curves)
    with chart(3.4) as (figure, axis):
        for place, (name, curve) in enumerate(curves.items()):
            recall = np.concatenate(
                [[0], curve.recall, [curve.recall[-1] if len(curve.recall) else 0]]
            )
            height = np.concatenate([curve.envelope[:1], curve.envelope, [0]])
            axis.step(
                recall[: len(height)], height, where="pre", color=colours[name], lw=2,
                ls=LINES[place % len(LINES)], label=name,
            )  # fmt: skip
        axis.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(0, 1.05))
        axis.legend(frameon=False, loc="lower left")
    return Picture(
        figure,
        f"Falling staircases of precision over recall, one for each of {', '.join(curves)}; where "
        "one drops to zero, no box accepted finds more.",
    )


def found_boxes(
    images: np.ndarray,
    true: Sequence[Boxes],
    found: Sequence[Boxes],
    classes: Sequence[str],
    titles: Sequence[str] | None = None,
    columns: int = 4,
    scored: bool = True,
) -> Picture:
    """Show pictures with true boxes, dashed, and found ones with their class and score.

    Where boxes lie on each other, the surest is on top.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    true, found
        Of each picture.
    classes
        Names of the labels.
    titles
        N texts, or none.
    columns
        Pictures in a row.
    scored
        Whether class and score are written at the surest box and at those not much less sure.

    Raises
    ------
    ValueError
        When there is no picture, or the numbers differ.
    """
    check_lengths(images=images, true=true, found=found, titles=titles)
    colours = class_colours(classes)
    with picture_grid(len(images), columns, titles) as (figure, axes):
        for i, (image, truth, guess) in enumerate(zip(images, true, found, strict=True)):
            axes[i].imshow(image.transpose(1, 2, 0))
            for corners in truth.corners:
                draw_box(axes[i], corners - 0.5, TRUE, "--")
            # The surest is drawn last, and so on top of the weaker ones.
            weakest_first = guess.keep(np.argsort(guess.scores, kind="stable"))
            for corners, label, score in zip(
                weakest_first.corners, weakest_first.labels, weakest_first.scores, strict=True
            ):
                colour = colours[classes[label]]
                draw_box(axes[i], corners - 0.5, colour, "-")
                if scored and score >= TOLD * guess.scores.max():
                    _tag(axes[i], corners, f"{classes[label]} {score:.2f}", colour)
    return Picture(
        figure,
        f"{len(images)} pictures{titled(titles)}, with true boxes dashed in white and found boxes "
        "in the colour of their class.",
    )


def pyramid_maps(image: np.ndarray, maps: Mapping[str, np.ndarray], true: Boxes) -> Picture:
    """Show a picture and one map h×w for each level of a pyramid, each on its own scale."""
    check_any(maps, "map")
    with panels(1, len(maps) + 1, PAGE / (len(maps) + 1) + 0.35) as (figure, (axes,)):
        height, width = image.shape[1:]
        axes[0].imshow(image.transpose(1, 2, 0), extent=(0, width, height, 0))
        axes[0].set_title("picture")
        for axis, (name, values) in zip(axes[1:], maps.items(), strict=True):
            axis.imshow(
                values, extent=(0, width, height, 0), interpolation="nearest", cmap="viridis"
            )
            axis.set_title(name)
        for axis in axes:
            for corners in true.corners:
                draw_box(axis, corners, TRUE, "--")
            axis.set_axis_off()
    return Picture(
        figure,
        f"A picture with its true box dashed, and beside it a map for each of {', '.join(maps)}, "
        "from fine squares to coarse ones; yellow means a high value.",
    )


def _tag(axis: Axes, corners: np.ndarray, text: str, colour: str) -> None:
    axis.text(
        corners[0], max(corners[1] - 3, 6), text, fontsize=7, color="black",
        bbox={"facecolor": colour, "alpha": 0.8, "pad": 0.8, "edgecolor": "none"},
    )  # fmt: skip
