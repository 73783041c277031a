from .class_mapping import ClassMapping
from .new_data import NewData, new_data

__all__ = [
    "ClassMapping",
    "NewData",
    "new_data",
]
