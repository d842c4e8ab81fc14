"""One file that an interrupted training continues from."""

from pathlib import Path

import torch
from torch import nn

from helpers.errors import DataError
from helpers.files import whole_file


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: str,
    losses: list[float],
    seconds: float = 0.0,
) -> None:
    """Write where a training stands; whoever reads the file finds all of it or the one before.

    Parameters
    ----------
    path
        The file.
    model, optimiser
        Their states are written.
    settings
        What the run is; a run of other settings refuses the file.
    losses, seconds
        So far.
    """
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "settings": settings,
        "losses": losses,
        "seconds": seconds,
    }
    with whole_file(path) as work:
        torch.save(state, work)


def load_checkpoint(
    path: Path | None, model: nn.Module, optimiser: torch.optim.Optimizer, settings: str
) -> tuple[list[float], float]:
    """Bring model and optimiser to where the file left them; without a file, change nothing.

    Returns
    -------
    tuple
        The losses and the seconds so far.

    Raises
    ------
    DataError
        When the file cannot be read, or belongs to another model or other settings.
    """
    if path is None or not path.is_file():
        return [], 0.0
    remedy = "Delete it to start again, or name another checkpoint."
    try:
        # weights_only: a checkpoint is read as tensors and numbers, never run as code.
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["settings"] == settings:
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            return list(state["losses"]), float(state["seconds"])
    except Exception as error:
        # torch.load raises whatever the bytes provoke: pickle, zip, key and shape errors.
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not a checkpoint of this model: {reason}. {remedy}") from error
    raise DataError(f"{path} belongs to a run with other settings: {state['settings']}. {remedy}")
