"""The pretraining of words: texts that are true or nearly, what is held out, twice the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detection.words import trained_state
from helpers.detection.words_pretraining import (
    HELD_OUT,
    MOST_WORDS,
    WordSettings,
    draw_texts,
    learning_rate_at,
    lesson_of,
    make_lesson,
    pretrain,
)
from helpers.errors import DataError
from helpers.formulas.captions import Captioned, is_true, memberships
from helpers.machine import Machine

SMALL = WordSettings(
    scenes=6, textures=2, side=64, steps=3, pictures=2, texts=5, warming=1, cooling=1
)
CPU = Machine("cpu", "float32")


@pytest.fixture(scope="module")
def lesson():
    return make_lesson(SMALL)


def test_texts_have_words_of_an_object_or_one_that_is_wrong():
    objects = memberships([("spot", "round", "dark", "red"), ("line", "thin", "bright", "grey")])
    rng = np.random.default_rng(0)
    right, wrong = draw_texts(objects, 200, 0.0, rng), draw_texts(objects[:1], 200, 1.0, rng)
    assert is_true(right, objects).any(0).all()
    assert not is_true(wrong, objects[:1]).any()
    for texts in (right, wrong):
        assert set(texts.sum(1)) == set(range(1, MOST_WORDS + 1))
        assert not is_true(memberships(HELD_OUT), texts).any()


def test_scenes_with_what_is_held_out_are_left_out():
    corners = np.array([[0, 0, 8, 8], [4, 4, 9, 9], [1, 1, 5, 5]], np.float32)
    words = memberships([("ring", "bright"), ("ring", "dark"), ("spot", "dark")])
    pictures = np.arange(3 * 3 * 16 * 16).reshape(3, 3, 16, 16).astype(np.uint8)
    kept = lesson_of(Captioned(pictures, np.array([0, 0, 2]), corners, words))
    assert len(kept.pictures) == len(kept.boxes) == 2
    assert (kept.pictures == pictures[1:]).all()
    assert [boxes.labels.tolist() for boxes in kept.boxes] == [[], [2]]
    assert kept.boxes[1].corners.tolist() == [[1, 1, 5, 5]]


def test_the_rate_rises_stays_and_falls():
    settings = WordSettings(steps=100, warming=10, cooling=20, learning_rate=1.0)
    rates = [learning_rate_at(step, settings) for step in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert rates[10:80] == [1.0] * 70
    assert rates[-2:] == pytest.approx([0.1, 0.05])


def test_the_pretraining_repeats_and_continues_to_the_bit(lesson, tmp_path):
    whole = pretrain(SMALL, lesson, machine=CPU)
    file = tmp_path / "checkpoint.pt"
    # Before its cooling, a longer run does what a shorter one does.
    pretrain(replace(SMALL, steps=2), lesson, file, machine=CPU, save_every=1)
    resumed = pretrain(SMALL, lesson, file, machine=CPU)
    assert resumed.losses == whole.losses
    for name, value in trained_state(whole.network).items():
        assert torch.equal(value, trained_state(resumed.network)[name]), name
    with pytest.raises(DataError, match="other settings"):
        pretrain(replace(SMALL, seed=1), lesson, file, machine=CPU)
