"""Keras networks as feature extractors: backbones, cutting, image loading and the embedding store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
