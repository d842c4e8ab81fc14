"""Instance-balanced and class-balanced sampling, and between."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.utils.data import DataLoader, TensorDataset

from helpers.long_tail.sampling import PowerSampler, sampling_probabilities

LABELS = np.repeat([0, 1, 2], [90, 9, 1])


def test_the_two_ends():
    assert sampling_probabilities(LABELS, 1) == pytest.approx(np.full(100, 1 / 100))
    by_class = sampling_probabilities(LABELS, 0)
    assert [by_class[k == LABELS].sum() for k in range(3)] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("power", [-1, 0.5, 2])
def test_classes_are_drawn_in_proportion_to_a_power_of_their_counts(power):
    p = sampling_probabilities(LABELS, power)
    classes = np.array([p[k == LABELS].sum() for k in range(3)])
    wanted = np.array([90.0, 9.0, 1.0]) ** power
    assert classes == pytest.approx(wanted / wanted.sum())
    assert p.sum() == pytest.approx(1)


@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_the_draws_follow_the_probabilities(power):
    drawn = np.fromiter(PowerSampler(LABELS, power, draws=20_000, seed=4), int)
    expected = 20_000 * sampling_probabilities(LABELS, power)
    assert chisquare(np.bincount(drawn, minlength=100), expected).pvalue > 0.001


def test_a_seed_gives_the_same_passes_and_each_pass_is_another():
    one, two = PowerSampler(LABELS, seed=1), PowerSampler(LABELS, seed=1)
    first = list(one)
    assert first == list(two)
    assert list(one) == list(two) != first
    assert len(first) == len(one) == 100


def test_any_data_loader_takes_it():
    data = TensorDataset(torch.arange(100), torch.tensor(LABELS))
    loader = DataLoader(data, batch_size=30, sampler=PowerSampler(LABELS, draws=3000))
    seen = torch.cat([labels for _, labels in loader])
    assert torch.bincount(seen).float() / 3000 == pytest.approx([1 / 3] * 3, abs=0.05)


def test_bad_input():
    with pytest.raises(ValueError, match="class 1 has no image"):
        PowerSampler([0, 2])
    with pytest.raises(ValueError, match="finite"):
        PowerSampler([0, 1], power=float("nan"))
    with pytest.raises(ValueError, match="draws must be at least 1"):
        PowerSampler([0, 1], draws=0)
