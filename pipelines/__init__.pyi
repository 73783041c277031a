from .adjusted import AdjustedHead, adjust
from .build import make_head_pipeline, make_pipeline
from .ensemble import Ensemble, make_ensemble
from .prediction_sets import CalibrationScores, make_calibration
from .saved.kept_arrays import load_reference
from .saved.load import load_model
from .saved.manifest import Manifest, read_manifest
from .saved.save import save_model
from .saved.versions import OtherVersionsWarning
from .search import tune
from .typicality import Reference, make_reference
from .weighting import choose_weights

__all__ = [
    "AdjustedHead",
    "CalibrationScores",
    "Ensemble",
    "Manifest",
    "OtherVersionsWarning",
    "Reference",
    "adjust",
    "choose_weights",
    "load_model",
    "load_reference",
    "make_calibration",
    "make_ensemble",
    "make_head_pipeline",
    "make_pipeline",
    "make_reference",
    "read_manifest",
    "save_model",
    "tune",
]
