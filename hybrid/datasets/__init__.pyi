from .dataset import Dataset
from .load import load_dataset, reopen

__all__ = [
    "Dataset",
    "load_dataset",
    "reopen",
]
