"""Checks of a dataset: duplicates, blank images, outliers and suspicious file names, and leaving such images out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
