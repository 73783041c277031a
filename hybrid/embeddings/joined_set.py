"""Join embedding sets of one dataset: the embeddings of each image by several extractors, concatenated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from hybrid.datasets.quality.known_copies import copies_in_folds, groups_with_copies, known_copies
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.same_order import in_order_of
from hybrid.embeddings.set_names import joined_name
from hybrid.embeddings.stored_rows import StoredRows
from hybrid.errors import InputError
from hybrid.evaluation.groups import name_with_copies
from hybrid.extractors.store.cost import Pass, together, total
from hybrid.files import array_on_disk, fits_comfortably, is_on_disk, released_blocks
from hybrid.workspace.set_record import DatasetRecord, ViewsRecord

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from hybrid.extractors import FeatureExtractor


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Embeddings with their labels and groups, as scikit-learn's estimators take them.

    Attributes
    ----------
    X : ndarray of float32 of shape (n, width)
    y : ndarray of shape (n,) or (n, k)
    groups : ndarray of str of shape (n,), or None
    """

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None


@dataclass(frozen=True, eq=False)
class JoinedSet:
    """The embeddings of one dataset by one or more extractors, concatenated. :func:`join_sets` creates it.

    Attributes
    ----------
    sets : tuple of EmbeddingSet
        One for each extractor, with the same images and labels in the same order.
    """

    sets: tuple[EmbeddingSet, ...]

    def __len__(self) -> int:
        return len(self.sets[0])

    @property
    def name(self) -> str:
        """The names of the sets, joined by :func:`joined_name`."""
        return joined_name([part.name for part in self.sets])

    @property
    def ids(self) -> np.ndarray:
        """Ids of the images, ndarray of str of shape (n,)."""
        return self.sets[0].ids

    @property
    def y(self) -> np.ndarray:
        """Labels, ndarray of shape (n,) or (n, k)."""
        return self.sets[0].y

    @property
    def classes(self) -> np.ndarray:
        """Classes, or label names of a multi-label task, ndarray of shape (k,)."""
        return self.sets[0].classes

    @property
    def split(self) -> np.ndarray:
        """Split of each image, ndarray of str of shape (n,)."""
        return self.sets[0].split

    @property
    def groups(self) -> np.ndarray | None:
        """Group of each image, ndarray of str of shape (n,), or None."""
        return self.sets[0].groups

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """Further values of each image by name, ndarrays of str of shape (n,), of all sets together."""
        return {name: values for part in reversed(self.sets) for name, values in part.columns.items()}

    @cached_property
    def copies(self) -> np.ndarray:
        """Number of each image's cluster of copies, ndarray of int of shape (n,); see :func:`known_copies`."""
        return known_copies(self.sets[0].keys)

    @cached_property
    def groups_with_copies(self) -> np.ndarray | None:
        """Group of each image, where copies of an image are of one group, ndarray of str of shape (n,).

        None if there are neither groups nor copies.
        """
        return groups_with_copies(self.groups, self.ids, self.copies)

    @property
    def group_name(self) -> str:
        """What a group is called in words; "group" if copies of an image join the groups of the dataset."""
        return name_with_copies(self.groups, self.groups_with_copies, self.sets[0].record.dataset.group_name)

    @property
    def notes_on_copies(self) -> list[str]:
        """A sentence about the copies among the training images, if there are any."""
        train = self.split == "train"
        return copies_in_folds(self.sets[0].keys[train], self.copies[train])

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.sets[0].task

    @property
    def dataset(self) -> DatasetRecord:
        """The record of the dataset, with the warnings of all sets."""
        warnings = [text for part in self.sets for text in part.record.dataset.warnings]
        return replace(self.sets[0].record.dataset, warnings=tuple(dict.fromkeys(warnings)))

    @property
    def extractors(self) -> list["FeatureExtractor"]:
        """The extractors that computed the embeddings, in the order of the columns."""
        return [part.extractor for part in self.sets]

    @property
    def widths(self) -> list[int]:
        """Number of columns of each set."""
        return [part.identity.width for part in self.sets]

    @property
    def passes(self) -> list[Pass]:
        """The passes that computed the embeddings. One that computed those of several sets is counted once."""
        return together(part.record.known_passes for part in self.sets)

    @property
    def cost(self) -> float | None:
        """Wall-clock seconds in which the embeddings were computed; None if a set does not record it."""
        return total(one.wall for one in self.passes)

    @property
    def processor(self) -> float | None:
        """Processor seconds in which the embeddings were computed; None if a set does not record it."""
        return total(one.processor for one in self.passes)

    @property
    def measure(self) -> Literal["wall", "runs"]:
        """What :attr:`cost` is, as in `SetRecord`: ``"runs"`` if it is so in any set."""
        return "runs" if any(part.record.measure == "runs" for part in self.sets) else "wall"

    @property
    def trained(self) -> dict[str, float]:
        """Training time in seconds of each network that was trained in this workspace, by its name."""
        return {name: seconds for part in self.sets for name, seconds in part.record.trained.items()}

    @property
    def trained_processor(self) -> dict[str, float]:
        """The same in processor seconds, of the networks for which this is known."""
        return {name: seconds for part in self.sets for name, seconds in part.record.trained_processor.items()}

    @property
    def views(self) -> ViewsRecord | None:
        """The record of the images' views; None if no image has views.

        Raises
        ------
        InputError
            If the sets have different views.
        """
        first = self.sets[0].record.views
        for other in self.sets[1:]:
            if other.record.views != first:
                raise InputError(
                    f"The sets {self.sets[0].name!r} and {other.name!r} have different views, so their embeddings "
                    "cannot be joined: extract them with the same --views, --augment, --views-of and --seed."
                )
        return first

    @property
    def averages(self) -> bool:
        """Whether a prediction is a mean over an image and its views."""
        return any(part.averages for part in self.sets) and self.views is not None

    def embeddings(self, cache: Path | None = None) -> np.ndarray:
        """Return the embeddings of all images, those of the extractors concatenated.

        If a head could not be fitted to them comfortably in memory, the array is in a temporary file, which is mapped
        into memory.

        Parameters
        ----------
        cache : Path, optional
            Folder of the store. By default the one that each set was extracted to.

        Returns
        -------
        ndarray of float32 of shape (n, width)

        Raises
        ------
        InputError
            If an embedding is no longer in the store, or contains NaN or infinity.
        """
        width = sum(self.widths)
        if not fits_comfortably(len(self) * width):
            return self._on_disk(array_on_disk((len(self), width)), cache)
        arrays = [part.embeddings(cache) for part in self.sets]
        for part, array in zip(self.sets, arrays, strict=True):
            _check_finite(array, part)
        return np.concatenate(arrays, axis=1) if len(arrays) > 1 else arrays[0]

    def part(self, X: np.ndarray, split: str) -> LabelledRows:
        """Return the embeddings, labels and groups of one split.

        For ``"train"`` the embeddings of the images' views follow those of the images. An image, its copies and its
        views have the same group.

        Parameters
        ----------
        X : ndarray of shape (n, width)
            The array that :meth:`embeddings` returned.
        split : str

        Returns
        -------
        LabelledRows
        """
        mask = self.split == split
        together = self.groups_with_copies
        y, groups = self.y[mask], None if together is None else together[mask]
        if split != "train" or self.views is None:
            return LabelledRows(self._rows_on_disk(X, mask, 0) if is_on_disk(X) else X[mask], y, groups)
        n_views = sum(part.view_keys.shape[1] for part in self.sets[:1] if part.view_keys is not None)
        if is_on_disk(X):
            rows = self._rows_on_disk(X, mask, n_views)
        else:
            rows = np.concatenate([X[mask], self._view_embeddings(mask).reshape(n_views * len(y), -1)])
        image = np.repeat(np.arange(len(y)), n_views)
        groups = self.ids[mask] if groups is None else groups
        return LabelledRows(rows, np.concatenate([y, y[image]]), np.concatenate([groups, groups[image]]))

    def stored(self, mask: np.ndarray, rows: np.ndarray, *, with_views: bool = False) -> StoredRows:
        """Return rows that other processes read from the store.

        Parameters
        ----------
        mask : ndarray of bool of shape (n,)
            The images.
        rows : ndarray of float32 of shape (m, width)
            Their embeddings, for this process.
        with_views : bool, default=False
            Whether the embeddings of their views follow, as :meth:`part` returns them for ``"train"``.

        Returns
        -------
        StoredRows
        """
        first = self.sets[0]
        keys = first.keys[mask]
        if with_views and self.views is not None and first.view_keys is not None:
            keys = np.concatenate([keys, first.view_keys[mask].reshape(-1, keys.shape[1])])
        stores = [(part.extractor.cache_folder, part.identity) for part in self.sets]
        return StoredRows(stores, keys, rows)

    def predict(self, pipeline: "Pipeline", X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities and labels that a pipeline predicts for all images.

        If every image has views, the probabilities are means over an image and its views.

        Parameters
        ----------
        pipeline : Pipeline
            Takes embeddings.
        X : ndarray of shape (n, width)
            The array that :meth:`embeddings` returned.

        Returns
        -------
        proba : ndarray of shape (n, k)
        predicted : ndarray of shape (n,) or (n, k)
        """
        if not is_on_disk(X):
            return self._predict(pipeline, X, slice(None))
        parts = [self._predict(pipeline, np.asarray(X[rows]), rows) for rows in released_blocks(X)]
        proba, predicted = zip(*parts, strict=True)
        return np.concatenate(proba), np.concatenate(predicted)

    def _predict(self, pipeline: "Pipeline", X: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return what a pipeline predicts for some images, given their embeddings."""
        if not self.averages:
            return pipeline.predict_proba(X), pipeline.predict(X)
        mask = np.zeros(len(self), bool)
        mask[rows] = True
        views = self._view_embeddings(mask)
        from hybrid.pipelines.views import predict_mean  # imports scikit-learn

        return predict_mean(pipeline, [X, *views.transpose(1, 0, 2)])

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the extractor; of several extractors one string each, its layers joined by "+"."""
        layers = [part.identity.fields["layers"] for part in self.sets]
        return tuple(layers[0]) if len(layers) == 1 else tuple("+".join(names) for names in layers)

    @property
    def parameters(self) -> int | None:
        """Total number of parameters of the networks; None if it is not known for one of them."""
        counts = [part.identity.parameters for part in self.sets]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _on_disk(self, X: np.memmap, cache: Path | None) -> np.memmap:
        """Fill an array on disk with the embeddings of all images."""
        starts = np.cumsum([0, *self.widths])
        for part, start, stop in zip(self.sets, starts, starts[1:], strict=False):
            columns = X[:, start:stop]
            part.embeddings(cache, out=columns)
            for rows in released_blocks(columns):
                _check_finite(columns[rows], part, rows.start)
        return X

    def _rows_on_disk(self, X: np.ndarray, mask: np.ndarray, n_views: int) -> np.ndarray:
        """Return the embeddings of some images, and behind them those of their views, in another array on disk."""
        if mask.all() and not n_views:
            return X
        images = np.flatnonzero(mask)
        found = array_on_disk((len(images) * (1 + n_views), X.shape[1]))
        for rows in released_blocks(found[: len(images)], X):
            found[rows] = X[images[rows]]
            if n_views:
                of_block = np.zeros(len(self), bool)
                of_block[images[rows]] = True
                first, last = (len(images) + n_views * number for number in (rows.start, rows.stop))
                found[first:last] = self._view_embeddings(of_block).reshape(last - first, -1)
        return found

    def _view_embeddings(self, mask: np.ndarray) -> np.ndarray:
        """Return the embeddings of the views of m images as an array of shape (m, v, width)."""
        return np.concatenate([part.view_embeddings(mask) for part in self.sets], axis=2)


def join_sets(embedding_sets: "EmbeddingSet | JoinedSet | Sequence[EmbeddingSet]") -> JoinedSet:
    """Join embedding sets of one dataset. Images are matched by their content, so their order may differ.

    Parameters
    ----------
    embedding_sets : EmbeddingSet, JoinedSet or sequence of EmbeddingSet
        A `JoinedSet` is returned unchanged.

    Returns
    -------
    JoinedSet

    Raises
    ------
    InputError
        If no set is given, one is given twice, or the sets differ in images, labels, splits or groups.
    """
    if isinstance(embedding_sets, JoinedSet):
        return embedding_sets
    sets = [embedding_sets] if isinstance(embedding_sets, EmbeddingSet) else list(embedding_sets)
    if not sets:
        raise InputError("No embedding set was given; expected at least one.")
    first = sets[0]
    for number, other in enumerate(sets[1:], start=1):
        sets[number] = in_order_of(first, other)
        if other.fingerprint in [part.fingerprint for part in sets[:number]]:
            raise InputError(f"The embeddings of the set {other.name!r} were given twice: leave it out.")
    groups = next((part.groups for part in sets if part.groups is not None), None)
    return JoinedSet((replace(first, groups=groups), *sets[1:]))


def _check_finite(X: np.ndarray, embedding_set: EmbeddingSet, first: int = 0) -> None:
    not_finite = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if not_finite.size:
        raise InputError(
            f"The embeddings of {not_finite.size} of {len(X)} images contain NaN or infinity, first "
            f"{str(embedding_set.ids[first + not_finite[0]])!r}: check the network's weights and its preprocessing, "
            "then extract again."
        )
