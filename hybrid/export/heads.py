"""Fitted steps as ONNX nodes, from embeddings to probabilities and labels.

Estimators of scikit-learn and XGBoost are converted by skl2onnx and onnxmltools. The remaining computations of hybrid's
own heads are added as single nodes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from hybrid.classifiers import KNN, LinearSVM, NetworkOutput, RandomForest, SklearnHead, Softmax
from hybrid.classifiers.base import Head
from hybrid.errors import InputError
from hybrid.export.builder import GraphBuilder
from hybrid.export.calibrators import calibrate, recalibrate, row_sums
from hybrid.export.libraries import classifier, transformer
from hybrid.export.neighbours import nearest_neighbours
from hybrid.pipelines.adapted import AdaptedHead
from hybrid.pipelines.adjusted import AdjustedHead
from hybrid.pipelines.ensemble import Ensemble, ratio_of


def probabilities(graph: GraphBuilder, steps: Any, X: str, width: int) -> str:
    """Add fitted steps to a graph and return their probabilities.

    Parameters
    ----------
    graph : GraphBuilder
    steps : estimator or Pipeline
        A fitted classifier, or a fitted pipeline that ends in one.
    X : str
        Name of the embeddings, float32 of shape (n, width).
    width : int
        Number of columns of the embeddings.

    Returns
    -------
    str
        Name of the probabilities, float64 of shape (n, n_classes) or (n, n_labels).

    Raises
    ------
    InputError
        If a step cannot be converted. The message names the step and the reason.
    """
    if isinstance(steps, Pipeline):
        for step in (step for _, step in steps.steps[:-1] if step not in (None, "passthrough")):
            X, width = transformer(graph, step, X, width)
        return probabilities(graph, steps[-1], X, width)
    if isinstance(steps, FrozenEstimator):
        return probabilities(graph, steps.estimator, X, width)
    if isinstance(steps, AdjustedHead):
        proba = probabilities(graph, steps.head_, X, width)
        if steps.recalibration_ is not None:
            proba = recalibrate(graph, steps.recalibration_, proba, len(steps.classes_))
        return _corrected(graph, proba, getattr(steps, "shift_", None), steps.multilabel_)
    if isinstance(steps, AdaptedHead):
        raise InputError("A model that was adapted to a new site cannot be exported yet: export its parent.")
    if isinstance(steps, NetworkOutput):
        return _corrected(graph, _network_output(graph, steps, X, width), steps.prior_ratio_, steps.multilabel_)
    if isinstance(steps, Head):
        proba = _converter(steps)(graph, steps, X, width)
        proba = proba if steps.multilabel_ else graph.add("Div", proba, row_sums(graph, proba))
        return _corrected(graph, proba, steps.prior_ratio_, steps.multilabel_)
    return classifier(graph, steps, X, width)


def labels(graph: GraphBuilder, head: Any, proba: str) -> str:
    """Add the decision to a graph and return the predicted labels.

    Parameters
    ----------
    graph : GraphBuilder
    head : estimator or Pipeline
        The fitted classifier.
    proba : str
        Name of the probabilities.

    Returns
    -------
    str
        Name of the labels: strings or integers of shape (n,) or, for a multi-label task, int64 of shape (n, n_labels)
        with values 0 and 1.
    """
    head = head[-1] if isinstance(head, Pipeline) else head
    classes, thresholds = np.asarray(head.classes_), getattr(head, "thresholds_", None)
    multilabel = getattr(head, "multilabel_", False)
    if thresholds is None:
        ratio = getattr(head, "prior_ratio_", None)
        proba = _corrected(graph, proba, None if ratio is None else 1 / ratio, multilabel)
    if multilabel:
        threshold = graph.constant(np.float64(0.5) if thresholds is None else np.asarray(thresholds, np.float64)[None])
        return graph.cast(graph.add("GreaterOrEqual", proba, threshold), TensorProto.INT64)
    if thresholds is None:
        number = graph.add("ArgMax", proba, axis=1, keepdims=0, select_last_index=int(len(classes) == 2))
        return graph.add("Gather", graph.constant(classes), number)
    column = head._positive_column()
    is_positive = graph.add("GreaterOrEqual", graph.columns(proba, column), graph.constant(np.float64(thresholds[0])))
    pair = graph.constant(classes[[1 - column, column]])
    return graph.add("Gather", pair, graph.cast(is_positive, TensorProto.INT64))


def label_type(head: Any) -> int:
    """Return the ONNX type of the labels."""
    if getattr(head, "multilabel_", False):
        return TensorProto.INT64
    classes = np.asarray(head.classes_)
    return TensorProto.STRING if classes.dtype.kind in "UO" else onnx.helper.np_dtype_to_tensor_dtype(classes.dtype)


def _converter(head: Head) -> Callable[[GraphBuilder, Any, str, int], str]:
    """Return the function that adds a head of hybrid to a graph. Its probabilities may not sum to 1."""
    if isinstance(head, LinearSVM):
        return _svm
    if isinstance(head, Softmax | SklearnHead):
        return _models
    if isinstance(head, RandomForest):
        return _forest
    if isinstance(head, KNN):
        return nearest_neighbours
    if isinstance(head, Ensemble):
        return _ensemble
    if type(head).__name__ == "XGBoost":  # compared by name, because its module imports XGBoost
        from hybrid.export.boosters import booster

        return booster
    raise InputError(
        f"The head {type(head).__name__} cannot be exported, because its conversion to ONNX is not supported."
    )


def _svm(graph: GraphBuilder, head: LinearSVM, X: str, width: int) -> str:
    X_float64 = graph.cast(X)
    parts = []
    for model in head.models_:
        calibrated = model.calibrated_classifiers_[0]
        svm = calibrated.estimator
        products = graph.add("MatMul", X_float64, graph.constant(np.asarray(svm.coef_, np.float64).T))
        values = graph.add("Add", products, graph.constant(np.asarray(svm.intercept_, np.float64)[None]))
        parts.append(calibrate(graph, calibrated, values, len(svm.intercept_)))
    return _positive_columns(graph, parts) if head.multilabel_ else parts[0]


def _models(graph: GraphBuilder, head: Head, X: str, width: int) -> str:
    parts = [classifier(graph, model, X, width) for model in head.models_]
    if head.multilabel_ and len(parts) < len(head.classes_):
        raise InputError(f"The head {type(head.models_[0]).__name__} cannot be exported with several labels at once.")
    return _positive_columns(graph, parts) if head.multilabel_ else parts[0]


def _forest(graph: GraphBuilder, head: RandomForest, X: str, width: int) -> str:
    """Return the mean over the trees and one additional vote that is split evenly over the classes."""
    trees = len(head.models_[0].estimators_)
    n_classes = 2 if head.multilabel_ else len(head.classes_)
    if head.pls is not None:
        X, width = _project(graph, head, X), head.projection_.shape[1]
    votes = graph.add("Mul", _models(graph, head, X, width), graph.constant(np.float64(trees / (trees + 1))))
    return graph.add("Add", votes, graph.constant(np.float64(1 / n_classes / (trees + 1))))


def _project(graph: GraphBuilder, head: RandomForest, X: str) -> str:
    centred = graph.add("Sub", graph.cast(X), graph.constant(head.centre_[None]))
    return graph.cast(graph.add("MatMul", centred, graph.constant(head.projection_)), TensorProto.FLOAT)


def _ensemble(graph: GraphBuilder, head: Ensemble, X: str, width: int) -> str:
    parts = []
    for (_, _, columns), model, share in zip(head.members, head.models_, head.shares, strict=True):
        if share:
            numbers = np.concatenate([np.arange(*pair) for pair in columns or [(0, width)]])
            member_X = X if columns is None else graph.columns(X, numbers)
            ratio = ratio_of(model)
            proba = probabilities(graph, model, member_X, len(numbers))
            proba = _corrected(graph, proba, None if ratio is None else 1 / ratio, head.multilabel_)
            parts.append(graph.add("Mul", proba, graph.constant(np.float64(share))))
    return graph.add("Sum", *parts)


def _network_output(graph: GraphBuilder, head: NetworkOutput, X: str, width: int) -> str:
    proba = graph.cast(X)
    if head.multilabel_:
        return proba
    if width == 1:
        return graph.concatenate(graph.add("Sub", graph.constant(np.float64(1)), proba), proba)
    return graph.add("Div", proba, row_sums(graph, proba))


def _corrected(graph: GraphBuilder, proba: str, ratio: NDArray[np.float64] | None, multilabel: bool) -> str:
    """Add the conversion of :func:`hybrid.classifiers.prior.corrected` and return the probabilities."""
    if ratio is None or (ratio == ratio[:, :1]).all():
        return proba
    if multilabel:
        yes = graph.add("Mul", proba, graph.constant(ratio[None, :, 1]))
        complement = graph.add("Sub", graph.constant(np.float64(1)), proba)
        no = graph.add("Mul", complement, graph.constant(ratio[None, :, 0]))
        return graph.add("Div", yes, graph.add("Add", yes, no))
    odds = graph.add("Mul", proba, graph.constant(ratio))
    return graph.add("Div", odds, row_sums(graph, odds))


def _positive_columns(graph: GraphBuilder, parts: list[str]) -> str:
    """Return the probabilities that the labels are 1, from the probabilities of shape (n, 2) of each label."""
    return graph.concatenate(*(graph.columns(part, [1]) for part in parts))
