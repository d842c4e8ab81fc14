"""The sets of settings the book runs with: ``quick`` on a laptop, ``full`` as in the papers."""

import math
import os
from dataclasses import dataclass, replace

from helpers.errors import nearest


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


# full: the coursework's own settings (Adam, 1e-4, 50 epochs, batches of 16).
# quick: fewer epochs of a slimmer network on smaller images, with a learning rate to match.
# medium: full-size images, but no more training than two cores do in a few minutes an attempt.
PROFILES = {
    "quick": Profile(
        "quick", "hazelnut", 128, 224, 10, 200, 16, 1, "formula", 1e-3, "formula", 16, (0, 1, 2)
    ),
    "medium": Profile(
        "medium", "hazelnut", 256, 256, 12, 250, 16, 8, "random", 1e-3, "formula", 16, (0, 1, 2)
    ),
    "full": Profile(
        "full", "hazelnut", 256, 256, 50, 700, 16, 4, "random", 1e-4, "auto", 32, (0, 1, 2)
    ),
}


def current_profile() -> Profile:
    """Return the profile named by ``ONE_BAD_NUT_PROFILE`` (default ``quick``).

    Raises
    ------
    ValueError
        When there is no such profile.
    """
    name = os.environ.get("ONE_BAD_NUT_PROFILE") or "quick"
    if name not in PROFILES:
        raise ValueError(f"ONE_BAD_NUT_PROFILE is '{name}'. {nearest(name, PROFILES)}")
    category = os.environ.get("ONE_BAD_NUT_CATEGORY")
    profile = PROFILES[name]
    return replace(profile, category=category) if category else profile
