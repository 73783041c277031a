"""Names of splits: of folders, of cells of a table, and as the user explains them with ``--split-names``."""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from hybrid.datasets.parts.split import SPLITS
from hybrid.errors import InputError
from hybrid.wording import first_few

NO_SPLIT = "none"  # there is no split in the data: folders are classes, and no column or path contains a split
SKIP = "skip"  # images with this name are left out

_WORDS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
_ABBREVIATIONS = {"tr": "train", "va": "val", "vl": "val", "te": "test", "ts": "test"}
_NEGATIONS = frozenset({"no", "non", "not", "un"})
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # the words of "TrainData", "seg_train" and "TEST2017"
_WORD_WITH_NOUN = re.compile(rf"({'|'.join(sorted(_WORDS, key=len, reverse=True))})(?:set|data|dataset|images?|imgs?)")

SplitNames = dict[str, str] | str | None


def split_name(text: str) -> str | None:
    """Return the split that the name of a folder or a cell of a table stands for by itself, or None.

    Examples
    --------
    >>> split_name("Validation"), split_name("fold 3")
    ('val', None)
    """
    return _WORDS.get(text.strip().lower())


def split_names(cells: Iterable[object], where: str) -> np.ndarray:
    """Return the split that each cell of a table stands for.

    Parameters
    ----------
    cells : iterable of shape (n,)
        Names of splits or their synonyms, such as "validation".
    where : str
        How an error message names the cells.

    Returns
    -------
    ndarray of str, shape (n,)
        "train", "val" or "test" for each cell.

    Raises
    ------
    InputError
        If a cell does not stand for a split.
    """
    texts = [str(cell) for cell in cells]
    names = [split_name(text) for text in texts]
    if None in names:
        unknown = sorted({text for text, name in zip(texts, names, strict=True) if name is None})
        raise InputError(f"{where} contains {first_few(unknown)}; expected only {', '.join(SPLITS)}.")
    return np.array(names, dtype=np.str_)


def meaning_of(names: Collection[str]) -> dict[str, str] | None:
    """Return the splits that several names stand for, if together they are clear.

    They are clear if each of them contains the word for exactly one split, one of them is train, and another one is
    val or test. Different names of one split are only clear if they are words for it, such as "train" and "Training".
    Two letters, such as "tr", only count if all names are like that.

    Parameters
    ----------
    names : collection of str
        All names of the folders, or all values of a column.

    Returns
    -------
    dict of str to str, or None
        The split of each name.

    Examples
    --------
    >>> meaning_of(["Train Data", "Test Data"])
    {'Train Data': 'train', 'Test Data': 'test'}
    >>> meaning_of(["train_station", "airport"]), meaning_of(["fold1", "fold2"])
    (None, None)
    """
    meaning = {name: word for name in names if (word := word_in(name))}
    if len(meaning) < len(names):
        meaning = {name: word for name in names if (word := _ABBREVIATIONS.get(name.strip().lower()))}
    compound = [split for name, split in meaning.items() if not split_name(name)]
    distinct = len(compound) == len(set(compound)) and not set(compound) & {split_name(name) for name in meaning}
    splits = set(meaning.values())
    return meaning if len(meaning) == len(names) and distinct and "train" in splits and len(splits) > 1 else None


def word_in(name: str) -> str | None:
    """Return the split whose word is in a name, or None if no word or those of several splits are in it.

    Examples
    --------
    >>> word_in("seg_train"), word_in("TestSet"), word_in("contest"), word_in("train_val")
    ('train', 'test', None, None)
    """
    if split := split_name(name):
        return split
    if _NEGATIONS & set(_tokens(name)):
        return None
    words = [match[1] if (match := _WORD_WITH_NOUN.fullmatch(token)) else token for token in _tokens(name)]
    found = {split for word in words if (split := _WORDS.get(word))}
    return found.pop() if len(found) == 1 else None


def _tokens(name: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(name)]


def parse_split_names(given: str | Mapping[str, str] | None) -> SplitNames:
    """Return what the user says that names mean.

    Parameters
    ----------
    given : str or mapping of str to str, optional
        The split of each name, as a mapping or a text such as ``"fold1=train,fold2=test"``: train, val, test, or skip
        for images that are left out. Or "none" if there is no split in the data.

    Returns
    -------
    dict of str to str, "none" or None

    Raises
    ------
    InputError
        If it is neither of these.

    Examples
    --------
    >>> parse_split_names("0=train, 1=validation")
    {'0': 'train', '1': 'val'}
    """
    if given is None or given == NO_SPLIT:
        return given
    if isinstance(given, str):
        pairs = [part.rpartition("=") for part in given.split(",")]
        given = {name.strip(): split for name, mark, split in pairs if mark} if all(p[1] for p in pairs) else {}
    splits = {str(name): SKIP if split == SKIP else split_name(str(split)) for name, split in dict(given).items()}
    unknown = [str(given[name]) for name, split in splits.items() if split is None]
    if unknown or not splits:
        what = f"gives {first_few(unknown)}" if unknown else "gives no name"
        raise InputError(
            f"--split-names (split_names) {what}: expected NAME=train, NAME=val, NAME=test or NAME=skip for each name, "
            f"such as 0=train,1=test; or {NO_SPLIT}, if there is no split in the data."
        )
    return {name: str(split) for name, split in splits.items()}


def look_up(name: str, names: Mapping[str, str]) -> str | None:
    """Return what the user says that a name means, in any case, otherwise what it means by itself."""
    if name in names:
        return names[name]
    lower = {key.lower(): split for key, split in names.items()}
    return lower.get(name.lower()) or split_name(name)


def suggestion(names: Collection[str]) -> str:
    """Return an example of the option ``--split-names`` for some names, quoted for a shell.

    Examples
    --------
    >>> suggestion(["Fold 1", "Fold 2"])
    "--split-names 'Fold 1=train,Fold 2=test'"
    """
    order = ["train", "test"] if len(names) == 2 else ["train", "val", *["test"] * (len(names) - 2)]
    shown = zip(list(names)[:5], order, strict=False)
    said = [f"{name}={_guess(name) or split}" for name, split in shown]
    return f"--split-names {shlex.quote(','.join(said))}"


def _guess(name: str) -> str | None:
    """Return the split that a name may stand for, for an example."""
    inside = (split for split in SPLITS if split in name.lower())
    return word_in(name) or _ABBREVIATIONS.get(name.lower()) or next(inside, None)
