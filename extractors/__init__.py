"""Keras networks as feature extractors: backbones, cutting, image loading, the embedding store."""

from typing import TYPE_CHECKING, Any

from hybrid.extractors.backbones import BACKBONES, Backbone, find_backbone, parse_backbone

if TYPE_CHECKING:
    from hybrid.extractors.extractor import Extractor
    from hybrid.extractors.images import BadImageError
    from hybrid.extractors.reading import set_max_pixels
    from hybrid.extractors.request import RandomWeightsWarning
    from hybrid.extractors.transformer import FeatureExtractor

__all__ = [
    "BACKBONES",
    "Backbone",
    "BadImageError",
    "Extractor",
    "FeatureExtractor",
    "RandomWeightsWarning",
    "find_backbone",
    "parse_backbone",
    "set_max_pixels",
]

_HOMES = {
    "BadImageError": "images",
    "Extractor": "extractor",
    "FeatureExtractor": "transformer",
    "RandomWeightsWarning": "request",
    "set_max_pixels": "reading",
}


def __getattr__(name: str) -> Any:
    """Import what needs scikit-learn or Pillow at first use."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"hybrid.extractors.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
