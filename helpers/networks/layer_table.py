"""Take a network apart: what each part does to the shape of its input."""

from collections.abc import Callable

import pandas as pd
import torch
from torch import nn


def layer_table(model: nn.Module, image: torch.Tensor) -> pd.DataFrame:
    """Send one image through ``model`` and list its leaf layers in the order they are used.

    Parameters
    ----------
    model
        Any network in evaluation mode.
    image
        Its input, B×3×H×W.

    Returns
    -------
    pandas.DataFrame
        Columns ``part`` (name of the enclosing child), ``layer``, ``output`` (C × H × W) and
        ``weights`` (number of trainable values).
    """
    rows: list[dict] = []
    hooks = []
    for name, layer in model.named_modules():
        if not list(layer.children()):
            hooks.append(layer.register_forward_hook(_recorder(rows, name)))
    try:
        with torch.inference_mode():
            model(image)
    finally:
        for hook in hooks:
            hook.remove()
    return pd.DataFrame(rows)


def _recorder(rows: list[dict], name: str) -> Callable[..., None]:
    def record(layer: nn.Module, _: tuple, output: torch.Tensor) -> None:
        rows.append(
            {
                "part": name.split(".")[0],
                "layer": type(layer).__name__,
                "output": " × ".join(str(side) for side in output.shape[1:]),
                "weights": sum(p.numel() for p in layer.parameters()),
            }
        )

    return record
