from .dataset import Dataset
from .load import load_dataset, reopen
from .write import write_images

__all__ = [
    "Dataset",
    "load_dataset",
    "reopen",
    "write_images",
]
