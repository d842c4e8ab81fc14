"""Compare a reader's answer with a known result."""

from collections.abc import Callable

import numpy as np

Answer = Callable[..., object]  # the reader's function


class WrongError(Exception):
    """The answer is wrong; the message says how it shows."""


def expect(found: object, wanted: object, case: str) -> None:
    """Raise ``WrongError`` unless ``found`` equals ``wanted`` to 1e-6, shape included."""
    if found is None:
        raise WrongError("Your function returns nothing.")
    if np.shape(found) != np.shape(wanted):
        raise WrongError(
            f"For {case} the shape should be {np.shape(wanted)}, yours is {np.shape(found)}."
        )
    if not np.allclose(np.asarray(found, float), np.asarray(wanted, float), atol=1e-6):
        raise WrongError(f"For {case} the result should be {wanted}, yours is {found}.")
