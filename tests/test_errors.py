"""Suggestions."""

import pytest

from helpers.errors import did_you_mean


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("hazlenut", "Did you mean 'hazelnut'?"),
        ("HAZELNUT", "Did you mean 'hazelnut'?"),
        ("xyz", "Choose one of 'grid', 'hazelnut'."),
    ],
)
def test_the_nearest_is_suggested(name, suggestion):
    assert did_you_mean(name, ["hazelnut", "grid"]) == suggestion
