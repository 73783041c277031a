from .backbones.listing import backbone_layers
from .backbones.parameters import RandomWeightsWarning, UnclearLayerWarning
from .backbones.table import BACKBONES, Backbone, find_backbone, parse_backbone
from .extractor import Extractor
from .images.decoding import BadImageError
from .images.limits import set_max_pixels
from .store.sharing import SharedFolderWarning
from .transformer import FeatureExtractor

__all__ = [
    "BACKBONES",
    "Backbone",
    "BadImageError",
    "Extractor",
    "FeatureExtractor",
    "RandomWeightsWarning",
    "SharedFolderWarning",
    "UnclearLayerWarning",
    "backbone_layers",
    "find_backbone",
    "parse_backbone",
    "set_max_pixels",
]
