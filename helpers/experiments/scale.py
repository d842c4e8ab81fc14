"""How long many runs would take elsewhere, and what that costs: from the seconds in the records."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from helpers.experiments.store import Record

Kind = tuple[str, str]  # a detector's name, and what is changed in it


@dataclass(frozen=True)
class Place:
    """Machines to compute on.

    Attributes
    ----------
    name
        Of the machines.
    at_once
        Runs at a time.
    speed
        How many times as fast a run is there as where the records were made.
    price
        Of an hour of all the machines, in dollars.
    """

    name: str
    at_once: int
    speed: float = 1.0
    price: float = 0.0


def seconds_of(
    records: Iterable[Record], changes: Sequence[Mapping[str, str]]
) -> dict[Kind, float]:
    """Return the seconds to fit and to predict of each detector, unchanged or with a change.

    Medians over the records: an hour in which others used the machine does not change them.

    Parameters
    ----------
    records
        Of detectors.
    changes
        The variants that count, such as ``{"weights": "formula"}``; ``{}`` is the detector itself.
    """
    found: dict[Kind, list[float]] = {}
    for one in records:
        taken, variant = one.provenance.seconds, one.case["variant"]
        if variant in changes and "predict" in taken:
            kind = one.case["method"], ", ".join(variant.values())
            found.setdefault(kind, []).append(taken["fit"] + taken["predict"])
    return {kind: median(values) for kind, values in found.items()}


def hours(seconds: Iterable[float], place: Place) -> float:
    """Return the hours until all runs are done, if whatever is free takes the next one.

    That takes at most twice as long as the best order: Graham, Bell System Technical Journal 45,
    1966.

    Parameters
    ----------
    seconds
        Of each run, in the order in which they begin.
    place
        Where.
    """
    free = [0.0] * place.at_once
    for one in seconds:
        heapq.heapreplace(free, free[0] + one / place.speed)
    return max(free) / 3600
