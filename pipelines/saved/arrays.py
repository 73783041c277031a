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

# The arrays that each type predicts with, and their sizes: c components, k classes (1 for two), n points, o outputs,
# p columns of the trees, r rows, t thresholds, v classes of an output, w columns.
_USED = {
    "AdjustedHead": {"thresholds_": "t"},
    "IsotonicRegression": {"X_thresholds_": "n", "y_thresholds_": "n"},
    "KNN": {"embeddings_": "rw", "votes_": "rov"},
    "LinearSVC": {"coef_": "kw", "intercept_": "k"},
    "LogisticRegression": {"coef_": "kw", "intercept_": "k"},
    "MaxAbsScaler": {"scale_": "w"},
    "MinMaxScaler": {"min_": "w", "scale_": "w"},
    "PCA": {"mean_": "w", "components_": "cw", "explained_variance_": "c"},
    "RandomForest": {"centre_": "w", "projection_": "wp"},
    "RobustScaler": {"center_": "w", "scale_": "w"},
    "StandardScaler": {"mean_": "w", "scale_": "w"},
    "_SigmoidCalibration": {"a_": "", "b_": ""},
    "_TemperatureScaling": {"beta_": ""},
}


def check_arrays(model: Any) -> None:
    """Check the arrays that every estimator inside an object predicts with.

    Raises
    ------
    InputError
        If one does not have the shape or type that its estimator expects, or holds NaN or infinity; if classes are
        not sorted; or if a pipeline names a cache folder.
    """
    for part in _parts(model, set()):
        kind = type(part).__name__
        for name, sizes in _USED.get(kind, {}).items():
            if getattr(part, name, None) is not None:  # without it the estimator is not fitted, or does not use it
                _check(f"{name} of {kind}", getattr(part, name), tuple(_size(part, size) for size in sizes))
        if hasattr(part, "classes_") and not isinstance(part, Pipeline):
            _check_classes(kind, np.asarray(part.classes_))
        if getattr(part, "memory", None) is not None:
            raise InputError(f"{kind} names a cache folder, {part.memory!r:.100}, whose files would be unpickled.")


def _check(what: str, value: Any, shape: tuple[int, ...]) -> None:
    array = np.asarray(value)
    if array.shape not in {shape, ()} or array.dtype.kind != "f":  # without an intercept it is a single number
        raise InputError(f"{what} is of shape {array.shape} and type {array.dtype}; expected numbers of shape {shape}.")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds NaN or infinity.")


def _check_classes(kind: str, classes: np.ndarray) -> None:
    if classes.dtype.kind == "f":
        _check(f"classes_ of {kind}", classes, classes.shape)
    if classes.ndim != 1 or len(classes) < 2 or not np.array_equal(np.unique(classes), classes):
        raise InputError(f"{kind} has no list of sorted classes, at least two of them.")


def _size(part: Any, letter: str) -> int:
    match letter:
        case "c":
            return int(part.n_components_)
        case "k":
            return 1 if len(part.classes_) == 2 else len(part.classes_)
        case "n":
            return len(part.X_thresholds_)
        case "o":
            return len(part.classes_) if part.multilabel_ else 1
        case "p":
            return int(part.models_[0].n_features_in_)
        case "r":
            return len(part.embeddings_)
        case "v":
            return 2 if part.multilabel_ else len(part.classes_)
        case "t":
            return len(part.classes_) if part.multilabel_ else 1
    return int(part.n_features_in_)


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield an object and everything inside it, each object once."""
    if id(value) in seen or isinstance(value, str | bytes | int | float | type(None)):
        return
    seen.add(id(value))
    yield value
    for item in parts_of(value):
        yield from _parts(item, seen)
