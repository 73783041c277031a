"""Load a `Dataset` from a folder, an .npz file, a manifest, the name of a dataset, or arrays."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
