"""Saved models as one ONNX graph, from pixels to probabilities, checked against the original before it is written."""

from hybrid.exporting.export import Exported, export_onnx

__all__ = ["Exported", "export_onnx"]
