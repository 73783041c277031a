from ._version import show_versions
from .adaptation import adapt
from .datasets import Dataset, load_dataset
from .errors import InputError
from .evaluation import Evaluation, compare_models, evaluate
from .extractors import FeatureExtractor, set_max_pixels
from .models.predict_frame import predict
from .pipelines import adjust, load_model, make_head_pipeline, make_pipeline, save_model, tune
from .run import Comparison, Validation, compare, validate
from .shift import dataset_shift
from .training import TrainingOptions, train_network

__version__: str

__all__ = [
    "Comparison",
    "Dataset",
    "Evaluation",
    "FeatureExtractor",
    "InputError",
    "TrainingOptions",
    "Validation",
    "adapt",
    "adjust",
    "compare",
    "compare_models",
    "dataset_shift",
    "evaluate",
    "load_dataset",
    "load_model",
    "make_head_pipeline",
    "make_pipeline",
    "predict",
    "save_model",
    "set_max_pixels",
    "show_versions",
    "train_network",
    "tune",
    "validate",
]
