"""The XGBoost head's booster as JSON and back: skops has no say in what XGBoost keeps."""

import copy
import json

import numpy as np
import xgboost

from hybrid.classifiers.xgboost import XGBoost
from hybrid.errors import InputError
from hybrid.pipelines.trees import check_nodes


def take_booster(head: XGBoost) -> tuple[XGBoost, bytes]:
    """Return a copy of a fitted head without its booster, and the booster as JSON."""
    bare = copy.copy(head)
    del bare.model_
    return bare, bytes(head.model_.get_booster().save_raw("json"))


def put_booster(head: XGBoost, data: bytes) -> None:
    """Give a head the booster that :func:`take_booster` took from it.

    Raises
    ------
    InputError
        If the data is no booster, or one that does not fit the head.
    """
    try:
        if not isinstance(head, XGBoost):
            raise TypeError(f"the head is a {type(head).__name__}")
        _check(json.loads(data), head.n_features_in_)
        model = xgboost.XGBClassifier(n_jobs=head.n_jobs)
        model.load_model(bytearray(data))
    except (KeyError, TypeError, ValueError, IndexError, xgboost.core.XGBoostError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"The model's booster cannot be loaded: {reason}") from error
    head.model_ = model


def _check(booster: dict, width: int) -> None:
    """Check that no tree leads out of its arrays, out of the columns or out of the outputs."""
    params = booster["learner"]["learner_model_param"]
    model = booster["learner"]["gradient_booster"]["model"]
    if int(params["num_feature"]) != width:
        raise ValueError(f"it is for {params['num_feature']} columns, the head for {width}")
    outputs = max(1, int(params["num_class"]), int(params["num_target"]))
    trees, output = model["trees"], np.array(model["tree_info"], int)
    rounds = np.array(model["iteration_indptr"], int)
    if len(output) != len(trees) or not ((output >= 0) & (output < outputs)).all():
        raise ValueError("its trees do not belong to its outputs")
    if rounds[0] != 0 or rounds[-1] != len(trees) or (np.diff(rounds) < 0).any():
        raise ValueError("its trees do not belong to its rounds")
    for tree in trees:
        names = ("left_children", "right_children", "split_indices")
        left, right, column = (np.array(tree[name], int) for name in names)
        plain = int(tree["tree_param"]["size_leaf_vector"]) <= 1 and not any(tree["split_type"])
        if not plain or not len(left) == len(right) == len(column):
            raise ValueError("it holds a damaged tree")
        check_nodes(left, right, column, width)
