"""Groups of images that must be in the same split, such as the images of one patient."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from hybrid.datasets.parts.numbers import is_missing, same_numbers
from hybrid.errors import InputError
from hybrid.evaluation.groups import GROUP
from hybrid.wording import first_few, number, one_form, plural_of


def groups_by_pattern(pattern: str, ids: Sequence[str]) -> np.ndarray:
    r"""Return the group of each image: the text that the parentheses of a regular expression match in its id.

    An image whose id does not match is a group of its own.

    Parameters
    ----------
    pattern : str
        A regular expression with a pair of parentheses. It is searched anywhere in the id. With several pairs, as in
        ``(person\d+)_|(IM-\d+)``, the first one that matches text counts.
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
    groups = matched_groups(pattern, ids)
    if not any(groups):
        raise InputError(f"The group pattern {pattern!r} matches no image's id; ids are for example {first_few(ids)}.")
    return np.array([group or image_id for group, image_id in zip(groups, ids, strict=True)], dtype=np.str_)


def unmatched_note(pattern: str, ids: Sequence[str], y: np.ndarray) -> list[str]:
    r"""Return a sentence about the images whose ids a group pattern does not match; an empty list if it matches all.

    Examples
    --------
    >>> unmatched_note(r"(person\d+)_", ["person1_6.jpeg", "x.jpeg"], np.array(["ill", "healthy"]))[0][:46]
    '1 of 2 file names does not match the group pat'
    """
    others = [i for i, group in enumerate(matched_groups(pattern, ids)) if not group]
    if not others:
        return []
    one = len(others) == 1
    each = "this image is a group of its own" if one else "each of these images is a group of its own"
    classes = np.unique(y[others]) if y.ndim == 1 else np.array([])
    same = f" All of them are of the class {classes[0]}." if len(classes) == 1 and not one else ""
    return [
        f"{len(others):,} of {number(len(ids), 'file name')} {'does' if one else 'do'} not match the group pattern "
        f"'{pattern}' (such as {ids[others[0]]}): {each}.{same} If they belong to patients too, extend the pattern, as "
        r"in '(person\d+)|(IM-\d+)'."
    ]


def matched_groups(pattern: str, ids: Sequence[str], what: str = "group pattern") -> list[str | None]:
    """Return the text of the first pair of parentheses that matches text in each id; None where there is none.

    `what` is how an error message calls the pattern.
    """
    regex = check_pattern(pattern, what)
    found = [regex.search(unicodedata.normalize("NFC", image_id)) for image_id in ids]
    return [next(filter(None, match.groups()), None) if match else None for match in found]


def check_pattern(pattern: str, what: str = "group pattern") -> re.Pattern[str]:
    """Return the regular expression of a pattern; raise `InputError` if it is none or has no parentheses."""
    try:
        regex = re.compile(unicodedata.normalize("NFC", pattern))
    except re.error as error:
        raise InputError(f"The {what} {pattern!r} is not a regular expression: {error}.") from error
    if not regex.groups:
        raise InputError(
            f"The {what} {pattern!r} needs parentheses around the part that is the value."
            if what != "group pattern"
            else f"The group pattern {pattern!r} needs parentheses around the part that names the group."
        )
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


def groups_of_splits(groups: np.ndarray, split: np.ndarray, noun: str = GROUP) -> str:
    """Return how many images of how many groups each split has, and whether a group is in two of them.

    Examples
    --------
    >>> groups_of_splits(np.array(["ann", "ann", "bob"]), np.array(["train", "train", "test"]))
    'No group, such as a patient, is in two splits: train has 2 images of 1 group, test 1 image of 1 group.'
    >>> groups_of_splits(np.array(["ann", "ann", "bob"]), np.array(["train", "train", "test"]), "patient")
    'No patient is in two splits: train has 2 images of 1 patient, test 1 image of 1 patient.'
    """
    parts: list[str] = []
    for name in dict.fromkeys(["train", "val", "test", *split.tolist()]):
        if n := int((split == name).sum()):
            of = number(len(np.unique(groups[split == name])), noun)
            parts.append(f"{name} {'' if parts else 'has '}{number(n, 'image')} of {of}")
    divided = len(divided_groups(groups, split))
    none = "No group, such as a patient, is" if noun == GROUP else f"No {noun} is"
    how_many = number(divided, f"{noun} is", f"{plural_of(noun)} are") if divided else none
    return f"{how_many} in two splits{' or more' if divided else ''}: {', '.join(parts)}."
