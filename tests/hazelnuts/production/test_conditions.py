"""Nuts under chosen conditions: each change is the one asked for, and no other."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate

from helpers.hazelnuts.production import (
    USUAL,
    Conditions,
    defects_of_size,
    photograph,
    photographs,
)
from helpers.hazelnuts.render import render_nut
from helpers.hazelnuts.tiers import TIERS
from helpers.metrics.sizes import pixels_across

SIZE = 128


@pytest.mark.parametrize("defect", ["good", "crack", "cut", "hole", "print"])
def test_usual_conditions_give_the_picture_of_the_data_set(defect):
    mine, mask = photograph(3, USUAL, defect, SIZE)
    theirs, outlined = render_nut(3, defect, SIZE)
    assert np.array_equal(mine, theirs.transpose(2, 0, 1))
    assert mask.any() == (defect != "good")
    assert (outlined >= mask).all()  # a person's outline lies around what has changed


def of(**conditions):
    return photograph(5, Conditions(**conditions), size=SIZE)[0].astype(float)


def test_a_dimmer_lamp_takes_a_share_of_all_light():
    usual, dim = of(), of(lamp=0.8)
    assert abs((dim - 0.8 * usual).mean()) < 0.1
    assert abs(dim - 0.8 * usual).max() < 4  # rounding, and the sensor's noise, which stays


def test_a_turned_camera_turns_the_picture():
    usual, turned = of(), of(turn=90)
    # A quarter turn takes pixels to pixels: all but noise and rounding is the same.
    apart = [abs(np.rot90(usual, quarter, (1, 2)) - turned).mean() for quarter in (1, 3)]
    assert min(apart) < 1.5
    assert max(apart) > 5
    little = rotate(usual, 7, (2, 1), reshape=False, order=1)
    inside = np.hypot(*(np.indices((SIZE, SIZE)) - SIZE / 2)) < 0.45 * SIZE
    assert (
        abs(little - of(turn=7))[:, inside].mean() < 0.5 * abs(usual - of(turn=7))[:, inside].mean()
    )


def test_defocus_blurs_before_the_noise():
    blurred = gaussian_filter(of(), (0, 2, 2), mode="nearest")
    assert abs(of(defocus=2 / SIZE) - blurred).mean() < 1.2


def test_another_harvest_has_other_shells_and_the_same_background():
    usual, other = of(), of(shell=1.2)
    assert np.array_equal(usual[:, :8], other[:, :8])
    middle = (slice(None), slice(40, 88), slice(40, 88))
    assert (other[middle] - usual[middle]).mean() > 1


def test_defects_have_the_size_that_was_asked_for():
    _, masks = photographs(range(8), USUAL, "hole", SIZE, defects_of_size(10 / SIZE, 10 / SIZE))
    across = pixels_across(masks)
    # A torn rim is drawn round the bore, and a bore at the nut's edge is seen from the side.
    assert 7 < np.median(across) < 18
    _, small = photographs(range(8), USUAL, "hole", SIZE, defects_of_size(4 / SIZE, 4 / SIZE))
    assert np.median(pixels_across(small)) < 0.6 * np.median(across)


def test_only_the_sizes_change():
    tier = defects_of_size(0.02, 0.1)
    assert tier.blemishes == TIERS["real"].blemishes
    assert tier.plain.hole.strength == TIERS["real"].plain.hole.strength
    assert tier.plain.crack == TIERS["real"].plain.crack


def test_impossible_conditions_are_refused():
    with pytest.raises(ValueError, match="lamp"):
        Conditions(lamp=0)
    with pytest.raises(ValueError, match="sizes"):
        defects_of_size(0.1, 0.05)
