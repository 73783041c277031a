"""The images to look at: what a model got most wrong, and what the models say most different things of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.report.elements.words import listed
from hybrid.workspace.predictions import Predictions

MOST = 12

Said = tuple[str, str]  # a label, and a note on it
Line = tuple[str, tuple[Said, ...]]


@dataclass(frozen=True)
class Case:
    """One image and what is said of it.

    Attributes
    ----------
    id : str
    lines : tuple of (str, tuple of (str, str))
        What a line is about, and labels with a note on each, such as ``("predicted", (("cat", "0.982"),))``.
    """

    id: str
    lines: tuple[Line, ...]


def worst_mistakes(part: Predictions, most: int = MOST) -> list[Case]:
    """Return the images that a model got wrong and was surest of, the worst first.

    For single labels that is by the probability given to the true class; for several labels, by that given to the
    truth of the label that went most wrong.
    """
    if part.y.ndim == 2:
        return _wrong_labels(part, most)
    column = {label: k for k, label in enumerate(part.classes.tolist())}
    true = np.array([column[label] for label in part.y.tolist()], np.intp)
    said = np.array([column[label] for label in part.predicted.tolist()], np.intp)
    given = part.proba[np.arange(len(part)), true]
    rows = np.flatnonzero(true != said)
    rows = rows[np.argsort(given[rows], kind="stable")][:most]
    return [
        Case(
            str(part.ids[row]),
            (("true", _with_proba(part, row, [true[row]])), ("predicted", _with_proba(part, row, [said[row]]))),
        )
        for row in rows
    ]


def _wrong_labels(part: Predictions, most: int) -> list[Case]:
    truth, said = part.y.astype(bool), part.predicted.astype(bool)
    given = np.where(truth, part.proba, 1 - part.proba)
    given[truth == said] = np.inf
    rows = np.flatnonzero((truth != said).any(axis=1))
    rows = rows[np.argsort(given[rows].min(axis=1), kind="stable")][:most]
    cases = []
    for row in rows:
        lines: list[Line] = [("true", _names(part.classes[truth[row]]))]
        for term, columns in (("missed", truth[row] & ~said[row]), ("wrongly predicted", said[row] & ~truth[row])):
            if columns.any():
                lines.append((term, _with_proba(part, row, np.flatnonzero(columns))))
        cases.append(Case(str(part.ids[row]), tuple(lines)))
    return cases


def most_disputed(parts: Sequence[Predictions], names: Sequence[str], most: int = MOST) -> list[Case]:
    """Return the images that models label differently, those first on which they are split most evenly.

    Where the votes are as even, the spread of the probabilities decides. All parts are of the same images, in the
    same order.
    """
    if len(parts) < 2:
        return []
    votes = np.stack([_one_column_a_label(part) for part in parts])  # models, images, labels
    share = votes.mean(axis=0)
    evenness = (share * (1 - share)).max(axis=1)
    spread = np.stack([part.proba for part in parts]).std(axis=0).max(axis=1)
    order = np.lexsort((-spread, -evenness))
    rows = [row for row in order[:most] if evenness[row] > 0]
    return [_dispute(row, parts, votes[:, row], names) for row in rows]


def _dispute(row: int, parts: Sequence[Predictions], votes: np.ndarray, names: Sequence[str]) -> Case:
    first = parts[0]
    true = first.classes[first.y[row].astype(bool)] if first.y.ndim == 2 else first.y[row : row + 1]
    camps: dict[bytes, list[int]] = {}
    for model, vote in enumerate(votes):
        camps.setdefault(vote.tobytes(), []).append(model)
    lines: list[Line] = [("true", _names(true))]
    for members in sorted(camps.values(), key=len, reverse=True):
        *others, last = _names(first.classes[votes[members[0]]])
        who = listed([names[model] for model in members], most=3)
        lines.append((f"{len(members)} of {len(parts)} predict", (*others, (last[0], who))))
    return Case(str(first.ids[row]), tuple(lines))


def _one_column_a_label(part: Predictions) -> np.ndarray:
    if part.predicted.ndim == 2:
        return part.predicted.astype(bool)
    return part.predicted[:, None] == part.classes[None, :]


def _with_proba(part: Predictions, row: Any, columns: Iterable[Any]) -> tuple[Said, ...]:
    return tuple((str(part.classes[k]), f"{part.proba[row, k]:.3f}") for k in columns)


def _names(labels: np.ndarray) -> tuple[Said, ...]:
    return tuple((str(label), "") for label in labels.tolist()) or (("none", ""),)
