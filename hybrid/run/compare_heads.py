"""The heads that are passed to `compare`: names with parameters, or scikit-learn classifiers."""

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
    """Return a dict with the parameters of each head of hybrid, and with the estimator of each other head.

    The default name of an estimator is the name of its class in lower case.

    Raises
    ------
    InputError
        If a name or a parameter is unknown, an estimator is not a classifier with ``predict_proba``, or no head
        is given.
    """
    if isinstance(given, str | BaseEstimator):
        given = [given]
    pairs = list(given.items()) if isinstance(given, Mapping) else [_named(head) for head in given]
    heads: dict[str, Mapping[str, Any] | BaseEstimator] = {}
    for name, value in pairs:
        if name in heads:
            raise InputError(f"Two heads have the name {name!r}: give them names, as in {{'first': …, 'second': …}}.")
        heads[name] = value
        if not isinstance(value, Mapping):
            _check_estimator(name, value)
        elif name != ENSEMBLE:
            if name not in HEADS:
                raise unknown_name("head", name, (*HEADS, ENSEMBLE), "A scikit-learn classifier can also be given.")
            make_head(name, **value)
    if not set(heads) - {ENSEMBLE}:
        raise InputError(f"No head to fit was given: give at least one of {', '.join(HEADS)}.")
    if ENSEMBLE in heads and all(isinstance(heads[name], BaseEstimator) for name in heads if name != ENSEMBLE):
        raise InputError(f"The ensemble averages heads that are given by name: add at least one of {', '.join(HEADS)}.")
    return heads


def estimator_options(estimator: Any, options: HeadOptions) -> HeadOptions:
    """Return options with the class weights of an estimator, which its calibration and threshold use too."""
    return replace(options, params={"class_weight": getattr(estimator, "class_weight", None)})


def _named(head: Any) -> tuple[str, Mapping[str, Any] | BaseEstimator]:
    return (head, {}) if isinstance(head, str) else (type(head).__name__.lower(), head)


def _check_estimator(name: str, estimator: Any) -> None:
    check_classifier(estimator)
    if name in (*HEADS, ENSEMBLE):
        raise InputError(f"{name!r} is the name of a head of hybrid: give the {type(estimator).__name__} another name.")
