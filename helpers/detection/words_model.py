"""The detector with words for classes as the book uses it: pictures and texts in, boxes out."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from torchvision.models.detection.fcos import FCOS

from helpers.detection.boxes import Boxes
from helpers.detection.detector import (
    BATCH,
    BoxDetectorSettings,
    boxes_of,
    check_boxes,
    train_on_boxes,
)
from helpers.detection.words import SIDE, check_texts, trained_state, word_network
from helpers.errors import DataError, did_you_mean
from helpers.machine import this_machine
from helpers.networks.architectures import LITE
from helpers.networks.inference import each_batch
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings, check_batch
from helpers.networks.weights import model_card, read_formula_weights

FOLDER = Path(__file__).parent / "formula_weights"
NAME = "words"
WEIGHTS = ("formula", "random")


@dataclass(frozen=True, eq=False)
class WordDetector:
    """A detector that is asked by texts, and where its weights come from.

    Attributes
    ----------
    network
        FCOS with a ``WordHead``, in evaluation mode.
    source
        One sentence: which weights.
    """

    network: FCOS
    source: str

    def find(self, images: np.ndarray, texts: Sequence[str]) -> list[Boxes]:
        """Find what the texts say on pictures, uint8 N×3×H×H: the surest box of each first.

        Pictures of another side than ``SIDE`` are resized to it. A box's label is its text's place
        in the list.

        Raises
        ------
        ValueError
            When a text has a word that is not known, or there is none, or one twice.
        """
        self.network.head.ask(check_texts(texts))
        answers = each_batch(lambda batch: self.network(list(batch)), images, BATCH)
        return [boxes_of(answer) for batch in answers for answer in batch]

    def fine_tuned(
        self,
        images: np.ndarray,
        boxes: Sequence[Boxes],
        texts: Sequence[str],
        training: TrainingSettings,
    ) -> Self:
        """Return a copy that was trained on, as ``BoxDetector`` trains; this one stays.

        Parameters
        ----------
        images
            uint8, N×3×S×S, S = ``SIDE``.
        boxes
            Of each; a box's label is its text's place in the list.
        texts
            The classes.
        training
            Epochs, batch size, highest learning rate, seed.

        Raises
        ------
        ValueError
            When pictures, boxes and texts do not fit, or a batch is larger than what there is.
        """
        texts = check_texts(texts)
        if images.shape[-1] != SIDE:
            raise ValueError(f"the side must be {SIDE} pixels; got {images.shape[-1]}.")
        check_boxes(images, boxes, len(texts))
        check_batch(len(images), training)
        network = copy.deepcopy(self.network)
        network.head.ask(texts)
        network.head.vectors.requires_grad_(False)  # texts keep their meaning
        network, _ = train_on_boxes(network, images, boxes, BoxDetectorSettings(training=training))
        return replace(self, network=network, source=f"{self.source}, fine-tuned")


def load_words(
    weights: str = "formula", *, body: str = LITE, seed: int = 0, folder: Path = FOLDER
) -> WordDetector:
    """Load the detector with words for classes that ships with the book.

    Parameters
    ----------
    weights
        ``"formula"``: all but the body was trained on captioned scenes; or ``"random"``, to
        compare. The body has its own weights in both.
    body
        One of ``words.BODIES``; there are formula weights for the default.
    seed
        Of random weights.
    folder
        Where the weights are kept.

    Raises
    ------
    ValueError
        When there is no such kind of weights, or no such body.
    DataError
        When the weights are missing or damaged, or belong to another network.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"no weights '{weights}'. {did_you_mean(weights, WEIGHTS)}")
    with seeded(seed):
        network = word_network(body)
    source = f"words with random weights, seed {seed}, on {body}"
    if weights == "formula":
        state, _ = read_formula_weights(NAME, folder)
        known = trained_state(network)
        unfit = sorted(state.keys() ^ known.keys()) or [
            key for key, value in state.items() if value.shape != known[key].shape
        ]
        if unfit:
            raise DataError(f"{NAME}.npz does not fit the network: {unfit[0]}. Take the book's.")
        network.load_state_dict(state, strict=False)
        source = f"words learned from formulas: {model_card(NAME, folder)['data']}"
    return WordDetector(this_machine().place(network).eval(), source)
