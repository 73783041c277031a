"""Dataset shift: do new images come from the same distribution as those that a model learnt from?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
