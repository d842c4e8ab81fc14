"""Check a reader's answer to an exercise of the book."""

import pkgutil
from collections.abc import Callable
from importlib import import_module

from helpers.errors import did_you_mean
from helpers.exercises.expect import Answer, WrongError

Check = Callable[[Answer], None]


def check(exercise: str, answer: Answer) -> None:
    """Try ``answer`` and print whether it solves the exercise, or what it gets wrong.

    Parameters
    ----------
    exercise
        Its number, such as ``"1.2"``.
    answer
        The reader's function.

    Raises
    ------
    ValueError
        When there is no such exercise.
    """
    checks = all_checks()
    if exercise not in checks:
        raise ValueError(f"there is no exercise {exercise}. {did_you_mean(exercise, checks)}")
    try:
        checks[exercise](answer)
    except WrongError as wrong:
        print(f"Exercise {exercise}: not yet. {wrong}")
    except Exception as error:
        # Whatever the reader's code raises belongs to the reader, in one line.
        print(f"Exercise {exercise}: not yet. Your function raised {error!r}.")
    else:
        print(f"Exercise {exercise}: correct.")


def all_checks() -> dict[str, Check]:
    """Return the check of every exercise, by its number; a chapter's stand in their order."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(__path__):
        name, _, chapter = module.name.partition("_")
        if name == "chapter":
            checks = import_module(f"helpers.exercises.{module.name}").CHECKS
            found |= {f"{int(chapter)}.{i}": each for i, each in enumerate(checks, 1)}
    return found
