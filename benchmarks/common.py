"""What the benchmarks share: the command line, a real category, a detector's figures, the clock."""

import argparse
import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from helpers.data.category import Category, move_to_test
from helpers.data.load import load_category
from helpers.detectors.base import Detector
from helpers.experiments.cost import timed
from helpers.metrics.comparison import compare, signed
from helpers.metrics.image import Interval, auroc_interval, image_auroc
from helpers.metrics.pixel import pixel_report


def command_line(text: str | None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(description=text, formatter_class=argparse.RawTextHelpFormatter)


def category_options(parser: argparse.ArgumentParser, size: int) -> None:
    parser.add_argument("--size", type=int, default=size)
    parser.add_argument("--move-to-test", type=int, default=0)
    parser.add_argument("--root", type=Path)


def category_of(arguments: argparse.Namespace) -> Category:
    category = load_category(arguments.category, arguments.size, arguments.root)
    return move_to_test(category, arguments.move_to_test)


def network_options(parser: argparse.ArgumentParser, layers: str | None = None) -> None:
    parser.add_argument("--other", metavar="ARCHITECTURE=FILE")
    parser.add_argument("--layers", default=layers, help="of the network, with commas")


@dataclass(frozen=True)
class Result:
    """What a detector achieved on a category's test images, and the seconds it took."""

    name: str
    image: np.ndarray
    image_auroc: float
    interval: Interval
    pixel_auroc: float
    aupro: float
    fit: float
    predict: float

    def cells(self) -> str:
        low, high = self.interval.low, self.interval.high
        return (
            f"| {self.name} | {self.image_auroc:.3f} ({low:.3f}–{high:.3f}) "
            f"| {self.pixel_auroc:.3f} | {self.aupro:.3f} |"
        )


def measure(name: str, detector: Detector, category: Category) -> Result:
    _, fit = timed(lambda: detector.fit(category.train))
    scores, predict = timed(lambda: detector.predict(category.test))
    pixels = pixel_report(category.masks, scores.maps)
    auroc = image_auroc(category.labels, scores.image)
    print(f"{name}: {auroc:.3f}", flush=True)
    interval = auroc_interval(category.labels, scores.image)
    return Result(name, scores.image, auroc, interval, pixels.auroc, pixels.aupro, fit, predict)


def gain(category: Category, one: np.ndarray, other: np.ndarray) -> str:
    """Return the image AUROC of ``one`` minus that of ``other``, with its interval."""
    found = compare(category.labels, one, other, "one", "the other")
    low, high = found.interval.low, found.interval.high
    return f"{signed(found.difference)} ({signed(low)} to {signed(high)})"


@contextlib.contextmanager
def clocked(owner: Any, name: str, seconds: dict[str, float]) -> Iterator[None]:
    """Add up the seconds spent in a function of ``owner``, inside the block."""
    function: Callable = getattr(owner, name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = function(*args, **kwargs)
        seconds[name] = seconds.get(name, 0) + time.perf_counter() - start
        return result

    setattr(owner, name, wrapper)
    yield
    setattr(owner, name, function)


def peak_memory() -> float:
    """Return the largest resident set of this process so far, in GiB."""
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
