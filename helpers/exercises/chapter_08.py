"""Checks of the exercises of chapter 8."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect

COUNTS = np.array([60, 30, 6])


def _power_for(answer: Answer) -> None:
    # 100 draws; of classes of 90 and 10 pictures, q = 1 draws each picture once, q = 0 draws the
    # rare ones 5 times. In between it is 10 times 1 / (1 + 9^q).
    for q in (0.0, 0.5, 1.0):
        times = 10 / (1 + 9**q)
        expect(answer([90, 10], times), q, f"90 and 10 pictures, {times:g} times")
    expect(answer([8, 4, 2], 14 / (1 + 4**0.25 + 2**0.25) / 2), 0.25, "8, 4 and 2 pictures")


def _remedy_of(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), COUNTS)

    def drawn(each: np.ndarray) -> np.ndarray:
        return np.eye(3)[rng.choice(labels, (12, 8), p=each / each.sum())]

    alike, by_class = np.ones(len(labels)), 1 / COUNTS[labels]
    share = rng.beta(0.4, 1, (12, 1, 1))
    batches = {
        "plain": drawn(alike),
        "class-balanced sampling": drawn(by_class),
        "mixup": 0.7 * drawn(alike) + 0.3 * drawn(alike),
        "Balanced-MixUp": (1 - share) * drawn(alike) + share * drawn(by_class),
    }
    for name, targets in batches.items():
        found = answer(targets, COUNTS)
        if found is None:
            raise WrongError("Your function returns nothing.")
        if found != name:
            raise WrongError(f"For targets of {name} the result should be that, yours is {found}.")


def _calibration_error(answer: Answer) -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    right = np.array([1, 1, 1, 0, 0, 0])
    expect(answer(confidence, right, 2), abs(0.8 - 0.5), "six answers, two ranges")
    expect(answer(confidence, right, 10), (4 * 0.15 + 2 * 0.6) / 6, "the same in ten ranges")


def _alpha_of(answer: Answer) -> None:
    for alpha in (0.2, 3.0):
        mean = (60 / 96 + alpha / 3) / (alpha + 1)
        expect(answer(mean, COUNTS), alpha, f"counts 60, 30, 6 and a mean target of {mean:.4f}")
    expect(answer(0.8, [90, 10]), 1 / 3, "counts 90, 10 and a mean target of 0.8")


CHECKS = (_power_for, _remedy_of, _calibration_error, _alpha_of)
