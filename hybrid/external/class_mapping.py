"""Map the classes of a dataset to those of a model. Names are compared, and nothing is guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.wording import first_few, joined, number, one_form

_SHOWN = 8  # classes that a message names


@dataclass(frozen=True)
class ClassMapping:
    """Which class of a model each class of a dataset is; of multi-label tasks, which label.

    Attributes
    ----------
    targets : dict of str to (str or None)
        The model's class for each class of the dataset; None for a class that is left out.
    missing : tuple of str
        Classes of the model that the dataset lacks.
    left_out : int
        Number of images that were left out because of their class.
    multilabel : bool
    """

    targets: dict[str, str | None]
    missing: tuple[str, ...] = ()
    left_out: int = 0
    multilabel: bool = False

    @property
    def renamed(self) -> dict[str, str]:
        """The classes whose names differ, with their names in the model."""
        return {theirs: ours for theirs, ours in self.targets.items() if ours is not None and ours != theirs}

    def notes(self) -> list[str]:
        """Return sentences about the classes with other names, those that are left out, and those that are missing."""
        notes = []
        noun = ("label", "labels") if self.multilabel else ("class", "classes")
        if self.renamed:
            pairs = [f"{theirs!r} is the model's {ours!r}" for theirs, ours in self.renamed.items()]
            notes.append(f"{joined(pairs)}.")
        if unused := [theirs for theirs, ours in self.targets.items() if ours is None]:
            names = f"the {noun[len(unused) > 1]} {first_few(unused, _SHOWN)}"
            if self.multilabel:
                notes.append(f"The model does not know {names} of the dataset: not used.")
            else:
                were = "was" if self.left_out == 1 else "were"
                notes.append(f"{number(self.left_out, 'image')} of {names} {were} left out, as the map says.")
        if self.missing:
            names = f"the {noun[len(self.missing) > 1]} {first_few(self.missing, _SHOWN)}"
            notes.append(
                f"The dataset has no {noun[len(self.missing) > 1]} {first_few(self.missing, _SHOWN)}: scores of "
                f"{'it' if len(self.missing) == 1 else 'them'} cannot be measured here."
                if self.multilabel
                else f"The dataset has no image of {names}, which the model may predict all the same."
            )
        return notes


def parse_class_map(texts: Iterable[str]) -> dict[str, str | None]:
    """Return a map of classes from texts such as ``Pneumonia=PNEUMONIA``, or ``Covid=`` to leave a class out.

    Raises
    ------
    InputError
        If a text has no equals sign, or a class is mapped twice.

    Examples
    --------
    >>> parse_class_map(["Pneumonia=PNEUMONIA", "Covid="])
    {'Pneumonia': 'PNEUMONIA', 'Covid': None}
    """
    mapped: dict[str, str | None] = {}
    for text in texts:
        theirs, equals, ours = (part.strip() for part in text.partition("="))
        if not equals or not theirs:
            raise InputError(
                f"--map {text!r} was given; expected CLASS OF THE DATASET=CLASS OF THE MODEL, such as "
                "'Pneumonia=PNEUMONIA', or 'Covid=' to leave the images of a class out."
            )
        if theirs in mapped:
            raise InputError(f"--map was given twice for the class {theirs!r}: give it once.")
        mapped[theirs] = ours or None
    return mapped


def match_classes(
    ours: Sequence[str],
    theirs: Sequence[str],
    images: Sequence[int],
    given: Mapping[str, str | None] | None = None,
    *,
    multilabel: bool = False,
) -> ClassMapping:
    """Return which class of a model each class of a dataset is.

    Classes with the same name are the same. All others must be given, except labels of a multi-label task that only the
    dataset has: they are not used, because the other labels of their images are valid all the same.

    Parameters
    ----------
    ours, theirs : sequence of str
        The classes of the model and of the dataset.
    images : sequence of int
        Number of images of each class of the dataset.
    given : mapping of str to (str or None), optional
        The model's class for classes of the dataset; None for classes whose images are left out.
    multilabel : bool, default=False

    Returns
    -------
    ClassMapping

    Raises
    ------
    InputError
        If a name is unknown, or it is not clear what a class of the dataset is for the model. The message proposes
        classes with similar names.
    """
    chosen = {_found("the dataset", theirs, name): ours_of(ours, target) for name, target in (given or {}).items()}
    same = {one_form(name): name for name in ours}
    targets: dict[str, str | None] = {}
    unclear: dict[str, str | None] = {}
    for name in theirs:
        if name in chosen:
            targets[name] = chosen[name]
        elif (match := same.get(one_form(name))) is not None:
            targets[name] = match
        else:
            unclear[name] = _similar(name, [other for other in ours if other not in theirs])
    if multilabel:
        unclear = {name: similar for name, similar in unclear.items() if similar}
        targets |= {name: None for name in theirs if name not in targets and name not in unclear}
    counts = dict(zip(theirs, images, strict=True))
    if unclear:
        raise InputError(_what_is_unclear(ours, unclear, counts, multilabel))
    if not any(targets.values()):
        raise InputError(
            f"None of the classes of the dataset ({first_few(theirs, _SHOWN)}) is one of the model's "
            f"({first_few(ours, _SHOWN)}): say which are the same with --map (Python: class_map)."
        )
    missing = tuple(name for name in ours if name not in targets.values())
    left_out = 0 if multilabel else sum(counts[name] for name, target in targets.items() if target is None)
    return ClassMapping({name: targets[name] for name in theirs}, missing, left_out, multilabel)


def mapped_labels(
    y: np.ndarray, theirs: np.ndarray, mapping: ClassMapping, ours: Sequence[str], values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of a dataset in the classes of a model, and which images have one.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, j)
        The labels in the dataset.
    theirs : ndarray of shape (j,)
        The classes of the dataset.
    mapping : ClassMapping
    ours : sequence of str
        The names of the model's k classes.
    values : ndarray of shape (k,)
        The model's classes. Not used for multi-label tasks.

    Returns
    -------
    y : ndarray of shape (m,) or (n, k)
        The class of each image that has one; or one column of 0 and 1 for each label, with 0 in those of missing
        labels. An image has a label if it has one of the labels that are mapped to it.
    kept : ndarray of bool, shape (n,)
    """
    column = {name: number for number, name in enumerate(ours)}
    targets = [mapping.targets[str(name)] for name in theirs]
    if mapping.multilabel:
        labels = np.zeros((len(y), len(column)), np.uint8)
        for values_of, target in zip(y.T, targets, strict=True):
            if target is not None:
                labels[:, column[target]] |= values_of.astype(np.uint8)
        return labels, np.ones(len(y), bool)
    of_class = np.array([-1 if target is None else column[target] for target in targets])
    numbers = of_class[np.searchsorted(theirs, y)]
    return values[numbers[numbers >= 0]], numbers >= 0


def ours_of(ours: Sequence[str], name: str | None) -> str | None:
    """Return the class of a model that a user named; None for none."""
    return None if name is None else _found("the model", ours, name)


def _found(whose: str, known: Sequence[str], given: object) -> str:
    names = {one_form(name): name for name in known}
    if (name := names.get(one_form(str(given)))) is None:
        raise unknown_name(f"class of {whose}", str(given), known)
    return name


def _similar(name: str, candidates: Sequence[str]) -> str | None:
    """Return the candidate whose name is similar; None if none is, or several are."""
    folded = [_folded(other) for other in candidates]
    matches = [other for other, form in zip(candidates, folded, strict=True) if form == _folded(name)]
    if len(matches) != 1:
        near = get_close_matches(_folded(name), folded, n=2, cutoff=0.75)
        matches = [other for other, form in zip(candidates, folded, strict=True) if form in near]
    return matches[0] if len(matches) == 1 else None


def _folded(name: str) -> str:
    return re.sub(r"[\s_\-./]+", "", one_form(name).casefold())


def _what_is_unclear(
    ours: Sequence[str], unclear: Mapping[str, str | None], counts: Mapping[str, int], multilabel: bool
) -> str:
    shown = [f"{name!r} ({number(counts[name], 'image')})" for name in list(unclear)[:_SHOWN]]
    more = f" and {len(unclear) - _SHOWN} more" if len(unclear) > _SHOWN else ""
    noun, verb = "label" if multilabel else "class", "is" if len(unclear) == 1 else "are"
    text = (
        f"It is not clear which {noun} of the model {joined(shown)}{more} of the dataset {verb}; the model knows "
        f"{first_few(ours, _SHOWN)}."
    )
    if proposed := [f'--map "{name}={similar}"' for name, similar in unclear.items() if similar]:
        text += f" If the similar names mean the same, give {' '.join(proposed)} (Python: class_map)."
    if others := [name for name, similar in unclear.items() if not similar]:
        text += (
            f' For {first_few(others, 2)}, give --map "{others[0]}=CLASS OF THE MODEL", or --map "{others[0]}=" to '
            "leave its images out."
        )
    return text
