"""Folds within the images of a new site, also where a class has few of them."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from hybrid.errors import InputError
from hybrid.pipelines.folds import Splits, make_folds


def site_folds(y: NDArray, groups: NDArray | None, *, most: int = 5, random_state: int = 0) -> Splits:
    """Return folds of the images of a new site that divide no group; [] if there is only one group.

    They are stratified by class where each class has at least two images or groups. A training part that lacks a class
    is no obstacle here, because what is adapted starts from the model.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
    groups : ndarray of shape (n,) or None
    most : int, default=5
        Maximum number of folds.
    random_state : int, default=0
        Seed of the folds.

    Examples
    --------
    >>> [test.size for _, test in site_folds(np.array(["a", "b", "b", "b"]), None, most=2)]
    [2, 2]
    """
    try:
        return make_folds(y, groups, cv=most, random_state=random_state)
    except InputError:
        unit = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
        folds = min(most, len(np.unique(unit)))
        if folds < 2:
            return []
        return list(GroupKFold(folds, shuffle=True, random_state=random_state).split(y, groups=unit))
