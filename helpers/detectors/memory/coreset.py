"""A few points that stand for many: the greedy k-centre coreset."""

import math

import torch

FIRST_BLOCK = 32768  # points that meet the first centre at once
BLOCK = 1024  # points with a like number of missed centres that catch up at once


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

    These distances can only shrink, so an old one is an upper bound. That saves most of the work:
    only the farthest points by their bounds, the candidates, are brought up to date and then
    followed step by step. As long as one of them is farther than every other bound, it is the
    farthest of all. A point that has a chosen one near is not looked at again until the search
    has come down to its bound. The choice is that of the plain greedy search.

    Parameters
    ----------
    vectors
        float32, N×C. The search runs on their device.
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
    first = torch.randint(len(vectors), (count,), generator=generator)
    chosen = first.to(vectors.device)  # the first stays
    squares = vectors.square().sum(1)
    bounds = torch.full_like(squares, math.inf)  # squared distances to the centres met so far
    met = torch.zeros_like(squares, dtype=torch.long)
    size = 1

    def update(rows: torch.Tensor) -> None:
        missed = chosen[int(met[rows].min()) : size]
        if len(missed):
            # |a - b|² = |a|² - 2ab + |b|²: one product of matrices.
            new = torch.addmm(squares[missed], vectors[rows], vectors[missed].T, alpha=-2).amin(1)
            bounds[rows] = torch.minimum(bounds[rows], new + squares[rows])
            met[rows] = size

    for rows in torch.arange(len(vectors), device=vectors.device).split(FIRST_BLOCK):
        update(rows)
    bounds[chosen[0]] = -math.inf  # a point is never chosen twice, not even among equals
    while size < count:
        farthest = bounds.topk(min(candidates + 1, len(vectors)))
        followed = farthest.indices[:candidates]
        others = farthest.values[-1].item() if candidates < len(vectors) else -math.inf
        for rows in followed[met[followed].argsort()].split(BLOCK):
            update(rows)
        near, near_squares, distance = vectors[followed], squares[followed], bounds[followed]
        while size < count:
            best = int(distance.argmax())
            if distance[best] < others:
                break
            chosen[size] = followed[best]
            size += 1
            new = torch.addmv(near_squares, near, near[best], alpha=-2) + near_squares[best]
            distance = torch.minimum(distance, new)
            distance[best] = -math.inf
        bounds[followed] = distance
        met[followed] = size
    return chosen
