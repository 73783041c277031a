"""Convert the boosters of XGBoost heads to JSON and back, because skops cannot save them.

A saved head holds the name of its booster's file in place of the booster.
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
_NODE_ARRAYS = (
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "split_type", "default_left",
    "base_weights", "loss_changes", "sum_hessian",
)  # fmt: skip


def detach_boosters(pipeline: Pipeline) -> tuple[Pipeline, dict[str, bytes]]:
    """Return a copy of a fitted pipeline without its boosters, and the boosters as JSON by file name."""
    boosters: dict[str, bytes] = {}

    def detach(head: XGBoost) -> XGBoost:
        stripped: Any = copy.copy(head)
        if hasattr(head, "model_"):
            stripped.model_ = f"boosters/{len(boosters)}.json"
            boosters[stripped.model_] = bytes(head.model_.get_booster().save_raw("json"))
        return stripped

    return replace_estimators(pipeline, XGBoost, detach), boosters


def attach_boosters(pipeline: Pipeline, boosters: Mapping[str, bytes]) -> Pipeline:
    """Return a copy of a pipeline with its boosters, the inverse of :func:`detach_boosters`.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline without boosters.
    boosters : mapping of str to bytes
        The boosters as JSON, by file name.

    Raises
    ------
    InputError
        If the booster of a head is missing, damaged, or does not fit the head; or if no head uses one of the files.
    """
    unused = dict(boosters)

    def attach(head: Any) -> XGBoost:
        complete = copy.copy(head)
        if hasattr(head, "model_"):
            complete.model_ = _read_booster(head, unused.pop(head.model_))
        return complete

    try:
        complete = replace_estimators(pipeline, XGBoost, attach)
        if unused:
            raise ValueError(f"no head uses {min(unused)}")
    except _FAULTS as error:
        raise InputError(f"The model's boosters cannot be loaded: {reason_of(error)}") from error
    return complete


def _read_booster(head: XGBoost, data: bytes) -> xgboost.XGBClassifier:
    _check_booster(parse_json(data), head.n_features_in_)
    model = xgboost.XGBClassifier(n_jobs=head.n_jobs)
    model.load_model(bytearray(data))
    return model


def _check_booster(booster: dict, width: int) -> None:
    """Check that no tree points outside its arrays, the columns or the outputs."""
    params = booster["learner"]["learner_model_param"]
    model = booster["learner"]["gradient_booster"]["model"]
    if booster["learner"]["gradient_booster"]["name"] != "gbtree" or any(model.get("cats", {}).values()):
        raise ValueError("expected trees without categorical columns")  # other boosters of XGBoost are not checked here
    if int(params["num_feature"]) != width:
        raise ValueError(f"a booster has {params['num_feature']} columns, but its head has {width}")
    outputs = max(1, int(params["num_class"]), int(params["num_target"]))
    base = np.array(parse_json(params["base_score"].encode()), float)
    if base.size not in {1, outputs} or not np.isfinite(base).all():
        raise ValueError(f"the base score is {params['base_score']:.40}; expected one number, or one for each output")
    trees, output = model["trees"], np.array(model["tree_info"], int)
    rounds = np.array(model["iteration_indptr"], int)
    if len(output) != len(trees) or not ((output >= 0) & (output < outputs)).all():
        raise ValueError("the trees do not match the outputs")
    if rounds[0] != 0 or rounds[-1] != len(trees) or (np.diff(rounds) < 0).any():
        raise ValueError("the trees do not match the boosting rounds")
    n_trees = int(model["gbtree_model_param"]["num_trees"])
    if n_trees != len(trees) or [tree["id"] for tree in trees] != list(range(n_trees)):
        raise ValueError("the trees are not numbered one after another")
    for tree in trees:
        _check_tree(tree, width)


def _check_tree(tree: dict, width: int) -> None:
    n_nodes = int(tree["tree_param"]["num_nodes"])
    plain = int(tree["tree_param"]["size_leaf_vector"]) <= 1 and not any(tree["split_type"])
    categories = any(values for name, values in tree.items() if name.startswith("categories"))
    if not plain or categories or any(len(tree[name]) != n_nodes for name in _NODE_ARRAYS):
        raise ValueError("a tree is damaged")
    names = ("left_children", "right_children", "parents", "split_indices")
    left, right, parents, column = (np.array(tree[name], np.int64) for name in names)
    check_nodes(left, right, column, width)
    inner = np.flatnonzero(left != -1)
    valid = (parents == _NO_PARENT) | ((parents >= 0) & (parents < n_nodes))
    if not valid.all() or parents[0] != _NO_PARENT or (parents[[left[inner], right[inner]]] != inner).any():
        raise ValueError("a tree is damaged: the parent of a node is not the node that points to it")
