"""InfoNCE: hand-computed cases, limits, gradients; the views it is trained on."""

import math

import pytest
import torch
from torch.nn import functional

from helpers.detectors.memory.contrastive_loss import info_nce, off_diagonal, two_views, varied


def sphere(count, length, seed):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn((count, length), generator=generator), dim=1)


def test_a_hand_computed_case():
    # exp(1/0.5) against exp(0) and exp(-0.5/0.5).
    expected = -math.log(math.exp(2) / (math.exp(2) + 1 + math.exp(-1)))
    loss = info_nce(torch.tensor([1.0]), torch.tensor([[0.0, -0.5]]), 0.5)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_it_is_the_mean_over_the_queries():
    right, wrong = torch.tensor([0.9, 0.1]), torch.tensor([[0.2, 0.3], [0.4, -0.8]])
    single = [info_nce(right[i : i + 1], wrong[i : i + 1], 0.2) for i in range(2)]
    assert torch.allclose(info_nce(right, wrong, 0.2), torch.stack(single).mean())


def test_over_a_batch_it_is_cross_entropy_with_the_diagonal_as_classes():
    table = sphere(6, 8, 0) @ sphere(6, 8, 1).T
    ours = info_nce(table.diagonal(), off_diagonal(table), 0.1)
    assert torch.allclose(ours, functional.cross_entropy(table / 0.1, torch.arange(6)))


@pytest.mark.parametrize("wrong", [1, 7, 500])
def test_equal_answers_cost_the_logarithm_of_their_number(wrong):
    loss = info_nce(torch.full((3,), 0.4), torch.full((3, wrong), 0.4), 0.07)
    assert loss.item() == pytest.approx(math.log(1 + wrong), rel=1e-5)


def test_random_embeddings_cost_nearly_as_much():
    table = sphere(256, 4096, 0) @ sphere(256, 4096, 1).T
    loss = info_nce(table.diagonal(), off_diagonal(table), 1.0)
    assert loss.item() == pytest.approx(math.log(256), abs=0.01)


def test_the_limits_of_the_temperature():
    right, wrong = torch.tensor([0.8, 0.3]), torch.tensor([[0.5, 0.1], [0.2, 0.6]])
    assert info_nce(right, wrong, 1e6).item() == pytest.approx(math.log(3), abs=1e-5)
    # Cold, only the most similar wrong answer counts: by how much it wins, over the temperature.
    cold = 1e-3
    assert info_nce(right, wrong, cold).item() * cold == pytest.approx((0 + 0.3) / 2, abs=1e-5)


def test_a_step_against_the_gradient_pulls_to_the_right_and_pushes_from_the_wrong():
    query = sphere(1, 16, 0).requires_grad_()
    key, negatives = sphere(1, 16, 1), sphere(4, 16, 2)
    info_nce((query * key).sum(1), query @ negatives.T, 0.1).backward()
    step = -query.grad[0]
    shares = torch.cat([query.detach() @ key.T, query.detach() @ negatives.T], 1)[0]
    shares = (shares / 0.1).softmax(0)
    # The gradient in closed form: the right key minus the mean answer, over the temperature.
    expected = (key[0] - shares @ torch.cat([key, negatives])) / 0.1
    assert torch.allclose(step, expected, atol=1e-5)
    assert step @ key[0] > 0
    hardest = negatives[(query.detach() @ negatives.T).argmax()]
    assert step @ hardest < step @ key[0]
    assert step @ hardest < 0


def test_the_diagonal_is_left_out():
    assert off_diagonal(torch.arange(9).view(3, 3)).tolist() == [[1, 2], [3, 5], [6, 7]]


@pytest.mark.parametrize("temperature", [0, -0.1, math.nan])
def test_a_temperature_that_is_not_positive_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        info_nce(torch.zeros(2), torch.zeros(2, 3), temperature)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"got \(2,\) and \(3, 4\)"):
        info_nce(torch.zeros(2), torch.zeros(3, 4), 0.1)
    with pytest.raises(ValueError, match="one query at least"):
        info_nce(torch.zeros(0), torch.zeros(0, 4), 0.1)


def test_a_batch_of_one_has_no_wrong_answer():
    one = torch.ones(1, 1)
    with pytest.raises(ValueError, match="use batches of 2 or more"):
        info_nce(one.diagonal(), off_diagonal(one), 0.1)


def test_views_without_change_are_the_same_square():
    images = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    first, second, plain = two_views(images, 12, shift=0, jitter=0, noise=0)
    assert first.shape == (5, 3, 12, 12)
    assert torch.allclose(first, plain, atol=1e-6)
    assert torch.allclose(second, plain, atol=1e-6)


def test_the_second_view_is_moved_by_no_more_than_asked():
    ramp = torch.arange(64.0).expand(200, 3, 64, 64) / 64
    first, second, _ = two_views(ramp, 16, shift=2, jitter=0, noise=0)
    moved = (64 * (second - first).mean((1, 2, 3))).round()
    assert set(moved.tolist()) == {-2, -1, 0, 1, 2}


def test_views_differ_in_colour_and_noise_and_stay_pictures():
    images = torch.full((4, 3, 16, 16), 0.99)
    views = varied(images, 0.3, 0.05)
    assert 0 <= views.min() < views.max() <= 1
    assert views.std() > 0.01


def test_squares_larger_than_the_pictures_are_refused():
    with pytest.raises(ValueError, match="squares of 20 pixels do not fit"):
        two_views(torch.zeros(1, 3, 16, 16), 20, 0, 0, 0)
