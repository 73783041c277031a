"""Find duplicates, blank images, outliers and inconsistent names in a dataset, and leave such images out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
