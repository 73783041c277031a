"""The report of a comparison: one HTML file, with its figures and tables beside it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
