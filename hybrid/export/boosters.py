"""Translate the trees of XGBoost with onnxmltools."""

import warnings

import numpy as np
import onnx
from scipy.special import logit

from hybrid.classifiers.xgboost import XGBoost
from hybrid.errors import InputError, reason_of
from hybrid.export.builder import GraphBuilder
from hybrid.export.network import OPSET


def booster(graph: GraphBuilder, head: XGBoost, X: str, width: int) -> str:
    """Add a fitted XGBoost head and return its probabilities, float64 of shape (n, n_classes) or (n, n_labels)."""
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = [("X", FloatTensorType([None, width]))]
            model = convert_xgboost(head.model_, initial_types=kind, target_opset=OPSET)
    except Exception as error:  # the converter can raise any exception
        reason = reason_of(error)
        raise InputError(f"The head XGBoost cannot be exported: onnxmltools reports: {reason}") from error
    if head.multilabel_:
        _make_multilabel(model, len(head.classes_))
    return graph.cast(graph.include(model, X))


def _make_multilabel(model: onnx.ModelProto, n_labels: int) -> None:
    """Correct a multi-label model, which onnxmltools converts as a multi-class model.

    Each label needs its own logistic function instead of one softmax over all labels.
    """
    [trees] = [node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier"]
    for attribute in trees.attribute:
        if attribute.name == "post_transform":
            attribute.s = b"LOGISTIC"
        elif attribute.name == "base_values":  # given as probabilities, but ONNX adds log-odds
            attribute.floats[:] = logit(np.asarray(attribute.floats)).tolist()
        elif attribute.name == "classlabels_int64s":
            attribute.ints[:] = range(n_labels)
