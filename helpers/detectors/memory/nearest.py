"""Exact nearest neighbours: at the sizes of this book one matrix product, and no index to build."""

import torch

BLOCK = 8192


def nearest_neighbours(
    queries: torch.Tensor, memory: torch.Tensor, count: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the nearest memory entries of each query.

    Parameters
    ----------
    queries
        float32, Q×C.
    memory
        float32, M×C.
    count
        How many neighbours.

    Returns
    -------
    distances
        float32, Q×count, Euclidean (not squared), nearest first.
    positions
        int64, Q×count, rows of the memory.

    Raises
    ------
    ValueError
        When the vectors differ in length, or the memory has fewer entries than neighbours.
    """
    if queries.ndim != 2 or memory.ndim != 2 or queries.shape[1] != memory.shape[1]:
        raise ValueError(
            "queries and memory must be Q×C and M×C; got "
            f"{tuple(queries.shape)} and {tuple(memory.shape)}."
        )
    if not 1 <= count <= len(memory):
        raise ValueError(f"a memory of {len(memory)} entries has no {count} neighbours to give.")
    squares = memory.square().sum(1)
    positions = []
    for block in queries.split(BLOCK):
        # The query's own square is the same for all entries and changes no order.
        ranking = torch.addmm(squares, block, memory.T, alpha=-2)
        if count == 1:
            positions.append(ranking.argmin(1, keepdim=True))
        else:
            positions.append(ranking.topk(count, largest=False).indices)
    found = torch.cat(positions)
    # Subtract first and square then: the expanded form loses small distances to rounding.
    parts = [
        (block[:, None] - memory[rows]).norm(dim=2)
        for block, rows in zip(queries.split(BLOCK), found.split(BLOCK), strict=True)
    ]
    return torch.cat(parts), found
