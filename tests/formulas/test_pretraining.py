import math
from dataclasses import replace

import pytest
import torch

from helpers.errors import DataError
from helpers.formulas.episodes import draw_episodes
from helpers.formulas.pretraining import (
    PretextNetwork,
    PretrainingSettings,
    anomaly_loss,
    learning_rate_at,
    make_pool,
    nearest_elsewhere,
    pretext_loss,
    pretrain,
)
from helpers.machine import Machine
from helpers.networks.seeding import seeded

SMALL = PretrainingSettings(
    formulas=6, variants=3, pool_side=48, steps=4, episodes=3, views=2, side=32
)
CPU = Machine("cpu", "float32")


@pytest.fixture(scope="module")
def pool():
    return make_pool(SMALL)


def test_the_nearest_place_is_sought_in_other_views_and_among_intact_places_only():
    # One episode, two views of 1×3 patches with one feature each.
    features = torch.tensor([[0.0, 1.0, 9.0], [0.4, 8.8, 30.0]]).view(1, 2, 1, 3, 1)
    intact = torch.zeros(1, 2, 1, 3, dtype=torch.int64)
    distance = nearest_elsewhere(intact, features).view(2, 3)
    assert torch.allclose(distance[0], torch.tensor([0.4, 0.6, 0.2]), atol=1e-3)
    assert torch.allclose(distance[1], torch.tensor([0.4, 0.2, 21.0]), atol=1e-3)
    intact[0, 1, 0, 1] = 1  # 8.8 is broken: it is no neighbour any more, but still has one
    distance = nearest_elsewhere(intact, features).view(2, 3)
    assert torch.allclose(distance[0], torch.tensor([0.4, 0.6, 8.6]), atol=1e-3)
    assert torch.allclose(distance[1, 1], torch.tensor(0.2), atol=1e-3)


def test_distances_agree_with_a_plain_search_and_have_its_gradient():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn((2, 3, 2, 2, 5), generator=generator, requires_grad=True)
    labels = torch.zeros(2, 3, 2, 2, dtype=torch.int64)
    distance = nearest_elsewhere(labels, features)
    flat = features.view(2, 3, 4, 5)
    for episode in range(2):
        for view in range(3):
            others = [flat[episode, o] for o in range(3) if o != view]
            plain = torch.cdist(flat[episode, view], torch.cat(others)).amin(1)
            assert torch.allclose(distance[episode, view].flatten(), plain, atol=1e-4)
    gradient = torch.autograd.grad(distance.sum(), features, retain_graph=True)[0]
    assert gradient.abs().sum() > 0


def test_the_loss_of_a_hand_computed_case():
    # One view with four patches: logits 0 broken, 0 intact, 2 intact, one not counted.
    logits = torch.tensor([0.0, 0.0, 2.0, 5.0]).view(1, 1, 1, 4)
    labels = torch.tensor([1, 0, 0, -1]).view(1, 1, 1, 4)
    bent = torch.zeros(1, 1, dtype=torch.bool)
    soft = math.log1p(math.exp(2.0))
    expected = math.log(2) + (math.log(2) + soft) / 2 + 0.5 * soft
    assert anomaly_loss(logits, labels, bent, 0.5).item() == pytest.approx(expected, rel=1e-6)


def test_of_a_bent_picture_the_farther_half_counts():
    logits = torch.tensor([4.0, 3.0, -5.0, -6.0]).view(1, 1, 2, 2)
    broken = torch.ones(1, 1, 2, 2, dtype=torch.int64)
    bent = torch.ones(1, 1, dtype=torch.bool)
    mild, strict = (anomaly_loss(logits, broken, b, 0.0).item() for b in (bent, ~bent))
    # The median of four is the third: three count.
    expected = sum(math.log1p(math.exp(-z)) for z in (4, 3, -5)) / 3
    assert mild == pytest.approx(expected, rel=1e-5)
    assert strict > mild


def test_a_separated_batch_costs_less_than_a_confused_one():
    labels = torch.tensor([1, 0, 0, 0]).view(1, 1, 2, 2)
    bent = torch.zeros(1, 1, dtype=torch.bool)
    right = anomaly_loss(torch.tensor([5.0, -5, -5, -5]).view(1, 1, 2, 2), labels, bent, 0.5)
    wrong = anomaly_loss(torch.tensor([-5.0, 5, 5, 5]).view(1, 1, 2, 2), labels, bent, 0.5)
    assert right < 0.05
    assert wrong > 5


def test_the_learning_rate_rises_then_falls_to_nothing():
    settings = replace(SMALL, steps=1000)
    rates = [learning_rate_at(step, settings) for step in range(1000)]
    assert rates[0] < rates[50] < rates[99]
    assert max(rates) == pytest.approx(settings.learning_rate, rel=0.03)
    assert rates[99:] == sorted(rates[99:], reverse=True)
    assert rates[-1] < 1e-5 * settings.learning_rate * 1000


def test_an_untrained_pupil_is_its_shortcuts():
    network = PretextNetwork(3).eval()
    assert all((block.bn2.weight == 0).all() for block in network.trunk.layer2)
    second, third = network(torch.rand(2, 3, 32, 32))
    assert second.shape == (2, 128, 4, 4)
    assert third.shape == (2, 256, 2, 2)


def test_the_same_seed_gives_the_same_losses_and_weights(pool):
    one = pretrain(SMALL, pool, machine=CPU)
    two = pretrain(SMALL, pool, machine=CPU)
    assert one.losses == two.losses
    assert len(one.losses) == SMALL.steps
    assert all(torch.equal(one.state[name], two.state[name]) for name in one.state)
    other = pretrain(replace(SMALL, seed=1), pool, machine=CPU)
    assert one.losses != other.losses


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(pool, tmp_path):
    whole = pretrain(SMALL, pool, machine=CPU)

    class StoppedError(Exception):
        pass

    def stop(step, loss, seconds):
        if step == 2:
            raise StoppedError

    checkpoint = tmp_path / "run.pt"
    with pytest.raises(StoppedError):
        pretrain(SMALL, pool, checkpoint, machine=CPU, save_every=2, report=stop)
    resumed = pretrain(SMALL, pool, checkpoint, machine=CPU, save_every=2)
    assert resumed.losses == whole.losses
    assert all(torch.equal(resumed.state[name], whole.state[name]) for name in whole.state)


def test_the_loss_of_one_batch_can_be_learned(pool):
    # Fails when a part of the loss has no gradient, or a wrong one.
    batch = draw_episodes(pool, 4, 2, 32, torch.Generator().manual_seed(2))
    assert (batch.labels == 1).any()
    with seeded(0):
        network = PretextNetwork(SMALL.formulas)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        value = pretext_loss(network, batch, SMALL, CPU)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_trunk_fits_torchvisions_resnet18(pool):
    from torchvision.models import resnet18

    state = pretrain(replace(SMALL, steps=1), pool, machine=CPU).state
    missing, unexpected = resnet18().load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith(("layer4", "fc")) for name in missing)


@pytest.mark.parametrize(
    ("changes", "other", "differs"),
    [
        ({}, lambda pool: pool.flip(-1), "pictures"),
        ({}, lambda pool: torch.cat([pool[:-1], pool[:1]]), "pictures"),
        ({"seed": 9}, lambda pool: pool, "settings"),
        ({"learning_rate": 1e-3}, lambda pool: pool, "settings"),
        ({"hardest": 0.0}, lambda pool: pool, "settings"),
        ({"naming": 0.0}, lambda pool: pool, "settings"),
        ({"steps": 8}, lambda pool: pool, "settings"),  # the learning rate falls with them
        ({"seed": 9}, lambda pool: pool.flip(0), "settings and pictures"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(pool, tmp_path, changes, other, differs):
    checkpoint = tmp_path / "run.pt"
    pretrain(SMALL, pool, checkpoint, machine=CPU)
    before = checkpoint.read_bytes()
    with pytest.raises(DataError, match=rf"run\.pt belongs to a run with other {differs}\. Delete"):
        pretrain(replace(SMALL, **changes), other(pool), checkpoint, machine=CPU)
    assert checkpoint.read_bytes() == before


def test_a_damaged_checkpoint_is_refused_and_kept(pool, tmp_path):
    checkpoint = tmp_path / "run.pt"
    pretrain(SMALL, pool, checkpoint, machine=CPU)
    half = checkpoint.read_bytes()[:1000]
    checkpoint.write_bytes(half)
    with pytest.raises(DataError, match=r"run\.pt is not a checkpoint of this model"):
        pretrain(SMALL, pool, checkpoint, machine=CPU)
    assert checkpoint.read_bytes() == half
