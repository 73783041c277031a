"""Export saved models to ONNX graphs from pixels to probabilities, which are checked against the original model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
