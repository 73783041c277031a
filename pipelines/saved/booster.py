"""XGBoost heads' boosters as JSON and back: skops has no say in what XGBoost keeps.

A saved head has the name of its booster's file in the booster's place.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xgboost
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from hybrid.classifiers.xgboost import XGBoost
from hybrid.errors import InputError, reason_of
from hybrid.files import parse_json
from hybrid.pipelines.saved.trees import check_nodes

_FAULTS = (
    KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, OverflowError, MemoryError,
    xgboost.core.XGBoostError,
)  # fmt: skip
_NO_PARENT = 2**31 - 1
_OF_NODES = (
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "split_type", "default_left",
    "base_weights", "loss_changes", "sum_hessian",
)  # fmt: skip


def take_boosters(pipeline: Pipeline) -> tuple[Pipeline, dict[str, bytes]]:
    """Return a copy of a fitted pipeline without the boosters of the heads in it, and these as JSON, by file name."""
    boosters: dict[str, bytes] = {}

    def take(head: XGBoost) -> XGBoost:
        bare: Any = copy.copy(head)
        if hasattr(head, "model_"):
            bare.model_ = f"boosters/{len(boosters)}.json"
            boosters[bare.model_] = bytes(head.model_.get_booster().save_raw("json"))
        return bare

    return _change_heads(pipeline, take, {}), boosters


def put_boosters(pipeline: Pipeline, boosters: Mapping[str, bytes]) -> Pipeline:
    """Return a copy of a pipeline in which the heads have the boosters that :func:`take_boosters` took from them.

    Raises
    ------
    InputError
        If a head's booster is not there, is none, or does not fit the head; or if no head has a use for one.
    """
    used: set[str] = set()

    def put(head: Any) -> XGBoost:
        whole = copy.copy(head)
        if hasattr(head, "model_"):
            whole.model_ = _booster(head, boosters[head.model_])
            used.add(head.model_)
        return whole

    try:
        whole = _change_heads(pipeline, put, {})
        if unused := sorted(set(boosters) - used):
            raise ValueError(f"no head has a place for {unused[0]}")
    except _FAULTS as error:
        raise InputError(f"The model's boosters cannot be loaded: {reason_of(error)}") from error
    return whole


def _change_heads(value: Any, change: Callable[[XGBoost], XGBoost], done: dict[int, Any]) -> Any:
    """Return an estimator, or a list or tuple with estimators in it, as a copy in which the XGBoost heads are changed.

    What was one object stays one: `done` holds the copies by the identities of their originals.
    """
    if type(value) in (list, tuple):
        return type(value)(_change_heads(item, change, done) for item in value)
    if not isinstance(value, BaseEstimator):
        return value
    if id(value) not in done and isinstance(value, XGBoost):
        done[id(value)] = change(value)
    elif id(value) not in done:
        done[id(value)] = new = copy.copy(value)
        vars(new).update({name: _change_heads(item, change, done) for name, item in vars(value).items()})
    return done[id(value)]


def _booster(head: XGBoost, data: bytes) -> xgboost.XGBClassifier:
    _check(parse_json(data), head.n_features_in_)
    model = xgboost.XGBClassifier(n_jobs=head.n_jobs)
    model.load_model(bytearray(data))
    return model


def _check(booster: dict, width: int) -> None:
    """Check that no tree leads out of its arrays, out of the columns or out of the outputs."""
    params = booster["learner"]["learner_model_param"]
    model = booster["learner"]["gradient_booster"]["model"]
    if booster["learner"]["gradient_booster"]["name"] != "gbtree" or any(model.get("cats", {}).values()):
        raise ValueError("it is none of trees on numbers alone")  # what else XGBoost would read is not looked at here
    if int(params["num_feature"]) != width:
        raise ValueError(f"it is for {params['num_feature']} columns, the head for {width}")
    outputs = max(1, int(params["num_class"]), int(params["num_target"]))
    base = np.array(parse_json(params["base_score"].encode()), float)
    if base.size not in {1, outputs} or not np.isfinite(base).all():
        raise ValueError(f"it begins with {params['base_score']:.40}, not with a number for each output")
    trees, output = model["trees"], np.array(model["tree_info"], int)
    rounds = np.array(model["iteration_indptr"], int)
    if len(output) != len(trees) or not ((output >= 0) & (output < outputs)).all():
        raise ValueError("its trees do not belong to its outputs")
    if rounds[0] != 0 or rounds[-1] != len(trees) or (np.diff(rounds) < 0).any():
        raise ValueError("its trees do not belong to its rounds")
    number = int(model["gbtree_model_param"]["num_trees"])
    if number != len(trees) or [tree["id"] for tree in trees] != list(range(number)):
        raise ValueError("its trees do not have their own places")
    for tree in trees:
        _check_tree(tree, width)


def _check_tree(tree: dict, width: int) -> None:
    nodes = int(tree["tree_param"]["num_nodes"])
    plain = int(tree["tree_param"]["size_leaf_vector"]) <= 1 and not any(tree["split_type"])
    categories = any(values for name, values in tree.items() if name.startswith("categories"))
    if not plain or categories or any(len(tree[name]) != nodes for name in _OF_NODES):
        raise ValueError("it holds a damaged tree")
    names = ("left_children", "right_children", "parents", "split_indices")
    left, right, parents, column = (np.array(tree[name], np.int64) for name in names)
    check_nodes(left, right, column, width)
    inner = np.flatnonzero(left != -1)
    above = (parents == _NO_PARENT) | ((parents >= 0) & (parents < nodes))
    if not above.all() or parents[0] != _NO_PARENT or (parents[[left[inner], right[inner]]] != inner).any():
        raise ValueError("it holds a damaged tree: a node has another parent than the one that leads to it")
