"""Saved models on corrupted images: blur, noise, less contrast, JPEG and rotation, in five strengths each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
