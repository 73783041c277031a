"""Groups of images that are not independent of each other, such as the images of one patient."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.evaluation.labels import is_missing
from hybrid.wording import number, plural_of

GROUP = "group"  # what a group of images is called unless the name of its column is known
_LONGEST = 24  # letters; a longer name is not a noun
_KEY = {"id", "ids", "uid", "uids", "no", "nr", "number", "num", "code", "key", "name"}  # words that name no thing


def check_groups(groups: Any, n: int) -> np.ndarray | None:
    """Return the number of each image's group, in the order of their first images.

    Parameters
    ----------
    groups : array-like of shape (n,), or None
        Name of each image's group. An image whose group is missing is a group of its own.
    n : int
        Number of images.

    Returns
    -------
    ndarray of int, shape (n,), or None
        None if no groups are given.

    Raises
    ------
    InputError
        If there is not one group for each image.

    Examples
    --------
    >>> check_groups(["b", "a", None, "b", None], 5).tolist()
    [0, 1, 2, 0, 3]
    """
    if groups is None:
        return None
    given = np.asarray(groups)
    if given.shape != (n,):
        raise InputError(f"groups has shape {given.shape}; expected one group for each of the {n} images, ({n},).")
    numbers: dict[Any, int] = {}
    names = [(i, None) if is_missing(name) else name for i, name in enumerate(given.tolist())]
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), dtype=np.intp, count=n)


def group_strata(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the stratum of each group; a single stratum for all if a group has images of several strata.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        The number of each image's group.
    strata : ndarray of int, shape (n,)
        The stratum of each image.

    Returns
    -------
    ndarray of int, shape (n_groups,)

    Examples
    --------
    >>> group_strata(np.array([0, 0, 1]), np.array([0, 0, 1])), group_strata(np.array([0, 0, 1]), np.array([0, 1, 1]))
    (array([0, 1]), array([0, 0]))
    """
    of_group = np.zeros(groups.max() + 1, dtype=strata.dtype)
    of_group[groups] = strata
    return of_group if np.array_equal(of_group[groups], strata) else np.zeros_like(of_group)


def group_sums(values: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the sums over the groups, (..., n_groups), of values with the images as last axis, (..., n)."""
    rows = np.atleast_2d(values)
    sums = np.array([np.bincount(groups, row, n_groups) for row in rows])
    return sums.reshape(*values.shape[:-1], n_groups)


def group_noun(column: object) -> str:
    """Return what one group is called if its column has this name: "patient" for `patient_id`, "group" if unclear.

    Examples
    --------
    >>> [group_noun(name) for name in ("patient", "PatientID", "lesion_ids", "Study UID", "id", "col7", None)]
    ['patient', 'patient', 'lesion', 'study', 'group', 'group', 'group']
    """
    text = column if isinstance(column, str) else ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", " ", text).lower().split()
    words = [re.sub(r"^(patient|subject)ids?$", r"\1", word) for word in words]
    words = [word for word in words if word not in _KEY]
    if not words or not all(word.isalpha() and word.isascii() for word in words) or len(" ".join(words)) > _LONGEST:
        return GROUP
    last = words[-1]
    singular = next((one for one in (last[:-1], f"{last[:-3]}y") if one and plural_of(one) == last), last)
    return " ".join([*words[:-1], singular])


def group_name_of(arguments: Mapping[str, Any] | None) -> str:
    """Return what a group of a dataset is called, by the arguments that load it; "group" if no column is known.

    Examples
    --------
    >>> group_name_of({"group_column": "patient_id"}), group_name_of(None)
    ('patient', 'group')
    """
    given = arguments or {}
    return GROUP if given.get("group_pattern") else group_noun(given.get("group_column"))


def name_with_copies(groups: np.ndarray | None, together: np.ndarray | None, name: str) -> str:
    """Return what groups are called in which copies of an image are together.

    Parameters
    ----------
    groups, together : ndarray of str, shape (n,), or None
        Group of each image without regard to copies, and with copies of an image in one group.
    name : str
        What a group is called.

    Returns
    -------
    str
        `name`, or "group" if no groups are known or copies join some of them.
    """
    if groups is None or together is None or len(np.unique(together)) < len(np.unique(groups)):
        return GROUP
    return name


def variance_with_floor(
    of_groups: np.ndarray | float, of_images: np.ndarray | float, n_groups: np.ndarray | int
) -> np.ndarray:
    """Return the variance between groups, in which that of the images counts like one group if it is larger.

    Few groups may vary hardly at all by chance, such as six patients in each of whom the same number of images is
    predicted better. Groups seldom vary less than independent images would, so the variance of the images is averaged
    in then.

    Parameters
    ----------
    of_groups : ndarray or float
        The variance of a score that is estimated from the groups.
    of_images : ndarray or float
        The variance that it would have if the images were independent.
    n_groups : ndarray of int, or int
        Number of groups.

    Examples
    --------
    >>> variance_with_floor(np.array([0.0, 6.0, 18.0]), 12.0, 6)
    array([ 2.,  7., 18.])
    """
    return np.maximum(of_groups, ((n_groups - 1) * of_groups + of_images) / n_groups)


def images_of_groups(n: int, n_groups: int | None, noun: str = "image", group: str = GROUP) -> str:
    """Return a number of images as text, with the number of their groups if a group has several images.

    Examples
    --------
    >>> images_of_groups(3000, 60, "test image"), images_of_groups(300, None), images_of_groups(300, 300)
    ('3,000 test images of 60 groups', '300 images', '300 images')
    >>> images_of_groups(3000, 60, group="patient")
    '3,000 images of 60 patients'
    """
    images = f"{n:,} {noun if n == 1 else noun + 's'}"
    return images if n_groups is None or n_groups == n else f"{images} of {number(n_groups, group)}"
