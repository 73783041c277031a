from .adjusted import AdjustedHead, adjust
from .build import make_head_pipeline, make_pipeline
from .ensemble import Ensemble, make_ensemble
from .saved.load import load_model
from .saved.manifest import Manifest, read_manifest
from .saved.save import save_model
from .saved.versions import OtherVersionsWarning
from .search import tune
from .weighting import choose_weights

__all__ = [
    "AdjustedHead",
    "Ensemble",
    "Manifest",
    "OtherVersionsWarning",
    "adjust",
    "choose_weights",
    "load_model",
    "make_ensemble",
    "make_head_pipeline",
    "make_pipeline",
    "read_manifest",
    "save_model",
    "tune",
]
