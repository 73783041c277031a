"""The one check of a whole dataset: can a classifier be fitted on train and judged on the rest?"""

from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets.wording import first_few, number
from hybrid.errors import InputError

if TYPE_CHECKING:
    from hybrid.datasets.dataset import Dataset


def check_dataset(data: "Dataset") -> None:
    """Raise InputError, with one sentence, unless the dataset can be fitted and judged."""
    if not len(data):
        raise InputError(f"{data.source} holds no images.")
    _check_ids(data.ids)
    if not np.any(data.split == "train"):
        raise InputError(f"{data.source} has no images for train, only for {' and '.join(sorted(set(data.split)))}.")
    if len(data.classes) < 2:
        raise InputError(f"{data.source} has one class only ({data.classes[0]!s}): a classifier needs two or more.")
    _check_train(data)


def _check_ids(ids: np.ndarray) -> None:
    names, counts = np.unique(ids, return_counts=True)
    if len(names) < len(ids):
        raise InputError(
            f"The ids are not unique: {first_few(names[counts > 1])} more than once; list each image once."
        )


def _check_train(data: "Dataset") -> None:
    counts = data.counts_by_split()
    n_train = int((data.split == "train").sum())
    lacking = [label for label, count in counts["train"].items() if not count]
    if lacking:
        held = [s for s in counts if any(counts[s][label] for label in lacking)]
        where = f", only in {' and '.join(held)}" if held else " nor anywhere else"
        subject, verb = ("The classes", "have") if len(lacking) > 1 else ("The class", "has")
        raise InputError(
            f"{subject} {first_few(lacking)} of {data.source} {verb} no image in train{where}: "
            "a model cannot learn it; add train images, or remove it."
        )
    constant = [label for label, count in counts["train"].items() if data.y.ndim == 2 and count == n_train]
    if constant:
        raise InputError(
            f"The label {first_few(constant)} of {data.source} is on every one of the "
            f"{number(n_train, 'train image')}: there is nothing to tell apart; remove that label."
        )
