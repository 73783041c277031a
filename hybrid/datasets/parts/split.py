"""Splits into train, validation and test: a stratified split with a seed that divides no group."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from hybrid.errors import InputError
from hybrid.pipelines.stratify import stratify
from hybrid.wording import number

SPLITS = ("train", "val", "test")
FRACTIONS = (0.70, 0.15, 0.15)

VAL_AS_TEST = "--val-as-test (Python: val_as_test=True; recipe: val_as_test = true under [data])"

KeptTogether = Callable[[np.ndarray], tuple[np.ndarray | None, list[str]]]


def make_split(
    y: np.ndarray,
    groups: np.ndarray | None = None,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    ids: Sequence[str] | np.ndarray | None = None,
) -> np.ndarray:
    """Draw a stratified split that divides no group.

    It uses iterative stratification: the rarest label is distributed first, each of its groups to the split that lacks
    most images of that label. The largest groups are distributed before smaller ones, so that each split has its share
    of the groups of every size. Every label is in train, a label in two groups is also in test, and a label in three or
    more groups is in every split.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        One label per image, or k binary labels per image, each 0 or 1.
    groups : ndarray of shape (n,), optional
        The group of each image, such as its patient. By default, each image is a group of its own.
    fractions : (float, float, float), default=(0.70, 0.15, 0.15)
        Shares of train, val and test, whose sum is 1. A split with a share of 0 is empty.
    seed : int, default=0
        Seed of the split. The same seed, labels and ids give the same split.
    ids : sequence of str, shape (n,), optional
        Unique names of the images. If they are given, the split does not depend on the order of the images.

    Returns
    -------
    ndarray of str, shape (n,)
        "train", "val" or "test" for each image.

    Raises
    ------
    InputError
        If the fractions are invalid, or there are fewer groups than splits to draw.

    References
    ----------
    Sechidis, Tsoumakas, Vlahavas. On the stratification of multi-label data. ECML PKDD 2011.

    Examples
    --------
    >>> split = make_split(np.array([0] * 20 + [1] * 80), fractions=(0.5, 0.25, 0.25))
    >>> [(int((split[:20] == name).sum()), int((split[20:] == name).sum())) for name in SPLITS]
    [(10, 40), (5, 20), (5, 20)]
    """
    check_fractions(fractions)
    group_names = groups if groups is not None else ids if ids is not None else np.arange(len(y))
    names, group = np.unique(np.asarray(group_names), return_inverse=True)
    drawn = [s for s in range(3) if fractions[s] > 0]
    if len(names) < len(drawn):
        count = number(len(names), "image" if groups is None else "group")
        copies = "" if groups is None else " Copies of an image are one group, unless --together none is given."
        raise InputError(
            f"{count} cannot be split into {' and '.join(SPLITS[s] for s in drawn)}: give more data.{copies}"
        )
    split_of_group = stratify(group, *_label_pairs(y), fractions, seed, precedence=(0, 2, 1))
    empty = [SPLITS[s] for s in drawn if not np.any(split_of_group == s)]
    if empty:
        raise InputError(
            f"No image is left for {' and '.join(empty)} if every class is to be in train: "
            f"give more images or groups of each class, or a fraction of 0 for {' and '.join(empty)}."
        )
    return np.array(SPLITS)[split_of_group[group]]


def parse_fractions(text: str) -> tuple[float, float, float]:
    """Return the shares of train, val and test from a text such as ``70/15/15``.

    Parameters
    ----------
    text : str
        Three numbers whose sum is 100 or 1, separated by slashes or commas.

    Returns
    -------
    (float, float, float)
        The shares, whose sum is 1.

    Raises
    ------
    InputError
        If the text is not such a triple.

    Examples
    --------
    >>> parse_fractions("80/0/20")
    (0.8, 0.0, 0.2)
    """
    try:
        train, val, test = (float(part) for part in text.replace(",", "/").split("/"))
    except ValueError:
        raise InputError(f"The split {text!r} was given; expected three numbers such as 70/15/15.") from None
    total = train + val + test
    if min(train, val, test) < 0 or train <= 0 or not (math.isclose(total, 1) or math.isclose(total, 100)):
        raise InputError(f"The split {text!r} was given; expected train/val/test in percent that add up to 100.")
    return train / total, val / total, test / total


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise `InputError` unless there are three shares whose sum is 1, none negative, and the first above 0."""
    numbers = [float(share) for share in fractions]
    if len(numbers) != 3 or min(numbers) < 0 or numbers[0] == 0 or abs(sum(numbers) - 1) > 1e-6:
        raise InputError(
            f"The fractions {tuple(numbers)} were given; expected three shares of train, val and test "
            "whose sum is 1, with train above 0, such as 0.7 0.15 0.15."
        )


def check_val(val: float) -> None:
    """Raise `InputError` unless a share of validation is above 0 and below 1."""
    if not 0 < val < 1:
        raise InputError(f"val={val} was given; expected a share above 0 and below 1, such as 0.15.")


def complete_split(
    split: np.ndarray | None,
    y: np.ndarray,
    groups: np.ndarray | None,
    ids: Sequence[str] | np.ndarray,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    val: float | None = None,
    val_as_test: bool = False,
    together: KeptTogether | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Draw the splits that are missing, from train only, and return the complete split with notes about it.

    Parameters
    ----------
    split : ndarray of str, shape (n,), or None
        The given split. Images of val and test stay there.
    y, groups, ids, fractions, seed
        As for `make_split`. The fractions of val and test are fractions of the given train images.
    val : float, optional
        Share of a new validation split: the given val images join train, and this share of both is drawn.
    val_as_test : bool, default=False
        Whether the given val images are the test split.
    together : callable, optional
        Returns the groups that are not divided, including the copies of an image, and notes about them, given the
        indices of the images among which a split is drawn. It is only called if one is drawn. By default, only `groups`
        are not divided.

    Returns
    -------
    split : ndarray of str, shape (n,)
        "train", "val" or "test" for each image.
    notes : list of str
        Sentences about what was drawn.

    Raises
    ------
    InputError
        If a fraction is invalid, there are too few images or groups for the missing splits, or val cannot be test.
    """
    if val is not None:
        check_val(val)
        fractions = (1 - val - fractions[2], val, fractions[2])
    check_fractions(fractions)
    given = np.full(len(y), "train") if split is None else split.astype("<U5")
    notes = []
    if val_as_test:
        notes.append(_make_val_test(given))
    n_val = int((given == "val").sum())
    if n_val and val is not None:
        given[given == "val"] = "train"
    missing = [s for s in (1, 2) if fractions[s] > 0 and not np.any(given == SPLITS[s])]
    train = np.flatnonzero(given == "train")
    if not missing or not len(train):
        return given, notes
    shares = [fractions[s] if s in missing else 0.0 for s in range(3)]
    shares[0] = 1 - shares[1] - shares[2]
    part_groups = None if groups is None else groups[train]
    undivided, copies = together(train) if together else (part_groups, [])
    given[train] = make_split(y[train], undivided, shares, seed, np.asarray(ids)[train])
    note = _split_note(given, train, missing, split is None, how_drawn(seed, part_groups))
    if n_val and val is not None:
        note = f"{number(n_val, 'given val image')} joined train. {note}"
    elif n_val and 2 in missing:
        note += (
            f" The {number(n_val, 'given val image')} stay in val: to report on the given images instead of images set "
            f"aside from train, use val as test with {VAL_AS_TEST}."
        )
    return given, [*notes, note, *copies]


def _make_val_test(given: np.ndarray) -> str:
    """Turn the given val images into test images, in place, and return a note about it."""
    if not np.any(given == "val") or np.any(given == "test"):
        lacks = "the data have a test split already" if np.any(given == "test") else "the data have no val split"
        raise InputError(f"--val-as-test (val_as_test) was given, but {lacks}: leave it out.")
    n_val = int((given == "val").sum())
    given[given == "val"] = "test"
    return f"{number(n_val, 'given val image')} used as test (--val-as-test)."


def how_drawn(seed: int, groups: np.ndarray | None) -> str:
    """Return how a split was drawn, for a note."""
    divided = "" if groups is None else f", none of {number(len(np.unique(groups)), 'group')} divided"
    return f"stratified, seed {seed}{divided}"


def _split_note(split: np.ndarray, train: np.ndarray, missing: list[int], all_drawn: bool, how: str) -> str:
    shown = [0, *missing] if all_drawn else missing
    counts = {SPLITS[s]: int((split[train] == SPLITS[s]).sum()) for s in shown}
    parts = [f"{name} {number(n, 'image')} ({n / len(train):.1%})" for name, n in counts.items()]
    if all_drawn:
        return f"No split was given; one was drawn: {', '.join(parts)}; {how}."
    names = " and no ".join(SPLITS[s] for s in missing)
    return f"No {names} split was given; set aside from train: {', '.join(parts)}; {how}."


def _label_pairs(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the image and label indices of all pairs, and the number of labels."""
    if y.ndim == 2:
        image, label = np.nonzero(y)
        return image, label, y.shape[1]
    classes, label = np.unique(y, return_inverse=True)
    return np.arange(len(y)), label, len(classes)


def counts_by_split(y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> dict[str, dict[str, int]]:
    """Return the number of images of each class or label, for each split that has images.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
    classes : ndarray of shape (k,)
    split : ndarray of str, shape (n,)

    Returns
    -------
    dict of str to dict of str to int
        Number of images by split and by class.
    """
    table = {}
    for name in SPLITS:
        labels = y[split == name]
        if len(labels):
            counts = labels.sum(axis=0, dtype=int) if y.ndim == 2 else _class_counts(labels, classes)
            table[name] = {str(label): int(n) for label, n in zip(classes, counts, strict=True)}
    return table


def _class_counts(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(classes, y), minlength=len(classes))
