"""Train networks end to end with the protocol of every head: fit on train, choose the epoch on validation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
