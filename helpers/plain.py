"""Settings and results as JSON keeps them, and back again as the types they had."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints


def plain(value: Any) -> Any:
    """Turn settings into what JSON gives back: dictionaries, lists, numbers and strings."""
    return json.loads(json.dumps(asdict(value) if is_dataclass(value) else value))


def typed(kind: Any, value: Any, where: str = "") -> Any:
    """Return what JSON gave as an object of a type.

    Parameters
    ----------
    kind
        A dataclass, ``str``, ``int``, ``float``, ``bool``, ``Any``, or a list, tuple or dictionary
        of them, or one of them or ``None``.
    value
        Of dictionaries, lists, numbers and strings.
    where
        What it is, for messages.

    Raises
    ------
    ValueError
        When it is not of the type, or a dataclass's fields are not those that are given.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return kind(**fields_of(get_type_hints(kind), value, where))
    if origin is UnionType:
        return None if value is None else typed(inner[0], value, where)
    if origin is list and isinstance(value, list):
        return [typed(inner[0], each, where) for each in value]
    if origin is tuple and isinstance(value, list):
        if inner[-1] is not Ellipsis and len(inner) != len(value):
            raise ValueError(f"{where} has {len(value)} values, not {len(inner)}")
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(typed(one, each, where) for one, each in zip(kinds, value, strict=True))
    if origin is dict and isinstance(value, dict):
        return {key: typed(inner[1], each, f"{where}.{key}") for key, each in value.items()}
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and number and abs(value) <= sys.float_info.max:
        return value
    if kind is int and number and isinstance(value, int) and abs(value) < 2**63:
        return value
    if kind in (str, bool) and isinstance(value, kind):
        return value
    raise ValueError(f"{where} is {value!r:.40}, no {getattr(kind, '__name__', kind)}")


def fields_of(types: Mapping[str, Any], values: Any, where: str) -> dict[str, Any]:
    """Return a dataclass's fields by name, each of its type; see ``typed``.

    What may be ``None`` may be missing: it was not there yet when the file was written.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where or 'it'} is no dictionary")
    missing = {name for name, kind in types.items() if get_origin(kind) is UnionType} - set(values)
    if wrong := (set(types) ^ set(values)) - missing:
        raise ValueError(f"{where or 'it'} lacks or has too much: {', '.join(sorted(wrong))}")
    return {
        name: None if name in missing else typed(kind, values[name], name)
        for name, kind in types.items()
    }
