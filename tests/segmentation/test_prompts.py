"""Prompts from masks and from maps, and what is refused."""

import numpy as np
import pytest

from helpers.segmentation.prompts import (
    Prompt,
    jitter_box,
    prompt_from_map,
    prompt_from_mask,
    prompted_objects,
    prompts_from_map,
)


def blob(top, left, height, width, shape=(20, 30)):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def test_the_box_holds_first_and_last_pixel():
    assert prompt_from_mask(blob(3, 5, 4, 7)) == Prompt(box=(5, 3, 11, 6))


def test_the_point_is_the_deepest_pixel():
    prompt = prompt_from_mask(blob(3, 5, 5, 5), "point")
    assert prompt == Prompt(((7.0, 5.0),), (True,))


def test_each_object_has_a_prompt_and_is_its_target():
    mask = blob(1, 1, 2, 2) | blob(10, 10, 4, 4)
    found = prompted_objects(mask)
    assert [prompt.box for prompt, _ in found] == [(1, 1, 2, 2), (10, 10, 13, 13)]
    for prompt, region in found:
        target = region.on(*mask.shape)
        assert prompt_from_mask(target) == prompt
        left, top, right, bottom = map(int, prompt.box)
        assert target.sum() == target[top : bottom + 1, left : right + 1].sum()
    assert np.array_equal(sum(region.on(*mask.shape) for _, region in found), mask)
    with pytest.raises(ValueError, match="marks 2 objects, and a prompt asks for one"):
        prompt_from_mask(mask)
    assert prompted_objects(mask & False) == []


def test_a_point_is_never_in_a_hole():
    mask = blob(2, 2, 11, 11)
    mask[4:11, 4:11] = False
    (x, y), *_ = prompt_from_mask(mask, "both").points
    assert mask[int(y), int(x)]


def test_a_mask_that_touches_the_border_and_a_mask_of_everything():
    assert prompt_from_mask(blob(0, 0, 5, 5), "both") == Prompt(
        ((2.0, 2.0),), (True,), (0, 0, 4, 4)
    )
    full = prompt_from_mask(np.ones((7, 9), bool), "both")
    assert full.box == (0, 0, 8, 6)
    full.check_within(7, 9)


def test_one_pixel_has_a_box_that_begins_and_ends_with_it():
    assert prompt_from_mask(blob(19, 29, 1, 1), "both") == Prompt(
        ((29.0, 19.0),), (True,), (29, 19, 29, 19)
    )


def test_a_map_is_asked_at_its_peak_with_the_box_of_its_half_height():
    y, x = np.mgrid[:20, :30]
    scores = np.maximum(0, 10 - np.hypot(x - 12, y - 8)) + 0.1
    prompt = prompt_from_map(scores, "both")
    assert prompt.points == ((12.0, 8.0),)
    assert prompt.box == (7, 3, 17, 13), "half the height is reached 5 pixels from the peak"
    assert prompt_from_map(scores, level=1).box == (12, 8, 12, 8)


def test_another_peak_does_not_widen_the_box():
    scores = blob(2, 2, 3, 3) * 1.0 + blob(12, 20, 3, 3) * 2.0
    assert prompt_from_map(scores).box == (20, 12, 22, 14)
    boxes = [prompt.box for prompt in prompts_from_map(scores)]
    assert boxes == [(20, 12, 22, 14), (2, 2, 4, 4)], "the highest comes first"
    assert [p.points for p in prompts_from_map(scores, "point")] == [((20, 12),), ((2, 2),)]
    assert len(prompts_from_map(scores, most=1)) == 1


def test_what_cannot_be_pointed_at_is_refused():
    with pytest.raises(ValueError, match="marks nothing"):
        prompt_from_mask(np.zeros((5, 5), bool))
    with pytest.raises(ValueError, match="no pixel that stands out"):
        prompt_from_map(np.full((5, 5), 3.0))
    with pytest.raises(ValueError, match="finite numbers"):
        prompt_from_map(np.full((5, 5), np.nan))
    with pytest.raises(ValueError, match="bool of shape H×W; got uint8"):
        prompt_from_mask(np.ones((5, 5), np.uint8))
    with pytest.raises(ValueError, match="level"):
        prompt_from_map(np.eye(5), level=0)


@pytest.mark.parametrize("make", [prompt_from_map, prompt_from_mask])
def test_an_unknown_kind_is_named_with_the_nearest(make):
    with pytest.raises(ValueError, match=r"no type of prompt 'bx'\. Did you mean 'box'"):
        make(np.eye(5, dtype=bool), "bx")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "needs a point or a box"),
        ({"points": ((1, 1),)}, "1 points and 0 values"),
        ({"points": ((1, np.nan),), "inside": (True,)}, "not finite"),
        ({"box": (5, 1, 4, 2)}, "upside down"),
    ],
)
def test_impossible_prompts_are_refused(values, told):
    with pytest.raises(ValueError, match=told):
        Prompt(**values)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(((30, 5),), (True,)),
        Prompt(((5, -1),), (True,)),
        Prompt(box=(0, 0, 29, 20)),
        Prompt(((5, 5),), (True,), (-1, 0, 3, 3)),
    ],
)
def test_a_prompt_outside_the_picture_is_named(prompt):
    with pytest.raises(ValueError, match="outside the picture of 30 × 20 pixels"):
        prompt.check_within(20, 30)


def test_jitter_moves_the_box_a_little_and_keeps_it_in_the_picture():
    rng = np.random.default_rng(0)
    prompt = Prompt(((15.0, 15.0),), (True,), (0.0, 10.0, 19.0, 29.0))
    boxes = np.array([jitter_box(prompt, rng, 0.1, 30).box for _ in range(200)])
    assert np.abs(boxes - prompt.box).max() <= 2 + 1e-9
    assert (boxes.min(), boxes.max()) == (0, 29)
    assert boxes.std(0).min() > 0.3
    assert jitter_box(prompt, rng, 0.1, 30).points == prompt.points
    single = Prompt(box=(4.0, 4.0, 4.0, 4.0))
    assert jitter_box(single, rng, 0, 30).box != single.box, "a pixel's box moves a pixel at least"
    point = Prompt(((1.0, 1.0),), (True,))
    assert jitter_box(point, rng, 1, 30) is point
