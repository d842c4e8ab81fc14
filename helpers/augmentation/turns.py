"""A square in all the positions in which it looks like a square."""

import numpy as np

TURNS = 8


def turned(pictures: np.ndarray) -> np.ndarray:
    """Return squares N×…×S×S in their eight positions, one picture after the other: 8N×…×S×S.

    The first of the eight is the picture as it was. Pictures, masks and maps that fit one another
    still do when all are turned.
    """
    positions = [np.rot90(pictures, quarter, (-2, -1)) for quarter in range(TURNS // 2)]
    positions += [position[..., ::-1] for position in positions]
    return np.ascontiguousarray(np.stack(positions, 1).reshape(-1, *pictures.shape[1:]))
