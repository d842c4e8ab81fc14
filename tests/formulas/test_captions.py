"""Captions: each word on a drawing that a person would describe so, and never on its opposite."""

import numpy as np
import pytest

from helpers.formulas.captions import (
    KINDS,
    WORDS,
    box_of,
    caption,
    draw_captioned,
    is_true,
    look_at,
    memberships,
    words_of,
)
from helpers.formulas.scenes import draw_scenes, draw_textures

SIDE = 96


def canvas():
    return np.mgrid[:SIDE, :SIDE].astype(float) - SIDE / 2 + 0.5


def disc(radius):
    y, x = canvas()
    return np.hypot(x, y) < radius


def bar(length, width):
    y, x = canvas()
    return (np.abs(x) < length / 2) & (np.abs(y) < width / 2)


def painted(mask, inside, outside=0.5):
    picture = np.empty((3, SIDE, SIDE))
    picture[:] = np.reshape(outside, (-1, 1, 1))
    picture[:, mask] = np.reshape(inside, (-1, 1))
    return (255 * picture).astype(np.uint8)


def zigzag():
    y, x = canvas()
    return (np.abs(y - 20 * np.abs((x / 12) % 2 - 1) + 10) < 3) & (np.abs(x) < 40)


def letters():
    y, x = canvas()
    strokes = (np.abs(x) < 30) & (np.abs(y) < 15) & (np.abs((x + 30) % 12 - 6) < 1.6)
    return strokes | ((np.abs(x) < 30) & (np.abs(y) < 1.6))


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (disc(12), {"spot", "round"}),
        (disc(4), {"spot", "round", "small"}),
        (disc(30), {"spot", "round", "large"}),
        (bar(20, 20), {"spot", "round"}),
        (bar(30, 12), {"spot"}),
        (bar(50, 3), {"line", "thin", "large"}),
        (bar(50, 7), {"line", "large"}),
        (disc(12) & ~disc(8), {"ring"}),
        (letters(), {"patch", "large"}),
    ],
)
def test_shapes_and_sizes_have_the_words_of_a_person(mask, expected):
    found = caption(painted(mask, 0.2), mask)
    measured = {*KINDS["shape"], *KINDS["outline"], *KINDS["size"]}
    assert found & measured == expected


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        (0.2, 0.5, {"dark", "grey"}),
        (0.05, 0.5, {"dark", "black"}),
        (0.9, 0.5, {"bright", "white"}),
        (0.9, 0.9, {"white"}),
        ((0.7, 0.1, 0.15), 0.5, {"dark", "red"}),
        ((0.5, 0.3, 0.15), 0.2, {"bright", "brown"}),
        ((0.8, 0.8, 0.2), 0.7, {"yellow"}),
        ((0.2, 0.7, 0.2), 0.5, {"green"}),
        ((0.2, 0.3, 0.8), 0.5, {"dark", "blue"}),
        ((0.7, 0.2, 0.7), 0.2, {"bright", "purple"}),
    ],
)
def test_lightness_is_told_by_what_lies_around_and_colour_by_itself(inside, outside, expected):
    found = caption(painted(disc(10), inside, outside), disc(10))
    assert found & {*KINDS["lightness"], *KINDS["colour"]} == expected


def test_a_surface_is_smooth_or_rough_or_neither():
    mask, rng = disc(20), np.random.default_rng(0)
    for spread, expected in ((0.0, {"smooth"}), (0.07, set()), (0.2, {"rough"})):
        picture = painted(mask, 0.5, 0.2).astype(float)
        picture += 255 * spread * rng.standard_normal((1, SIDE, SIDE))
        found = caption(picture.clip(0, 255).astype(np.uint8), mask)
        assert found & {*KINDS["surface"]} == expected


def test_a_strip_is_measured_as_it_was_drawn():
    look = look_at(painted(bar(40, 6), 0.1), bar(40, 6))
    assert look.width == pytest.approx(6, abs=1)
    assert look.span == pytest.approx(40, abs=0.5)
    assert look.detour == pytest.approx(1, abs=0.15)
    assert look.opening == 0
    assert look_at(painted(zigzag(), 0.1), zigzag()).detour > 1.2


def test_a_caption_turns_with_its_picture():
    mask = letters()
    picture = painted(mask, (0.9, 0.8, 0.7), 0.3)
    turned = caption(picture.transpose(0, 2, 1)[:, ::-1], mask.T[::-1])
    assert turned == caption(picture, mask)


def test_one_pixel_and_the_whole_picture_have_a_caption():
    one = np.zeros((SIDE, SIDE), bool)
    one[3, 5] = True
    assert {"spot", "small", "dark"} <= caption(painted(one, 0.1), one)
    assert box_of(one) == (5, 3, 6, 4)
    whole = np.ones((SIDE, SIDE), bool)
    found = caption(painted(whole, 0.1), whole)
    assert "large" in found
    assert not found & {"dark", "bright"}  # nothing lies around


def test_what_is_no_object_is_refused():
    picture = painted(disc(5), 0.1)
    for mask in (np.zeros((SIDE, SIDE), bool), np.ones((SIDE, SIDE + 1), bool)):
        with pytest.raises(ValueError, match="an object is a mask"):
            look_at(picture, mask)


def test_a_text_is_true_of_what_has_all_its_words():
    objects = memberships([("dark", "line", "thin"), ("dark", "spot")])
    texts = memberships([words_of("Dark"), words_of("line dark"), words_of("bright spot")])
    assert is_true(texts, objects).tolist() == [[True, True, False], [True, False, False]]


@pytest.mark.parametrize(
    ("text", "message"),
    [("drak line", "Did you mean 'dark'"), ("", "one word at least"), ("dark dark", "twice")],
)
def test_texts_that_mean_nothing_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        words_of(text)


def test_scenes_are_captioned_object_by_object():
    textures = draw_textures(2, 3, 64)
    known, scenes = draw_captioned(6, 3, textures, 64), draw_scenes(6, 3, textures, 64)
    assert (known.pictures == scenes.pictures).all()
    assert known.rows.tolist() == np.repeat(np.arange(6), scenes.counts).tolist()
    masks = [mask for scene in range(6) for mask in scenes.masks(scene)]
    for mask, corners, words, row in zip(
        masks, known.corners, known.words, known.rows, strict=True
    ):
        left, top, right, bottom = corners.astype(int)
        assert mask[top:bottom, left:right].sum() == mask.sum()
        assert {WORDS[k] for k in np.flatnonzero(words)} == caption(scenes.pictures[row], mask)
        for kind in ("shape", "colour"):  # exactly one
            assert sum(words[WORDS.index(word)] for word in KINDS[kind]) == 1


def test_several_processes_draw_the_same():
    textures = draw_textures(2, 3, 48)
    one, two = (draw_captioned(4, 3, textures, 48, workers) for workers in (1, 2))
    assert (one.pictures == two.pictures).all()
    assert (one.words == two.words).all()
