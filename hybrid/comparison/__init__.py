"""Models side by side: one table for each set of images, which differences are significant, and the chosen model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
