"""Groups of images that must be in the same split, such as the images of one patient."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from hybrid.datasets.parts.numbers import is_missing, same_numbers
from hybrid.errors import InputError
from hybrid.wording import first_few, number, one_form


def groups_by_pattern(pattern: str, ids: Sequence[str]) -> np.ndarray:
    r"""Return the group of each image: the text that the parentheses of a regular expression match in its id.

    An image whose id does not match is a group of its own.

    Parameters
    ----------
    pattern : str
        A regular expression with a pair of parentheses. It is searched anywhere in the id.
    ids : sequence of str, shape (n,)
        Names of the images.

    Returns
    -------
    ndarray of str, shape (n,)
        Name of each image's group.

    Raises
    ------
    InputError
        If the pattern is not a valid regular expression, has no parentheses, or matches no id.

    Examples
    --------
    >>> groups_by_pattern(r"(person\d+)_", ["person1_6.jpeg", "person1_7.jpeg", "x.jpeg"]).tolist()
    ['person1', 'person1', 'x.jpeg']
    """
    regex = check_pattern(pattern)
    names = [unicodedata.normalize("NFC", image_id) for image_id in ids]
    groups = [match.group(1) if (match := regex.search(name)) else None for name in names]
    if not any(groups):
        raise InputError(f"The group pattern {pattern!r} matches no image's id; ids are for example {first_few(ids)}.")
    return np.array([group or image_id for group, image_id in zip(groups, ids, strict=True)], dtype=np.str_)


def check_pattern(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a group pattern; raise `InputError` if it is none or has no parentheses."""
    try:
        regex = re.compile(unicodedata.normalize("NFC", pattern))
    except re.error as error:
        raise InputError(f"The group pattern {pattern!r} is not a regular expression: {error}.") from error
    if not regex.groups:
        raise InputError(f"The group pattern {pattern!r} needs parentheses around the part that names the group.")
    return regex


def named_groups(groups: object, ids: Sequence[str]) -> np.ndarray:
    """Return the groups as strings. An image without a group becomes a group of its own, named by its id."""
    values = same_numbers(np.asarray(groups).tolist())
    if len(values) != len(ids):
        raise InputError(
            f"There are {number(len(ids), 'image')} but {number(len(values), 'group')}: give one group per image."
        )
    missing = [is_missing(value) for value in values]
    names = [
        image_id if none else one_form(str(value)) for value, image_id, none in zip(values, ids, missing, strict=True)
    ]
    return np.array(names, dtype=np.str_)


def divided_groups(groups: np.ndarray, split: np.ndarray) -> list[str]:
    """Return the names of the groups that have images in more than one split."""
    pairs = np.unique(np.stack([groups, split]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    return names[counts > 1].tolist()
