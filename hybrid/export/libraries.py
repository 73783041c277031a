"""What scikit-learn fitted, translated by skl2onnx."""

import warnings
from typing import Any

import onnx
from sklearn.preprocessing import StandardScaler

from hybrid.errors import InputError, reason_of
from hybrid.export.builder import ML_OPSET, GraphBuilder
from hybrid.export.network import OPSET


def transformer(graph: GraphBuilder, step: Any, X: str, width: int) -> tuple[str, int]:
    """Add a fitted transformer; return its output, float32, and its width."""
    # division as scikit-learn divides: a product with the reciprocal would send rows down other branches of trees
    options = {"div": "div"} if isinstance(step, StandardScaler) else {}
    model = _translate(step, width, options)
    shape = [dimension.dim_value for dimension in model.graph.output[-1].type.tensor_type.shape.dim]
    return graph.include(model, X), shape[-1]


def classifier(graph: GraphBuilder, head: Any, X: str, width: int) -> str:
    """Add a fitted classifier of scikit-learn; return its probabilities, float64 (n, n_classes)."""
    if not hasattr(head, "predict_proba") or isinstance(getattr(head, "classes_", []), list):
        raise InputError(
            f"The head {type(head).__name__} cannot be exported: it has no probabilities of single labels."
        )
    return graph.cast(graph.include(_translate(head, width, {"zipmap": False}), X))


def _translate(step: Any, width: int, options: dict[str, Any]) -> onnx.ModelProto:
    """Return a model from float32 (n, width) to what a fitted step gives."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return skl2onnx.convert_sklearn(
                step,
                initial_types=[("X", FloatTensorType([None, width]))],
                options={id(step): options} if options else None,
                target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
            )
    except Exception as error:  # the translator fails in any way it likes
        reason = reason_of(error)
        raise InputError(f"The step {type(step).__name__} cannot be exported: skl2onnx says {reason}") from error
