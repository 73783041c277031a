"""The images to look at: the worst mistakes of a model, and the images on which the models disagree most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.report.elements.words import listed
from hybrid.workspace.predictions import Predictions

MOST = 12
MOST_DISPUTED = 6
_MOST_VOTERS_NAMED = 2

LabelNote = tuple[str, str]  # a label and a note on it
Line = tuple[str, tuple[LabelNote, ...]]


@dataclass(frozen=True)
class Case:
    """One image, with lines of text about its labels.

    Attributes
    ----------
    id : str
        Id of the image.
    lines : tuple of (str, tuple of (str, str))
        The term of each line and its labels, each with a note, such as ``("predicted", (("cat", "0.982"),))``.
    """

    id: str
    lines: tuple[Line, ...]


def worst_mistakes(part: Predictions, most: int = MOST) -> list[Case]:
    """Return the misclassified images, those with the lowest probability of the truth first.

    With one label per image, this is the probability of the true class. With several labels, it is the lowest
    probability that the model gave to the truth of any label that it predicted wrongly.
    """
    if part.y.ndim == 2:
        return _wrong_labels(part, most)
    column = {label: k for k, label in enumerate(part.classes.tolist())}
    true = np.array([column[label] for label in part.y.tolist()], np.intp)
    predicted = np.array([column[label] for label in part.predicted.tolist()], np.intp)
    given = part.proba[np.arange(len(part)), true]
    rows = np.flatnonzero(true != predicted)
    rows = rows[np.argsort(given[rows], kind="stable")][:most]
    return [
        Case(
            str(part.ids[row]),
            (("true", _with_proba(part, row, [true[row]])), ("predicted", _with_proba(part, row, [predicted[row]]))),
        )
        for row in rows
    ]


def _wrong_labels(part: Predictions, most: int) -> list[Case]:
    truth, predicted = part.y.astype(bool), part.predicted.astype(bool)
    given = np.where(truth, part.proba, 1 - part.proba)
    given[truth == predicted] = np.inf
    rows = np.flatnonzero((truth != predicted).any(axis=1))
    rows = rows[np.argsort(given[rows].min(axis=1), kind="stable")][:most]
    cases = []
    for row in rows:
        lines: list[Line] = [("true", _names(part.classes[truth[row]]))]
        for term, columns in (
            ("missed", truth[row] & ~predicted[row]),
            ("wrongly predicted", predicted[row] & ~truth[row]),
        ):
            if columns.any():
                lines.append((term, _with_proba(part, row, np.flatnonzero(columns))))
        cases.append(Case(str(part.ids[row]), tuple(lines)))
    return cases


def most_disputed(parts: Sequence[Predictions], names: Sequence[str], most: int = MOST_DISPUTED) -> list[Case]:
    """Return the images that the models label differently, those with the most even votes first.

    Ties are broken by the standard deviation of the probabilities. All `parts` must hold the same images in the same
    order.
    """
    if len(parts) < 2:
        return []
    votes = np.stack([_indicator(part) for part in parts])  # models, images, labels
    share = votes.mean(axis=0)
    evenness = (share * (1 - share)).max(axis=1)
    spread = np.stack([part.proba for part in parts]).std(axis=0).max(axis=1)
    order = np.lexsort((-spread, -evenness))
    rows = [row for row in order[:most] if evenness[row] > 0]
    return [_dispute(row, parts, votes[:, row], names) for row in rows]


def _dispute(row: int, parts: Sequence[Predictions], votes: np.ndarray, names: Sequence[str]) -> Case:
    first = parts[0]
    true = first.classes[first.y[row].astype(bool)] if first.y.ndim == 2 else first.y[row : row + 1]
    models_by_vote: dict[bytes, list[int]] = {}
    for model, vote in enumerate(votes):
        models_by_vote.setdefault(vote.tobytes(), []).append(model)
    lines: list[Line] = [("true", _names(true))]
    for voters in sorted(models_by_vote.values(), key=len, reverse=True):
        *others, last = _names(first.classes[votes[voters[0]]])
        who = listed([names[model] for model in voters]) if len(voters) <= _MOST_VOTERS_NAMED else ""
        says = "predicts" if len(voters) == 1 else "predict"
        lines.append((f"{len(voters)} of {len(parts)} {says}", (*others, (last[0], who))))
    return Case(str(first.ids[row]), tuple(lines))


def _indicator(part: Predictions) -> np.ndarray:
    if part.predicted.ndim == 2:
        return part.predicted.astype(bool)
    return part.predicted[:, None] == part.classes[None, :]


def _with_proba(part: Predictions, row: Any, columns: Iterable[Any]) -> tuple[LabelNote, ...]:
    return tuple((str(part.classes[k]), f"{part.proba[row, k]:.3f}") for k in columns)


def _names(labels: np.ndarray) -> tuple[LabelNote, ...]:
    return tuple((str(label), "") for label in labels.tolist()) or (("none", ""),)
