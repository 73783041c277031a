"""The figure of a curve of scores against labelled images."""

from matplotlib.figure import Figure

from hybrid.adaptation.curve import AdaptingCurve
from hybrid.adaptation.methods import NONE
from hybrid.evaluation import METRICS
from hybrid.plots import adapting_curves


def curve_figure(curve: AdaptingCurve, metric: str) -> Figure:
    """Draw the mean score of each method by one metric, with the lowest and the highest of the draws."""
    drawn = {}
    for method in curve.methods:
        points = [curve.point(method, size, metric) for size in curve.sizes]
        known = [one for one in points if one.mean is not None]
        if method != NONE and known:
            drawn[method] = (
                [one.images for one in known],
                [one.mean or 0.0 for one in known],
                [one.low or 0.0 for one in known],
                [one.high or 0.0 for one in known],
            )
    return adapting_curves(drawn, label=METRICS[metric].title, plain=curve.point(NONE, curve.sizes[0], metric).mean)
