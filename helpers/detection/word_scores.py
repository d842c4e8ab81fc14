"""How well the detector with words for classes does what its texts say."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch

from helpers.detection.boxes import Boxes, make_boxes
from helpers.detection.precision_recall import ap_per_class
from helpers.detection.words_model import WordDetector
from helpers.detection.words_pretraining import HELD_OUT
from helpers.formulas.captions import KINDS, WORDS, Captioned, is_true, memberships, words_of

HELD_OUT_TEXTS = tuple(" ".join(pair) for pair in HELD_OUT)
FEWEST = 10  # objects of which a text must be true, or its average precision is mere luck


def true_boxes_of(known: Captioned, texts: Sequence[str]) -> list[Boxes]:
    """Return for each picture a box for every text that is true of an object, and every object."""
    truth = is_true(memberships([words_of(text) for text in texts]), known.words)
    found = []
    for row in range(len(known.pictures)):
        mine = np.flatnonzero(known.rows == row)
        objects, labels = np.nonzero(truth[mine])
        found.append(make_boxes(known.corners[mine][objects], labels))
    return found


def common_words(known: Captioned) -> tuple[str, ...]:
    """Return the words that are true of enough objects to be measured."""
    return tuple(np.array(WORDS)[known.words.sum(0) >= FEWEST].tolist())


def rare_compositions(known: Captioned) -> tuple[str, ...]:
    """Return the pairs of a lightness or colour and a shape that are as rare as those held out.

    They were seen in training; so they tell what a held-out pair would have, had it been.
    """
    pairs = product((*KINDS["lightness"], *KINDS["colour"]), KINDS["shape"])
    texts = [" ".join(pair) for pair in pairs]
    counts = dict(zip(texts, _objects(known, texts), strict=True))
    held = [counts[text] for text in HELD_OUT_TEXTS]
    return tuple(
        text
        for text in texts
        if text not in HELD_OUT_TEXTS and max(FEWEST, min(held)) <= counts[text] <= max(held)
    )


def text_precision(
    model: WordDetector, images: np.ndarray, true: Sequence[Boxes], texts: Sequence[str]
) -> dict[str, float]:
    """Return the AP50 of each text on pictures with their true boxes."""
    return ap_per_class(true, model.find(images, texts), texts)


def shuffled(model: WordDetector, seed: int) -> WordDetector:
    """Return a copy whose words have changed their vectors: it finds as well, and misunderstands.

    No word keeps its own.
    """
    rng, order = np.random.default_rng(seed), np.arange(len(WORDS))
    while (order == np.arange(len(WORDS))).any():
        order = rng.permutation(len(WORDS))
    network = copy.deepcopy(model.network)
    with torch.no_grad():
        vectors = network.head.vectors
        vectors.copy_(vectors[torch.from_numpy(order).to(vectors.device)].clone())
    return replace(model, network=network, source=f"{model.source}, words shuffled")


def _objects(known: Captioned, texts: Sequence[str]) -> np.ndarray:
    return is_true(memberships([words_of(text) for text in texts]), known.words).sum(0)
