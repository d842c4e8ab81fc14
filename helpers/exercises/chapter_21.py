"""Checks of the exercises of chapter 21."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _explained_by_position(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(size=(9, 4))
    places = (places - places.mean(0)) / places.std(0)
    pose = np.array([1.0, -1.0, 1.0, -1.0])[:, None, None]  # of four pictures, of mean 0
    still = np.broadcast_to(places, (4, 9, 4))
    expect(answer(still), 1.0, "a product that never moves")
    expect(answer(np.broadcast_to(pose, (4, 9, 4)).copy()), 0.0, "pictures of one value each")
    expect(answer(still + pose), 0.5, "places and pictures that vary alike")
    expect(answer(still + 3 * pose), 0.1, "pictures that vary three times as much as places")


def _noise_for(answer: Answer) -> None:
    corners = np.array([[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
    expect(answer(corners), 1.0, "three corners of a square of side 2, in four dimensions")
    line = np.array([[0.0], [1.0], [3.0], [10.0], [20.0]])
    expect(answer(line), 2.0, "the numbers 0, 1, 3, 10 and 20")


def _photos_to_ask(answer: Answer) -> None:
    curve = {1: [0.5, 0.9], 2: [0.8, 0.7], 4: [0.9, 0.85], 8: [0.95, 0.9]}
    expect(answer(curve, 0.85), 4, "draws of 1 to 8 photos, the worst of 4 reaching 0.85")
    expect(answer(curve, 0.6), 2, "the same, with a target of 0.6")
    expect(answer(curve, 0.92), -1, "a target that no worst draw reaches")
    uneven = {1: [0.9], 2: [0.6], 4: [0.95]}
    expect(answer(uneven, 0.8), 4, "one photo that was lucky")


def _can_hide(answer: Answer) -> None:
    expect(answer(101, 31, 0.3), True, "31 of 101 pictures, of which 30 are asked")
    expect(answer(101, 30, 0.3), False, "30 of 101 pictures, of which 30 are asked")
    expect(answer(3, 2, 0.01), True, "2 of 3 pictures, of which one is asked")
    expect(answer(3, 1, 0.01), False, "a single scratched picture")


CHECKS = (_explained_by_position, _noise_for, _photos_to_ask, _can_hide)
