"""Figures of detection: overlaps, precision over recall, found boxes, maps of a pyramid."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.detection.boxes import Boxes
from helpers.detection.precision_recall import PrecisionRecall, iou_matrix
from helpers.plots.images import WIDTH
from helpers.plots.picture import LINES, MARKERS, STYLE, Picture, class_colours
from helpers.plots.style import GREY, chart, check_any

TRUE = "white"  # the colour of true boxes, dashed; found ones have their class's
DARK = "black"  # under every bright line


def overlaps(true: Sequence[float], guesses: Sequence[Sequence[float]]) -> Picture:
    """Draw one box with each guess, the shared area filled, the IoU above.

    Parameters
    ----------
    true
        Left, top, right, bottom.
    guesses
        The other boxes.
    """
    check_any(guesses, "box")
    values = iou_matrix([true], guesses)[0]
    everything = np.array([true, *guesses])
    low, high = everything[:, :2].min(), everything[:, 2:].max()
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, WIDTH / len(guesses) + 0.35), layout="constrained")
        axes = figure.subplots(1, len(guesses), squeeze=False)[0]
    for axis, guess, value in zip(axes, guesses, values, strict=True):
        left, top = np.maximum(true[:2], guess[:2])
        right, bottom = np.minimum(true[2:], guess[2:])
        if right > left and bottom > top:
            shared = Rectangle((left, top), right - left, bottom - top, fc="#56B4E9", ec="none")
            axis.add_patch(shared)
        _box(axis, true, DARK, "--")
        _box(axis, guess, "#D55E00", "-")
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
        Whether class and score are written at the boxes.

    Raises
    ------
    ValueError
        When there is no picture, or the numbers differ.
    """
    counts = {len(images), len(true), len(found)} | ({len(titles)} if titles else set())
    if len(counts) > 1 or not len(images):
        raise ValueError(
            f"there are {len(images)} images, {len(true)} lists of true and {len(found)} of found "
            "boxes (and as many titles); all must be one number, at least 1."
        )
    colours = class_colours(classes)
    rows, side = -(-len(images) // columns), WIDTH / columns
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, rows * (side + (0.3 if titles else 0.05))))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for i, (image, truth, guess) in enumerate(zip(images, true, found, strict=True)):
        axes[i].imshow(image.transpose(1, 2, 0))
        for corners in truth.corners:
            _box(axes[i], corners - 0.5, TRUE, "--")
        for corners, label, score in zip(guess.corners, guess.labels, guess.scores, strict=True):
            colour = colours[classes[label]]
            _box(axes[i], corners - 0.5, colour, "-")
            if scored:
                _tag(axes[i], corners, f"{classes[label]} {score:.2f}", colour)
        if titles:
            axes[i].set_title(titles[i], pad=3, fontsize=10)
    figure.tight_layout(pad=0.3)
    named = f": {', '.join(titles)}" if titles else ""
    return Picture(
        figure,
        f"{len(images)} pictures{named}, with true boxes dashed in white and found boxes in the "
        "colour of their class.",
    )


def pyramid_maps(image: np.ndarray, maps: Mapping[str, np.ndarray], true: Boxes) -> Picture:
    """Show a picture and one map h×w for each level of a pyramid, each on its own scale."""
    check_any(maps, "map")
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, WIDTH / (len(maps) + 1) + 0.35), layout="constrained")
        axes = figure.subplots(1, len(maps) + 1, squeeze=False)[0]
    height, width = image.shape[1:]
    axes[0].imshow(image.transpose(1, 2, 0), extent=(0, width, height, 0))
    axes[0].set_title("picture")
    for axis, (name, values) in zip(axes[1:], maps.items(), strict=True):
        axis.imshow(values, extent=(0, width, height, 0), interpolation="nearest")
        axis.set_title(name)
    for axis in axes:
        for corners in true.corners:
            _box(axis, corners, TRUE, "--")
        axis.set_axis_off()
    return Picture(
        figure,
        f"A picture with its true box dashed, and beside it a map for each of {', '.join(maps)}, "
        "from fine squares to coarse ones; yellow means a high value.",
    )


def few_labels(
    found: Mapping[str, Mapping[int, Sequence[float]]], label: str, lines: Mapping[str, float]
) -> Picture:
    """Draw a score over the number of labelled pictures, every run a dot, means joined.

    Parameters
    ----------
    found
        For each method: number of labelled pictures of each defect → the score of each seed.
    label
        What the score is.
    lines
        Scores to compare with, drawn across.
    """
    check_any(found, "run")
    with chart(3.6) as (figure, axis):
        for place, (name, runs) in enumerate(found.items()):
            colour = ("#0072B2", "#D55E00", "#009E73")[place % 3]
            counts = sorted(runs)
            means = [np.mean(runs[count]) for count in counts]
            axis.plot(counts, means, LINES[place % 4], color=colour, lw=2, label=name)
            for count in counts:
                values = runs[count]
                axis.plot([count] * len(values), values, MARKERS[place], color=colour, ms=5)
        for place, (name, value) in enumerate(lines.items()):
            axis.axhline(value, color=GREY, ls=LINES[(place + 2) % 4], lw=1.5, label=name)
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set(xlabel="labelled pictures of each defect", ylabel=label, ylim=(0, 1))
        axis.legend(frameon=False)
    across = f" Lines across: {', '.join(lines)}." if lines else ""
    return Picture(
        figure,
        f"{label} over the number of labelled pictures of each defect, on a doubling scale, a dot "
        f"for each run and a line through the means: {', '.join(found)}.{across}",
    )


def _box(axis: Axes, corners: Sequence[float], colour: str, line: str) -> None:
    left, top, right, bottom = corners
    across, down = right - left, bottom - top
    for ink, width in ((DARK, 2.4), (colour, 1.3)):
        drawn = Rectangle((left, top), across, down, fill=False, ec=ink, lw=width, ls=line)
        axis.add_patch(drawn)


def _tag(axis: Axes, corners: np.ndarray, text: str, colour: str) -> None:
    axis.text(
        corners[0], max(corners[1] - 3, 6), text, fontsize=7, color="black",
        bbox={"facecolor": colour, "alpha": 0.8, "pad": 0.8, "edgecolor": "none"},
    )  # fmt: skip
