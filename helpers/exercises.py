"""The checks behind the exercises: each tries the reader's answer on cases with known results."""

from collections.abc import Callable

import numpy as np

from helpers.errors import nearest

Check = Callable[[Callable], None]


def check(exercise: str, answer: Callable) -> None:
    """Try ``answer`` and print whether it solves the exercise, or what it gets wrong.

    Parameters
    ----------
    exercise
        Its number, such as ``"1.2"``.
    answer
        The reader's function.

    Raises
    ------
    ValueError
        When there is no such exercise.
    """
    if exercise not in CHECKS:
        raise ValueError(f"there is no exercise {exercise}. {nearest(exercise, CHECKS)}")
    try:
        CHECKS[exercise](answer)
    except _WrongError as wrong:
        print(f"Exercise {exercise}: not yet. {wrong}")
    except Exception as error:
        # Whatever the reader's code raises belongs to the reader, in one line.
        print(f"Exercise {exercise}: not yet. Your function raised {error!r}.")
    else:
        print(f"Exercise {exercise}: correct.")


class _WrongError(Exception):
    """The answer is wrong; the message says how it shows."""


def _expect(found: object, wanted: object, case: str) -> None:
    if found is None:
        raise _WrongError("Your function returns nothing.")
    if np.shape(found) != np.shape(wanted):
        raise _WrongError(
            f"For {case} the shape should be {np.shape(wanted)}, yours is {np.shape(found)}."
        )
    if not np.allclose(np.asarray(found, float), np.asarray(wanted, float), atol=1e-6):
        raise _WrongError(f"For {case} the result should be {wanted}, yours is {found}.")


def _mask_share(answer: Callable) -> None:
    masks = np.zeros((3, 10, 20), bool)
    masks[1, :5] = True
    masks[2, 0, 0] = True
    _expect(answer(masks), [0.0, 50.0, 0.5], "an empty, a half and a one-pixel mask of 10×20")


def _regions(answer: Callable) -> None:
    masks = np.zeros((3, 6, 6), bool)
    masks[1, 0, 0] = masks[1, 5, 5] = True
    masks[2, 1, 1] = masks[2, 2, 2] = masks[2, 5, 0] = True
    _expect(answer(masks), [0, 2, 2], "no spot, two spots, and two pixels touching at a corner")


def _constant_accuracy(answer: Callable) -> None:
    _expect(answer(np.array([0, 1, 1, 1])), 0.75, "labels 0, 1, 1, 1")
    _expect(answer(np.array([0] * 999 + [1])), 0.999, "one defect in a thousand")


def _auroc_by_pairs(answer: Callable) -> None:
    labels = np.array([1, 0, 0, 1, 0])
    _expect(answer(labels, np.array([4.0, 1.0, 2.0, 5.0, 3.0])), 1.0, "defects above all good")
    _expect(answer(labels, np.array([2.5, 1.0, 2.0, 5.0, 3.0])), 5 / 6, "one swapped pair of six")
    _expect(answer(labels, np.array([3.0, 1.0, 2.0, 5.0, 3.0])), 5.5 / 6, "one tie among six pairs")
    _expect(answer(labels, np.ones(5)), 0.5, "five equal scores")


def _top_mean(answer: Callable) -> None:
    maps = np.array([[[3.0, 0.0], [2.0, 1.0]], [[4.0, 7.0], [5.0, 6.0]]])
    _expect(answer(maps, 1.0), [1.5, 5.5], "share 1, the mean")
    _expect(answer(maps, 0.25), [3.0, 7.0], "share 1/4 of four pixels, the maximum")
    _expect(answer(maps, 0.5), [2.5, 6.5], "share 1/2")
    _expect(answer(maps, 0.01), [3.0, 7.0], "a share of less than a pixel: one pixel, at least")


def _code_ratio(answer: Callable) -> None:
    _expect(answer(128, 4, 32), 24.0, "side 128, 4 halvings, 32 channels")
    _expect(answer(256, 0, 3), 1.0, "no halving and 3 channels: nothing is squeezed")


def _good_threshold(answer: Callable) -> None:
    scores = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0])
    _expect(answer(scores, 0.1), 9.0, "scores 1…9 and a rate of 1 in 10")
    _expect(answer(scores, 0.3), 7.0, "scores 1…9 and a rate of 3 in 10")
    _expect(answer(scores, 0.15), 9.0, "scores 1…9 and a rate of 15 in 100")
    _expect(answer(scores, 0.05), 9.0, "scores 1…9 and a rate they are too few for")


def _learning_weights(answer: Callable) -> None:
    sizes = {"encoder": 700, "squeeze": 20, "decoder": 300}
    _expect(answer(sizes, ["encoder"]), 320, "700 + 20 + 300 weights, the encoder frozen")
    _expect(answer(sizes, []), 1020, "the same, nothing frozen")
    _expect(answer(sizes, list(sizes)), 0, "the same, everything frozen")


def _standardise(answer: Callable) -> None:
    features = np.zeros((2, 2, 1, 2))
    features[:, 0, 0] = [[1, 3], [5, 7]]
    wanted = np.zeros_like(features)
    wanted[:, 0, 0] = (np.array([[1, 3], [5, 7]]) - 4) / np.sqrt(5)
    _expect(answer(features), wanted, "a channel of 1, 3, 5, 7 and one that never varies")


def _receptive_field(answer: Callable) -> None:
    _expect(answer([]), 1, "no layer")
    _expect(answer([(3, 1), (3, 1)]), 5, "two 3×3 convolutions")
    _expect(answer([(7, 2), (3, 2)]), 11, "7×7 with stride 2, then 3×3 with stride 2")
    _expect(answer([(7, 2), (3, 2), (3, 1)]), 19, "the same and a 3×3 convolution")


def _cut_and_paste(answer: Callable) -> None:
    image = np.arange(48.0).reshape(3, 4, 4)
    before, wanted = image.copy(), image.copy()
    wanted[:, 2:4, 1:4] = image[:, 0:2, 0:3]
    _expect(answer(image, (0, 0), (2, 1), (2, 3)), wanted, "2×3 pixels from (0, 0) to (2, 1)")
    _expect(image, before, "the image that was passed in, which must not change")


def _mahalanobis(answer: Callable) -> None:
    points = np.array([[3.0, 1], [1, 3], [1, 1]])
    mean, covariance = np.array([1.0, 1]), np.array([[4.0, 0], [0, 1]])
    _expect(answer(points, mean, covariance), [1, 4, 0], "variances 4 and 1")
    tilted = np.array([[2.0, 1], [1, 2]])
    _expect(answer(points, mean, tilted), [8 / 3, 8 / 3, 0], "variances 2 and a covariance of 1")


def _grad_cam(answer: Callable) -> None:
    features = np.array([[[1.0, 2], [3, 4]], [[4, 3], [2, 1]]])
    _expect(answer(features, np.array([2, 1])), [[6, 7], [8, 9]], "slopes 2 and 1")
    _expect(answer(features, np.array([1, -1])), [[0, 0], [1, 3]], "slopes 1 and −1")


def _ssim_of_windows(answer: Callable) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 5, 5))
    _expect(answer(one, one), 1.0, "a window and itself")
    _expect(answer(np.zeros((3, 3)), np.ones((3, 3))), 1e-4 / 1.0001, "black and white")
    c1, c2 = 0.01**2, 0.03**2
    both = ((one - one.mean()) * (other - other.mean())).mean()
    wanted = (2 * one.mean() * other.mean() + c1) / (one.mean() ** 2 + other.mean() ** 2 + c1)
    wanted *= (2 * both + c2) / (one.var() + other.var() + c2)
    _expect(answer(one, other), wanted, "two windows of noise")


def _halved(answer: Callable) -> None:
    image = np.arange(16.0).reshape(1, 4, 4)
    _expect(answer(image), [[[2.5, 4.5], [10.5, 12.5]]], "0 … 15 in four rows")
    _expect(answer(np.ones((3, 8, 4))), np.ones((3, 4, 2)), "ones of 8×4")


def _step_channels(answer: Callable) -> None:
    _expect(answer([16, 32, 64], []), [16, 32, 64], "no skips")
    _expect(answer([16, 32, 64], [0]), [32, 32, 64], "a skip at the finest stage")
    _expect(answer([16, 32, 64], [0, 1]), [32, 64, 64], "skips at two stages")


def _mean_and_spread(answer: Callable) -> None:
    _expect(answer([0.8]), (0.8, 0.0), "one seed: no spread to tell")
    _expect(answer([0.7, 0.8, 0.9]), (0.8, 0.1), "0.7, 0.8, 0.9")


def _missed_by_all(answer: Callable) -> None:
    scores = {"a": np.array([1.0, 5, 2]), "b": np.array([10.0, 10, 90])}
    thresholds = {"a": 3.0, "b": 50.0}
    _expect(answer(scores, thresholds), [True, False, False], "two methods, three images")
    _expect(answer({"a": scores["a"]}, thresholds), [True, False, True], "method a alone")


def _resampled_gain(answer: Callable) -> None:
    labels = np.array([0, 0, 1, 1])
    one, other = np.array([0.0, 2, 1, 3]), np.array([0.0, 1, 2, 3])
    _expect(answer(labels, one, other, np.arange(4)), -0.25, "every image once")
    _expect(answer(labels, one, other, np.array([1, 1, 2, 3])), -0.5, "images 1, 1, 2, 3")


def _mesh(answer: Callable) -> None:
    u, v = np.meshgrid([0.0, 0.05, 0.5, 0.95, 3.0], [0.5, 2.02])
    wanted = [[1, 1, 0, 1, 1], [1, 1, 1, 1, 1]]
    _expect(
        answer(u, v, 0.2), wanted, "u of 0, 0.05, 0.5, 0.95, 3 and v of 0.5 and 2.02, width 0.2"
    )
    _expect(answer(u, v, 0.06), [[1, 0, 0, 0, 1], [1, 1, 1, 1, 1]], "the same, width 0.06")


def _nearest_distance(answer: Callable) -> None:
    memory = np.array([[0.0, 0.0], [3.0, 4.0], [-6.0, 8.0]])
    queries = np.array([[0.0, 1.0], [3.0, 4.0], [0.0, 100.0], [6.0, 8.0]])
    wanted = [1.0, 0.0, np.hypot(6, 92), 5.0]
    _expect(answer(queries, memory), wanted, "four queries and a memory of three points")
    _expect(answer(queries[:1], memory[1:]), [np.hypot(3, 3)], "one query and two points")


def _places(answer: Callable) -> None:
    change = np.zeros((4, 6))
    change[0, 0] = 1.0
    change[2:, 4:] = 0.5
    _expect(answer(change, 2), [[0.25, 0, 0], [0, 0, 0.5]], "a change of 4×6 pixels, cells of 2×2")
    _expect(answer(np.arange(4.0).reshape(2, 2), 1), [[0, 1], [2, 3]], "cells of one pixel")


CHECKS: dict[str, Check] = {
    "1.1": _mask_share,
    "1.2": _regions,
    "1.3": _constant_accuracy,
    "1.4": _auroc_by_pairs,
    "2.1": _top_mean,
    "2.2": _code_ratio,
    "2.3": _good_threshold,
    "3.1": _learning_weights,
    "3.2": _standardise,
    "3.3": _receptive_field,
    "4.1": _cut_and_paste,
    "4.2": _mahalanobis,
    "4.3": _grad_cam,
    "5.1": _ssim_of_windows,
    "5.2": _halved,
    "5.3": _step_channels,
    "6.1": _mean_and_spread,
    "6.2": _missed_by_all,
    "6.3": _resampled_gain,
    "18.1": _mesh,
    "18.2": _nearest_distance,
    "18.3": _places,
}
