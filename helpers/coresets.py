"""A few points that stand for many: the greedy k-centre coreset."""

import math

import torch


def random_projection(vectors: torch.Tensor, dimensions: int, seed: int) -> torch.Tensor:
    """Project N×C vectors to N×``dimensions`` and nearly keep their distances.

    A Gaussian matrix does so with high probability (Johnson and Lindenstrauss, 1984). Vectors that
    are no longer than ``dimensions`` come back as they are.
    """
    length = vectors.shape[1]
    if length <= dimensions:
        return vectors
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn((length, dimensions), generator=generator) / math.sqrt(dimensions)
    return vectors @ matrix.to(vectors.device)


def k_centre(vectors: torch.Tensor, count: int, seed: int = 0) -> torch.Tensor:
    """Choose points so that every point is near to a chosen one: greedily, the farthest next.

    The largest distance that remains is at most twice the smallest possible one (Gonzalez, 1985;
    as a coreset: Sener and Savarese, ICLR 2018). Only each point's distance to the nearest chosen
    one is kept, never a matrix of all distances.

    Parameters
    ----------
    vectors
        float32, N×C.
    count
        How many to choose.
    seed
        Of the first choice.

    Returns
    -------
    torch.Tensor
        int64, positions in the order they were chosen.

    Raises
    ------
    ValueError
        When ``count`` is not between 1 and N.
    """
    if not 1 <= count <= len(vectors):
        raise ValueError(f"count must be between 1 and the {len(vectors)} points; got {count}.")
    generator = torch.Generator().manual_seed(seed)
    place = int(torch.randint(len(vectors), (1,), generator=generator))
    squares = vectors.square().sum(1)
    remaining = torch.full_like(squares, math.inf)
    chosen = torch.empty(count, dtype=torch.int64)
    distance = torch.empty_like(squares)
    for number in range(count):
        chosen[number] = place
        # |a - b|² = |a|² - 2ab + |b|²: one product of a matrix and a vector.
        torch.addmv(squares, vectors, vectors[place], alpha=-2, out=distance)
        torch.minimum(remaining, distance.add_(squares[place]), out=remaining)
        remaining[place] = -math.inf  # a point is never chosen twice, not even among equals
        place = int(remaining.argmax())
    return chosen
