"""Fitted steps as ONNX nodes: from embeddings to probabilities and labels.

What scikit-learn and XGBoost fitted is translated by skl2onnx and onnxmltools; what is hybrid's own is a few nodes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from hybrid.classifiers import KNN, LinearSVM, NetworkOutput, RandomForest, Softmax
from hybrid.classifiers.base import Head
from hybrid.errors import InputError
from hybrid.export.builder import GraphBuilder
from hybrid.export.calibrators import add_up, calibrate, recalibrate
from hybrid.export.libraries import classifier, transformer
from hybrid.export.neighbours import nearest_neighbours
from hybrid.pipelines.adjusted import AdjustedHead
from hybrid.pipelines.ensemble import Ensemble


def probabilities(graph: GraphBuilder, steps: Any, X: str, width: int) -> str:
    """Add fitted steps to a graph and return their probabilities, float64 (n, n_classes).

    Parameters
    ----------
    graph : GraphBuilder
    steps : estimator or Pipeline
        Fitted.
    X : str
        Embeddings, float32 (n, width).
    width : int

    Raises
    ------
    InputError
        If a step cannot be translated; it says which and why.
    """
    if isinstance(steps, Pipeline):
        for step in (step for _, step in steps.steps[:-1] if step not in (None, "passthrough")):
            X, width = transformer(graph, step, X, width)
        return probabilities(graph, steps[-1], X, width)
    if isinstance(steps, FrozenEstimator):
        return probabilities(graph, steps.estimator, X, width)
    if isinstance(steps, AdjustedHead):
        proba = probabilities(graph, steps.head_, X, width)
        if steps.recalibration_ is None:
            return proba
        return recalibrate(graph, steps.recalibration_, proba, len(steps.classes_))
    if isinstance(steps, NetworkOutput):
        return _network_output(graph, steps, X, width)
    if isinstance(steps, Head):
        proba = _of_head(steps)(graph, steps, X, width)
        return proba if steps.multilabel_ else graph.add("Div", proba, add_up(graph, proba))
    return classifier(graph, steps, X, width)


def labels(graph: GraphBuilder, head: Any, proba: str) -> str:
    """Add the decision and return the labels: (n,), strings or integers; or of several labels int64 (n, k) of 0/1."""
    head = head[-1] if isinstance(head, Pipeline) else head
    classes, thresholds = np.asarray(head.classes_), getattr(head, "thresholds_", None)
    if getattr(head, "multilabel_", False):
        reached = "GreaterOrEqual" if thresholds is not None or isinstance(head, NetworkOutput) else "Greater"
        cut = graph.constant(np.float64(0.5) if thresholds is None else np.asarray(thresholds, np.float64)[None])
        return graph.cast(graph.add(reached, proba, cut), TensorProto.INT64)
    if thresholds is None:
        number = graph.add("ArgMax", proba, axis=1, keepdims=0)
        return graph.add("Gather", graph.constant(classes), number)
    column = head._positive_column()
    said = graph.add("GreaterOrEqual", graph.columns(proba, column), graph.constant(np.float64(thresholds[0])))
    pair = graph.constant(classes[[1 - column, column]])
    return graph.add("Gather", pair, graph.cast(said, TensorProto.INT64))


def label_type(head: Any) -> int:
    """Return the ONNX type of the labels."""
    if getattr(head, "multilabel_", False):
        return TensorProto.INT64
    classes = np.asarray(head.classes_)
    return TensorProto.STRING if classes.dtype.kind in "UO" else onnx.helper.np_dtype_to_tensor_dtype(classes.dtype)


def _of_head(head: Head) -> Callable[[GraphBuilder, Any, str, int], str]:
    """Return what adds a head of hybrid to a graph; its probabilities need not add up to 1."""
    if isinstance(head, LinearSVM):
        return _svm
    if isinstance(head, Softmax):
        return _of_models
    if isinstance(head, RandomForest):
        return _forest
    if isinstance(head, KNN):
        return nearest_neighbours
    if isinstance(head, Ensemble):
        return _ensemble
    if type(head).__name__ == "XGBoost":  # asked so, since its module imports XGBoost
        from hybrid.export.boosters import booster

        return booster
    raise InputError(f"The head {type(head).__name__} cannot be exported: nothing is known of how it decides.")


def _svm(graph: GraphBuilder, head: LinearSVM, X: str, width: int) -> str:
    wide = graph.cast(X)
    parts = []
    for model in head.models_:
        calibrated = model.calibrated_classifiers_[0]
        machines = calibrated.estimator
        seen = graph.add("MatMul", wide, graph.constant(np.asarray(machines.coef_, np.float64).T))
        values = graph.add("Add", seen, graph.constant(np.asarray(machines.intercept_, np.float64)[None]))
        parts.append(calibrate(graph, calibrated, values, len(machines.intercept_)))
    return _second_of_each(graph, parts) if head.multilabel_ else parts[0]


def _of_models(graph: GraphBuilder, head: Head, X: str, width: int) -> str:
    parts = [classifier(graph, model, X, width) for model in head.models_]
    return _second_of_each(graph, parts) if head.multilabel_ else parts[0]


def _forest(graph: GraphBuilder, head: RandomForest, X: str, width: int) -> str:
    """Return the mean over the trees, with one vote more that is split evenly."""
    trees = len(head.models_[0].estimators_)
    n_classes = 2 if head.multilabel_ else len(head.classes_)
    if head.pls is not None:
        X, width = _project(graph, head, X), head.projection_.shape[1]
    votes = graph.add("Mul", _of_models(graph, head, X, width), graph.constant(np.float64(trees / (trees + 1))))
    return graph.add("Add", votes, graph.constant(np.float64(1 / n_classes / (trees + 1))))


def _project(graph: GraphBuilder, head: RandomForest, X: str) -> str:
    centred = graph.add("Sub", graph.cast(X), graph.constant(head.centre_[None]))
    return graph.cast(graph.add("MatMul", centred, graph.constant(head.projection_)), TensorProto.FLOAT)


def _ensemble(graph: GraphBuilder, head: Ensemble, X: str, width: int) -> str:
    parts = []
    for (_, _, columns), model, share in zip(head.members, head.models_, head.shares, strict=True):
        if share:
            numbers = np.concatenate([np.arange(*pair) for pair in columns or [(0, width)]])
            seen = X if columns is None else graph.columns(X, numbers)
            proba = probabilities(graph, model, seen, len(numbers))
            parts.append(graph.add("Mul", proba, graph.constant(np.float64(share))))
    return graph.add("Sum", *parts)


def _network_output(graph: GraphBuilder, head: NetworkOutput, X: str, width: int) -> str:
    proba = graph.cast(X)
    if head.multilabel_:
        return proba
    if width == 1:
        return graph.beside(graph.add("Sub", graph.constant(np.float64(1)), proba), proba)
    return graph.add("Div", proba, add_up(graph, proba))


def _second_of_each(graph: GraphBuilder, parts: list[str]) -> str:
    """Return of each label's (n, 2) the probability that it is 1."""
    return graph.beside(*(graph.columns(part, [1]) for part in parts))
