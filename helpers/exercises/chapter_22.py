"""Checks of the exercises of chapter 22."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect


def _possible(answer: Answer) -> None:
    for auroc, good, defective, wanted in (
        (0.942, 12, 30, True),
        (0.943, 12, 30, True),  # only with a tie
        (0.945, 12, 30, False),
        (0.998, 40, 70, True),
        (1.0, 12, 30, True),
        (0.9, 1, 3, False),
    ):
        found = answer(auroc, good, defective)
        if bool(found) != wanted or found is None:
            raise WrongError(
                f"Of {good} good and {defective} defective images, {auroc:.3f} is "
                f"{'possible' if wanted else 'impossible'}; you say {found!r}."
            )


def _flattery(answer: Answer) -> None:
    validation, test = [0.80, 0.95, 0.90], [0.85, 0.91, 0.97]
    expect(answer(validation, test), 0.06, "an epoch that the validation images prefer")
    expect(answer([0.7, 0.8, 0.9], test), 0.0, "two sets of images that prefer the same epoch")
    expect(answer([0.9, 0.8, 0.7], [0.9, 0.8, 0.95]), 0.05, "the first epoch preferred")


def _spro(answer: Answer) -> None:
    regions = np.zeros((2, 4, 4), bool)
    regions[0, :2], regions[1, 3, 3] = True, True
    marked = np.zeros((4, 4), bool)
    marked[0, :2] = True
    expect(answer(regions, [8, 1], marked), 0.125, "2 of 8 pixels of one region, 0 of 1")
    expect(answer(regions, [2, 1], marked), 0.5, "2 pixels where 2 are enough, 0 of 1")
    marked[:] = True
    expect(answer(regions, [2, 1], marked), 1.0, "everything marked: no region counts above 1")


def _diagnose(answer: Answer) -> None:
    for patches, whole, quarters, wanted in (
        (0.5, 0.9, 1.0, "nothing"),
        (3.0, 0.8, 1.0, "damage"),
        (0.9, 4.0, 5.0, "number"),
        (2.5, 4.0, 5.0, "number"),
        (0.9, 0.7, 5.0, "places"),
        (1.5, 0.7, 5.0, "damage"),
    ):
        if (found := answer(patches, whole, quarters)) != wanted:
            raise WrongError(
                f"Patches {patches}, the whole {whole} and quarters {quarters} mean {wanted!r}; "
                f"you say {found!r}."
            )


CHECKS = (_possible, _flattery, _spro, _diagnose)
