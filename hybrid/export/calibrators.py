"""Calibration as ONNX nodes, computed in float64 as in scikit-learn."""

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from hybrid.classifiers.calibration import Recalibration
from hybrid.export.builder import GraphBuilder

_SMALLEST = 1e-12  # probabilities are clipped to it before their logarithm is taken, as in `Recalibration`


def recalibrate(graph: GraphBuilder, recalibration: Recalibration, proba: str, n_columns: int) -> str:
    """Add nodes that compute the same calibrated probabilities as `Recalibration.transform`."""
    maps = [model.calibrated_classifiers_[0] for model in recalibration.models_]
    if recalibration.multilabel_:
        odds = log_odds(graph, proba)
        parts = [calibrate(graph, map_, graph.columns(odds, [number]), 1) for number, map_ in enumerate(maps)]
        return graph.concatenate(*(graph.columns(part, [1]) for part in parts))
    if n_columns == 2:
        return calibrate(graph, maps[0], log_odds(graph, graph.columns(proba, [1])), 1)
    if maps[0].method == "temperature":
        values = graph.add("Log", _clip(graph, proba, 1.0))
    else:
        values = log_odds(graph, proba)
    return calibrate(graph, maps[0], values, n_columns)


def log_odds(graph: GraphBuilder, proba: str) -> str:
    """Add nodes that compute the same log-odds as `hybrid.classifiers.calibration.log_odds`."""
    inside = _clip(graph, proba, 1 - _SMALLEST)
    other = graph.add("Sub", graph.constant(np.float64(1)), inside)
    return graph.add("Log", graph.add("Div", inside, other))


def calibrate(graph: GraphBuilder, calibrated: Any, values: str, n_values: int) -> str:
    """Add one of scikit-learn's calibrators and return its probabilities, of shape (n, n_classes).

    Parameters
    ----------
    graph : GraphBuilder
    calibrated : sklearn.calibration._CalibratedClassifier
        The fitted calibrator.
    values : str
        Decision values, float64 of shape (n, n_values).
    n_values : int
        Number of decision values per image: the number of classes, or 1 for two classes.
    """
    if calibrated.method == "temperature":
        beta = graph.constant(np.float64(calibrated.calibrators[0].beta_))
        logits = values if n_values > 1 else graph.concatenate(graph.add("Neg", values), values)
        return graph.add("Softmax", graph.add("Mul", logits, beta), axis=1)
    curves = calibrated.calibrators
    if isinstance(curves[0], IsotonicRegression):
        parts = [_isotonic(graph, curve, graph.columns(values, [number])) for number, curve in enumerate(curves)]
        proba = graph.concatenate(*parts)
    else:
        slopes = graph.constant(np.array([[curve.a_ for curve in curves]], np.float64))
        offsets = graph.constant(np.array([[curve.b_ for curve in curves]], np.float64))
        proba = graph.add("Sigmoid", graph.add("Neg", graph.add("Add", graph.add("Mul", values, slopes), offsets)))
    if n_values == 1:
        return graph.concatenate(graph.add("Sub", graph.constant(np.float64(1)), proba), proba)
    return _shares(graph, proba, n_values)


def _shares(graph: GraphBuilder, proba: str, n_classes: int) -> str:
    """Return each row divided by its sum. Rows of zeros become equal shares."""
    total = row_sums(graph, proba)
    is_zero = graph.add("Equal", total, graph.constant(np.float64(0)))
    safe = graph.add("Where", is_zero, graph.constant(np.float64(1)), total)
    return graph.add("Where", is_zero, graph.constant(np.float64(1 / n_classes)), graph.add("Div", proba, safe))


def row_sums(graph: GraphBuilder, tensor: str) -> str:
    """Return the sum of each row, of shape (n, 1)."""
    return graph.add("ReduceSum", tensor, graph.constant(np.array([1], np.int64)), keepdims=1)


def _isotonic(graph: GraphBuilder, curve: IsotonicRegression, values: str) -> str:
    """Return an isotonic curve applied to a column. It is linear between its points and constant beyond them."""
    x, y = np.asarray(curve.X_thresholds_, np.float64), np.asarray(curve.y_thresholds_, np.float64)
    if len(x) == 1:
        x, y = np.append(x, x + 1), np.append(y, y)
    inside = graph.add("Clip", values, graph.constant(x[0]), graph.constant(x[-1]))
    # The segment of a value is the number of inner points at or below it.
    reached = graph.add("GreaterOrEqual", inside, graph.constant(x[None, 1:-1]))
    segment = graph.add("ReduceSum", graph.cast(reached, 7), graph.constant(np.array([1], np.int64)), keepdims=1)
    start, low = (graph.add("Gather", graph.constant(points[:-1]), segment) for points in (x, y))
    slope = graph.add("Gather", graph.constant(np.diff(y) / np.diff(x)), segment)
    return graph.add("Add", graph.add("Mul", graph.add("Sub", inside, start), slope), low)


def _clip(graph: GraphBuilder, tensor: str, upper: float) -> str:
    return graph.add("Clip", tensor, graph.constant(np.float64(_SMALLEST)), graph.constant(np.float64(upper)))
