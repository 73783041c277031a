"""Run comparisons, from a recipe or from Python. Finished steps are not repeated."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
