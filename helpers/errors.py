"""Errors that name what is wrong and what to do about it."""

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """Files that cannot be used as they are; the message names the file and the remedy."""

    def __init__(self, message: str) -> None:
        # A file's name may be no text at all (surrogates in Python); the message is, always.
        super().__init__(message.encode("utf-8", "backslashreplace").decode("utf-8"))


class MissingError(DataError):
    """What is not there and could not be had; something else may do instead."""


def did_you_mean(name: str, options: Iterable[str], listed: Iterable[str] | None = None) -> str:
    """Return a sentence that suggests the option closest to ``name``, or lists them all.

    Where there are too many to list, ``listed`` says which to name instead.

    Examples
    --------
    >>> did_you_mean("hazlenut", ["grid", "hazelnut"])
    "Did you mean 'hazelnut'?"
    >>> did_you_mean("xyz", ["grid", "hazelnut"])
    "Choose one of 'grid', 'hazelnut'."
    """
    options = sorted(options)
    listed = options if listed is None else sorted(listed)
    close = difflib.get_close_matches(name.lower(), options, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    return "Choose one of " + ", ".join(f"'{option}'" for option in listed) + "."


def check_least(settings: object, **least: float) -> None:
    """Raise ``ValueError`` when a field of ``settings`` is below the least value given for it."""
    for name, value in least.items():
        if not getattr(settings, name) >= value:
            raise ValueError(f"{name} must be at least {value}; got {getattr(settings, name)}.")


def check_names(settings: object, field: str, known: Iterable[str]) -> None:
    """Raise ``ValueError`` unless a field of ``settings`` names one or more of the known."""
    names, known = getattr(settings, field), tuple(known)
    if not names or not set(names) <= set(known):
        raise ValueError(f"{field} must name some of {', '.join(known)}; got {names}.")
