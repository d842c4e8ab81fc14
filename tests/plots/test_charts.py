"""Figures: the right panels, the same colours everywhere, words for those who cannot see them."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from helpers import plots
from helpers.metrics.image import Confusion, Interval, Roc, roc_curve_with_band
from helpers.plots.images import picture_grid, window_about
from helpers.plots.picture import (
    CLASS_COLOURS,
    METHOD_COLOURS,
    Picture,
    class_colours,
    method_colour,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 3, 16, 16), dtype=np.uint8)
MASKS = np.zeros((4, 16, 16), bool)
MASKS[1:, 3:8, 3:9] = True
NAMES = np.array(["good", "crack", "cut", "hole"])
LABELS = np.repeat([0, 1], 10)
SCORES = RNG.random(20) + LABELS
BASE = "Baseline autoencoder"


def all_pictures():
    roc = roc_curve_with_band(LABELS, SCORES)
    counts = pd.Series([5, 2], index=pd.MultiIndex.from_tuples([("test", "good"), ("test", "cut")]))
    many = np.repeat(NAMES, 5)
    return {
        "grid": plots.image_grid(IMAGES, MASKS, NAMES, columns=2),
        "overlay": plots.heat_map_overlay(IMAGES, RNG.random((4, 16, 16)), MASKS, NAMES),
        "overlay with threshold": plots.heat_map_overlay(
            IMAGES, RNG.random((4, 16, 16)), MASKS, NAMES, threshold=0.7
        ),
        "positions": plots.mask_position_map(MASKS),
        "counts": plots.count_bars(counts),
        "strips": plots.strip_by_class(RNG.random(20) + 0.01, many, "area in %"),
        "scores": plots.score_histograms(SCORES, many, 0.8, "image score"),
        "roc": plots.roc_plot({BASE: roc}, {BASE: (0.9, Interval(0.8, 1.0, 0.95))}),
        "confusion": plots.confusion_matrix_plot(Confusion(38, 2, 30, 40)),
        "training": plots.training_curve({BASE: [0.1, 0.05, 0.02]}),
        "intervals": plots.interval_plot(["a", "b"], [0.6, 0.7], [0.5, 0.6], [0.7, 0.8], "AUROC"),
    }


@pytest.mark.parametrize(("name", "picture"), all_pictures().items())
def test_every_figure_comes_with_words_and_a_small_picture(name, picture):
    html = picture._repr_html_()
    alt = re.search(r'alt="([^"]*)"', html)[1]
    assert len(alt) > 40, "a text alternative says what is seen"
    kind, data = re.search(r"data:image/(\w+);base64,([^\"]+)", html).groups()
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.format.lower() == kind
    assert image.width <= 800, "no wider than the page"
    assert len(data) < 200_000
    assert np.asarray(image.convert("L")).std() > 3, "not blank"


def test_the_words_name_what_is_drawn():
    pictures = all_pictures()
    for word in NAMES:
        assert word in pictures["overlay"].alt
        assert word in pictures["scores"].alt
    assert "test: cut 2" in pictures["counts"].alt
    assert BASE in pictures["roc"].alt


def test_words_of_scores_hold_no_measured_number():
    # They are compared as text, and trained models differ in their digits between processors.
    for name in ("scores", "roc", "confusion", "training", "intervals", "overlay"):
        digits = re.sub(r"95 %", "", all_pictures()[name].alt)
        assert not re.search(r"\d\.\d", digits), name


def test_markup_in_words_is_escaped():
    picture = Picture(all_pictures()["grid"].figure, 'a "quoted" <b> & more')
    assert 'alt="a &quot;quoted&quot; &lt;b&gt; &amp; more"' in picture._repr_html_()


def test_the_text_form_is_the_alternative():
    assert repr(Picture(None, "words")) == "Picture: words"


def test_a_grid_has_a_panel_for_each_image():
    figure = plots.image_grid(IMAGES, columns=3).figure
    assert len(figure.axes) == 6
    assert sum(bool(axis.images) for axis in figure.axes) == 4


def test_a_method_has_one_colour_and_others_share_a_neutral_one():
    assert method_colour(BASE) == METHOD_COLOURS[BASE]
    assert method_colour("something else") == method_colour("another")
    assert len(set(METHOD_COLOURS.values())) == len(METHOD_COLOURS)
    line = plots.training_curve({BASE: [1, 2]}).figure.axes[0].lines[0]
    assert line.get_color() == METHOD_COLOURS[BASE]


def test_every_chart_gives_a_method_the_same_colour_and_marker():
    for name in METHOD_COLOURS:
        names = [*[other for other in METHOD_COLOURS if other != name][:3], name]
        curve = plots.training_curve({n: [2, 1] for n in names}).figure.axes[0].lines[-1]
        point = plots.interval_plot([name], [0.7], [0.6], [0.8], "x").figure.axes[0].lines[1]
        ideal = Roc(*(np.array([0.0, 1.0]),) * 4)
        roc = plots.roc_plot({name: ideal}).figure.axes[0].lines[-1]
        assert curve.get_color() == point.get_color() == roc.get_color() == METHOD_COLOURS[name]
        assert curve.get_marker() == point.get_marker()


def test_a_class_keeps_its_marker_whatever_stands_beside_it():
    def markers(names):
        lines = plots.strip_by_class([1.0] * len(names), names, "x").figure.axes[0].lines
        return {
            line.get_color(): line.get_marker() for line in lines if line.get_marker() != "None"
        }

    together = markers(list(CLASS_COLOURS))
    assert len(set(together.values())) == len(CLASS_COLOURS), "colour is not the only cue"
    for name, colour in CLASS_COLOURS.items():
        assert markers([name])[colour] == together[colour]


def test_each_image_is_a_dot_in_the_row_of_its_class_and_good_comes_first():
    axis = plots.score_histograms([3, 1, 2], ["cut", "good", "cut"], 2.5).figure.axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["good", "cut"]
    good, cut, line = axis.lines
    np.testing.assert_array_equal(good.get_xdata(), [1])
    np.testing.assert_array_equal(cut.get_xdata(), [3, 2])
    assert (np.abs(good.get_ydata()) < 0.5).all()
    assert (np.abs(cut.get_ydata() - 1) < 0.5).all()
    assert list(line.get_xdata()) == [2.5, 2.5]


def test_scores_without_a_good_image_have_no_empty_row():
    axis = plots.score_histograms([3, 1], ["cut", "hole"]).figure.axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["cut", "hole"]


def test_counts_are_told_in_the_order_they_are_drawn_from_the_top():
    picture = all_pictures()["counts"]
    assert picture.alt.index("good 5") < picture.alt.index("cut 2")
    axis = picture.figure.axes[0]
    below, above = axis.get_ylim()
    assert below > above, "the first bar is at the top"
    assert [bar.get_width() for bar in axis.patches] == [5, 2]


def test_losses_below_zero_are_all_visible():
    axis = plots.training_curve({"FastFlow": [3.0, 1.0, -2.0, -5.0]}).figure.axes[0]
    assert axis.get_yscale() == "linear"
    low, high = axis.get_ylim()
    assert low < -5 < 3 < high
    assert plots.training_curve({BASE: [1.0, 0.1]}).figure.axes[0].get_yscale() == "log"


def test_the_legend_gives_auroc_and_interval():
    legend = all_pictures()["roc"].figure.axes[0].get_legend()
    assert "AUROC 0.90 (0.80–1.00)" in legend.get_texts()[1].get_text()


def test_the_confusion_matrix_gives_counts_and_shares_of_the_row():
    axis = all_pictures()["confusion"].figure.axes[0]
    texts = [text.get_text() for text in axis.texts]
    assert texts == ["38\n95%", "2\n5%", "30\n43%", "40\n57%"]


def test_an_interval_runs_from_its_low_to_its_high():
    bar, dot = all_pictures()["intervals"].figure.axes[0].lines[:2]
    assert list(bar.get_xdata()) == [0.5, 0.7]
    assert list(dot.get_xdata()) == [0.6]


def test_unknown_classes_get_colours_of_their_own():
    colours = class_colours(["good", "bent", "glue", "crack"])
    assert colours["good"] == CLASS_COLOURS["good"]
    assert len(set(colours.values())) == 4
    assert class_colours(["glue", "bent", "good", "crack"]) == colours


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels > 0.04045, ((channels + 0.055) / 1.055) ** 2.4, channels / 12.92)


def lab(rgb):
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.clip(np.array(matrix) @ rgb / [0.9505, 1, 1.089], 1e-6, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Machado, Oliveira and Fernandes (2009), severity 1.0.
VISIONS = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    ),
    "protanopia": np.array(
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    ),
}


@pytest.mark.parametrize("palette", [CLASS_COLOURS, METHOD_COLOURS], ids=["classes", "methods"])
@pytest.mark.parametrize("vision", VISIONS)
def test_colours_can_be_told_apart(vision, palette):
    seen = [lab(np.clip(VISIONS[vision] @ linear(c), 0, 1)) for c in palette.values()]
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(gaps) > 12


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: plots.image_grid(IMAGES / 255),
        lambda: plots.image_grid(IMAGES[:0]),
        lambda: plots.image_grid(IMAGES, MASKS[:3]),
        lambda: plots.image_grid(IMAGES, titles=["one"]),
        lambda: plots.heat_map_overlay(IMAGES, MASKS[:2] * 1.0),
        lambda: plots.heat_map_overlay(IMAGES, MASKS * 1.0, threshold=float("nan")),
        lambda: plots.mask_position_map(MASKS[:0]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match="images|masks|titles|maps|values|length|threshold"):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: plots.count_bars(pd.Series([1, 2])), "index levels"),
        (lambda: plots.strip_by_class([], [], "x"), "at least 1"),
        (lambda: plots.strip_by_class([1, 0], ["a", "b"], "x"), "positive"),
        (lambda: plots.score_histograms(SCORES, NAMES), r"\(20,\) and \(4,\)"),
        (lambda: plots.score_histograms([1, np.nan], ["a", "b"]), "1 of 2 values"),
        (lambda: plots.score_histograms([1, 2], ["a", "b"], np.inf), "threshold is inf"),
        (lambda: plots.roc_plot({}), "no curve"),
        (lambda: plots.roc_plot({"a": None}, {"b": None}), "no AUROC for a"),
        (lambda: plots.training_curve({}), "no loss"),
        (lambda: plots.training_curve({"a": []}), "losses of a"),
        (lambda: plots.training_curve({"a": [1, np.nan]}), "losses of a"),
        (lambda: plots.interval_plot([], [], [], [], "x"), "at least 1; got 0, 0, 0, 0"),
        (lambda: plots.interval_plot(["a"], [1, 2], [1, 2], [1, 2], "x"), "got 1, 2, 2, 2"),
        (lambda: plots.interval_plot(["a"], [0.5], [0.6], [0.4], "x"), "of a is upside down"),
    ],
)
def test_charts_refuse_what_they_cannot_draw(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_cloud_has_every_point_once_and_names_its_classes():
    points = np.arange(12.0).reshape(6, 2)
    picture = plots.point_cloud(points, ["good"] * 4 + ["hole"] * 2, ("first", "second"))
    (axis,) = picture.figure.axes
    assert [len(c.get_offsets()) for c in axis.collections] == [4, 2]
    assert "good, hole" in picture.alt
    assert axis.get_xlabel() == "first"
    good, hole = axis.collections
    assert good.get_zorder() > hole.get_zorder(), "damaged parts never hide the good ones"


def test_a_cloud_holds_all_points_or_the_extent_it_is_given():
    points = np.arange(12.0).reshape(6, 2)
    names = ["good"] * 4 + ["hole"] * 2
    (axis,) = plots.point_cloud(points, names, ("x", "y")).figure.axes
    assert axis.get_xlim()[0] < 0 < 10 < axis.get_xlim()[1]
    (axis,) = plots.point_cloud(points, names, ("x", "y"), extent=points[:2]).figure.axes
    assert 2 < axis.get_xlim()[1] < 3 < axis.get_ylim()[1] < 4


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((2, 3)), "shape N×2"),
        (np.zeros((3, 2)), "of one length"),
        (np.full((2, 2), np.nan), "finite, of shape"),
    ],
)
def test_what_is_no_cloud_is_refused(points, message):
    with pytest.raises(ValueError, match=message):
        plots.point_cloud(points, ["good", "hole"], ("first", "second"))


def test_quality_needs_the_same_methods_and_costs_above_zero():
    quality = {"GAN": (0.7, Interval(0.6, 0.8, 0.95))}
    assert "GAN" in plots.quality_against_cost({"GAN": 3.0}, quality, "ms", "image AUROC").alt
    with pytest.raises(ValueError, match="above 0"):
        plots.quality_against_cost({"GAN": 0.0}, quality, "ms", "image AUROC")
    with pytest.raises(ValueError, match="qualities of GAN"):
        plots.quality_against_cost({"FastFlow": 1.0}, quality, "ms", "image AUROC")


def test_maps_of_good_parts_do_not_glow_where_a_threshold_fixes_the_scale():
    good = 0.2 + 0.1 * np.random.default_rng(0).random((2, 16, 16))
    threshold = 0.35

    def strengths(maps, **options):
        figure = plots.heat_map_overlay(IMAGES[:2], maps, **options).figure
        laid = [axis.images[1] for axis in figure.axes if len(axis.images) == 2]
        return np.stack([each.get_alpha() for each in laid]), laid[0].norm

    alone, _ = strengths(good)
    assert alone.max() == pytest.approx(0.85)  # the highest of good parts looks like a defect
    fixed, scale = strengths(good, threshold=threshold)
    assert not fixed.any()
    assert scale(good.max()) < 0.5 == pytest.approx(scale(threshold))
    bad = good.copy()
    bad[1, 4:7, 4:7] = 0.9
    shown, _ = strengths(bad, threshold=threshold)
    assert (shown > 0).sum() == 9
    assert shown[1, 4:7, 4:7].min() == pytest.approx(0.85)


def test_the_window_is_a_square_in_the_picture_around_what_is_marked():
    marked = np.zeros((40, 40), bool)
    marked[5:12, 30:39] = True
    assert window_about(marked, 6) == (40 - 21, 0, 21)
    assert window_about(marked & False, 6) == (0, 0, 40)
    assert window_about(marked, 100) == (0, 0, 40)
    assert window_about(marked, None) == (0, 0, 40)


def test_a_margin_enlarges_the_damage_or_the_highest_pixel_in_two_rows():
    maps = np.full((2, 16, 16), 0.2)
    maps[0, 12, 2] = 0.9
    picture = plots.heat_map_overlay(IMAGES[:2], maps, MASKS[:2], threshold=0.35, margin=2)
    axes = np.reshape(picture.figure.axes[:8], (4, 2))
    for axis in axes[:2].ravel():
        assert (*axis.get_xlim(), *axis.get_ylim()) == (-0.5, 15.5, 15.5, -0.5)
    for row in axes[2:]:
        assert (*row[0].get_xlim(), *row[0].get_ylim()) == (-0.5, 4.5, 14.5, 9.5)
        assert (*row[1].get_xlim(), *row[1].get_ylim()) == (0.5, 10.5, 9.5, -0.5)
    assert "enlarged" in picture.alt


def test_titles_of_two_lines_get_room():
    heights = []
    for titles in (None, ["one", "one"], ["one", "two\nlines"]):
        with picture_grid(2, 1, titles) as (figure, axes):
            for axis in axes:
                axis.imshow(np.zeros((4, 4)))
        heights.append(figure.get_size_inches()[1])
    assert heights[0] < heights[1] < heights[2]
    # The second title ends below the first picture.
    renderer = FigureCanvasAgg(figure).get_renderer()
    title = axes[1].title.get_window_extent(renderer)
    assert title.y1 < axes[0].get_window_extent(renderer).y0


@pytest.mark.parametrize("title", ["one", "two\nlines", "and\nthree\nlines"])
@pytest.mark.parametrize("columns", [2, 3, 5])
def test_titles_lie_above_their_pictures_and_below_the_row_before(title, columns):
    images = np.zeros((2 * columns, 3, 8, 8), np.uint8)
    figure = plots.image_grid(images, titles=[title] * 2 * columns, columns=columns).figure
    figure.draw_without_rendering()
    pictures = [axis.get_window_extent() for axis in figure.axes]
    titles = [axis.title.get_window_extent() for axis in figure.axes]
    within_a_pixel = [t.y0 - p.y1 > -1 for t, p in zip(titles, pictures, strict=True)]
    assert all(within_a_pixel)
    assert max(t.y1 for t in titles) <= figure.bbox.y1
    assert min(p.y0 for p in pictures[:columns]) > max(t.y1 for t in titles[columns:])
    assert np.ptp([p.height for p in pictures]) < 1e-6
    assert pictures[0].height == pytest.approx(pictures[0].width)


def lines(axis):
    """Return the vertices of all lines drawn in an axis as contours: n×2."""
    paths = [path for drawn in axis.collections for path in drawn.get_paths()]
    return np.concatenate([path.vertices for path in paths] or [np.zeros((0, 2))])


def test_what_lies_just_above_the_threshold_is_seen_and_outlined():
    maps = np.full((2, 16, 16), 0.2)
    maps[0, 4:7, 8:11] = 0.35 + 1e-6
    figure = plots.heat_map_overlay(IMAGES[:2], maps, threshold=0.35).figure
    overlay, other = [axis for axis in figure.axes if len(axis.images) == 2]
    strength = overlay.images[1].get_alpha()
    assert (strength >= 0.3).sum() == (strength > 0).sum() == 9
    assert not other.images[1].get_alpha().any()
    x, y = lines(overlay).T
    assert (x >= 7).all() and (x <= 11).all() and (y >= 3).all() and (y <= 7).all()
    assert not len(lines(other))


def test_the_contour_closes_at_the_border_and_does_not_enlarge_the_picture():
    maps = np.full((1, 16, 16), 0.2)
    maps[0, :, 10:] = 0.9
    figure = plots.heat_map_overlay(IMAGES[:1], maps, threshold=0.35).figure
    for axis in figure.axes[1:3]:
        assert lines(axis)[:, 0].max() > 15
        assert (*axis.get_xlim(), *axis.get_ylim()) == (-0.5, 15.5, 15.5, -0.5)
    everywhere = plots.heat_map_overlay(IMAGES[:1], maps + 1, threshold=0.35).figure
    assert len(lines(everywhere.axes[2]))


def test_an_outline_lies_beside_what_it_marks():
    mask = np.zeros((1, 100, 100), bool)
    mask[0, 40:60, 45:46] = True
    image = np.zeros((1, 3, 100, 100), np.uint8)
    (axis,) = plots.image_grid(image, mask, columns=1).figure.axes
    x, y = lines(axis).T
    away = np.hypot(np.maximum(abs(x - 45), 0), np.maximum(abs(y - 49.5) - 9.5, 0))
    assert away.min() > 2
    assert away.max() < 4
    assert axis.get_xlim() == (-0.5, 99.5)
