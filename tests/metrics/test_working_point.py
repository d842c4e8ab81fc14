"""What is found at equal false alarms: by hand, and unmoved by how a map is scaled."""

import numpy as np
import pytest

from helpers.metrics.working_point import TABLE, WorkingPoint, against, working_point_of_maps

MASKS = np.zeros((4, 8, 8), bool)
MASKS[:2, 2:4, 2:4] = True
GOOD = np.linspace(0, 1, 19)[:, None, None] * np.ones((1, 8, 8))


def maps():
    """Return maps that find one defect exactly, miss another, and mark one good picture."""
    found = np.zeros((4, 8, 8))
    found[0, 2:4, 2:4] = 2
    found[1, 6, 6] = 2
    found[3, 0, 0] = 2
    return found


def test_a_case_by_hand():
    point = working_point_of_maps(maps(), MASKS, GOOD)
    # Of 19 good pictures, the highest alone lets one in twenty pass.
    assert point.threshold.value == 1
    assert point.labels.tolist() == [1, 1, 0, 0]
    assert point.alarms.tolist() == [True, True, False, True]
    assert point.met.tolist() == [True, False, False, False]
    assert point.overlap.tolist() == [1, 0, 1, 0]
    row = point.row()
    assert tuple(row)[:-1] == TABLE
    assert list(row.values()) == [0.5, 0.05, 1, 0.5, 0.5, 0.5]


def test_only_the_order_of_the_scores_matters():
    one = working_point_of_maps(maps(), MASKS, GOOD).row()
    other = working_point_of_maps(np.exp(maps()), MASKS, np.exp(GOOD)).row()
    assert one == other


def test_a_higher_rate_marks_no_less():
    rng = np.random.default_rng(0)
    drawn, good = rng.random((4, 8, 8)), rng.random((60, 8, 8))
    points = [working_point_of_maps(drawn, MASKS, good, rate) for rate in (0.02, 0.1, 0.5, 0.9)]
    found = [point.alarms.sum() + point.met.sum() for point in points]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_on_new_good_pictures_the_rate_is_the_expected_one():
    rng = np.random.default_rng(1)
    alarms = [
        working_point_of_maps(
            rng.random((200, 2, 2)), np.zeros((200, 2, 2), bool), rng.random((59, 2, 2))
        ).alarms.mean()
        for _ in range(200)
    ]
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.01)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="maps and masks must fit"):
        working_point_of_maps(maps()[:3], MASKS, GOOD)
    with pytest.raises(ValueError, match="false_alarm_rate"):
        working_point_of_maps(maps(), MASKS, GOOD, 0.0)


def point(met):
    met = np.array(met, bool)
    labels = np.ones(len(met), int)
    threshold = working_point_of_maps(maps(), MASKS, GOOD).threshold
    return WorkingPoint(threshold, labels, met, met, met.astype(float))


def test_only_pictures_on_which_two_detectors_differ_tell_which_is_better():
    one, other = point([1] * 30 + [0] * 10), point([1] * 20 + [0] * 20)
    # Ten to none: 2 / 2 ** 10.
    told = "A meets the damage of 10 pictures that B misses, and misses 0 that B meets: A finds"
    assert told in against(one, other, "A", "B")
    assert "(p = 0.002)" in against(one, other, "A", "B")
    assert "misses 10 that A meets: A finds more" in against(other, one, "B", "A")
    few = point([1] * 22 + [0] * 18)
    assert "neither is shown to find more (p = 0.5)" in against(few, other, "A", "B")
    assert "(p = 1)" in against(one, one, "A", "A")
    with pytest.raises(ValueError, match="same pictures"):
        against(one, point([1, 0]), "A", "B")
