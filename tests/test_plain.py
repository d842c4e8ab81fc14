"""Settings become JSON and the same settings again."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from helpers.plain import plain, typed


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    seconds: float | None = None


@dataclass(frozen=True)
class Outer:
    name: str = "a"
    sides: tuple[int, ...] = (1, 2)
    range: tuple[float, float] = (0.1, 0.2)
    on: bool = True
    inner: Inner = field(default_factory=Inner)
    more: dict[str, Any] = field(default_factory=dict)


def test_settings_come_back_as_they_were():
    settings = Outer("b", (), (0.1 + 0.2, 1e-17), False, Inner(1, 2.0), {"x": [1, None]})
    assert typed(Outer, plain(settings)) == settings


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1}, {"sides": [1.5]}, {"sides": 3}, {"range": [0.1]}, {"on": 1}, {"inner": []},
        {"inner": {"rate": "fast", "seconds": None}}, {"new": 1},
    ],
)  # fmt: skip
def test_what_is_not_of_the_type_is_refused(change):
    with pytest.raises(ValueError, match=r"is |has |lacks"):
        typed(Outer, {**plain(Outer()), **change})


def test_only_what_may_be_none_may_be_missing():
    assert typed(Inner, {"rate": 1.0}) == Inner(1.0)
    with pytest.raises(ValueError, match="rate"):
        typed(Inner, {"seconds": 1.0})
