"""Waiting ends in time."""

import threading

import pytest

from helpers.deadline import within


def test_what_ends_in_time_is_passed_on():
    assert within(60, lambda: 5) == 5
    with pytest.raises(KeyError, match="why"):
        within(60, lambda: {}["why"])


def test_what_does_not_is_left_alone():
    over = threading.Event()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 seconds"):
        within(0.01, lambda: over.wait(60))
    over.set()
