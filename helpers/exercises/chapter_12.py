"""Checks of the exercises of chapter 12."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _disagreement(answer: Answer) -> None:
    teacher = np.array([[[3.0, 1.0]], [[10.0, 30.0]]])
    student = np.array([[[1.0, 0.0]], [[0.0, -1.0]]])
    mean, std = np.array([1.0, 20.0]), np.array([2.0, 10.0])
    found = answer(teacher, student, mean, std)
    expect(found, [[0.5, 2.0]], "two features at two patches")
    expect(answer(student, student, np.zeros(2), np.ones(2)), [[0, 0]], "two that agree")


def _hard_loss(answer: Answer) -> None:
    values = np.array([[4.0, 1.0], [2.0, 3.0]])
    expect(answer(values, 0.5), 3.5, "values 1 to 4, the largest half")
    expect(answer(values, 1.0), 2.5, "values 1 to 4, all of them")
    expect(answer(np.arange(1000.0), 0.001), 999.0, "a thousand values, the largest of them")


def _normalised(answer: Answer) -> None:
    good = np.linspace(0, 1, 1001)
    expect(answer(np.array([0.9, 0.995, 1.85]), good), [0, 0.1, 1], "good values from 0 to 1")
    expect(answer(10 * np.array([0.9, 0.995]), 10 * good), [0, 0.1], "the same, ten times as large")


CHECKS = (_disagreement, _hard_loss, _normalised)
