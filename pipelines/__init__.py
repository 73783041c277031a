"""scikit-learn Pipelines from images to labels: build them, search their settings, save and load them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
