import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from helpers.detectors.memory import nearest as neighbours
from helpers.detectors.memory.nearest import nearest_neighbours


def vectors(count, length, seed, offset=0.0):
    return torch.randn((count, length), generator=torch.Generator().manual_seed(seed)) + offset


def test_a_hand_computed_case():
    memory = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    distances, positions = nearest_neighbours(torch.tensor([[0.0, 0.0], [6.0, 9.0]]), memory, 2)
    assert positions.tolist() == [[0, 1], [2, 1]]
    assert torch.allclose(distances, torch.tensor([[0.0, 5.0], [1.0, 34**0.5]]))


@pytest.mark.parametrize("count", [1, 5])
def test_it_agrees_with_scikit_learn(count, monkeypatch):
    monkeypatch.setattr(neighbours, "CPU_BLOCK", 64)  # several blocks, the last one not full
    queries, memory = vectors(150, 20, 0), vectors(90, 20, 1)
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(memory.numpy())
    expected, rows = search.kneighbors(queries.numpy())
    distances, positions = nearest_neighbours(queries, memory, count)
    assert positions.tolist() == rows.tolist()
    assert torch.allclose(distances, torch.tensor(expected, dtype=torch.float32), atol=1e-4)


def test_groups_of_entries_hide_no_nearest_one():
    queries = vectors(300, 6, 0)
    for entries in (1, 7, 8, 80, 83):  # whole groups, and not
        memory = vectors(entries, 6, 1)
        _, positions = nearest_neighbours(queries, memory)
        expected = torch.cdist(queries.double(), memory.double()).argmin(1)
        assert positions[:, 0].tolist() == expected.tolist()


def test_small_distances_between_large_vectors_survive():
    # In the expanded form |a|² - 2ab + |b|² these would drown: squares of 1e8, distances of 1e-2.
    memory = vectors(50, 100, 0, offset=1000.0)
    queries = memory + 1e-3
    distances, positions = nearest_neighbours(queries, memory)
    assert positions[:, 0].tolist() == list(range(50))
    exact = (queries.double() - memory.double()).norm(dim=1)
    assert torch.allclose(distances[:, 0].double(), exact, rtol=1e-5)


def test_distances_are_not_squared():
    assert nearest_neighbours(torch.tensor([[3.0]]), torch.tensor([[0.0]]))[0].item() == 3.0


@pytest.mark.parametrize("count", [0, 4])
def test_more_neighbours_than_entries_are_refused(count):
    with pytest.raises(ValueError, match=f"a memory of 3 entries has no {count} neighbours"):
        nearest_neighbours(torch.zeros(2, 5), torch.zeros(3, 5), count)


def test_vectors_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"got \(2, 5\) and \(3, 4\)"):
        nearest_neighbours(torch.zeros(2, 5), torch.zeros(3, 4))
