"""Figures of masks: where a predicted one agrees with the true one, and prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from helpers.plots.images import draw_box, show_window, window_about
from helpers.plots.picture import Picture
from helpers.plots.style import OUTLINE, PAGE, check_lengths, panels

if TYPE_CHECKING:  # the package brings torchvision, which takes seconds to import
    from helpers.segmentation.prompts import Prompt

# Okabe and Ito (2008); dark, middle and bright, so that grey tells them apart too.
AGREEMENT = {"in both": "#0072B2", "predicted only": "#F0E442", "true only": "#D55E00"}


def mask_agreement(
    images: np.ndarray,
    masks: np.ndarray,
    truths: np.ndarray,
    titles: Sequence[str] | None = None,
    columns: int = 4,
    margin: int | None = 12,
) -> Picture:
    """Show where predicted and true masks agree, and above each the picture itself.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    masks, truths
        bool, N×H×W.
    titles
        N texts, or none.
    columns
        Pictures in a row.
    margin
        Pixels to show around what is marked; the whole picture when none is given.

    Raises
    ------
    ValueError
        When there is no picture, or the arrays differ in number or size.
    """
    shape = (len(images), *images.shape[2:])
    if masks.shape != shape or truths.shape != shape:
        raise ValueError(
            f"images, masks and truths must be of one number and size; got "
            f"{images.shape}, {masks.shape} and {truths.shape}."
        )
    check_lengths(images=images, titles=titles)
    rows = -(-len(images) // columns)
    with panels(2 * rows, columns, 2 * rows * (PAGE / columns + 0.14) + 0.4) as (figure, axes):
        for axis in axes.ravel():
            axis.set_axis_off()
        for i in range(len(images)):
            row, column = divmod(i, columns)
            above, below = axes[2 * row, column], axes[2 * row + 1, column]
            window = window_about(masks[i] | truths[i], margin)
            for axis in (above, below):
                axis.imshow(images[i].transpose(1, 2, 0))
                show_window(axis, window)
            below.imshow(_colours(masks[i], truths[i]), interpolation="nearest")
            if titles is not None:
                above.set_title(titles[i], pad=3, fontsize=10)
        handles = [Patch(color=colour, label=name) for name, colour in AGREEMENT.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    named = f": {'; '.join(titles)}" if titles is not None else ""
    return Picture(
        figure,
        f"{len(images)} pictures, and below each the same with its pixels coloured: marked in both "
        f"the predicted and the true mask, in the predicted one only, in the true one only{named}.",
    )


def prompts_on_images(
    images: np.ndarray, maps: np.ndarray, prompts: Sequence[Prompt], titles: Sequence[str]
) -> Picture:
    """Show anomaly maps and, above them, the pictures with the prompts made from them.

    Parameters
    ----------
    images
        uint8, N×3×H×W.
    maps
        N×H×W.
    prompts, titles
        N each.

    Raises
    ------
    ValueError
        When there is no picture, or the numbers differ.
    """
    check_lengths(images=images, maps=maps, prompts=prompts, titles=titles)
    count = len(images)
    with panels(2, count, 2 * PAGE / max(count, 4) + 0.5) as (figure, axes):
        for column, image, scores, prompt, title in zip(
            axes.T, images, maps, prompts, titles, strict=True
        ):
            column[0].imshow(image.transpose(1, 2, 0))
            column[1].imshow(scores)
            column[0].set_title(title, pad=3)
            for axis in column:
                axis.set_axis_off()
                _draw_prompt(axis, prompt)
    return Picture(
        figure,
        f"{count} pictures ({', '.join(titles)}) above their anomaly maps. On both a box and a "
        "point mark where the map is highest: the prompts.",
    )


def _draw_prompt(axis: Axes, prompt: Prompt) -> None:
    if prompt.box is not None:
        left, top, right, bottom = prompt.box
        draw_box(axis, (left - 0.5, top - 0.5, right + 0.5, bottom + 0.5), OUTLINE)
    for (x, y), inside in zip(prompt.points, prompt.inside, strict=True):
        axis.plot(x, y, "o" if inside else "X", ms=6, mfc=OUTLINE, mec="black")


def _colours(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    shade = np.zeros((*mask.shape, 4))
    parts = (mask & truth, mask & ~truth, truth & ~mask)
    for part, colour in zip(parts, AGREEMENT.values(), strict=True):
        shade[part] = mpl.colors.to_rgba(colour, 0.9)
    return shade
