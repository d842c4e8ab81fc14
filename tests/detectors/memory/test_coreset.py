from itertools import combinations

import pytest
import torch

from helpers.detectors.memory import coreset
from helpers.detectors.memory.coreset import (
    k_centre,
    principal_directions,
    random_projection,
)


def points(count, length, seed=0):
    return torch.randn((count, length), generator=torch.Generator().manual_seed(seed))


def plain_k_centre(vectors, count, first):
    """Do the same with all distances at once."""
    distances = torch.cdist(vectors.double(), vectors.double())
    chosen = [first]
    while len(chosen) < count:
        chosen.append(int(distances[chosen].min(0).values.argmax()))
    return chosen


def radius(vectors, chosen):
    return torch.cdist(vectors, vectors[chosen]).min(1).values.max().item()


def test_on_a_line_the_farthest_comes_next():
    line = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0]])
    chosen = k_centre(line, 3).tolist()
    first = chosen[0]
    assert chosen == plain_k_centre(line, 3, first)
    assert radius(line, chosen) <= 1


@pytest.mark.parametrize("candidates", [1, 3, 20, 500])
@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_a_search_over_all_distances(seed, candidates, monkeypatch):
    monkeypatch.setattr(coreset, "POOL", 64)  # several pools and blocks, the last one not full
    monkeypatch.setattr(coreset, "BLOCK", 12)
    monkeypatch.setattr(coreset, "SKETCH", 2)  # much is overlooked in two directions of seven
    vectors = points(200, 7, seed)
    chosen = k_centre(vectors, 80, seed, candidates).tolist()
    assert chosen == plain_k_centre(vectors, 80, chosen[0])


def test_directions_that_mislead_cost_time_only(monkeypatch):
    def misleading(vectors, count):
        return torch.zeros(vectors.shape[1], count)

    monkeypatch.setattr(coreset, "principal_directions", misleading)
    monkeypatch.setattr(coreset, "POOL", 64)
    vectors = points(200, 7)
    chosen = k_centre(vectors, 80, candidates=10).tolist()
    assert chosen == plain_k_centre(vectors, 80, chosen[0])


def test_the_directions_are_those_in_which_points_differ_most():
    wide = torch.tensor([0.1, 3.0, 0.2, 2.0, 0.1])
    directions = principal_directions(points(4000, 5) * wide + 100, 2)
    assert directions.shape == (5, 2)
    assert torch.allclose(directions.T @ directions, torch.eye(2), atol=1e-5)
    assert directions[[1, 3]].norm(dim=0).tolist() == pytest.approx([1, 1], abs=1e-2)


def test_there_are_no_more_directions_than_numbers():
    assert principal_directions(points(9, 3), 32).shape == (3, 3)
    assert principal_directions(points(1, 3), 2).shape == (3, 2)


@pytest.mark.parametrize("seed", range(8))
def test_its_radius_is_at_most_twice_the_best(seed):
    vectors = points(11, 2, seed)
    best = min(radius(vectors, list(some)) for some in combinations(range(11), 3))
    assert radius(vectors, k_centre(vectors, 3, seed)) <= 2 * best + 1e-5


def test_all_points_may_be_chosen_and_none_twice_even_among_equals():
    same = torch.zeros(6, 3)
    assert sorted(k_centre(same, 6).tolist()) == list(range(6))
    assert sorted(k_centre(same, 6, candidates=2).tolist()) == list(range(6))
    vectors = points(30, 3)
    assert sorted(k_centre(vectors, 30).tolist()) == list(range(30))


def test_a_larger_coreset_begins_with_the_smaller_one_and_is_nearer_to_all():
    vectors = points(300, 5)
    small, large = k_centre(vectors, 10, 3), k_centre(vectors, 60, 3)
    assert torch.equal(large[:10], small)
    assert radius(vectors, large) < radius(vectors, small)


def test_it_repeats_with_the_seed():
    vectors = points(100, 4)
    assert torch.equal(k_centre(vectors, 5, 1), k_centre(vectors, 5, 1))
    assert not torch.equal(k_centre(vectors, 5, 1), k_centre(vectors, 5, 2))


@pytest.mark.parametrize("count", [0, -1, 11])
def test_a_count_out_of_range_is_refused(count):
    with pytest.raises(ValueError, match="between 1 and the 10 points"):
        k_centre(points(10, 2), count)


def test_a_projection_nearly_keeps_distances():
    vectors = points(60, 384)
    before, after = (torch.cdist(v, v) for v in (vectors, random_projection(vectors, 128, 0)))
    difference = ~torch.eye(60, dtype=torch.bool)
    ratio = after[difference] / before[difference]
    assert ratio.mean().item() == pytest.approx(1, abs=0.03)
    assert ratio.min() > 0.7
    assert ratio.max() < 1.3


def test_short_vectors_are_not_projected():
    vectors = points(5, 16)
    assert random_projection(vectors, 16, 0) is vectors
