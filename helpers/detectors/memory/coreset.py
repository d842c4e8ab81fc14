"""A few points that stand for many: the greedy k-centre coreset."""

import math
from collections.abc import Iterator

import torch

POOL = 131072  # farthest points that look for a near chosen one together
SKETCH = 32  # directions in which they look
SAMPLE = 20_000  # points, at most, that the directions are those of
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
    vectors: torch.Tensor, count: int, seed: int = 0, candidates: int = 2048
) -> torch.Tensor:
    """Choose points so that every point is near to a chosen one: greedily, the farthest next.

    The largest distance that remains is at most twice the smallest possible one (Gonzalez, 1985;
    as a coreset: Sener and Savarese, ICLR 2018). Only each point's distance to the nearest chosen
    one is kept, never a matrix of all distances.

    These distances can only shrink, so an old one is an upper bound, and so is the distance to any
    chosen point. That saves nearly all the work, in three steps:

    1. The farthest points by their bounds, a pool, look for a near chosen point in a sketch, the
       few directions in which the points differ most. The true distance to what was found is a
       better bound, and for most points one so small that they are not looked at again until the
       search has come down to it.
    2. The farthest of the pool, the candidates, learn their true distance.
    3. As long as one of them is farther than every other bound, it is the farthest of all, and is
       chosen; after each choice only the candidates are brought up to date.

    The sketch decides what is looked at, never what is chosen: the choice is that of the plain
    greedy search.

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
    search = _Search(vectors, first.to(vectors.device))  # the first stays
    while search.size < count:
        pool, floor = _farthest(search.bounds, POOL)
        search.find_near(pool)
        while search.size < count:
            bounds = search.bounds[pool]
            if bounds.max() < floor:
                break
            places, others = _farthest(bounds, candidates)
            followed = pool[places]
            search.meet(followed)
            search.follow(followed, max(floor, others))
    return search.chosen


class _Search:
    """What a greedy search knows so far.

    Attributes
    ----------
    chosen, size
        Positions of the centres, in the order they were chosen, and how many there are.
    bounds
        N, for each point an upper bound of its squared distance to the nearest centre; −∞ for the
        centres themselves: a point is never chosen twice, not even among equals.
    sketch, sketch_squares
        N×S, the points in a few directions, and the squares of their lengths there.
    sought, met
        N, how many of the centres each point has looked for in the sketch, and how many it has
        really met.
    """

    def __init__(self, vectors: torch.Tensor, chosen: torch.Tensor) -> None:
        self.vectors, self.chosen, self.size = vectors, chosen, 1
        # By blocks: the squares of all numbers would take as much memory as the numbers.
        self.squares = torch.cat([block.square().sum(1) for block in vectors.split(BLOCK)])
        self.sketch = vectors @ principal_directions(vectors, SKETCH)
        self.sketch_squares = self.sketch.square().sum(1)
        self.bounds = torch.addmv(self.squares, vectors, vectors[chosen[0]], alpha=-2)
        self.bounds += self.squares[chosen[0]]
        self.bounds[chosen[0]] = -math.inf
        self.sought = torch.ones(len(vectors), dtype=torch.long, device=vectors.device)
        self.met = self.sought.clone()

    def find_near(self, rows: torch.Tensor) -> None:
        """Lower the bounds of some points by the centres that are nearest in the sketch."""
        for block, first in self._behind(rows, self.sought):
            missed = self.chosen[first : self.size]
            squares = torch.addmm(
                self.sketch_squares[missed],
                self.sketch.index_select(0, block),
                self.sketch.index_select(0, missed).T,
                alpha=-2,
            )
            near = missed[squares.min(1).indices]
            products = (
                self.vectors.index_select(0, block) * self.vectors.index_select(0, near)
            ).sum(1)
            self._lower(block, self.squares[near] - 2 * products + self.squares[block])

    def meet(self, rows: torch.Tensor) -> None:
        """Bring the bounds of some points down to the distances."""
        for block, first in self._behind(rows, self.met):
            missed = self.chosen[first : self.size]
            # |a - b|² = |a|² - 2ab + |b|²: one product of matrices.
            squares = torch.addmm(
                self.squares[missed],
                self.vectors.index_select(0, block),
                self.vectors.index_select(0, missed).T,
                alpha=-2,
            )
            self._lower(block, squares.amin(1) + self.squares[block])

    def follow(self, rows: torch.Tensor, others: float) -> None:
        """Choose from points whose distances are known, while one is as far as ``others``."""
        near, squares, distance = (
            self.vectors.index_select(0, rows),
            self.squares[rows],
            self.bounds[rows],
        )
        while self.size < len(self.chosen):
            best = int(distance.argmax())
            if distance[best] < others:
                break
            self.chosen[self.size] = rows[best]
            self.size += 1
            new = torch.addmv(squares, near, near[best], alpha=-2) + squares[best]
            distance = torch.minimum(distance, new)
            distance[best] = -math.inf
        self.bounds[rows] = distance
        self.met[rows] = self.size

    def _behind(
        self, rows: torch.Tensor, known: torch.Tensor
    ) -> Iterator[tuple[torch.Tensor, int]]:
        """Yield points in blocks, each with the first centre that one of its points missed."""
        rows = rows.sort().values  # neighbours in memory together: much faster to collect
        for block in rows[known[rows].argsort(stable=True)].split(BLOCK):
            first = int(known[block[0]])
            if first < self.size:
                yield block, first
        known[rows] = self.size

    def _lower(self, rows: torch.Tensor, squares: torch.Tensor) -> None:
        self.bounds[rows] = torch.minimum(self.bounds[rows], squares)


def _farthest(bounds: torch.Tensor, count: int) -> tuple[torch.Tensor, float]:
    """Return where the largest bounds stand, ``count`` of them, and the largest of the others."""
    if count >= len(bounds):
        return torch.arange(len(bounds), device=bounds.device), -math.inf
    largest = bounds.topk(count + 1)
    return largest.indices[:count], largest.values[-1].item()


def principal_directions(vectors: torch.Tensor, count: int) -> torch.Tensor:
    """Return the directions in which N×C vectors differ most: orthonormal, C×``count`` at most.

    They are those of a sample, evenly spaced (principal component analysis).
    """
    sample = vectors[:: -(-len(vectors) // SAMPLE)].cpu().double()
    sample = sample - sample.mean(0)
    directions = torch.linalg.eigh(sample.T @ sample).eigenvectors
    return directions[:, -count:].to(vectors)
