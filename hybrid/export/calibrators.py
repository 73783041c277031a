"""Calibrations as ONNX nodes, in float64 as scikit-learn computes them."""

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from hybrid.classifiers.calibration import Recalibration
from hybrid.export.builder import GraphBuilder

_SMALLEST = 1e-12  # where probabilities are cut off before their logarithm is taken, as `Recalibration` does


def recalibrate(graph: GraphBuilder, recalibration: Recalibration, proba: str, n_columns: int) -> str:
    """Return calibrated probabilities, as `Recalibration.transform` does."""
    maps = [model.calibrated_classifiers_[0] for model in recalibration.models_]
    if recalibration.multilabel_:
        odds = log_odds(graph, proba)
        parts = [calibrate(graph, one, graph.columns(odds, [number]), 1) for number, one in enumerate(maps)]
        return graph.beside(*(graph.columns(part, [1]) for part in parts))
    if n_columns == 2:
        return calibrate(graph, maps[0], log_odds(graph, graph.columns(proba, [1])), 1)
    if maps[0].method == "temperature":
        values = graph.add("Log", _clip(graph, proba, 1.0))
    else:
        values = log_odds(graph, proba)
    return calibrate(graph, maps[0], values, n_columns)


def log_odds(graph: GraphBuilder, proba: str) -> str:
    """Return the log-odds of probabilities, as `hybrid.classifiers.calibration.log_odds` does."""
    inside = _clip(graph, proba, 1 - _SMALLEST)
    other = graph.add("Sub", graph.constant(np.float64(1)), inside)
    return graph.add("Log", graph.add("Div", inside, other))


def calibrate(graph: GraphBuilder, calibrated: Any, values: str, n_values: int) -> str:
    """Return the probabilities, (n, n_classes), that scikit-learn's calibrators make of decision values.

    Parameters
    ----------
    graph : GraphBuilder
    calibrated : sklearn.calibration._CalibratedClassifier
    values : str
        Decision values, float64 (n, n_values).
    n_values : int
        1 for two classes.
    """
    if calibrated.method == "temperature":
        beta = graph.constant(np.float64(calibrated.calibrators[0].beta_))
        logits = values if n_values > 1 else graph.beside(graph.add("Neg", values), values)
        return graph.add("Softmax", graph.add("Mul", logits, beta), axis=1)
    curves = calibrated.calibrators
    if isinstance(curves[0], IsotonicRegression):
        parts = [_isotonic(graph, curve, graph.columns(values, [number])) for number, curve in enumerate(curves)]
        proba = graph.beside(*parts)
    else:
        slopes = graph.constant(np.array([[curve.a_ for curve in curves]], np.float64))
        offsets = graph.constant(np.array([[curve.b_ for curve in curves]], np.float64))
        proba = graph.add("Sigmoid", graph.add("Neg", graph.add("Add", graph.add("Mul", values, slopes), offsets)))
    if n_values == 1:
        return graph.beside(graph.add("Sub", graph.constant(np.float64(1)), proba), proba)
    return _shares(graph, proba, n_values)


def _shares(graph: GraphBuilder, proba: str, n_classes: int) -> str:
    """Return each row over its sum; equal shares where all of it is 0."""
    total = add_up(graph, proba)
    none = graph.add("Equal", total, graph.constant(np.float64(0)))
    safe = graph.add("Where", none, graph.constant(np.float64(1)), total)
    return graph.add("Where", none, graph.constant(np.float64(1 / n_classes)), graph.add("Div", proba, safe))


def add_up(graph: GraphBuilder, tensor: str) -> str:
    """Return the sum of each row, (n, 1)."""
    return graph.add("ReduceSum", tensor, graph.constant(np.array([1], np.int64)), keepdims=1)


def _isotonic(graph: GraphBuilder, curve: IsotonicRegression, values: str) -> str:
    """Return what an isotonic curve makes of a column: linear between its points, level beyond them."""
    at, level = np.asarray(curve.X_thresholds_, np.float64), np.asarray(curve.y_thresholds_, np.float64)
    if len(at) == 1:
        at, level = np.append(at, at + 1), np.append(level, level)
    inside = graph.add("Clip", values, graph.constant(at[0]), graph.constant(at[-1]))
    reached = graph.add("GreaterOrEqual", inside, graph.constant(at[None, 1:-1]))  # the first and last: always, or not
    piece = graph.add("ReduceSum", graph.cast(reached, 7), graph.constant(np.array([1], np.int64)), keepdims=1)
    start, low = (graph.add("Gather", graph.constant(points[:-1]), piece) for points in (at, level))
    slope = graph.add("Gather", graph.constant(np.diff(level) / np.diff(at)), piece)
    return graph.add("Add", graph.add("Mul", graph.add("Sub", inside, start), slope), low)


def _clip(graph: GraphBuilder, tensor: str, most: float) -> str:
    return graph.add("Clip", tensor, graph.constant(np.float64(_SMALLEST)), graph.constant(np.float64(most)))
