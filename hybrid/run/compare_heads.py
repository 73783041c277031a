"""The heads that `compare` is given: names with their parameters, or scikit-learn classifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from sklearn.base import BaseEstimator

from hybrid.classifiers import HEADS, make_head
from hybrid.classifiers.sklearn_head import check_classifier
from hybrid.errors import InputError, unknown_name
from hybrid.models.options import HeadOptions

ENSEMBLE = "ensemble"

Heads: TypeAlias = str | BaseEstimator | Sequence[str | BaseEstimator] | Mapping[str, Mapping[str, Any] | BaseEstimator]


def named_heads(given: Heads) -> dict[str, Mapping[str, Any] | BaseEstimator]:
    """Return for the name of each head its parameters or, for one that is not a head of hybrid, its estimator.

    An estimator without a name gets that of its class, in small letters.

    Raises
    ------
    InputError
        If a name is unknown, a parameter is, an estimator is no classifier with probabilities, or there is no head.
    """
    if isinstance(given, str | BaseEstimator):
        given = [given]
    pairs = list(given.items()) if isinstance(given, Mapping) else [_named(head) for head in given]
    heads: dict[str, Mapping[str, Any] | BaseEstimator] = {}
    for name, value in pairs:
        if name in heads:
            raise InputError(f"Two heads are called {name!r}: give them names, as in {{'first': …, 'second': …}}.")
        heads[name] = value
        if not isinstance(value, Mapping):
            _check_estimator(name, value)
        elif name != ENSEMBLE:
            if name not in HEADS:
                raise unknown_name("head", name, (*HEADS, ENSEMBLE), "Or give a scikit-learn classifier.")
            make_head(name, **value)
    if not set(heads) - {ENSEMBLE}:
        raise InputError(f"No head was given that could be fitted: name one of {', '.join(HEADS)}.")
    if ENSEMBLE in heads and all(isinstance(heads[name], BaseEstimator) for name in heads if name != ENSEMBLE):
        raise InputError(f"The ensemble averages the heads that are given by name: name one of {', '.join(HEADS)}.")
    return heads


def own_options(estimator: Any, options: HeadOptions) -> HeadOptions:
    """Return the options of an estimator: calibration and threshold weigh the classes as it does itself."""
    return replace(options, params={"class_weight": getattr(estimator, "class_weight", None)})


def _named(head: Any) -> tuple[str, Mapping[str, Any] | BaseEstimator]:
    return (head, {}) if isinstance(head, str) else (type(head).__name__.lower(), head)


def _check_estimator(name: str, estimator: Any) -> None:
    check_classifier(estimator)
    if name in (*HEADS, ENSEMBLE):
        raise InputError(f"{name!r} is the name of a head of hybrid: give the {type(estimator).__name__} another name.")
