"""What is measured of words: boxes of what is true, and a control that misunderstands."""

import numpy as np
import torch

from helpers.detection.word_scores import (
    HELD_OUT_TEXTS,
    common_words,
    rare_compositions,
    shuffled,
    text_precision,
    true_boxes_of,
)
from helpers.detection.words_model import load_words
from helpers.formulas.captions import Captioned, memberships

CORNERS = np.array([[0, 0, 9, 9], [4, 4, 20, 8], [1, 1, 5, 5]], np.float32)
KNOWN = Captioned(
    np.zeros((3, 3, 32, 32), np.uint8),
    np.array([0, 0, 2]),
    CORNERS,
    memberships([("spot", "dark"), ("line", "dark"), ("spot", "white")]),
)


def test_a_text_has_a_box_for_each_object_that_it_is_true_of():
    first, second, third = true_boxes_of(KNOWN, ["dark", "spot dark", "white"])
    assert first.corners[:, 2].tolist() == [9, 9, 20]
    assert first.labels.tolist() == [0, 1, 0]
    assert len(second) == 0
    assert third.labels.tolist() == [2]


def test_only_words_and_pairs_with_enough_objects_are_measured():
    many = np.repeat(KNOWN.words, 10, 0)
    known = Captioned(KNOWN.pictures, np.zeros(30, int), np.repeat(CORNERS, 10, 0), many)
    assert common_words(known) == ("spot", "line", "dark", "white")
    assert common_words(KNOWN) == ()
    held = Captioned(
        KNOWN.pictures, np.zeros(70, int), np.repeat(CORNERS[:1], 70, 0),
        np.concatenate([many, np.repeat(memberships([t.split() for t in HELD_OUT_TEXTS]), 10, 0)]),
    )  # fmt: skip
    assert rare_compositions(held) == ("dark spot", "dark line", "white spot")


def test_no_shuffled_word_keeps_its_vector_and_the_model_keeps_its_own():
    model = load_words("random")
    before = model.network.head.vectors.clone()
    mixed = shuffled(model, 0).network.head.vectors
    assert torch.equal(model.network.head.vectors, before)
    assert not (mixed == before).all(1).any()
    assert torch.equal(mixed.sort(0).values, before.sort(0).values)
    assert torch.equal(mixed, shuffled(model, 0).network.head.vectors)


def test_the_precision_of_a_text_is_that_of_its_boxes():
    images = np.full((2, 3, 128, 128), 150, np.uint8)
    images[0, :, 40:72, 40:72] = 20
    words = memberships([("spot", "dark")])
    known = Captioned(images, np.array([0]), np.array([[40, 40, 72, 72]], np.float32), words)
    texts = ["dark spot"]
    found = text_precision(load_words(), images, true_boxes_of(known, texts), texts)
    assert found == {"dark spot": 1.0}
