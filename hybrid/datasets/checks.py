"""Check that a classifier can be fitted on the training images of a dataset."""

import numpy as np

from hybrid.datasets.parts.split import counts_by_split
from hybrid.errors import InputError
from hybrid.wording import first_few, number


def check_dataset(source: str, ids: np.ndarray, y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> None:
    """Raise `InputError`, which names the source, if no classifier can be fitted on the dataset."""
    if not len(ids):
        raise InputError(f"{source} contains no images.")
    _check_ids(ids)
    if not np.any(split == "train"):
        raise InputError(f"{source} has no train images, only images of {' and '.join(sorted(set(split)))}.")
    if len(classes) < 2:
        raise InputError(f"{source} has only one class ({classes[0]!s}): a classifier needs two or more.")
    _check_train(source, y, classes, split)


def _check_ids(ids: np.ndarray) -> None:
    names, counts = np.unique(ids, return_counts=True)
    if len(names) < len(ids):
        raise InputError(
            f"The ids are not unique: {first_few(names[counts > 1])} occur more than once; list each image once."
        )


def _check_train(source: str, y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> None:
    counts = counts_by_split(y, classes, split)
    n_train = int((split == "train").sum())
    missing = [label for label, count in counts["train"].items() if not count]
    if missing:
        other_splits = [name for name in counts if any(counts[name][label] for label in missing)]
        where = f", only in {' and '.join(other_splits)}" if other_splits else " or any other split"
        subject, verb, them = ("The classes", "have", "them") if len(missing) > 1 else ("The class", "has", "it")
        raise InputError(
            f"{subject} {first_few(missing)} of {source} {verb} no image in train{where}, so a model cannot learn "
            f"{them}: add train images, or remove {them}."
        )
    constant = [label for label, count in counts["train"].items() if y.ndim == 2 and count == n_train]
    if constant:
        raise InputError(
            f"All {number(n_train, 'train image')} of {source} have the label {first_few(constant)}, so there is "
            "nothing to learn: remove that label."
        )
