"""Saved models as one ONNX graph from pixels to probabilities, checked against the original before it is written."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
