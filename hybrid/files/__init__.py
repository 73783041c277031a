"""Files: written so that a crash leaves no half of them, as JSON and CSV, and folders that are replaced as a whole."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
