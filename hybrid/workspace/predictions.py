"""The predictions that are saved with a model, as a CSV file with one row per image."""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.files import file_digest, unguarded, write_csv

_ROWS = 50_000  # of a file that are parsed at a time


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of a model for the images of a dataset, with the true labels.

    Attributes
    ----------
    ids : ndarray of str of shape (n,)
    split : ndarray of str of shape (n,)
        ``"train"``, ``"val"`` or ``"test"``.
    y, predicted : ndarray of shape (n,) or (n, k)
        True and predicted labels: one class per image, or k columns of 0 and 1.
    proba : ndarray of float64 of shape (n, k)
    classes : ndarray of shape (k,)
        Classes, or label names of a multi-label task, in the order of the columns.
    groups : ndarray of str of shape (n,), or None
        Group of each image, such as its patient; copies of an image are of one group. None if there are neither groups
        nor copies, or an earlier version wrote the file.
    """

    ids: np.ndarray
    split: np.ndarray
    y: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray
    classes: np.ndarray
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, split: str) -> "Predictions":
        """Return the predictions of one split; they are empty if it has no images."""
        return self.take(self.split == split)

    def take(self, index: np.ndarray) -> "Predictions":
        """Return the predictions that a boolean mask of shape (n,), or an array of row numbers, selects."""
        rows = {name: getattr(self, name)[index] for name in ("ids", "split", "y", "predicted", "proba")}
        return Predictions(**rows, classes=self.classes, groups=None if self.groups is None else self.groups[index])


def known_groups(parts: Sequence[Predictions]) -> np.ndarray | None:
    """Return the groups of the same images in the predictions of several models; None if no model has groups."""
    return next((part.groups for part in parts if part.groups is not None), None)


def write_predictions(path: Path, predictions: Predictions) -> str:
    r"""Write predictions to a CSV file and return its SHA-256.

    Each row has the id, the split, the group if there are groups, the true and the predicted label, and the probability
    of each class. Several labels are joined by ``|``; a ``|`` inside a name is written as ``\|``. The file is written
    atomically.
    """
    classes = predictions.classes.tolist()
    labels = _as_text(predictions.y, classes)
    predicted = _as_text(predictions.predicted, classes)
    groups = [] if predictions.groups is None else [predictions.groups]
    columns = zip(
        predictions.ids, predictions.split, *groups, labels, predicted, predictions.proba.tolist(), strict=True
    )
    write_csv(path, _header(classes, bool(groups)), [[*row, *map(repr, proba)] for *row, proba in columns])
    return file_digest(path)


def parse_predictions(data: bytes, classes: Sequence[Any], several: bool, sha256: str = "") -> Predictions:
    """Return the predictions in a file that :func:`write_predictions` wrote.

    Parameters
    ----------
    data : bytes
        Content of the file.
    classes : sequence
        Classes or label names, in the order of the columns.
    several : bool
        Whether an image may have several labels.
    sha256 : str, optional
        Digest that the content must have.

    Raises
    ------
    ValueError
        If the file is damaged or has other classes. The message gives the reason.
    """
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError("does not match its checksum")
    try:
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8", "surrogateescape", newline="")
        lines = ([unguarded(cell) for cell in line] for line in csv.reader(text))
        header = next(lines, [])
        # Python's own objects need ten times the memory of arrays, so that few rows at a time are made of them.
        parts = [_parsed(rows, header, classes, several) for rows in iter(lambda: list(islice(lines, _ROWS)), [])]
        predictions = _concatenated(parts)
    except KeyError as error:
        raise ValueError(f"has the label {error}, which is not one of the classes") from error
    except (csv.Error, ValueError) as error:
        raise ValueError(f"is not a table of predictions ({error})") from error
    expected = _header(classes, predictions.groups is not None)
    if header != expected:
        raise ValueError(f"has the columns {', '.join(header)}; expected {', '.join(expected)}")
    return predictions


def _parsed(rows: list[list[str]], header: list[str], classes: Sequence[Any], several: bool) -> Predictions:
    """Return the predictions in some rows of a table."""
    grouped = header[2:3] == ["group"]
    ids, split, *groups, labels, predicted = (columns := list(zip(*rows, strict=True)))[: 4 + grouped]
    proba = columns[4 + grouped :]
    return Predictions(
        np.array(ids, np.str_),
        np.array(split, np.str_),
        _as_labels(labels, classes, several),
        _as_labels(predicted, classes, several),
        np.array(proba, np.float64).T.reshape(len(rows), len(classes)),
        np.array(classes),
        np.array(groups[0], np.str_) if grouped else None,
    )


def _concatenated(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of consecutive rows as one; raise `ValueError` if there are none."""
    columns = ("ids", "split", "y", "predicted", "proba")
    rows: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    groups = [part.groups for part in parts if part.groups is not None]
    return Predictions(**rows, classes=parts[0].classes, groups=np.concatenate(groups) if groups else None)


def _header(classes: Sequence[Any], grouped: bool) -> list[str]:
    return ["id", "split", *(["group"] if grouped else []), "label", "predicted", *(f"p_{label}" for label in classes)]


def _as_text(values: np.ndarray, classes: Sequence[Any]) -> list[str]:
    if values.ndim == 1:
        return [str(value) for value in values.tolist()]
    names = [re.sub(r"([\\|])", r"\\\1", str(label)) for label in classes]
    return ["|".join(name for name, on in zip(names, row, strict=True) if on) for row in values.tolist()]


def _as_labels(cells: Sequence[str], classes: Sequence[Any], several: bool) -> np.ndarray:
    """Return the labels that cells of text name. Raise `KeyError` for a name that is not a class."""
    column = {str(label): i for i, label in enumerate(classes)}
    if not several:
        return np.array(classes)[[column[cell] for cell in cells]]
    labels = np.zeros((len(cells), len(classes)), np.uint8)
    for row, cell in enumerate(cells):
        # names are separated by bars that are not escaped by a backslash
        for name in re.findall(r"(?:\\.|[^\\|])+", cell, re.DOTALL):
            labels[row, column[re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL)]] = 1
    return labels
