"""Checks of the exercises of chapter 19."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect


def _cheapest_camera(answer: Answer) -> None:
    pixels, prices = [1000, 2000, 4000], [100, 250, 900]
    expect(answer(pixels, prices, 1.0, 400.0), 1, "a defect of 1 mm in 400 mm, 1000 to 4000 pixels")
    expect(answer(pixels, prices, 3.0, 400.0), 0, "a defect of 3 mm in 400 mm")
    expect(answer(pixels, [900, 250, 100], 3.0, 400.0), 2, "the same, the largest being cheapest")
    expect(answer(pixels, prices, 0.2, 400.0), -1, "a defect of 0.2 mm, which none can see")


def _photos_for(answer: Answer) -> None:
    expect(answer(0.05, 0.95), 59, "1 in 20 with 95 % certainty")
    expect(answer(0.01, 0.9), 230, "1 in 100 with 90 % certainty")
    expect(answer(0.5, 0.5), 1, "one half with a certainty of one half")


def _torn_parts(answer: Answer) -> None:
    parts = ["a", "a", "b", "b", "c", "c"]
    expect(answer(parts, np.array([0, 1, 0, 1, 1, 1], bool)), 2, "parts a and b torn, c held out")
    expect(answer(parts, [False, False, True, True, True, True]), 0, "no part torn")


def _diagnose(answer: Answer) -> None:
    good_light, good_focus = np.linspace(95, 105, 21), np.linspace(5.8, 6.2, 21)
    for light, focus, wanted in (
        (good_light - 40, good_focus, "lamp"),
        (good_light - 40, good_focus - 3, "lamp"),
        (good_light + 1, good_focus - 3, "focus"),
        (good_light + 1, good_focus + 0.05, "parts"),
        (np.append(good_light[:-3], [0, 0, 0]), good_focus, "parts"),
    ):
        if (found := answer(light, focus, good_light, good_focus)) != wanted:
            raise WrongError(
                f"With a median light of {np.median(light):.0f} instead of 100 and a focus of "
                f"{np.median(focus):.1f} instead of 6.0 it is {wanted!r}; you say {found!r}."
            )


CHECKS = (_cheapest_camera, _photos_for, _torn_parts, _diagnose)
