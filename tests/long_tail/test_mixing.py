"""mixup and Balanced-MixUp."""

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest
from torch.utils.data import DataLoader, TensorDataset

from helpers.long_tail.mixing import (
    BalancedMixup,
    balanced_mixup,
    balanced_share,
    mix,
    mixup,
    one_hot,
)
from helpers.long_tail.sampling import PowerSampler


def batch(value, label, count=4, side=8, classes=3):
    labels = torch.full((count,), label)
    return torch.full((count, 3, side, side), float(value)), one_hot(labels, classes)


def test_pictures_and_labels_are_mixed_alike():
    mixed = mix(batch(0, 0), batch(1, 2), 0.25)
    assert mixed.images.unique().tolist() == [0.25]
    assert mixed.targets[0].tolist() == [0.75, 0, 0.25]


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.3, 1.0, 5.0])
def test_the_share_follows_a_beta_distribution_with_its_mean(alpha):
    rng = np.random.default_rng(0)
    shares = np.array([balanced_share(alpha, rng) for _ in range(4000)])
    spread = beta(alpha, 1).std() / np.sqrt(4000)
    assert abs(shares.mean() - alpha / (alpha + 1)) < 4 * spread
    assert kstest(shares, lambda x: x**alpha).pvalue > 0.001


def test_the_share_of_mixup_is_symmetric():
    rng = np.random.default_rng(1)
    shares = [mixup(batch(0, 0), 0.4, rng).share for _ in range(2000)]
    assert kstest(shares, beta(0.4, 0.4).cdf).pvalue > 0.001


def test_the_limits_are_one_batch_or_the_other():
    instance, balanced, rng = batch(0, 0), batch(1, 2), np.random.default_rng(0)
    small = [balanced_mixup(instance, balanced, 1e-4, rng) for _ in range(20)]
    large = [balanced_mixup(instance, balanced, 1e6, rng) for _ in range(20)]
    assert max(m.images.max() for m in small) < 1e-3
    assert min(m.images.min() for m in large) > 1 - 1e-3
    assert max((m.targets - instance[1]).abs().max() for m in small) < 1e-3
    assert max((m.targets - balanced[1]).abs().max() for m in large) < 1e-3


def test_targets_always_sum_to_one():
    rng = np.random.default_rng(3)
    images = torch.rand(16, 3, 4, 4)
    targets = one_hot(torch.randint(5, (16,)), 5)
    for alpha in (0.1, 1, 10):
        for mixed in (
            mixup((images, targets), alpha, rng),
            balanced_mixup((images, targets), (images, targets.roll(1, 0)), alpha, rng),
        ):
            assert mixed.targets.sum(1) == pytest.approx(np.ones(16), abs=1e-6)
            assert mixed.images.min() >= 0
            assert mixed.images.max() <= 1


def loaders(images, labels, size=8, seed=0):
    data = TensorDataset(images, labels)
    generator = torch.Generator().manual_seed(seed)
    return (
        DataLoader(data, size, shuffle=True, generator=generator),
        DataLoader(data, size, sampler=PowerSampler(labels.numpy(), seed=seed)),
    )


def test_two_loaders_become_one_of_mixtures():
    labels = torch.tensor([0] * 36 + [1] * 4)
    images = (labels * 255).to(torch.uint8)[:, None, None, None].expand(-1, 3, 6, 6)
    mixtures = list(BalancedMixup(*loaders(images, labels), classes=2, alpha=1.0, seed=5))
    assert len(mixtures) == 5
    again = list(BalancedMixup(*loaders(images, labels), classes=2, alpha=1.0, seed=5))
    for one, two in zip(mixtures, again, strict=True):
        assert torch.equal(one.images, two.images)
        # A picture here is its label: what is mixed in is mixed in of both.
        assert one.images[:, 0, 0, 0] == pytest.approx(one.targets[:, 1], abs=1e-5)
    assert len({m.share for m in mixtures}) == 5


def test_more_of_the_tail_is_seen_as_alpha_grows():
    labels = torch.tensor([0] * 95 + [1] * 5)
    images = torch.zeros(100, 3, 2, 2)

    def tail(alpha):
        mixer = BalancedMixup(*loaders(images, labels, 20), classes=2, alpha=alpha)
        return np.mean([m.targets[:, 1].mean() for _ in range(40) for m in mixer])

    # (1 - E λ) · 5 % + E λ · 50 %
    for alpha in (0.2, 1.0, 4.0):
        share = alpha / (alpha + 1)
        assert tail(alpha) == pytest.approx((1 - share) * 0.05 + share * 0.5, abs=0.04)


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf")])
def test_no_beta_distribution_has_such_an_alpha(alpha):
    rng = np.random.default_rng(0)
    for call in (
        lambda: balanced_share(alpha, rng),
        lambda: mixup(batch(0, 0), alpha, rng),
        lambda: BalancedMixup([], [], 2, alpha),
    ):
        with pytest.raises(ValueError, match="alpha must be positive and finite"):
            call()


def test_batches_that_do_not_fit():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"images have shapes .*only equal ones"):
        balanced_mixup(batch(0, 0, side=8), batch(1, 1, side=9), 0.2, rng)
    with pytest.raises(ValueError, match="targets have shapes"):
        mix(batch(0, 0), batch(1, 1, classes=4), 0.5)
    with pytest.raises(ValueError, match="at least 2 pictures"):
        mixup(batch(0, 0, count=1), 0.2, rng)
    with pytest.raises(ValueError, match="between 0 and 1"):
        mix(batch(0, 0), batch(1, 1), 1.5)
    with pytest.raises(ValueError, match="labels must lie between 0 and 2; got 3"):
        one_hot(torch.tensor([3]), 3)
