"""Cost: memory that is really taken, bytes that are really written, times in the right order."""

import time

import numpy as np
import pytest
import torch

from helpers.experiments.cost import (
    bytes_on_disk,
    median_seconds,
    parameter_count,
    peak_memory,
    timed,
)


def test_peak_memory_sees_what_is_taken_and_given_back():
    def take(megabytes):
        block = np.ones(megabytes * 2**20, np.uint8)
        time.sleep(0.3)  # the watcher looks again and again, also on a loaded machine
        return block[:3].sum()

    total, large = peak_memory(lambda: take(200))
    _, small = peak_memory(lambda: take(20))
    assert total == 3
    assert 190 * 2**20 < large < 260 * 2**20
    assert small < 100 * 2**20


def test_an_error_in_the_work_comes_through():
    with pytest.raises(ZeroDivisionError):
        peak_memory(lambda: 1 / 0)


def test_bytes_on_disk_count_shared_arrays_once():
    block = np.zeros(100_000)
    one = bytes_on_disk({"a": block})
    assert 800_000 <= one < 801_000
    assert bytes_on_disk({"a": block, "b": block}) < one + 200


@pytest.fixture
def clock(monkeypatch):
    """Give the readings of a clock to be filled in."""
    readings = []
    monkeypatch.setattr(time, "perf_counter", lambda: readings.pop(0))
    return readings


def test_median_seconds_forgets_the_first_call(clock):
    clock.extend([0, 1, 10, 14, 20, 22])  # a first call, which asks for no time, then 1, 4 and 2 s
    calls = []
    assert median_seconds(lambda: calls.append(1), repeats=3) == 2
    assert len(calls) == 4
    with pytest.raises(ValueError, match="at least 1"):
        median_seconds(lambda: None, repeats=0)


def test_timing_returns_the_result(clock):
    clock.extend([10, 12.5])
    assert timed(lambda: 5) == (5, 2.5)


def test_what_is_kept_is_counted_once():
    class Kept:
        settings = None

        def __init__(self):
            self.model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
            self.part = self.model[0]
            self.memory = np.zeros((5, 4))
            self.network = None

    # 6 + 2 weights, 2 + 2 of the normalisation, 2 + 2 + 1 of its statistics, 20 of the memory.
    assert parameter_count(Kept()) == 8 + 4 + 5 + 20
