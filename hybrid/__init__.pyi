from .datasets import Dataset, load_dataset
from .errors import InputError
from .evaluation import Evaluation, evaluate
from .extractors import FeatureExtractor
from .pipelines import load_model, make_pipeline, save_model, tune
from .run.compare import compare

__version__: str

__all__ = [
    "Dataset",
    "Evaluation",
    "FeatureExtractor",
    "InputError",
    "compare",
    "evaluate",
    "load_dataset",
    "load_model",
    "make_pipeline",
    "save_model",
    "tune",
]
