"""Train a network end to end with the same protocol as every head: fit on train, choose on validation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
