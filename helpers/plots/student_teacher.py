"""Figures of chapter 12: two networks' features, side by side and one over the other."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.plots.picture import Picture, method_colour
from helpers.plots.style import GREY, OUTLINE, PAGE, check_any, check_lengths, panels


def feature_maps(
    images: np.ndarray,
    teacher: np.ndarray,
    student: np.ndarray,
    titles: Sequence[str],
    masks: np.ndarray | None = None,
) -> Picture:
    """Show one feature of some images as teacher and student see it, and the squared difference.

    Teacher and student share one colour scale; the differences have their own.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    teacher, student
        N×h×w.
    titles
        N texts.
    masks
        bool, N×H×W; their outlines are drawn on the images.

    Raises
    ------
    ValueError
        When the arrays disagree in number or shape, or hold a number that is not finite.
    """
    check_lengths(images=images, teacher=teacher, student=student, titles=titles)
    if teacher.shape != student.shape or not np.isfinite([teacher, student]).all():
        raise ValueError(
            "teacher and student must be finite maps of one shape; got "
            f"{teacher.shape} and {student.shape}."
        )
    low, high = np.percentile([teacher, student], [0.5, 99.5])
    difference = (teacher - student) ** 2
    rows = {
        "teacher": (teacher, low, high),
        "student": (student, low, high),
        "squared\ndifference": (difference, 0, np.percentile(difference, 99.9)),
    }
    with panels(4, len(images), 4 * PAGE / (len(images) + 0.5) + 0.4) as (figure, axes):
        for i, axis in enumerate(axes[0]):
            axis.imshow(images[i].transpose(1, 2, 0))
            axis.set_title(titles[i], pad=3)
            if masks is not None and masks[i].any():
                axis.contour(masks[i], levels=[0.5], colors=OUTLINE, linewidths=1.2)
        for row, (name, (maps, least, most)) in zip(axes[1:], rows.items(), strict=True):
            row[0].set_ylabel(name)
            for axis, values in zip(row, maps, strict=True):
                axis.imshow(values, vmin=least, vmax=most)
        axes[0, 0].set_ylabel("image")
        for axis in axes.ravel():
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
    return Picture(
        figure,
        f"Columns: {', '.join(titles)}. From top to bottom: the image, one feature of it as the "
        "teacher gives it, the same as the student gives it, and their squared difference; yellow "
        "means a high value.",
    )


def student_agreement(patches: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Picture:
    """Draw all features of single patches: the student's value over the teacher's.

    Parameters
    ----------
    patches
        For each patch, the teacher's and the student's C features.

    Raises
    ------
    ValueError
        When there is no patch, or the two feature vectors of one differ in length.
    """
    check_any(patches, "patch")
    pairs = {name: tuple(np.asarray(v, float) for v in pair) for name, pair in patches.items()}
    for name, (teacher, student) in pairs.items():
        if teacher.ndim != 1 or teacher.shape != student.shape:
            raise ValueError(
                f"{name}: teacher and student must be C features each; got shapes {teacher.shape} "
                f"and {student.shape}."
            )
    values = np.concatenate([np.concatenate(pair) for pair in pairs.values()])
    low, high = values.min() - 0.3, values.max() + 0.3
    height = PAGE / max(len(pairs), 2) + 0.3
    with panels(1, len(pairs), height, sharex=True, sharey=True) as (figure, (axes,)):
        for axis, (name, (teacher, student)) in zip(axes, pairs.items(), strict=True):
            axis.plot([low, high], [low, high], color=GREY, lw=1, ls=":")
            axis.plot(
                teacher, student, "o", color=method_colour("Student–teacher"), ms=5, mew=0.4,
                mec="black", alpha=0.8,
            )  # fmt: skip
            axis.set_title(name)
            axis.set_xlabel("teacher's value")
            axis.set_xlim(low, high)
            axis.set_ylim(low, high)
            axis.set_aspect("equal")
        axes[0].set_ylabel("student's value")
    gaps = [f"{name} {((t - s) ** 2).mean():.2g}" for name, (t, s) in pairs.items()]
    return Picture(
        figure,
        f"A panel for each of {', '.join(pairs)}: every dot is a feature, its value for the "
        "student over that for the teacher; a dotted diagonal marks equality. Mean squared "
        f"distance: {', '.join(gaps)}.",
    )
