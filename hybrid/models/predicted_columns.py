"""The columns of predictions that say how typical an image is, and which classes its prediction set holds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from hybrid.errors import InputError
from hybrid.pipelines.prediction_sets import CalibrationScores, uncalibrated
from hybrid.pipelines.saved.load import LoadedModel
from hybrid.wording import first_few, joined, number

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class PredictedColumns:
    """Further columns of a table of predictions, and a sentence about them.

    Attributes
    ----------
    names : list of str
        Names of the columns.
    rows : list of list
        The values of each image.
    note : str
        A sentence about all images; "" if there is nothing to say.
    """

    names: list[str]
    rows: list[list[Any]]
    note: str = ""


def typicality_columns(model: LoadedModel, X: np.ndarray, images: Sequence[str]) -> PredictedColumns:
    """Return how typical images are of the training images, and which are unfamiliar.

    Parameters
    ----------
    model : LoadedModel
    X : ndarray of shape (n, width)
        Embeddings of the images.
    images : sequence of n str
        Their names.

    Returns
    -------
    PredictedColumns
        ``typicality`` and ``unfamiliar``; no columns if the model keeps no reference.
    """
    reference = model.reference
    if reference is None:
        return PredictedColumns(
            [],
            [[] for _ in images],
            f"The model cannot tell whether an image is unlike its training images: {model.manifest.reference}.",
        )
    typicality = reference.typicality(X)
    unfamiliar = reference.is_unfamiliar(typicality)
    rows = [[round(share, 6), flag] for share, flag in zip(typicality.tolist(), unfamiliar.tolist(), strict=True)]
    names = [image for image, flag in zip(images, unfamiliar.tolist(), strict=True) if flag]
    are = "is" if len(names) == 1 else "are"
    note = (
        f"{len(names)} of {number(len(rows), 'image')} {are} unlike the training images: {first_few(names)} "
        f"(typicality of at most {reference.level:.2g}, as {reference.level:.2g} of images like those of train have)."
    )
    return PredictedColumns(["typicality", "unfamiliar"], rows, note if names else "")


@dataclass(frozen=True, eq=False)
class SetMaker:
    """Makes the prediction sets of a saved model for one coverage.

    Attributes
    ----------
    scores : CalibrationScores
    head : Pipeline
        From embeddings to the probabilities that the scores belong to.
    names : list
        The classes, or the names of the labels.
    coverage : float
    per_class : bool
    """

    scores: CalibrationScores
    head: "Pipeline"
    names: list[Any]
    coverage: float
    per_class: bool

    @classmethod
    def of(cls, model: LoadedModel, coverage: float, per_class: bool) -> Self:
        """Return the maker of a saved model's sets.

        Raises
        ------
        InputError
            If the model was calibrated with no images, or with too few for the coverage.
        """
        scores, manifest = model.calibration, model.manifest
        if scores is None:
            raise InputError(f"The model cannot make prediction sets: {manifest.prediction_sets}.")
        names = manifest.label_names if manifest.task == "multilabel" else manifest.classes
        maker = cls(scores, uncalibrated(model.pipeline)[1:], names, coverage, per_class)
        maker._sets(np.full((1, len(names)), 1 / len(names)))  # checks the coverage
        return maker

    def columns(self, blocks: Sequence[np.ndarray]) -> PredictedColumns:
        """Return the prediction sets of images.

        Parameters
        ----------
        blocks : sequence of ndarray of shape (n, width)
            Embeddings of the images, then of their first views, their second views, and so on.

        Returns
        -------
        PredictedColumns
            ``set`` with a list of classes, or for several labels ``set_LABEL`` with a list of values for each.
        """
        found = self._sets(np.mean([self.head.predict_proba(block) for block in blocks], axis=0))
        if self.scores.multilabel:
            names = [f"set_{name}" for name in self.names]
            rows = [[np.flatnonzero(values).tolist() for values in image] for image in found]
        else:
            names = ["set"]
            rows = [[[name for name, inside in zip(self.names, image, strict=True) if inside]] for image in found]
        return PredictedColumns(names, rows, self._note([len(one) for row in rows for one in row]))

    def _sets(self, proba: np.ndarray) -> np.ndarray:
        return self.scores.sets(proba, self.coverage, per_class=self.per_class, names=self.names)

    def _note(self, sizes: list[int]) -> str:
        """Return what the sets guarantee, and how many of them hold how many classes."""
        several, images = self.scores.multilabel, "groups" if self.scores.n_groups < self.scores.images else "images"
        given = (" for each value" if several else " for the images of each class") if self.per_class else ""
        counted = [f"{size} in {number(count, 'set')}" for size, count in sorted(Counter(sizes).items())]
        return (
            f"A prediction set contains the true {'value of its label' if several else 'class'} with a probability of "
            f"at least {self.coverage:g}{given}, if new {images} are drawn like those that calibrated the model: "
            f"{self.scores.source}. Number of {'values' if several else 'classes'}: {joined(counted)}."
        )
