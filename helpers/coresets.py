"""A few points that stand for many: the greedy k-centre coreset."""

import math

import torch

BLOCK = 32768


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


def k_centre(
    vectors: torch.Tensor, count: int, seed: int = 0, candidates: int = 8192
) -> torch.Tensor:
    """Choose points so that every point is near to a chosen one: greedily, the farthest next.

    The largest distance that remains is at most twice the smallest possible one (Gonzalez, 1985;
    as a coreset: Sener and Savarese, ICLR 2018). Only each point's distance to the nearest chosen
    one is kept, never a matrix of all distances.

    These distances can only shrink. So it is enough to follow the farthest points, the candidates,
    step by step: as long as one of them is farther than all others were at the last look, it is the
    farthest of all. Then all points meet the new centres at once, in one product of matrices. The
    choice is that of the plain greedy search, about ten times as fast.

    Parameters
    ----------
    vectors
        float32, N×C.
    count
        How many to choose.
    seed
        Of the first choice.
    candidates
        How many points to follow step by step; changes the speed alone.

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
    chosen = [int(torch.randint(len(vectors), (1,), generator=generator))]
    squares = vectors.square().sum(1)
    remaining = torch.full_like(squares, math.inf)
    met = 0
    while len(chosen) < count:
        _meet(remaining, vectors, squares, chosen[met:])
        met = len(chosen)
        farthest = remaining.topk(min(candidates, len(vectors)))
        followed, distance = farthest.indices, farthest.values
        near, near_squares, bound = vectors[followed], squares[followed], distance[-1].item()
        while len(chosen) < count:
            best = int(distance.argmax())
            if distance[best] < bound:
                break
            chosen.append(int(followed[best]))
            # |a - b|² = |a|² - 2ab + |b|²: one product of a matrix and a vector.
            new = torch.addmv(near_squares, near, near[best], alpha=-2) + near_squares[best]
            distance = torch.minimum(distance, new)
            distance[best] = -math.inf  # a point is never chosen twice, not even among equals
    return torch.tensor(chosen)


def _meet(
    remaining: torch.Tensor, vectors: torch.Tensor, squares: torch.Tensor, centres: list[int]
) -> None:
    """Update the squared distances ``remaining`` with new centres, in place."""
    for rows in torch.arange(len(vectors)).split(BLOCK):
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        product = vectors[part] @ vectors[centres].T
        new = (squares[centres] - 2 * product).amin(1) + squares[part]
        remaining[part] = torch.minimum(remaining[part], new)
    remaining[centres] = -math.inf
