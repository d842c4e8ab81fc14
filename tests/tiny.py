"""Every detector of the book, so small that fitting it takes a moment."""

from dataclasses import replace

from helpers.detectors import catalogue
from helpers.profiles import PROFILES

KNOWN, SIDE = 16, 128  # pictures to learn from, and their side
TINY = replace(
    PROFILES["quick"],
    image_size=SIDE,
    feature_size=SIDE,
    epochs=1,
    least_steps=1,
    batch_size=8,
    width=8,
    weights="formula",
    crop_weights="random",
)
SPECS = {
    spec.name: spec
    for every in (catalogue.all_attempts, catalogue.all_strategies, catalogue.all_newer)
    for spec in every(TINY, KNOWN)
}
