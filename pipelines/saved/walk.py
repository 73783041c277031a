"""Walk through the objects inside a fitted pipeline."""

import copy
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import _CalibratedClassifier


def parts_of(value: Any) -> Collection[Any]:
    """Return the items of a container or of an array of objects, or the attributes of any other object."""
    if isinstance(value, (list, tuple, set)):
        return value
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype == object else ()
    return () if isinstance(value, type) else getattr(value, "__dict__", {}).values()


def replace_estimators(value: Any, kind: type, replace: Callable[[Any], Any]) -> Any:
    """Return a copy of an estimator in which every estimator of one class is replaced.

    Parameters
    ----------
    value : estimator, or list or tuple of estimators
        The estimator, which is left unchanged. An object that it holds twice is also a single object in the copy.
    kind : type
        The class of the estimators to replace.
    replace : callable
        Called with each estimator to replace; returns its replacement.

    Returns
    -------
    estimator, or list or tuple of estimators
        The copy.
    """
    copies: dict[int, Any] = {}

    def copy_of(value: Any) -> Any:
        if id(value) in copies:
            return copies[id(value)]
        if isinstance(value, kind):
            copies[id(value)] = replace(value)
        elif type(value) in (list, tuple):
            copies[id(value)] = type(value)(map(copy_of, value))
        elif isinstance(value, (BaseEstimator, _CalibratedClassifier)):
            copies[id(value)] = new = copy.copy(value)
            vars(new).update({name: copy_of(part) for name, part in vars(value).items()})
        else:
            return value
        return copies[id(value)]

    return copy_of(value)
