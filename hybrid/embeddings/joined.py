"""Several embedding sets of one dataset, side by side: every row is one image as all extractors see it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.errors import InputError
from hybrid.workspace.set_record import DatasetRecord, ViewsRecord

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from hybrid.extractors import FeatureExtractor

_LONGEST = 100  # letters in a name that becomes a folder's


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Some rows of a set, as scikit-learn takes them.

    Attributes
    ----------
    X : ndarray of float32, (n, width)
    y : ndarray, (n,) or (n, k)
    groups : ndarray of str, (n,), or None
    """

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None


@dataclass(frozen=True, eq=False)
class JoinedSet:
    """One dataset as one extractor, or several side by side, see it. Made by :func:`join_sets`.

    Attributes
    ----------
    sets : tuple of EmbeddingSet
        The same images with the same labels, in the same order.
    """

    sets: tuple[EmbeddingSet, ...]

    def __len__(self) -> int:
        return len(self.sets[0])

    @property
    def name(self) -> str:
        """Names of the sets, joined by "+", what all begin with only once."""
        return joined_name([found.name for found in self.sets])

    @property
    def ids(self) -> np.ndarray:
        """Of the images, (n,)."""
        return self.sets[0].ids

    @property
    def y(self) -> np.ndarray:
        """Labels, (n,) or (n, k)."""
        return self.sets[0].y

    @property
    def classes(self) -> np.ndarray:
        """Classes, or names of the labels."""
        return self.sets[0].classes

    @property
    def split(self) -> np.ndarray:
        """Of each image, (n,)."""
        return self.sets[0].split

    @property
    def groups(self) -> np.ndarray | None:
        """Of each image, (n,), if there are any."""
        return self.sets[0].groups

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.sets[0].task

    @property
    def dataset(self) -> DatasetRecord:
        """The record of the dataset, with the warnings of all sets."""
        warnings = [text for one in self.sets for text in one.record.dataset.warnings]
        return replace(self.sets[0].record.dataset, warnings=tuple(dict.fromkeys(warnings)))

    @property
    def extractors(self) -> list["FeatureExtractor"]:
        """What made the embeddings, in the order of their columns."""
        return [found.extractor for found in self.sets]

    @property
    def widths(self) -> list[int]:
        """Number of columns of each set."""
        return [found.identity.width for found in self.sets]

    @property
    def cost(self) -> float | None:
        """Seconds that the embeddings took when they were computed; None where that is not known of all sets."""
        costs = [one.record.cost for one in self.sets]
        return None if None in costs else round(sum(cost for cost in costs if cost is not None), 3)

    @property
    def trained(self) -> dict[str, float]:
        """Seconds that the networks took that were trained here, each counted once, by their names."""
        return {name: seconds for one in self.sets for name, seconds in one.record.trained.items()}

    @property
    def views(self) -> ViewsRecord | None:
        """The record of the images' views; None if there are none.

        Raises
        ------
        InputError
            If it is not the same for all sets.
        """
        first = self.sets[0].record.views
        for other in self.sets[1:]:
            if other.record.views != first:
                raise InputError(
                    f"The sets {self.sets[0].name!r} and {other.name!r} have other views, so that their rows cannot "
                    "be put side by side: extract them with the same --views, --augment, --views-of and --seed."
                )
        return first

    @property
    def averages(self) -> bool:
        """Whether a prediction is a mean over an image and its views."""
        return any(found.averages for found in self.sets) and self.views is not None

    def embeddings(self, cache: Path | None = None) -> np.ndarray:
        """Return the rows of the store, (n, width), float32, those of all extractors side by side.

        Raises
        ------
        InputError
            If one is no longer there, or holds NaN or infinity.
        """
        parts = [found.embeddings(cache) for found in self.sets]
        for found, part in zip(self.sets, parts, strict=True):
            _check_finite(part, found)
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def part(self, X: np.ndarray, split: str) -> LabelledRows:
        """Return the rows of one split, of :meth:`embeddings`; of train, after them, those of the images' views.

        The views of an image are of one group with it.
        """
        here = self.split == split
        rows = LabelledRows(X[here], self.y[here], None if self.groups is None else self.groups[here])
        if split != "train" or self.views is None:
            return rows
        views = self._views_of(here)
        image = np.repeat(np.arange(len(rows.y)), views.shape[1])
        groups = self.ids[here] if rows.groups is None else rows.groups
        return LabelledRows(
            np.concatenate([rows.X, views.reshape(len(image), -1)]),
            np.concatenate([rows.y, rows.y[image]]),
            np.concatenate([groups, groups[image]]),
        )

    def predict(self, pipeline: "Pipeline", X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (n, k) and labels of the images, X being :meth:`embeddings`.

        Where there are views of every image, probabilities are means over an image and its views.
        """
        if not self.averages:
            return pipeline.predict_proba(X), pipeline.predict(X)
        views = self._views_of(np.ones(len(self), bool))
        from hybrid.pipelines.views import predict_mean  # imports scikit-learn

        return predict_mean(pipeline, [X, *views.transpose(1, 0, 2)])

    @property
    def layers(self) -> tuple[str, ...]:
        """Of one extractor its layers; of several, one text for each."""
        layers = [one.identity.fields["layers"] for one in self.sets]
        return tuple(layers[0]) if len(layers) == 1 else tuple("+".join(names) for names in layers)

    @property
    def parameters(self) -> int | None:
        """Number of parameters of all networks; None where those of one were not counted."""
        counts = [one.identity.parameters for one in self.sets]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _views_of(self, here: np.ndarray) -> np.ndarray:
        """Return the rows of the views of some images, (m, k, width), those of all extractors side by side."""
        return np.concatenate([found.view_embeddings(here) for found in self.sets], axis=2)


def join_sets(found: "EmbeddingSet | JoinedSet | Sequence[EmbeddingSet]") -> JoinedSet:
    """Put embedding sets side by side; images are matched by their content, whatever their order.

    Raises
    ------
    InputError
        If there is none, one is given twice, or they are not of the same images, labels, split and groups.
    """
    if isinstance(found, JoinedSet):
        return found
    sets = [found] if isinstance(found, EmbeddingSet) else list(found)
    if not sets:
        raise InputError("No embedding set was given; expected at least one.")
    first = sets[0]
    for number, other in enumerate(sets[1:], start=1):
        sets[number] = in_order_of(first, other)
        if other.fingerprint in [one.fingerprint for one in sets[:number]]:
            raise InputError(f"The embeddings of the set {other.name!r} were given twice: leave it out.")
    groups = next((one.groups for one in sets if one.groups is not None), None)
    return JoinedSet((replace(first, groups=groups), *sets[1:]))


def joined_name(names: Sequence[str]) -> str:
    """Return names joined by "+", what all begin with only once; shortened where it is too long for a folder.

    Examples
    --------
    >>> joined_name(["scenes-resnet50", "scenes-vgg16-fc1"])
    'scenes-resnet50+vgg16-fc1'
    """
    start, rest = short_names(names)
    name = start + "+".join(rest)
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def short_names(names: Sequence[str]) -> tuple[str, list[str]]:
    """Return what several names all begin with, up to a hyphen, and the rest of each.

    Examples
    --------
    >>> short_names(["scenes-resnet50", "scenes-vgg16-fc1"])
    ('scenes-', ['resnet50', 'vgg16-fc1'])
    """
    words = zip(*(name.split("-")[:-1] for name in names), strict=False)
    shared = takewhile(lambda word: len(set(word)) == 1, words) if len(names) > 1 else ()
    start = "".join(f"{word[0]}-" for word in shared)
    return start, [name.removeprefix(start) for name in names]


def in_order_of(first: EmbeddingSet, other: EmbeddingSet) -> EmbeddingSet:
    """Return a set with its rows in the order of the first's, which must be of the same dataset."""
    same = [one.record.dataset.fingerprint for one in (first, other)]
    if same[0] != same[1] or first.task != other.task or first.classes.tolist() != other.classes.tolist():
        raise InputError(
            f"The sets {first.name!r} and {other.name!r} are not of the same images, labels and split: extract the "
            "dataset with both backbones, with the same --split and --seed."
        )
    if not all(np.array_equal(getattr(first, name), getattr(other, name)) for name in ("keys", "split", "y")):
        rows = np.empty(len(first), int)
        rows[_canonical_order(first)] = _canonical_order(other)
        arrays: dict[str, Any] = {name: value for name, value in vars(other).items() if isinstance(value, np.ndarray)}
        del arrays["classes"]
        other = replace(other, **{name: values[rows] for name, values in arrays.items()})
    if first.groups is not None and other.groups is not None and not np.array_equal(first.groups, other.groups):
        raise InputError(
            f"The sets {first.name!r} and {other.name!r} have other groups: extract them with the same ones."
        )
    return other


def _canonical_order(found: EmbeddingSet) -> np.ndarray:
    """Return the rows ordered by what the dataset's fingerprint is made of."""
    rows = list(zip(map(bytes, found.keys), found.split, map(str, found.y.tolist()), strict=True))
    return np.array(sorted(range(len(rows)), key=rows.__getitem__), int)


def _check_finite(X: np.ndarray, found: EmbeddingSet) -> None:
    wrong = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if wrong.size:
        raise InputError(
            f"The embeddings of {wrong.size} of {len(X)} images hold NaN or infinity, first "
            f"{str(found.ids[wrong[0]])!r}: check the network's weights and its preprocessing, then extract again."
        )
