"""Words for classes: cosines by hand, texts that are refused, weights that ship, fine-tuning."""

import shutil
import socket

import numpy as np
import pytest
import torch
from torch.nn import functional

from helpers.detection.boxes import make_boxes
from helpers.detection.network import BoxNetworkSettings
from helpers.detection.words import LENGTH, SIDE, WordHead, trained_state, word_network
from helpers.detection.words_model import FOLDER, NAME, load_words
from helpers.errors import DataError
from helpers.formulas.captions import WORDS
from helpers.networks.training import TrainingSettings
from helpers.networks.weights import model_card, sha256_of


@pytest.fixture(scope="module")
def random_one():
    return load_words("random")


@pytest.fixture(scope="module")
def pictures():
    """Return two grey pictures, a dark square on the first."""
    images = np.full((2, 3, SIDE, SIDE), 150, np.uint8)
    images[0, :, 40:72, 40:72] = 20
    return images


def test_a_text_is_the_mean_of_its_words_and_its_logit_a_cosine():
    torch.manual_seed(0)
    head = WordHead(BoxNetworkSettings(width=32, depth=1))
    head.ask(["dark line", "spot"])
    dark, line, spot = (head.vectors[WORDS.index(word)] for word in ("dark", "line", "spot"))
    texts = head.text_vectors()
    assert torch.allclose(texts[0], functional.normalize((dark + line) / 2, dim=0), atol=1e-6)
    assert torch.allclose(texts[1], functional.normalize(spot, dim=0), atol=1e-6)
    maps = [torch.rand(1, 32, 4, 4), torch.rand(1, 32, 2, 2)]
    features = head.classification_head(maps)
    assert features.shape == (1, 20, LENGTH)
    cosine = functional.cosine_similarity(features[0, 3], texts[0], dim=0)
    logit = head(maps)["cls_logits"][0, 3, 0]
    assert logit.item() == pytest.approx((head.scale.exp() * cosine + head.bias).item(), abs=1e-4)


def test_several_texts_may_be_true_of_an_object():
    head = WordHead(BoxNetworkSettings(width=32, depth=1))
    anchors = [torch.tensor([[0.0, 0, 8, 8], [8, 0, 16, 8]])]
    outputs = {
        "cls_logits": torch.tensor([[[9.0, 9, -9], [-9, -9, -9]]]),
        "bbox_regression": torch.ones(1, 2, 4),
        "bbox_ctrness": torch.zeros(1, 2, 1),
    }
    target = {"boxes": torch.tensor([[0.0, 0, 9, 9]]), "labels": torch.tensor([0])}
    matched = [torch.tensor([0, -1])]

    def class_loss(truth):
        told = [target | {"truth": torch.tensor([truth])}]
        return head.compute_loss(told, outputs, anchors, matched)["classification"].item()

    assert class_loss([True, True, False]) == pytest.approx(0, abs=1e-6)
    # The text that is missed weighs a quarter of its cross-entropy, 9; the other none.
    assert class_loss([True, True, True]) == pytest.approx(0.25 * 9 / 3, rel=1e-3)
    alone = head.compute_loss([target], outputs, anchors, matched)["classification"].item()
    assert alone == pytest.approx(class_loss([True, False, False]))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["drak line"], "Did you mean 'dark'"),
        (["white print"], "the word 'print' is not known"),
        ([""], "one word at least"),
        ([], "one text at least"),
        (["dark line", "line dark"], "none twice"),
    ],
)
def test_texts_that_cannot_be_asked_for_are_refused(random_one, pictures, texts, message):
    with pytest.raises(ValueError, match=message):
        random_one.find(pictures, texts)


def test_a_lone_text_is_no_list(random_one, pictures):
    with pytest.raises(TypeError, match="a list of texts"):
        random_one.find(pictures, "dark line")


def test_what_cannot_be_loaded_is_said():
    with pytest.raises(ValueError, match="formula"):
        load_words("formulas")
    with pytest.raises(ValueError, match="resnet18"):
        word_network("resnet19")


def test_only_the_body_is_frozen():
    network = word_network()
    free = {name for name, value in network.named_parameters() if value.requires_grad}
    assert free == set(trained_state(network)) & {name for name, _ in network.named_parameters()}
    assert not any("body" in name for name in free)


def test_fine_tuning_changes_a_copy_but_no_word(random_one, pictures):
    before = {name: value.clone() for name, value in random_one.network.state_dict().items()}
    boxes = [make_boxes([[40, 40, 72, 72]]), make_boxes([])]
    training = TrainingSettings(epochs=1, batch_size=2, learning_rate=1e-3)
    tuned = random_one.fine_tuned(pictures, boxes, ["dark spot"], training)
    after = tuned.network.state_dict()
    assert all(
        torch.equal(value, before[name]) for name, value in random_one.network.state_dict().items()
    )
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert "head.classification_head.cls_logits.weight" in moved
    assert "head.vectors" not in moved
    assert not any("body" in name for name in moved)
    with pytest.raises(ValueError, match="side must be"):
        tuned.fine_tuned(pictures[:, :, :64, :64], boxes, ["dark spot"], training)


def test_the_weights_that_ship_need_no_network_and_find_what_the_text_says(monkeypatch, pictures):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model, card = load_words(), model_card(NAME, FOLDER)
    file = FOLDER / f"{NAME}.npz"
    assert sha256_of(file) == card["sha256"]
    assert file.stat().st_size < 2e6
    assert tuple(card["words"]) == WORDS
    assert {"data", "recipe", "duration", "cannot", "licence"} <= set(card)
    first, second = model.find(pictures, ["dark spot", "bright line"])
    assert first.labels[0] == 0
    assert np.abs(first.corners[0] - [40, 40, 72, 72]).max() < 8
    assert first.of_class(0).scores.max() > 2 * first.of_class(1).scores.max(initial=0.01)
    assert first.scores.max() > 2 * second.scores.max(initial=0.01)


def test_damaged_weights_and_those_of_another_version_are_refused(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    file = tmp_path / f"{NAME}.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="SHA-256"):
        load_words(folder=tmp_path)
    file.write_bytes(whole)
    with pytest.raises(DataError, match="does not fit"):
        load_words(body="resnet18", folder=tmp_path)
