"""The sets of settings the book runs with: ``quick`` on a laptop, ``full`` as in the papers."""

import math
import os
from dataclasses import dataclass, replace

from helpers.errors import did_you_mean


@dataclass(frozen=True)
class Profile:
    """How much work a notebook does; data, never a fork in the code.

    Attributes
    ----------
    name
        ``"quick"``, ``"medium"`` or ``"full"``.
    category
        The category the notebooks look at; ``ONE_BAD_NUT_CATEGORY`` overrules it.
    image_size
        Side of the square images that a network is trained on, in pixels.
    feature_size
        Side of those that a frozen network looks at: nothing is trained, so they may be larger.
    epochs
        Passes over the training images.
    least_steps
        Training steps below which a network has learned nothing yet; small sets need more epochs.
    batch_size
        Images in a training step.
    cheap_factor
        How many times as many epochs a network gets whose steps cost little: one of small crops or
        small pictures, or of features that are computed once.
    crop_weights
        What a network of small crops begins with; long training makes up for beginning at random.
    learning_rate
        Of the Adam optimiser.
    weights
        What pretrained networks begin with; see ``helpers.networks.backbone.backbone``.
    width
        Channels of the first layer of the networks that the book trains from scratch.
    seeds
        Each experiment that reports a spread is repeated with these.
    """

    name: str
    category: str
    image_size: int
    feature_size: int
    epochs: int
    least_steps: int
    batch_size: int
    cheap_factor: float
    crop_weights: str
    learning_rate: float
    weights: str
    width: int
    seeds: tuple[int, ...]

    def epochs_for(self, images: int) -> int:
        """Return the epochs for a training set of ``images`` images."""
        steps = math.ceil(images / self.batch_size)
        return max(self.epochs, math.ceil(self.least_steps / steps))


QUICK = Profile(
    name="quick",
    category="hazelnut",
    image_size=128,
    feature_size=224,
    epochs=10,
    least_steps=200,
    batch_size=16,
    cheap_factor=1,
    crop_weights="formula",
    learning_rate=1e-3,
    weights="auto",
    width=16,
    seeds=(0, 1, 2),
)
# Full-size images, but no more training than two cores do in a few minutes an attempt.
MEDIUM = replace(
    QUICK,
    name="medium",
    image_size=256,
    feature_size=256,
    epochs=12,
    least_steps=250,
    cheap_factor=8,
    crop_weights="random",
)
# The coursework's own settings: Adam, 1e-4, 50 epochs, batches of 16.
FULL = replace(
    MEDIUM,
    name="full",
    epochs=50,
    least_steps=700,
    cheap_factor=4,
    learning_rate=1e-4,
    width=32,
)
PROFILES = {profile.name: profile for profile in (QUICK, MEDIUM, FULL)}


def current_profile() -> Profile:
    """Return the profile named by ``ONE_BAD_NUT_PROFILE`` (default ``quick``).

    Raises
    ------
    ValueError
        When there is no such profile.
    """
    name = os.environ.get("ONE_BAD_NUT_PROFILE") or "quick"
    if name not in PROFILES:
        raise ValueError(f"ONE_BAD_NUT_PROFILE is '{name}'. {did_you_mean(name, PROFILES)}")
    category = os.environ.get("ONE_BAD_NUT_CATEGORY")
    profile = PROFILES[name]
    return replace(profile, category=category) if category else profile
