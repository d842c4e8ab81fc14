import numpy as np
import pytest
import torch

from helpers.formulas.episodes import BREAKS, INTACT, _common_crop, _spots, draw_episodes


@pytest.fixture(scope="module")
def pool():
    # Each formula is a grey level with a fine checker; its pictures are equal.
    level = torch.linspace(60, 200, 6).view(6, 1, 1, 1, 1).expand(6, 4, 3, 64, 64)
    checker = torch.tensor(np.indices((64, 64)).sum(0) // 4 % 2 * 40)
    return (level + checker).to(torch.uint8)


def draw(pool, seed=0, episodes=5, views=3, side=48):
    return draw_episodes(pool, episodes, views, side, torch.Generator().manual_seed(seed))


def test_shapes_and_ranges(pool):
    batch = draw(pool)
    assert batch.pictures.shape == (15, 3, 48, 48)
    assert batch.pictures.is_contiguous(memory_format=torch.channels_last)
    assert batch.pictures.min() >= 0
    assert batch.pictures.max() <= 1
    assert batch.labels.shape == (5, 3, 6, 6)
    assert set(batch.labels.unique().tolist()) <= {-1, 0, 1}
    assert batch.ways.shape == (5, 3)
    assert batch.formulas.tolist() == sorted(
        batch.formulas.tolist(), key=batch.formulas.tolist().index
    )


def test_views_of_an_episode_are_of_one_formula_and_episodes_of_different_ones(pool):
    formulas = draw(pool).formulas.view(5, 3)
    assert (formulas == formulas[:, :1]).all()
    assert len(set(formulas[:, 0].tolist())) == 5


def test_the_same_seed_gives_the_same_batch(pool):
    one, same, other = draw(pool, 1), draw(pool, 1), draw(pool, 2)
    assert torch.equal(one.pictures, same.pictures)
    assert torch.equal(one.labels, same.labels)
    assert not torch.equal(one.pictures, other.pictures)


def test_the_global_random_numbers_are_left_alone(pool):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    draw(pool)
    assert torch.equal(torch.rand(3), expected)


def test_about_three_pictures_in_ten_stay_intact_and_most_places_do(pool):
    labels = torch.cat([draw(pool, seed).labels.flatten(0, 1) for seed in range(30)])
    untouched = (labels == 0).flatten(1).all(1).float().mean()
    assert 0.25 < untouched < 0.5
    assert 0.02 < (labels == 1).float().mean() < 0.25
    assert (labels == 0).float().mean() > 0.6


def test_intact_places_of_views_differ_less_than_broken_ones(pool):
    # The pool's pictures of a formula are equal, so only breaks and exposure tell views apart.
    inside, broken = [], []
    for seed in range(10):
        batch = draw(pool, seed)
        cells = torch.nn.functional.avg_pool2d(batch.pictures, 8).mean(1).view(5, 3, 6, 6)
        middle = cells.median(dim=1, keepdim=True).values
        gap = (cells - middle).abs()
        inside.append(gap[batch.labels == 0])
        broken.append(gap[batch.labels == 1])
    assert torch.cat(broken).mean() > 2 * torch.cat(inside).mean()


def test_every_way_of_breaking_is_drawn_as_often_as_it_says(pool):
    ways = torch.cat([draw(pool, seed).ways.flatten() for seed in range(60)])
    assert sum(BREAKS.values()) == pytest.approx(1)
    for number, share in enumerate(BREAKS.values()):
        assert (ways == number).float().mean().item() == pytest.approx(0.7 * share, abs=0.05)


def test_an_intact_picture_has_no_broken_place(pool):
    batch = draw(pool)
    assert (batch.ways == INTACT).any()
    assert (batch.labels[batch.ways == INTACT] == 0).all()


def test_crops_stay_inside_the_picture_and_keep_its_proportions():
    grid = _common_crop(200, 160, 96, torch.Generator().manual_seed(0))
    assert grid.abs().max() <= 1
    across = (grid[:, 0, 0] - grid[:, 0, -1]).abs().amax(-1)
    down = (grid[:, 0, 0] - grid[:, -1, 0]).abs().amax(-1)
    assert torch.allclose(across, down, atol=1e-5)
    assert across.min() < 0.9
    assert across.max() > 1.5


def test_spots_lie_at_their_centre_and_grow_with_their_radius():
    centre = torch.zeros(400, 2, 1, 1)
    generator = torch.Generator().manual_seed(0)
    small = _spots(96, centre, torch.full((400, 1, 1), 0.08), generator)
    large = _spots(96, centre, torch.full((400, 1, 1), 0.4), generator)
    assert small.min() >= 0
    assert large.max() <= 1
    assert (large[:, 47, 47] > 0.5).float().mean() > 0.8
    assert large.mean() > 2 * small.mean()


@pytest.mark.parametrize("wrong", [{"episodes": 7}, {"views": 5}, {"side": 50}])
def test_what_the_pool_cannot_give_is_refused(pool, wrong):
    with pytest.raises(ValueError, match="a pool of 6 formulas with 4 pictures each"):
        draw(pool, **wrong)
