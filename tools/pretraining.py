"""What the two pretrainings share: options, what is said meanwhile, and what a card tells."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from helpers.paths import data_folder


def asked(
    about: str | None, kind: type, checkpoint: str, given: Sequence[str] | None = None
) -> tuple[Any, argparse.Namespace]:
    """Read the command line: settings of a dataclass, each by an option, and where files are.

    Parameters
    ----------
    about
        What the command does.
    kind
        The settings' dataclass; what has no option on the line keeps its default.
    checkpoint
        Name of the file that a killed run continues from.
    given
        The line; the process's own by default.
    """
    parser = argparse.ArgumentParser(description=about)
    folder = data_folder() / "pretraining"
    parser.add_argument("--checkpoint", type=Path, default=folder / checkpoint)
    parser.add_argument("--folder", type=Path, default=folder, help="where the weights are put")
    for field in fields(kind):
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=type(field.default), default=field.default)
    arguments = parser.parse_args(given)
    return kind(**{field.name: getattr(arguments, field.name) for field in fields(kind)}), arguments


def say(step: int, loss: float, seconds: float) -> None:
    """Print where a run stands."""
    print(f"step {step:6d}  loss {loss:.4f}  {seconds:7.0f} s", flush=True)


def how_it_ran(
    settings: Any, losses: Sequence[float], seconds: float, machine: str
) -> dict[str, object]:
    """Return the part of a model card that the run itself tells."""
    hundreds = [losses[i : i + 100] for i in range(0, len(losses), 100)]
    return {
        "seed": settings.seed,
        "duration": f"{seconds / 60:.0f} minutes on {machine}",
        "licence": "CC0-1.0",
        "settings": asdict(settings),
        "versions": {name: version(name) for name in ("numpy", "scipy", "torch", "torchvision")},
        "losses_by_hundred_steps": [round(sum(part) / len(part), 4) for part in hundreds],
    }
