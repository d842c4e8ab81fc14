"""Normalising flows: exactly invertible, with the log-determinant that autograd finds."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.density.flow import (
    CLAMP,
    Coupling,
    Flow,
    fit_flow,
    halves,
    log_normal,
    negative_log_likelihood,
)
from helpers.machine import Machine
from helpers.networks.training import DivergedError, TrainingSettings

PLAIN = Machine("cpu", "float32")
SETTINGS = TrainingSettings(epochs=60, batch_size=500, learning_rate=5e-3)


def bent(flow, seed=0):
    """Give a flow's couplings weights that do something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in flow.parameters():
            weight.copy_(0.4 * torch.randn(weight.shape, generator=generator))
    return flow.double()


def maps(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def arc(count, seed=0):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, math.pi, count)
    points = np.stack([2 * np.cos(angle), 2 * np.sin(angle) - 1], 1)
    points += 0.15 * rng.normal(size=points.shape)
    return torch.tensor(points).float()[:, :, None, None]


@pytest.mark.parametrize("kernels", [(1,), (3, 1), (3, 3, 3)])
@pytest.mark.parametrize("channels", [2, 5])
def test_the_inverse_undoes_the_flow(channels, kernels):
    flow = bent(Flow(channels, kernels, hidden=6))
    values = maps(3, channels, 4, 5)
    latent, _ = flow(values)
    assert not torch.allclose(latent, values, atol=0.1)
    assert torch.allclose(flow.inverse(latent), values, atol=1e-6)


@pytest.mark.parametrize("kernels", [(1, 1), (3, 1, 3)])
def test_the_log_determinant_is_that_of_autograds_jacobian(kernels):
    flow = bent(Flow(3, kernels, hidden=5), seed=2)
    values = maps(1, 3, 2, 3, seed=3)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x)[0].flatten(), values)
    sign, expected = torch.linalg.slogdet(jacobian.reshape(18, 18))
    assert sign == 1, "no step mirrors"
    assert torch.allclose(flow(values)[1].sum(), expected, atol=1e-8)


def test_a_step_by_hand():
    step = Coupling(3, 1, 1, torch.tensor([1, 0, 2]), seed=0)
    with torch.no_grad():
        for weight in step.parameters():
            weight.zero_()
        stretch = CLAMP * math.atanh(math.log(2) / CLAMP)  # so that the bounded one is log 2
        step.net[-1].bias.copy_(torch.tensor([stretch, 0.0, 5.0, -1.0]))
    out, log_stretch = step(torch.tensor([4.0, 3.0, 6.0]).view(1, 3, 1, 1))
    assert out.flatten().tolist() == pytest.approx([2 * 4 + 5, 3, 6 - 1])
    assert log_stretch.item() == pytest.approx(math.log(2))


def test_two_channels_take_turns():
    flow, values = bent(Flow(2, (1, 1), hidden=4)), maps(1, 2, 1, 1)
    once, _ = flow.steps[0](values)
    twice, _ = flow.steps[1](once)
    assert (once == values).flatten().tolist() == [True, False]
    assert (twice == once).flatten().tolist() == [False, True]


@pytest.mark.parametrize("channels", [2, 5, 8])
def test_a_pair_of_steps_changes_every_channel_and_the_next_parts_them_anew(channels):
    orders = [halves(channels, step, seed=3) for step in range(4)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(channels))
    changed = {*orders[0][channels // 2 :].tolist(), *orders[1][channels // 2 :].tolist()}
    assert changed == set(range(channels))
    assert torch.equal(orders[0], orders[2]) == (channels == 2)


def test_the_density_of_points_integrates_to_one():
    flow = bent(Flow(2, (1, 1, 1), hidden=4), seed=4)
    axis = torch.linspace(-14, 14, 561).double()
    points = torch.cartesian_prod(axis, axis)[:, :, None, None]
    with torch.no_grad():
        mass = flow.log_density(points).exp().sum() * (axis[1] - axis[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=0.01)


def test_a_new_flow_changes_nothing_so_its_density_is_the_normal_one():
    flow = Flow(4, (3, 1), hidden=8)
    values = torch.randn(2, 4, 3, 3)
    expected = -0.5 * (values**2).sum(1) - 2 * math.log(2 * math.pi)
    assert torch.allclose(flow.log_density(values), expected, atol=1e-5)
    assert torch.allclose(log_normal(values), expected, atol=1e-5)
    assert negative_log_likelihood(flow, values).item() == pytest.approx(
        -expected.mean().item() / 4
    )


def test_it_learns_a_density_and_draws_from_it():
    points, fresh = arc(2000), arc(2000, seed=1)
    flow = Flow(2, (1,) * 8, hidden=32)
    losses = fit_flow(flow, points, SETTINGS, PLAIN)
    assert len(losses) == 60 * 4
    assert losses[-1] < losses[0] - 0.4
    drawn = flow.sample((500, 2, 1, 1))[:, :, 0, 0].numpy()
    radius = np.hypot(drawn[:, 0], drawn[:, 1] + 1)
    assert np.mean(abs(radius - 2) < 0.45) > 0.8
    inside = torch.tensor([[0.0, 0.0]])[:, :, None, None]
    with torch.no_grad():
        assert flow.log_density(inside).item() < flow.log_density(fresh).quantile(0.02).item()


def test_without_the_log_determinant_everything_collapses():
    points = arc(1000)
    flow = Flow(2, (1,) * 4, hidden=16)

    def distance(flow, batch):
        return -log_normal(flow(batch)[0]).mean()

    fit_flow(flow, points, replace(SETTINGS, epochs=80), PLAIN, loss=distance)
    with torch.no_grad():
        assert flow(points)[0].std() < 0.1
        assert flow(points)[1].max() < -2


def test_a_step_stretches_within_its_bounds():
    step = Coupling(4, 1, 8, torch.arange(4), seed=0)
    with torch.no_grad():
        step.net[-1].bias.fill_(1e4)
    _, stretch = step(torch.randn(1, 4, 2, 2))
    assert torch.allclose(stretch, torch.full_like(stretch, 2 * CLAMP))


def test_the_same_seed_trains_the_same_flow():
    brief, values = replace(SETTINGS, epochs=2), arc(1000)
    runs = [fit_flow(Flow(2, (1, 1), 4, seed), values, brief, PLAIN) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_flows_that_cannot_be():
    with pytest.raises(ValueError, match="at least 2 channels to part; got 1"):
        Flow(1, (1,), 4)
    with pytest.raises(ValueError, match="kernel must be odd"):
        Flow(4, (2,), 4)
    with pytest.raises(ValueError, match="at least one step"):
        Flow(4, (), 4)


def test_training_that_cannot_be():
    flow = Flow(2, (1,), 4)
    with pytest.raises(ValueError, match="a batch of 500 is larger than the 20 training examples"):
        fit_flow(flow, arc(20), SETTINGS, PLAIN)
    wild = replace(SETTINGS, learning_rate=1e30)
    with pytest.raises(DivergedError, match="the flow's loss became .* below 1e\\+30"):
        fit_flow(flow, arc(500), wild, PLAIN)
