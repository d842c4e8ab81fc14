"""A figure at several moments: the slider shows the one it stands at, and says which."""

import json
import re
from pathlib import Path

import pytest

from tests.browser.conftest import HTML, PHONE

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
SLIDERS = [path.stem for path in NOTEBOOKS if 'class=\\"slider\\"' in path.read_text("utf-8")]


@pytest.mark.parametrize("chapter", SLIDERS)
def test_the_slider_shows_the_moment_it_stands_at(visit, chapter):
    seen = visit()
    page = seen.open(f"{HTML.as_uri()}/notebooks/{chapter}.html")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for place in range(page.locator("figure.slider").count()):
        figure = page.locator("figure.slider").nth(place)
        moved = figure.locator("input[type=range]")
        labels = json.loads(moved.get_attribute("data-labels"))
        images = figure.locator("img")
        assert images.count() == len(labels)

        def shown(images=images):
            return images.evaluate_all("all => all.map(one => one.offsetParent !== null)")

        assert shown() == [False] * (len(labels) - 1) + [True], "the still is the last"
        for position in (0, len(labels) - 1):
            moved.evaluate(
                "(one, to) => { one.value = to; one.dispatchEvent(new Event('input')); }", position
            )
            assert shown() == [i == position for i in range(len(labels))]
            images.nth(position).scroll_into_view_if_needed()  # only what is near is loaded
            page.wait_for_function(
                "one => one.complete && one.naturalWidth > 0",
                arg=images.nth(position).element_handle(),
            )
            assert figure.locator("output").inner_text() == labels[position]
            assert moved.get_attribute("aria-valuetext") == labels[position]
    assert not seen.errors


def test_a_slider_is_moved_by_keyboard(visit):
    page = visit().open(f"{HTML.as_uri()}/notebooks/{SLIDERS[0]}.html")
    moved = page.locator("figure.slider input[type=range]").first
    moved.focus()
    page.keyboard.press("Home")
    labels = json.loads(moved.get_attribute("data-labels"))
    assert page.locator("figure.slider output").first.inner_text() == labels[0]


def test_sliders_fit_a_phone(visit):
    page = visit(viewport=PHONE).open(f"{HTML.as_uri()}/notebooks/{SLIDERS[0]}.html")
    box = page.locator("figure.slider").first.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]


def test_there_are_sliders_in_the_chapters_where_something_moves():
    moving = {re.match(r"\d+", stem)[0] for stem in SLIDERS}
    assert {"02", "10", "11", "13"} <= moving
