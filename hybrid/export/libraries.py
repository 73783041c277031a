"""Convert fitted estimators of scikit-learn with skl2onnx."""

import warnings
from typing import Any

import onnx
from sklearn.preprocessing import StandardScaler

from hybrid.errors import InputError, reason_of
from hybrid.export.builder import ML_OPSET, GraphBuilder
from hybrid.export.network import OPSET


def transformer(graph: GraphBuilder, step: Any, X: str, width: int) -> tuple[str, int]:
    """Add a fitted transformer and return its float32 output and the number of columns of the output."""
    # Divide, as scikit-learn does. A product with the reciprocal rounds differently and can change the branch in a
    # tree.
    options = {"div": "div"} if isinstance(step, StandardScaler) else {}
    model = _convert(step, width, options)
    shape = [dimension.dim_value for dimension in model.graph.output[-1].type.tensor_type.shape.dim]
    return graph.include(model, X), shape[-1]


def classifier(graph: GraphBuilder, head: Any, X: str, width: int) -> str:
    """Add a fitted classifier of scikit-learn and return its probabilities, float64 of shape (n, n_classes)."""
    if not hasattr(head, "predict_proba") or isinstance(getattr(head, "classes_", []), list):
        raise InputError(f"The head {type(head).__name__} cannot be exported: it has no probabilities for each label.")
    return graph.cast(graph.include(_convert(head, width, {"zipmap": False}), X))


def _convert(step: Any, width: int, options: dict[str, Any]) -> onnx.ModelProto:
    """Return a fitted step as an ONNX model whose input is float32 of shape (n, width)."""
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
    except Exception as error:  # the converter can raise any exception
        reason = reason_of(error)
        raise InputError(f"The step {type(step).__name__} cannot be exported: skl2onnx reports: {reason}") from error
