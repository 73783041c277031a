from .class_shares import ClassShares
from .dataset_shift import DatasetShift
from .farthest import FarImage
from .properties import PROPERTIES, PropertyDifference
from .two_sample import TwoSampleTest, two_sample_test

__all__ = [
    "PROPERTIES",
    "ClassShares",
    "DatasetShift",
    "FarImage",
    "PropertyDifference",
    "TwoSampleTest",
    "two_sample_test",
]
