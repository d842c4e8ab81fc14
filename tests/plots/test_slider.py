import html
import json
import re

import matplotlib.pyplot as plt
import pytest

from helpers import plots
from helpers.plots.picture import Picture

ALT = "A line that becomes steeper from one moment to the next, three times."


def moment(slope, width=2):
    figure, axes = plt.subplots(figsize=(width, 1))
    axes.plot([0, 1], [0, slope])
    plt.close(figure)
    return Picture(figure, f"A line of slope {slope}.")


def shown(**changes):
    settings = {"labels": ["epoch 1", "epoch 2", 'the "last"'], "alt": ALT} | changes
    return plots.slider([moment(1), moment(2), moment(3)], **settings)._repr_html_()


def test_the_last_moment_is_the_still():
    images = re.findall(r"<img[^>]*>", shown())
    assert [image.endswith(" hidden>") for image in images] == [True, True, False]
    assert "<output>the &quot;last&quot;</output>" in shown()


def test_the_range_has_a_step_for_each_moment_and_its_label():
    page = shown()
    assert re.search(r'type="range" min="0" max="2" value="2"', page)
    labels = html.unescape(re.search(r'data-labels="([^"]*)"', page)[1])
    assert json.loads(labels) == ["epoch 1", "epoch 2", 'the "last"']


def test_every_moment_has_its_text_alternative():
    alts = re.findall(r'<img[^>]* alt="([^"]*)"', shown(labels=["a", "b", "c"]))
    assert alts == [f"{ALT} Here: {label}." for label in "abc"]


def test_nothing_is_asked_of_a_server():
    assert not re.search(r"https?:|<script|<link", shown())


def test_a_slider_of_one_picture_of_other_labels_or_other_sizes_is_refused():
    with pytest.raises(ValueError, match="got 1 pictures and 1 labels"):
        plots.slider([moment(1)], ["once"], ALT)
    with pytest.raises(ValueError, match="got 2 pictures and 1 labels"):
        plots.slider([moment(1), moment(2)], ["once"], ALT)
    with pytest.raises(ValueError, match="need one size"):
        plots.slider([moment(1), moment(2, width=3)], ["a", "b"], ALT)
