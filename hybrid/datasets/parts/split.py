"""Train, validation and test: their names, and a stratified, seeded split that respects groups."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from hybrid.errors import InputError
from hybrid.pipelines.stratify import stratify
from hybrid.wording import first_few, number

SPLITS = ("train", "val", "test")
FRACTIONS = (0.70, 0.15, 0.15)

SPLIT_SYNONYMS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def split_name(text: str) -> str | None:
    """Return the split that a folder's name or a cell means, or None.

    Examples
    --------
    >>> split_name("Validation"), split_name("fold 3")
    ('val', None)
    """
    return SPLIT_SYNONYMS.get(text.strip().lower())


def split_names(cells: Iterable[object], where: str) -> np.ndarray:
    """Return the split that each cell of a table means.

    Parameters
    ----------
    cells : iterable
    where : str
        How an error message names the cells.

    Returns
    -------
    ndarray of str, shape (n,)

    Raises
    ------
    InputError
        If a cell does not mean a split.
    """
    texts = [str(cell) for cell in cells]
    names = [split_name(text) for text in texts]
    if None in names:
        unknown = sorted({text for text, name in zip(texts, names, strict=True) if name is None})
        raise InputError(f"{where} holds {first_few(unknown)}; expected only {', '.join(SPLITS)}.")
    return np.array(names, dtype=np.str_)


def make_split(
    y: np.ndarray,
    groups: np.ndarray | None = None,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    ids: Sequence[str] | np.ndarray | None = None,
) -> np.ndarray:
    """Draw a stratified split in which no group is divided.

    Iterative stratification: the rarest label is dealt out first, each of its groups to the split
    that lacks most of that label. A label that is in three groups or more is in every split, one
    that is in two is in train and test, and every label is in train.

    Parameters
    ----------
    y : ndarray, (n,) or (n, k) of 0/1
        One label an image, or several.
    groups : ndarray, (n,), optional
        The group of each image, such as its patient.
    fractions : sequence of three floats
        Shares of train, val and test; their sum is 1. A share of 0 makes no such split.
    seed : int, default=0
        The same seed, labels and ids give the same split.
    ids : sequence of str, (n,), optional
        With ids, the split does not depend on the order of the images.

    Returns
    -------
    ndarray of str, (n,)
        "train", "val" or "test".

    Raises
    ------
    InputError
        If the fractions are no fractions, or there are fewer groups than splits to make.

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
    named = groups if groups is not None else ids if ids is not None else np.arange(len(y))
    names, group = np.unique(np.asarray(named), return_inverse=True)
    wanted = [s for s in range(3) if fractions[s] > 0]
    if len(names) < len(wanted):
        things = number(len(names), "image" if groups is None else "group")
        raise InputError(f"{things} cannot be split into {' and '.join(SPLITS[s] for s in wanted)}: give more data.")
    dealt = stratify(group, *_label_pairs(y), fractions, seed, precedence=(0, 2, 1))
    empty = [SPLITS[s] for s in wanted if not np.any(dealt == s)]
    if empty:
        raise InputError(
            f"No image is left for {' and '.join(empty)} if every class is to be in train: "
            f"give more images or groups a class, or a fraction of 0 for {' and '.join(empty)}."
        )
    return np.array(SPLITS)[dealt[group]]


def parse_fractions(text: str) -> tuple[float, float, float]:
    """Return the shares of train, val and test that words such as ``70/15/15`` name.

    Raises
    ------
    InputError
        If there are not three numbers that add up to 100 (or 1).

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
    """Raise InputError unless there are three shares, none negative, some train, with the sum 1."""
    numbers = [float(share) for share in fractions]
    if len(numbers) != 3 or min(numbers) < 0 or numbers[0] == 0 or abs(sum(numbers) - 1) > 1e-6:
        raise InputError(
            f"The fractions {tuple(numbers)} are no split: give three shares for train, val and test "
            "whose sum is 1, with train above 0, such as 0.7 0.15 0.15."
        )


def check_val(val: float) -> None:
    """Raise InputError unless a share can be drawn as validation."""
    if not 0 < val < 1:
        raise InputError(f"val={val} was given; expected a share above 0 and below 1, such as 0.15.")


def complete_split(
    split: np.ndarray | None,
    y: np.ndarray,
    groups: np.ndarray | None,
    ids: Sequence[str],
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    val: float | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Return a whole split, and sentences on what was made: missing parts come out of train only.

    Parameters
    ----------
    split : ndarray of str, (n,), or None
        What is given. Images given as val or test stay there.
    y, groups, ids, fractions, seed
        As for `make_split`. The fractions of val and test are fractions of the given train part.
    val : float, optional
        The given val joins train, and this share of both is drawn as val.

    Returns
    -------
    split : ndarray of str, (n,)
    notes : list of str
    """
    if val is not None:
        check_val(val)
        fractions = (1 - val - fractions[2], val, fractions[2])
    check_fractions(fractions)
    given = np.full(len(y), "train") if split is None else split.astype("<U5")
    joined = int((given == "val").sum()) if val is not None else 0
    if joined:
        given[given == "val"] = "train"
    missing = [s for s in (1, 2) if fractions[s] > 0 and not np.any(given == SPLITS[s])]
    train = np.flatnonzero(given == "train")
    if not missing or not len(train):
        return given, []
    shares = [fractions[s] if s in missing else 0.0 for s in range(3)]
    shares[0] = 1 - shares[1] - shares[2]
    part_groups = None if groups is None else groups[train]
    given[train] = make_split(y[train], part_groups, shares, seed, np.asarray(ids)[train])
    note = _describe(given, train, missing, split is None, seed, part_groups)
    return given, [f"{number(joined, 'given val image')} joined train. {note}" if joined else note]


def _describe(
    split: np.ndarray,
    train: np.ndarray,
    missing: list[int],
    whole: bool,
    seed: int,
    groups: np.ndarray | None,
) -> str:
    shown = [0, *missing] if whole else missing
    found = {SPLITS[s]: int((split[train] == SPLITS[s]).sum()) for s in shown}
    parts = [f"{name} {number(n, 'image')} ({n / len(train):.1%})" for name, n in found.items()]
    how = f"stratified, seed {seed}"
    if groups is not None:
        how += f", none of {number(len(np.unique(groups)), 'group')} divided"
    if whole:
        return f"No split was given; one was made: {', '.join(parts)}; {how}."
    lacking = " and no ".join(SPLITS[s] for s in missing)
    return f"No {lacking} split was given; set aside from train: {', '.join(parts)}; {how}."


def _label_pairs(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (image, label) index pairs and the number of labels."""
    if y.ndim == 2:
        image, label = np.nonzero(y)
        return image, label, y.shape[1]
    classes, label = np.unique(y, return_inverse=True)
    return np.arange(len(y)), label, len(classes)


def counts_by_split(y: np.ndarray, classes: np.ndarray, split: np.ndarray) -> dict[str, dict[str, int]]:
    """Return, for each split that has images, the number of images of each class or label.

    Parameters
    ----------
    y : ndarray, shape (n,) or (n, k)
    classes : ndarray, shape (k,)
    split : ndarray of str, shape (n,)
    """
    table = {}
    for name in SPLITS:
        here = y[split == name]
        if len(here):
            counts = here.sum(axis=0, dtype=int) if y.ndim == 2 else _class_counts(here, classes)
            table[name] = {str(label): int(n) for label, n in zip(classes, counts, strict=True)}
    return table


def _class_counts(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(classes, y), minlength=len(classes))
