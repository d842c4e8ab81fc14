"""YOLO-World: prompts are checked everywhere, the network where ultralytics is installed."""

import numpy as np
import pytest
import torch

from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet
from helpers.annotations.regions import Region
from helpers.detection import text_prompts, yolo_world
from helpers.detection.boxes import as_one_class, make_boxes
from helpers.detection.precision_recall import iou_matrix
from helpers.detection.text_prompts import check_prompts, clip_embedding, stand_in_embedding
from helpers.detection.yolo_world import (
    YoloWorld,
    YoloWorldSettings,
    before_and_after,
    read_yolo_world,
    small_yolo_world,
    yolo_world_file,
)
from helpers.errors import DataError
from helpers.networks.training import TrainingSettings

SIDE = 64
needs_ultralytics = pytest.mark.skipif(
    not yolo_world.has_ultralytics(),
    reason="ultralytics (AGPL-3.0) is not installed: pip install ultralytics",
)


def squares(count, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(60, 80, (count, 3, SIDE, SIDE)).astype(np.uint8)
    boxes = []
    for number, image in enumerate(images):
        left, top = rng.integers(4, 36, 2)
        image[:, top : top + 20, left : left + 20] = 230
        boxes.append(make_boxes([[left, top, left + 20, top + 20]], [number % 2]))
    return images, boxes


def test_prompts_are_texts_of_any_script():
    assert check_prompts(["fêlure fine", "  ink   print ", "裂縫"]) == (
        "fêlure fine",
        "ink print",
        "裂縫",
    )


@pytest.mark.parametrize("prompts", ["crack", [(3, 4)], [b"crack"], [np.zeros(4)]])
def test_other_kinds_of_prompts_are_refused(prompts):
    with pytest.raises(TypeError, match="prompts of YOLO-World are texts"):
        check_prompts(prompts)


@pytest.mark.parametrize("prompts", [[], [""], ["  "], ["hole", "hole"], ["a b", "a  b"]])
def test_missing_prompts_are_refused(prompts):
    with pytest.raises(ValueError, match="one prompt at least"):
        check_prompts(prompts)


def test_stand_in_embeddings_are_fixed_directions():
    two = stand_in_embedding(["crack", "trou d'épingle"])
    assert two.shape == (2, 512)
    assert torch.allclose(two.norm(dim=1), torch.ones(2))
    assert torch.equal(two[:1], stand_in_embedding(["crack"]))
    assert abs(float(two[0] @ two[1])) < 0.2


def test_weights_are_looked_for_where_the_reader_says(monkeypatch, tmp_path):
    monkeypatch.setenv("ONE_BAD_NUT_YOLO_WORLD", str(tmp_path / "mine.pt"))
    assert yolo_world_file() == tmp_path / "mine.pt"


def test_missing_weights_are_named_with_the_remedy(tmp_path):
    with pytest.raises(DataError, match=r"mine\.pt\. Fetch https://"):
        read_yolo_world(tmp_path / "mine.pt")


def test_without_the_package_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr(yolo_world, "has_ultralytics", lambda: False)
    with pytest.raises(ImportError, match="pip install ultralytics"):
        small_yolo_world(2)


@needs_ultralytics
def test_the_whole_fine_tuning_learns_a_few_pictures_by_heart():
    images, boxes = squares(4)
    # From random weights the loss rises before it falls: the better a box, the more is asked of it.
    training = TrainingSettings(epochs=200, batch_size=4, learning_rate=4e-3)
    network = small_yolo_world(2)
    before = {name: value.clone() for name, value in network.named_parameters()}
    settings = YoloWorldSettings(jitter=0.0, training=training)
    model = YoloWorld(network, stand_in_embedding, settings)
    model.set_prompts(["bright square", "fêlure fine"]).fit(images, boxes)
    after = dict(network.named_parameters())
    fixed = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert all(".dfl." in name for name in fixed), fixed  # every weight but the fixed numbers
    assert model.losses[-1] < 0.7 * model.losses[0]
    for true, found in zip(boxes, model.predict(images), strict=True):
        assert iou_matrix(true.corners, found.corners[:1])[0, 0] > 0.7
        assert found.labels[0] == true.labels[0]
    # Asked for one thing, it gives boxes of that one alone.
    assert all(
        set(b.labels.tolist()) <= {0} for b in model.set_prompts(["bright square"]).predict(images)
    )


@needs_ultralytics
def test_a_checkpoint_made_here_is_read_again(tmp_path):
    network = small_yolo_world(2, seed=3)
    path = tmp_path / "local.pt"
    torch.save({"model": network, "train_args": {}}, path)
    images, _ = squares(2)
    settings = YoloWorldSettings(score_threshold=1e-6)
    answers = [
        YoloWorld(model, stand_in_embedding, settings).set_prompts(["a", "b"]).predict(images)
        for model in (network, read_yolo_world(path))
    ]
    for one, other in zip(*answers, strict=True):
        assert len(one)
        assert np.allclose(one.corners, other.corners, atol=1e-3)


@needs_ultralytics
def test_damaged_and_foreign_checkpoints_are_refused(tmp_path):
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"damaged\.pt cannot be read"):
        read_yolo_world(damaged)
    foreign = tmp_path / "foreign.pt"
    torch.save({"model": torch.nn.Linear(2, 2), "train_args": {}}, foreign)
    with pytest.raises(DataError, match=r"foreign\.pt"):
        read_yolo_world(foreign)


@needs_ultralytics
def test_what_does_not_fit_is_refused():
    model = YoloWorld(small_yolo_world(2), stand_in_embedding)
    images, boxes = squares(2)
    with pytest.raises(ValueError, match="has not been fitted"):
        model.predict(images)
    model.set_prompts(["a"])
    with pytest.raises(ValueError, match="class 1, but there are 1"):
        model.fit(images, boxes)
    with pytest.raises(ValueError, match="multiple of 32"):
        model.predict(images[..., :60, :60])
    with pytest.raises(ValueError, match="embedding must be 1×512"):
        YoloWorld(small_yolo_world(1), lambda texts: torch.zeros(1, 3)).set_prompts(["a"])


def test_no_text_encoder_is_fetched(monkeypatch):
    monkeypatch.setattr(text_prompts, "find_spec", lambda name: None)
    assert clip_embedding(torch.nn.Identity()) is None


@needs_ultralytics
def test_what_fine_tuning_gains_and_loses_is_judged():
    images, boxes = squares(4)
    annotations = AnnotationSet(
        "squares",
        ("even", "odd"),
        tuple(
            AnnotatedImage(
                f"{n}.png",
                SIDE,
                SIDE,
                (
                    Annotation(
                        n % 2,
                        Region(*b.corners[0, :2].astype(int).tolist(), np.ones((20, 20), bool)),
                    ),
                ),
            )
            for n, b in enumerate(boxes)
        ),
    )
    settings = YoloWorldSettings(training=TrainingSettings(epochs=1, batch_size=4))
    model = YoloWorld(small_yolo_world(2), stand_in_embedding, settings)
    other = "square", as_one_class(annotations, "square")
    found = before_and_after(model, (images, boxes), (annotations, images), other)
    assert list(found) == ["zero-shot", "fine-tuned"]
    assert all(0 <= value <= 1 for row in found.values() for value in row.values())
    assert len(model.losses) == 1
