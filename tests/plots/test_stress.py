"""The figure of a stress run can be read: no label of an axis is wider than its panel."""

from hybrid.plots.stress import StressLine, stress_chart


def test_long_labels_fit_below_their_panels():
    line = StressLine(["4", "8"], [0.8, 0.7], [None, None])
    names = ["noise, standard deviation in grey levels", "blur, standard deviation in pixels"]
    figure = stress_chart(dict.fromkeys(names, line), label="ROC AUC", clean=0.9)
    figure.draw_without_rendering()
    for axes, name in zip(figure.axes, names, strict=True):
        assert axes.get_xlabel().replace("\n", " ") == name
        extent = axes.xaxis.label.get_window_extent()
        assert axes.bbox.x0 <= extent.x0 <= extent.x1 <= axes.bbox.x1, name
