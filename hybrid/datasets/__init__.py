"""Datasets: a folder, an .npz file, a manifest, a named dataset or arrays become one `Dataset`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
