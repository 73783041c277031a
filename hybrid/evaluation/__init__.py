"""Evaluate and compare every model in the same way: scores with 95% intervals and tests of their differences."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
