from .export import Exported, export_onnx

__all__ = [
    "Exported",
    "export_onnx",
]
