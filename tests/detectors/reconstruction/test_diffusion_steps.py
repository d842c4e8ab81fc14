"""The diffusion process: its mean and variance, its ends, and the way back."""

import math
from itertools import pairwise

import pytest
import torch

from helpers.detectors.reconstruction.denoiser import Denoiser, time_embedding
from helpers.detectors.reconstruction.diffusion_steps import (
    LEAST,
    denoise,
    diffuse,
    diffusion_loss,
    normal,
    signal_and_noise,
)
from helpers.networks.seeding import seeded


def times(*values):
    return torch.tensor(values)


def test_the_schedule_has_its_ends_and_keeps_the_variance():
    signal, spread = signal_and_noise(torch.linspace(0, 1, 101))
    assert float(signal[0]) == 1
    assert float(spread[0]) == 0
    assert float(signal[-1]) == pytest.approx(0, abs=1e-6)
    assert float(spread[-1]) == pytest.approx(1)
    assert torch.allclose(signal**2 + spread**2, torch.ones(101), atol=1e-6)
    assert (signal.diff() < 0).all()


def test_the_schedule_is_the_papers():
    def papers(t, s=0.008):
        return math.cos((t + s) / (1 + s) * math.pi / 2) ** 2

    signal, _ = signal_and_noise(times(0.3, 0.7))
    wanted = torch.tensor([papers(0.3) / papers(0), papers(0.7) / papers(0)])
    assert torch.allclose(signal**2, wanted, atol=1e-6)


@pytest.mark.parametrize("time", [-0.1, 1.1, math.nan])
def test_times_out_of_range_are_refused(time):
    with pytest.raises(ValueError, match=r"times go from 0 .* to 1"):
        signal_and_noise(times(0.5, time))


def test_diffused_pictures_have_the_mean_and_variance_of_the_closed_form():
    picture = torch.tensor([0.5, -1.0, 0.25]).view(1, 3, 1, 1).expand(20_000, 3, 1, 1)
    with seeded(0):
        noisy = diffuse(picture, torch.full((20_000,), 0.4), torch.randn(picture.shape))
    signal, spread = signal_and_noise(times(0.4))
    assert torch.allclose(noisy.mean(0).flatten(), signal * picture[0].flatten(), atol=0.02)
    assert torch.allclose(noisy.var(0).flatten(), (spread**2).expand(3), rtol=0.03)


def test_one_step_equals_many_small_ones():
    """The closed form is what adding a little noise again and again comes to."""
    steps = torch.linspace(0, 0.5, 51)
    signals, _ = signal_and_noise(steps)
    with seeded(1):
        x = torch.full((50_000,), 0.8)
        for before, after in pairwise(signals):
            kept = after / before
            x = kept * x + (1 - kept**2).sqrt() * torch.randn(x.shape)
    signal, spread = signal_and_noise(times(0.5))
    assert float(x.mean()) == pytest.approx(float(signal) * 0.8, abs=0.02)
    assert float(x.std()) == pytest.approx(float(spread), abs=0.02)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_a_perfect_network_brings_the_picture_back(steps):
    with seeded(2):
        picture, noise = torch.rand(2, 3, 8, 8) * 2 - 1, torch.randn(2, 3, 8, 8)
    noisy = diffuse(picture, torch.full((2,), 0.9), noise)
    way = torch.linspace(0.9, 0, steps + 1).tolist()
    found = denoise(lambda x, t: picture, noisy, way)
    assert len(found) == steps + 1
    assert torch.allclose(found[-1], picture, atol=1e-5)


def test_the_noise_is_kept_on_the_way():
    with seeded(3):
        picture, noise = torch.rand(1, 3, 4, 4) - 0.5, torch.randn(1, 3, 4, 4)
    there = denoise(lambda x, t: picture, diffuse(picture, times(0.8), noise), [0.8, 0.3])[-1]
    assert torch.allclose(there, diffuse(picture, times(0.3), noise), atol=1e-5)


@pytest.mark.parametrize("way", [[1.0], [0.5, 0.5], [0.2, 0.4]])
def test_times_that_do_not_fall_are_refused(way):
    with pytest.raises(ValueError, match="times must fall"):
        denoise(lambda x, t: x, torch.zeros(1, 3, 4, 4), way)


def test_the_loss_of_a_constant_answer_is_computed_by_hand():
    class Grey(torch.nn.Module):
        def forward(self, noisy, time):
            self.time = time
            return torch.zeros_like(noisy)

    grey = Grey()
    with seeded(4):
        loss = diffusion_loss(grey, torch.ones(8, 3, 4, 4))
    _, spread = signal_and_noise(grey.time)
    assert float(loss) == pytest.approx(float((1 / spread.clamp_min(LEAST) ** 2).mean()), rel=1e-5)
    eighths = (grey.time * 8).long()
    assert eighths.tolist() == list(range(8)), "one time from each part"


def test_noise_is_standard_normal_and_channels_last():
    with seeded(5):
        drawn = normal((4, 3, 64, 64))
    assert drawn.is_contiguous(memory_format=torch.channels_last)
    assert float(drawn.mean()) == pytest.approx(0, abs=0.02)
    assert float(drawn.std()) == pytest.approx(1, abs=0.02)


def test_the_network_keeps_the_size_and_listens_to_the_time():
    with seeded(6):
        network = Denoiser(width=8, patch=2).eval()
        torch.nn.init.normal_(network.leave[-1].weight, std=0.1)
        for block in network.down:
            torch.nn.init.normal_(block.second.weight, std=0.1)
        noisy = torch.randn(2, 3, 16, 16)
    with torch.inference_mode():
        early, late = (network(noisy, torch.full((2,), t)) for t in (0.1, 0.9))
    assert early.shape == noisy.shape
    assert not torch.allclose(early, late)


def test_waves_tell_times_apart():
    told = time_embedding(torch.linspace(0, 1, 50), 16)
    assert told.shape == (50, 16)
    difference = torch.cdist(told, told) + 9 * torch.eye(50)
    assert float(difference.min()) > 0.1
