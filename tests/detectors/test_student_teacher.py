"""Student and teacher: agreement scores nothing, the loss is the hard one, bad input is named."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.data.load import load_category
from helpers.detectors.student_teacher import (
    RelativeDifference,
    Student,
    StudentTeacherDetector,
    StudentTeacherSettings,
    Teacher,
    differences,
    mean_of_hardest,
)
from helpers.errors import DataError
from helpers.metrics.image import image_auroc
from helpers.metrics.scores import Scores
from helpers.networks.backbone import backbone
from helpers.networks.normalisation import averaged_normalisation, fold_normalisation
from helpers.networks.training import DivergedError, TrainingSettings
from tests.stripes import still_stripes

TINY = StudentTeacherSettings(
    architecture="resnet18",
    weights="random",
    layers=("stride 4", "stride 8"),
    width=8,
    training=TrainingSettings(epochs=8, batch_size=8, learning_rate=5e-3),
)


@pytest.fixture(scope="module")
def fitted():
    return StudentTeacherDetector(TINY).fit(still_stripes(20))


def test_the_difference_of_a_hand_computed_case():
    teacher = {"a": torch.tensor([[[[1.0]], [[2.0]]]])}
    student = {"a": torch.tensor([[[[0.0]], [[4.0]]]])}
    assert differences(teacher, student)["a"].flatten().tolist() == [1, -2]


def test_the_students_map_is_resized_where_borders_differ():
    teacher, student = {"a": torch.ones(1, 2, 7, 7)}, {"a": torch.zeros(1, 2, 8, 8)}
    assert torch.equal(differences(teacher, student)["a"], torch.ones(1, 2, 7, 7))


@pytest.mark.parametrize(("share", "expected"), [(1.0, 2.5), (0.5, 3.5), (0.25, 4.0), (0.01, 4.0)])
def test_the_hard_loss_is_the_mean_above_a_quantile(share, expected):
    values = torch.tensor([[1.0, 4.0], [3.0, 2.0]])
    assert mean_of_hardest(values, share).item() == expected


def test_the_hard_loss_agrees_with_numpys_quantile():
    values = torch.tensor(np.random.default_rng(0).exponential(1, 10_000))
    limit = np.quantile(values, 0.9)
    assert mean_of_hardest(values, 0.1).item() == pytest.approx(values[values > limit].mean())


def test_easy_places_get_no_gradient_from_the_hard_loss():
    values = torch.tensor([0.1, 0.2, 5.0, 7.0], requires_grad=True)
    mean_of_hardest(values, 0.5).backward()
    assert values.grad.tolist() == [0, 0, 0.5, 0.5]


def test_the_teachers_features_are_standardised_on_good_images():
    images = torch.tensor(still_stripes(8)).float() / 255
    teacher = Teacher(backbone("resnet18", "random", ("layer1",)))
    with averaged_normalisation(teacher):
        teacher(images)
    raw, maps = teacher.network(images)["layer1"], teacher(images)["layer1"]
    mean, variance = raw.mean((0, 2, 3)), raw.var((0, 2, 3))
    expected = (raw - mean.view(1, -1, 1, 1)) / (variance.view(1, -1, 1, 1) + 1e-3).sqrt()
    assert torch.allclose(maps, expected, atol=1e-4)
    assert maps.mean((0, 2, 3)).abs().max() < 1e-4


def test_a_relative_difference_of_a_hand_computed_case():
    good = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(3, 2, 4, 4)
    relative = RelativeDifference(good, border=0)
    assert torch.allclose(relative.usual, torch.full((4, 4), 2.0))
    found = torch.tensor([0.0, 4.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    assert torch.allclose(relative(found), torch.full((1, 4, 4), 4.0))
    assert not relative(torch.zeros(1, 2, 4, 4)).any()


def test_good_differences_are_1_on_average_inside_and_at_an_unusual_border():
    torch.manual_seed(0)
    good = torch.randn(200, 3, 8, 8)
    good[..., 0] *= 5
    relative = RelativeDifference(good, border=1 / 8)(good)
    assert relative[:, 1:-1, 1:-1].mean().item() == pytest.approx(1, abs=0.02)
    assert relative[:, :, 0].mean().item() == pytest.approx(1, abs=0.05)


def test_an_easy_border_is_measured_as_the_rest():
    good = torch.ones(2, 1, 8, 8)
    good[..., 0] = 0.1
    relative = RelativeDifference(good, border=1 / 8)
    assert torch.allclose(relative.usual, torch.ones(8, 8))


def test_a_hard_place_inside_is_no_border():
    good = torch.ones(2, 1, 8, 8)
    good[..., 4, 4] = 3
    usual = RelativeDifference(good, border=1 / 8).usual
    assert torch.allclose(usual[1:-1, 1:-1], torch.full((6, 6), (35 + 9) / 36))


def test_the_layers_maps_are_multiplied(fitted):
    images = still_stripes(2, seed=2)
    images[:, :, 20:36, 24:40] = 250
    sharp = copy.copy(fitted)
    sharp.settings = replace(TINY, smoothing=0)
    product = np.ones((2, 64, 64), np.float32)
    for name, found in fitted.differences(images).items():
        with torch.inference_mode():
            relative = fitted.distances[name](found)[:, None]
            product *= (
                torch.nn.functional.interpolate(relative, (64, 64), mode="bilinear")[:, 0]
                .cpu()
                .numpy()
            )
    scores = sharp.predict(images)
    assert np.allclose(scores.maps, product, rtol=1e-4)
    assert np.allclose(scores.image, product.max((1, 2)), rtol=1e-4)


def test_a_student_equal_to_its_teacher_scores_zero(fitted):
    same = copy.copy(fitted)
    same.student = copy.deepcopy(fitted.teacher)
    images = still_stripes(3, seed=1)
    images[:, :, 20:36, 24:40] = 250
    assert not same.predict(images).maps.any()


def test_the_student_has_no_weight_of_its_teacher_and_answers_in_its_shapes():
    network = backbone("resnet18", "random", ("relu", "layer1", "layer3"))
    student = Student(network.channels, network.strides, width=4, depth=2)
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        wanted, got = network(images), student(images)
    assert {k: v.shape for k, v in got.items()} == {k: v.shape for k, v in wanted.items()}
    own = {p.data_ptr() for p in student.parameters()}
    assert not own & {p.data_ptr() for p in network.parameters()}


def test_a_folded_student_answers_the_same():
    torch.manual_seed(0)
    student = Student({"a": 6, "b": 5}, {"a": 2, "b": 4}, width=4, depth=1)
    images = torch.rand(4, 3, 32, 32)
    with averaged_normalisation(student):
        student(images * 0.5)
    before, after = student(images), fold_normalisation(student)(images)
    assert not any(
        isinstance(m, torch.nn.BatchNorm2d) for m in fold_normalisation(student).modules()
    )
    for name, value in before.items():
        assert torch.allclose(value, after[name], atol=1e-5)


def test_a_foreign_spot_is_found_where_it_is(fitted):
    good = still_stripes(6, seed=1)
    bad = good.copy()
    bad[:, :, 20:36, 24:40] = 250
    scores = fitted.predict(np.concatenate([good, bad]))
    assert isinstance(scores, Scores)
    assert scores.maps.shape == (12, 64, 64)
    assert scores.image[6:].min() > scores.image[:6].max()
    inside, outside = scores.maps[6:, 20:36, 24:40].mean(), scores.maps[6:, 48:, 48:].mean()
    assert inside > 2 * outside


def test_the_student_learns_and_the_teacher_does_not(fitted):
    assert fitted.history.losses[-1] < 0.5 * fitted.history.losses[0]
    fresh = backbone("resnet18", "random", TINY.layers)
    for one, two in zip(fitted.backbone.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(one.cpu(), two)


def test_good_images_that_taught_nothing_have_difference_1(fitted):
    for name, values in fitted.differences(still_stripes(20, seed=5)).items():
        assert fitted.distances[name](values).mean().item() == pytest.approx(1, abs=0.25)


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(fitted):
    images = still_stripes(4, seed=2)
    again = StudentTeacherDetector(TINY).fit(still_stripes(20))
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)
    other = replace(TINY, training=replace(TINY.training, seed=1, epochs=1))
    assert not np.array_equal(
        StudentTeacherDetector(other, fitted.backbone).fit(still_stripes(20)).predict(images).maps,
        fitted.predict(images).maps,
    )


def test_an_image_is_scored_alike_alone_and_in_company(fitted):
    images = still_stripes(20, seed=4)
    together, alone = fitted.predict(images), fitted.predict(images[17:18])
    assert np.allclose(together.maps[17], alone.maps[0], rtol=5e-2, atol=5e-2)


def test_an_interrupted_training_goes_on(tmp_path):
    path = tmp_path / "student.pt"
    short = replace(TINY, training=replace(TINY.training, epochs=1))
    StudentTeacherDetector(short, checkpoint=path).fit(still_stripes(20))
    once = replace(TINY, training=replace(TINY.training, epochs=2))
    resumed = StudentTeacherDetector(once, checkpoint=path).fit(still_stripes(20))
    straight = StudentTeacherDetector(once).fit(still_stripes(20))
    images = still_stripes(2, seed=2)
    assert np.array_equal(resumed.predict(images).maps, straight.predict(images).maps)


def test_constant_images_give_finite_scores():
    flat = np.full((12, 3, 64, 64), 128, np.uint8)
    once = replace(TINY, training=replace(TINY.training, epochs=1))
    scores = (
        StudentTeacherDetector(once).fit(flat).predict(np.concatenate([flat[:1], still_stripes(1)]))
    )
    assert np.isfinite(scores.maps).all()
    assert scores.image[1] > scores.image[0]


def test_what_cannot_be_fitted_or_predicted():
    with pytest.raises(ValueError, match="1 image cannot be split in two; load at least 2"):
        StudentTeacherDetector(TINY).fit(still_stripes(1))
    with pytest.raises(ValueError, match="a batch of 8 is larger than the 5 training images"):
        StudentTeacherDetector(TINY).fit(still_stripes(6))
    with pytest.raises(ValueError, match="call fit"):
        StudentTeacherDetector(TINY).predict(still_stripes(1))
    with pytest.raises(ValueError, match="has no layer 'layr2'.*layer2"):
        StudentTeacherDetector(replace(TINY, layers=("layr2",))).fit(still_stripes(10))
    with pytest.raises(ValueError, match="hard_share must be above 0, at most 1; got 0"):
        replace(TINY, hard_share=0)
    with pytest.raises(ValueError, match="width must be at least 1"):
        replace(TINY, width=0)
    with pytest.raises(ValueError, match="uint8"):
        StudentTeacherDetector(TINY).fit(still_stripes(10).astype(float))


def test_a_diverging_loss_stops():
    wild = replace(TINY, training=replace(TINY.training, learning_rate=1e30))
    with pytest.raises(DivergedError, match="Try a learning rate below 1e\\+30"):
        StudentTeacherDetector(wild).fit(still_stripes(20))


def test_grid_is_told_apart(real_root):
    grid = load_category("grid", 64, real_root)
    s = replace(TINY, weights="formula", training=replace(TINY.training, epochs=2))
    scores = StudentTeacherDetector(s).fit(grid.train[:96]).predict(grid.test)
    assert image_auroc(grid.labels, scores.image) > 0.5


def test_a_checkpoint_of_another_teacher_is_refused(tmp_path):
    path = tmp_path / "student.pt"
    once = replace(TINY, training=replace(TINY.training, epochs=1))
    StudentTeacherDetector(once, checkpoint=path).fit(still_stripes(20))
    other = backbone("resnet18", "random", TINY.layers, seed=9)
    with pytest.raises(DataError, match="a run with other settings"):
        StudentTeacherDetector(once, other, path).fit(still_stripes(20))
    with pytest.raises(DataError, match="a run with other images"):
        StudentTeacherDetector(once, checkpoint=path).fit(still_stripes(20, seed=1))
