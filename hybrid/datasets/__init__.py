"""Datasets: a folder, an .npz, a manifest, a named set or arrays become one `Dataset`."""

from hybrid.datasets.dataset import Dataset
from hybrid.datasets.load import load_dataset, reopen

__all__ = ["Dataset", "load_dataset", "reopen"]
