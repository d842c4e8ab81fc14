"""Figures of masks: their texts and what they refuse."""

import numpy as np
import pytest

from helpers.plots.segmentation import mask_agreement, prompts_on_images
from helpers.segmentation.prompts import Prompt

IMAGES = np.full((2, 3, 40, 40), 90, np.uint8)
MASKS = np.zeros((2, 40, 40), bool)
MASKS[:, 5:12, 30:39] = True


def test_agreement_shows_all_pictures_in_words():
    picture = mask_agreement(IMAGES, MASKS, ~MASKS, ["cut: 0.00", "hole: 0.00"])
    assert picture.alt.startswith("2 pictures") and picture.alt.endswith("cut: 0.00; hole: 0.00.")
    assert len(picture.encoded()[1]) > 1000


def test_prompts_are_told_in_words():
    prompts = [Prompt(((5, 6),), (True,), (1, 2, 9, 9)), Prompt(box=(0, 0, 3, 3))]
    assert "cut, hole" in prompts_on_images(IMAGES, MASKS * 1.0, prompts, ["cut", "hole"]).alt


@pytest.mark.parametrize(
    "work",
    [
        lambda: mask_agreement(IMAGES[:0], MASKS[:0], MASKS[:0]),
        lambda: mask_agreement(IMAGES, MASKS[:1], MASKS),
        lambda: mask_agreement(IMAGES, MASKS, MASKS, ["one"]),
        lambda: prompts_on_images(IMAGES, MASKS, [], ["a", "b"]),
    ],
)
def test_what_cannot_be_drawn_is_refused(work):
    with pytest.raises(ValueError):
        work()
