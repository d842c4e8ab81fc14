"""The data card counts what is there."""

import numpy as np
import pytest

from helpers.annotations.data_card import data_card, size_of
from tests.annotation_samples import PARTS, annotated


def test_counts_by_hand():
    card = data_card(annotated(), PARTS)
    assert card.pictures.to_dict("index") == {
        "good": {"train": 1, "val": 0},
        "déchirure fine": {"train": 1, "val": 0},
        "cut & <hole>": {"train": 0, "val": 2},
    }
    assert card.objects.loc["déchirure fine"].tolist() == [2, 0]
    assert card.objects.loc["cut & <hole>"].tolist() == [0, 2]
    assert card.sizes.loc["cut & <hole>"].tolist() == [2, 0, 0]
    assert card.areas.loc["déchirure fine"].tolist()[:3] == [1, 27.5, 54]
    assert card.areas.loc["cut & <hole>"].iloc[3] == pytest.approx(100 * 301 / 600, abs=0.01)
    assert card.side == "30 × 20"


def test_size_bins_are_those_of_coco():
    assert [size_of(area) for area in (1, 1023, 1024, 9215, 9216)] == [
        "small",
        "small",
        "medium",
        "medium",
        "large",
    ]


def test_the_page_names_the_licence_and_every_table():
    text = data_card(annotated(), PARTS).markdown()
    assert "Licence of the pictures: CC0." in text
    assert "| déchirure fine | 2 | 0 |" in text
    assert text.count("\n|---|") == 4
    assert text == data_card(annotated(), PARTS).markdown()


def test_nothing_to_count():
    with pytest.raises(ValueError, match="no object to count"):
        data_card(annotated(), {"train": np.array([3])})
