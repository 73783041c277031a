"""The one check of a whole dataset: can a classifier be fitted on train and judged on the rest?"""

import numpy as np

from hybrid.datasets.parts.split import counts_by_split
from hybrid.errors import InputError
from hybrid.wording import first_few, number


def check_dataset(source: str, ids: np.ndarray, y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> None:
    """Raise `InputError`, which names the source, unless the dataset can be fitted and judged."""
    if not len(ids):
        raise InputError(f"{source} holds no images.")
    _check_ids(ids)
    if not np.any(split == "train"):
        raise InputError(f"{source} has no images for train, only for {' and '.join(sorted(set(split)))}.")
    if len(classes) < 2:
        raise InputError(f"{source} has one class only ({classes[0]!s}): a classifier needs two or more.")
    _check_train(source, y, classes, split)


def _check_ids(ids: np.ndarray) -> None:
    names, counts = np.unique(ids, return_counts=True)
    if len(names) < len(ids):
        raise InputError(
            f"The ids are not unique: {first_few(names[counts > 1])} more than once; list each image once."
        )


def _check_train(source: str, y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> None:
    counts = counts_by_split(y, classes, split)
    n_train = int((split == "train").sum())
    lacking = [label for label, count in counts["train"].items() if not count]
    if lacking:
        held = [s for s in counts if any(counts[s][label] for label in lacking)]
        where = f", only in {' and '.join(held)}" if held else " nor anywhere else"
        subject, verb = ("The classes", "have") if len(lacking) > 1 else ("The class", "has")
        raise InputError(
            f"{subject} {first_few(lacking)} of {source} {verb} no image in train{where}: "
            "a model cannot learn it; add train images, or remove it."
        )
    constant = [label for label, count in counts["train"].items() if y.ndim == 2 and count == n_train]
    if constant:
        raise InputError(
            f"The label {first_few(constant)} of {source} is on every one of the "
            f"{number(n_train, 'train image')}: there is nothing to tell apart; remove that label."
        )
