"""Profiles are data, chosen by one variable."""

import pytest

from helpers.profiles import PROFILES, current_profile


def test_quick_is_the_default(monkeypatch):
    monkeypatch.delenv("ONE_BAD_NUT_PROFILE", raising=False)
    monkeypatch.delenv("ONE_BAD_NUT_CATEGORY", raising=False)
    assert current_profile() is PROFILES["quick"]


def test_full_is_the_assignments(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_PROFILE", "full")
    profile = current_profile()
    found = profile.epochs, profile.batch_size, profile.learning_rate, profile.image_size
    assert found == (50, 16, 1e-4, 256)


def test_one_variable_picks_the_category(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_CATEGORY", "grid")
    assert current_profile().category == "grid"


def test_a_misspelt_profile_is_corrected(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_PROFILE", "quik")
    with pytest.raises(ValueError, match=r"ONE_BAD_NUT_PROFILE is 'quik'. Did you mean 'quick'?"):
        current_profile()


def test_small_training_sets_get_more_epochs():
    full = PROFILES["full"]
    assert full.epochs_for(391) == 50  # the whole hazelnut category: the assignment's own number
    assert full.epochs_for(42) == 234  # 3 steps an epoch: 700 / 3, rounded up
