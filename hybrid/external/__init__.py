"""Saved models on other data: labelled datasets as a model sees them, and what its scores are there."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
