"""The boosters of XGBoost heads as JSON and back: skops cannot save them.

A saved head has the name of its booster's file in place of the booster.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import xgboost
from sklearn.pipeline import Pipeline

from hybrid.classifiers.xgboost import XGBoost
from hybrid.errors import InputError, reason_of
from hybrid.files import parse_json
from hybrid.pipelines.saved.trees import check_nodes
from hybrid.pipelines.saved.walk import replace_estimators

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

    return replace_estimators(pipeline, XGBoost, take), boosters


def put_boosters(pipeline: Pipeline, boosters: Mapping[str, bytes]) -> Pipeline:
    """Return a copy of a pipeline in which the heads have the boosters that :func:`take_boosters` took from them.

    Raises
    ------
    InputError
        If the booster of a head is missing, damaged, or does not fit the head; or if no head uses a file.
    """
    unused = dict(boosters)

    def put(head: Any) -> XGBoost:
        whole = copy.copy(head)
        if hasattr(head, "model_"):
            whole.model_ = _booster(head, unused.pop(head.model_))
        return whole

    try:
        whole = replace_estimators(pipeline, XGBoost, put)
        if unused:
            raise ValueError(f"no head uses {min(unused)}")
    except _FAULTS as error:
        raise InputError(f"The model's boosters cannot be loaded: {reason_of(error)}") from error
    return whole


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
