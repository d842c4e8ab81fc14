"""Check a reader's answer to an exercise of the book."""

import pkgutil
from collections.abc import Callable
from importlib import import_module

from helpers.errors import did_you_mean
from helpers.exercises.expect import WrongError

Check = Callable[[Callable], None]


def check(exercise: str, answer: Callable) -> None:
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
    """Return the check of every exercise, by its number."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    chapters = [name for name in names if name.startswith("chapter_")]
    found: dict[str, Check] = {}
    for name in chapters:
        found |= import_module(f"helpers.exercises.{name}").CHECKS
    return found
