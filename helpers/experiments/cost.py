"""What a detector costs: time, memory while it works, bytes on disk, numbers it keeps."""

import ctypes
import gc
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from statistics import median
from typing import Any, TypeVar

import numpy as np
import psutil
import torch

Result = TypeVar("Result")
EVERY = 0.005  # seconds between two looks at the memory


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what ``work()`` returns, and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak_memory(work: Callable[[], Result]) -> tuple[Result, int]:
    """Return what ``work()`` returns, and the most memory it took beyond what was there, in bytes.

    What earlier work left unused is given back to the system first, else it would hide the need.
    """
    _release()
    process = psutil.Process()
    before = process.memory_info().rss
    peak, done = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(EVERY):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        result = work()
    finally:
        done.set()
        watcher.join()
    return result, max(peak, process.memory_info().rss) - before


def bytes_on_disk(detector: object) -> int:
    """Return how many bytes a fitted detector takes when it is written to a file."""

    class _Count:
        total = 0

        def write(self, block: Any) -> int:
            size = memoryview(block).nbytes
            self.total += size
            return size

    counter = _Count()
    pickle.Pickler(counter, protocol=5).dump(detector)
    return counter.total


def parameter_count(detector: object) -> int:
    """Count the numbers that a fitted detector keeps: weights, statistics and memory.

    What it refers to twice counts once.
    """
    seen: dict[int, int] = {}

    def visit(value: Any) -> None:
        if isinstance(value, torch.nn.Module):
            for tensor in (*value.parameters(), *value.buffers()):
                seen[id(tensor)] = tensor.numel()
        elif isinstance(value, torch.Tensor):
            seen[id(value)] = value.numel()
        elif isinstance(value, np.ndarray):
            seen[id(value)] = value.size
        elif is_dataclass(value):
            for part in fields(value):
                visit(getattr(value, part.name))

    for value in vars(detector).values():
        visit(value)
    return sum(seen.values())


def median_seconds(work: Callable[[], object], repeats: int = 7) -> float:
    """Return the median duration of ``work()`` in seconds, after a first call that is not counted.

    Raises
    ------
    ValueError
        When there is nothing to repeat.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1; got {repeats}.")
    work()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return median(durations)


def _release() -> None:
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return  # only glibc has it
