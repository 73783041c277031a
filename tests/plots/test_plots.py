"""The pictures: what they show, that nothing is cut off, and that strangers' names stay names."""

import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from hybrid.errors import InputError
from hybrid.plots import (
    bar_chart,
    class_map,
    confusion_matrices,
    cost_chart,
    difference_chart,
    error_map,
    group_chart,
    interval_chart,
    precision_recall_curves,
    reliability_curves,
    roc_curves,
    save_figure,
    training_curves,
)
from hybrid.plots.style import DASHES, MARKS, SERIES, line_style, mark_style

NASTY = ["$x_1$ and \\frac{", "snake_case_name_that_is_long_" * 4, "line\nbreak\tand tab", "plain"]
HISTORY = {
    "loss": [1.0, 0.6, 0.3, 0.1],
    "val_loss": [1.1, 0.7, 0.5, 0.8],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_accuracy": [0.5, 0.6, 0.9, 0.7],
}


def visible_texts(figure):
    figure.draw(FigureCanvasAgg(figure).get_renderer())
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def words(figure):
    return " ".join(text.get_text() for text in visible_texts(figure))


def assert_nothing_is_cut(figure):
    words(figure)
    drawn = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    width, height = figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.01
    assert drawn.x1 < width + 0.01
    assert drawn.y1 < height + 0.01


def bars(n):
    values = [0.9 - 0.05 * i for i in range(n)]
    return bar_chart(
        [NASTY[i % 4] for i in range(n)],
        values,
        [(v - 0.03, v + 0.02) for v in values],
        label="roc_auc",
        title=NASTY[0],
    )


@pytest.mark.medium
@pytest.mark.parametrize("n", [1, 10])
def test_bars_show_values_and_intervals_and_cut_nothing(n):
    figure = bars(n)
    assert_nothing_is_cut(figure)
    shown = words(figure)
    assert "0.900  (0.870–0.920)" in shown
    assert NASTY[0] in shown
    low, high = figure.axes[0].get_xlim()
    assert (low, high) == (0, 1)


def test_bars_of_undefined_and_of_unbounded_scores():
    figure = bar_chart(["a", "b", "c"], [None, 2.5, -0.1], [None, None, (-0.3, 0.1)], label="score")
    assert "not defined" in words(figure)
    low, high = figure.axes[0].get_xlim()
    assert low <= -0.3
    assert high >= 2.5
    assert_nothing_is_cut(figure)


@pytest.mark.medium
@pytest.mark.parametrize(("models", "k"), [(1, 2), (10, 2), (4, 11), (1, 40)])
def test_confusion_matrices_cut_nothing(models, k):
    counts = np.random.default_rng(0).integers(0, 3000, (k, k))
    classes = (NASTY * k)[:k]
    figure = confusion_matrices([NASTY[i % 4] for i in range(models)], [counts] * models, classes, title="data")
    assert_nothing_is_cut(figure)


def test_confusion_cells_hold_count_and_per_cent_of_the_row():
    figure = confusion_matrices(["m"], [np.array([[30, 10], [0, 5000]])], ["a", "b"])
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["30\n75%", "10\n25%", "0", "5000\n100%"]


def test_per_cents_never_round_to_all_or_nothing():
    figure = confusion_matrices(["m"], [np.array([[999, 1], [0, 1]])], ["a", "b"])
    assert [text.get_text() for text in figure.axes[0].texts][:2] == ["999\n>99%", "1\n<1%"]


def test_more_classes_than_numbers_can_be_read_in_are_drawn_in_colour_only():
    figure = confusion_matrices(["m"], [np.eye(50, dtype=int)], [f"class {i}" for i in range(50)])
    assert not figure.axes[0].texts


def test_numbers_stand_out_from_their_cells():
    counts = np.array([[round(1000 * s), 1000 - round(1000 * s)] for s in np.linspace(0.01, 0.99, 20)])
    square = np.hstack([counts, np.zeros((20, 18), dtype=int)])
    axes = confusion_matrices(["m"], [square], list("abcdefghijklmnopqrst")).axes[0]
    image = axes.get_images()[0]
    for text in axes.texts:
        column, row = map(int, text.get_position())
        *colour, alpha = image.cmap(image.norm(image.get_array()[row, column]))
        back = luminance(*(alpha * channel + 1 - alpha for channel in colour))
        front = 1.0 if text.get_color() == "white" else 0.0
        contrast = (max(back, front) + 0.05) / (min(back, front) + 0.05)
        assert contrast >= 4.5  # WCAG 2.1, level AA


def luminance(*channels):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.medium
def test_multilabel_confusions_have_one_row_a_label():
    counts = np.array([[[70, 10], [5, 15]], [[50, 0], [25, 25]]])
    figure = confusion_matrices(["m", "n", "o"], [counts] * 3, ["sea", "a_label_$long$_" * 3], title="scenes")
    assert_nothing_is_cut(figure)
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["15\n75%", "5\n25%", "10\n12%", "70\n88%", "25\n50%", "25\n50%", "0", "50\n100%"]


@pytest.mark.medium
def test_curves_mark_the_epoch_of_lowest_validation_loss():
    figure = training_curves(HISTORY, title=NASTY[0])
    assert_nothing_is_cut(figure)
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    for axes, best in ((loss, 0.5), (accuracy, 0.9)):
        marks = [line for line in axes.lines if "best epoch" in str(line.get_label())]
        assert [(list(mark.get_xdata()), list(mark.get_ydata())) for mark in marks] == [([3], [best])]


@pytest.mark.medium
def test_the_best_epoch_can_be_that_of_the_highest_accuracy():
    history = HISTORY | {"val_accuracy": [0.5, 0.95, 0.9, 0.7]}
    assert "best epoch: 2" in words(training_curves(history, monitor="val_accuracy"))


@pytest.mark.medium
def test_several_histories_are_drawn_together_and_named():
    shown = words(training_curves({"resnet_$a$": HISTORY, "convnet": HISTORY}))
    assert "resnet_$a$, validation" in shown
    assert "convnet, train" in shown
    names = [f"network number {number}" for number in range(8)]
    figure = training_curves(dict.fromkeys(names, HISTORY), stacked=True, parts=("validation",))
    assert_nothing_is_cut(figure)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == names


def test_a_history_without_validation_or_accuracy_is_drawn():
    figure = training_curves({"loss": [1.0]})
    assert len(figure.axes) == 1
    assert_nothing_is_cut(figure)


@pytest.mark.parametrize("n", [1, 10])
def test_the_interval_chart_marks_the_chosen_model_and_fits_the_intervals(n):
    values = [0.9 - 0.01 * i for i in range(n)]
    ends = [(v - 0.03, v + 0.02) for v in values]
    figure = interval_chart((NASTY * n)[:n], values, ends, label="roc_auc", chosen=0, title=NASTY[1])
    assert_nothing_is_cut(figure)
    low, high = figure.axes[0].get_xlim()
    assert low < min(ends)[0] < max(ends)[1] < high
    diamonds = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [(list(d.get_xdata()), list(d.get_ydata())) for d in diamonds] == [([0.9], [0])]


def test_an_interval_chart_of_undefined_scores_says_so():
    figure = interval_chart(["a", "b"], [None, 0.5], [None, None], label="score")
    assert "not defined" in words(figure)
    assert_nothing_is_cut(figure)


@pytest.mark.medium
def test_the_cost_chart_names_every_model_with_score_and_cost():
    names = [*NASTY, "no cost", "no score"]
    values, costs = [0.9, 0.8, 0.95, 0.7, 0.6, None], [0.02, 30, 4000, 7, None, 5]
    figure = cost_chart(names, values, [(0.6, 0.99)] * 6, costs, label="roc_auc", cost="seconds")
    assert_nothing_is_cut(figure)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    points = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() in MARKS}
    assert points == {(0.02, 0.9), (30, 0.8), (4000, 0.95), (7, 0.7)}
    assert "no score" not in words(figure)


UNIT = np.linspace(0, 1, 50)


@pytest.mark.parametrize("n", [1, 10])
@pytest.mark.parametrize(
    "draw",
    [
        roc_curves,
        lambda curves: precision_recall_curves(curves, prevalence=0.3),
        lambda c: reliability_curves(c, event="x"),
    ],
)
def test_curves_name_every_model_and_cut_nothing(draw, n):
    curves = {f"{i} {NASTY[i % 4]}": (UNIT, UNIT ** (0.1 * (i + 1))) for i in range(n)}
    figure = draw(curves)
    assert_nothing_is_cut(figure)
    shown = words(figure)
    assert all(str(i) in shown for i in range(n))
    drawn = figure.axes[0].lines[0]
    np.testing.assert_array_equal(drawn.get_ydata(), UNIT**0.1)


def test_fifty_models_are_told_apart_and_ten_without_colour():
    assert len({str(line_style(i)) for i in range(50)}) == len({str(mark_style(i)) for i in range(50)}) == 50
    lines = {str(line_style(i)) for i in range(10)}
    marks = {mark_style(i)["marker"] for i in range(10)}
    assert len(lines) == len(marks) == 10
    assert line_style(0)["linestyle"] != line_style(1)["linestyle"]
    assert len(DASHES) == 5


def test_colours_stand_out_from_white():
    for colour in SERIES:
        back = luminance(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))
        assert 1.05 / (back + 0.05) >= 3  # WCAG 2.1, graphical objects


def test_maps_show_every_point_once():
    rng = np.random.default_rng(0)
    points, codes = rng.normal(size=(300, 2)), np.repeat([-1, 0, 1], 100)
    figure = class_map(points, codes, NASTY[:2], title=NASTY[2])
    assert_nothing_is_cut(figure)
    assert sum(len(line.get_xdata()) for line in figure.axes[0].lines) == 300
    assert "other classes" in words(figure)
    wrong = np.arange(300) % 10 == 0
    figure = error_map(points, wrong)
    assert_nothing_is_cut(figure)
    assert "right (270)" in words(figure)
    crosses = figure.axes[0].lines[1]
    assert crosses.get_marker() == "x"
    np.testing.assert_array_equal(np.column_stack(crosses.get_data()), points[wrong])


def test_a_saved_figure_is_whole_and_leaves_nothing_else(tmp_path):
    path = save_figure(bars(1), tmp_path / "new" / "bars.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["bars.png"]


def test_a_failed_save_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "bars.png"
    path.write_bytes(b"old")
    figure = bars(1)
    figure.savefig = lambda *args, **kwargs: (_ for _ in ()).throw(OSError("disk full"))
    with pytest.raises(InputError, match="disk full"):
        save_figure(figure, path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


@pytest.mark.medium
def test_drawing_needs_no_pyplot():
    code = "import sys, hybrid.plots; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_planted_link_is_not_followed(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / f".bars.{os.getpid()}.png").symlink_to("target")
    save_figure(bars(2), tmp_path / "bars.png")
    assert (tmp_path / "target").read_text() == "old"
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


def test_of_many_models_the_cost_chart_names_the_chosen_and_the_unsurpassed():
    names = [f"m{number}" for number in range(10)]
    values = [0.5, 0.6, 0.55, 0.7, 0.65, 0.8, 0.75, 0.78, 0.6, 0.5]
    figure = cost_chart(names, values, [None] * 10, list(range(1, 11)), label="f1", cost="seconds", chosen=8)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["m0", "m1", "m3", "m5", "m8", "other models"]
    losses = cost_chart(names, values, [None] * 10, list(range(1, 11)), label="loss", cost="s", lower_is_better=True)
    assert [text.get_text() for text in losses.legends[0].get_texts()] == ["m0", "other models"]


def test_the_difference_chart_draws_what_is_known_of_each_model():
    figure = difference_chart(
        [*NASTY[:2], "c"], [0.1, -0.05, None], [(0.02, 0.18), None, None], [(-0.01, 0.2), None, None],
        [True, False, False], label="difference", margin=-0.05,
    )  # fmt: skip
    (axes,) = figure.axes
    assert "not defined" in [text.get_text() for text in axes.texts]
    filled = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "D"]
    assert len(filled) == 2
    assert filled[0] != filled[1] == "#ffffff"
    low, high = axes.get_xlim()
    assert low < -0.05
    assert high > 0.2


def test_the_group_chart_has_a_bar_for_each_group_beside_the_scores():
    figure = group_chart(["a", "b", "c"], [0.9, 0.8, None], [[0, 1], [1, 2]], label="f1", chosen=0)
    (axes,) = figure.axes
    bars = [sorted(line.get_ydata()) for line in axes.lines if line.get_marker() == "s"]
    assert bars == [[0, 1], [1, 2]]
    assert min(line.get_xdata()[0] for line in axes.lines if line.get_marker() == "s") > 0.9
    assert max(axes.get_xticks()) <= 0.92
