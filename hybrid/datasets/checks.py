"""Check that a classifier can be fitted on the training images of a dataset."""

import numpy as np

from hybrid.datasets.parts.split import counts_by_split
from hybrid.errors import InputError
from hybrid.wording import first_few, number


def check_images(source: str, ids: np.ndarray, classes: np.ndarray | None, given: np.ndarray | None) -> None:
    """Raise `InputError`, which names the source, if no split can be drawn that a classifier can be fitted on.

    Parameters
    ----------
    source : str
        Where the dataset comes from.
    ids : ndarray of str, shape (n,)
        Names of the images.
    classes : ndarray of shape (k,), or None
        The classes, or the names of the labels; None if no classifier is to be fitted.
    given : ndarray of str, shape (n,), or None
        The given split.
    """
    if not len(ids):
        raise InputError(f"{source} contains no images.")
    _check_ids(ids)
    if given is not None and not np.any(given == "train"):
        raise InputError(f"{source} has no train images, only images of {' and '.join(sorted(set(given)))}.")
    if classes is not None and len(classes) < 2:
        raise InputError(f"{source} has only one class ({classes[0]!s}): a classifier needs two or more.")


def _check_ids(ids: np.ndarray) -> None:
    ordered = np.sort(ids)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        raise InputError(
            f"The ids are not unique: {first_few(np.unique(repeated))} occur more than once; list each image once."
        )


def check_train(source: str, y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> None:
    """Raise `InputError`, which names the source, if no classifier can be fitted on the train images."""
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
