"""Check the shapes, types and values of a loaded head's arrays before they are used.

Loading a model also tries its head on two rows, which reveals most other faults. It does not reveal a missing column
that NumPy broadcasts, an infinity that a sigmoid turns into 1, or a NaN at a point of a curve that no row reaches.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError
from hybrid.pipelines.saved.walk import parts_of

# The arrays that each estimator predicts with, and the length of each of their axes: c components, k classes (1 if
# there are two), n points, o outputs, p columns of the trees, r rows, t thresholds, v classes of an output, w columns.
_SHAPES = {
    "AdaptedHead": {"thresholds_": "t"},
    "AdjustedHead": {"thresholds_": "t"},
    "IsotonicRegression": {"X_thresholds_": "n", "y_thresholds_": "n"},
    "KNN": {"embeddings_": "rw", "votes_": "rov"},
    "LinearDiscriminantAnalysis": {"coef_": "kw", "intercept_": "k"},
    "LinearSVC": {"coef_": "kw", "intercept_": "k"},
    "LogisticRegression": {"coef_": "kw", "intercept_": "k"},
    "MaxAbsScaler": {"scale_": "w"},
    "MinMaxScaler": {"min_": "w", "scale_": "w"},
    "PCA": {"mean_": "w", "components_": "cw", "explained_variance_": "c"},
    "PowerTransformer": {"lambdas_": "w"},
    "RandomForest": {"centre_": "w", "projection_": "wp"},
    "RobustScaler": {"center_": "w", "scale_": "w"},
    "ShrunkCalibration": {"slopes_": "o", "intercepts_": "ov"},
    "StandardScaler": {"mean_": "w", "scale_": "w"},
    "VarianceThreshold": {"variances_": "w"},
    "_SigmoidCalibration": {"a_": "", "b_": ""},
    "_TemperatureScaling": {"beta_": ""},
}
_FREQUENCIES = dict.fromkeys(
    ("class_shares_", "weighted_shares_", "shift_", "conversion_"), "ov"
)  # of every head; all above 0


def check_arrays(model: Any) -> None:
    """Check the arrays that the estimators inside an object predict with.

    Parameters
    ----------
    model : object
        An estimator or Pipeline; every object inside it is checked, too.

    Raises
    ------
    InputError
        If an array does not have the shape or type that its estimator expects, or holds NaN or infinity; if the
        classes are not sorted; or if a pipeline names a cache folder.
    """
    for part in _walk(model, set()):
        kind = type(part).__name__
        for name, axes in (_SHAPES.get(kind, {}) | _FREQUENCIES).items():
            if getattr(part, name, None) is not None:  # otherwise the estimator is not fitted or does not use it
                _check_array(f"{name} of {kind}", getattr(part, name), tuple(_length(part, axis) for axis in axes))
                if name in _FREQUENCIES and not (np.asarray(getattr(part, name)) > 0).all():
                    raise InputError(f"{name} of {kind} holds a frequency that is not above 0.")
        if hasattr(part, "classes_") and not isinstance(part, Pipeline):
            _check_classes(kind, np.asarray(part.classes_))
        if getattr(part, "memory", None) is not None:
            raise InputError(f"{kind} names the cache folder {part.memory!r:.100}, whose files would be unpickled.")


def _check_array(name: str, value: Any, shape: tuple[int, ...]) -> None:
    array = np.asarray(value)
    if array.shape not in {shape, ()} or array.dtype.kind != "f":  # a model without an intercept has a single number
        raise InputError(f"{name} has shape {array.shape} and type {array.dtype}; expected floats of shape {shape}.")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity.")


def _check_classes(kind: str, classes: np.ndarray) -> None:
    if classes.dtype.kind == "f":
        _check_array(f"classes_ of {kind}", classes, classes.shape)
    if classes.ndim != 1 or len(classes) < 2 or not np.array_equal(np.unique(classes), classes):
        raise InputError(f"The classes of {kind} are not a sorted list of at least two different classes.")


def _length(estimator: Any, axis: str) -> int:
    match axis:
        case "c":
            return int(estimator.n_components_)
        case "k":
            return 1 if len(estimator.classes_) == 2 else len(estimator.classes_)
        case "n":
            return len(estimator.X_thresholds_)
        case "o" | "t":
            return len(estimator.classes_) if estimator.multilabel_ else 1
        case "p":
            return int(estimator.models_[0].n_features_in_)
        case "r":
            return len(estimator.embeddings_)
        case "v":
            return 2 if estimator.multilabel_ else len(estimator.classes_)
    return int(estimator.n_features_in_)


def _walk(value: Any, visited: set[int]) -> Iterator[Any]:
    """Yield an object and every object inside it, each of them once."""
    if id(value) in visited or isinstance(value, str | bytes | int | float | type(None)):
        return
    visited.add(id(value))
    yield value
    for item in parts_of(value):
        yield from _walk(item, visited)
