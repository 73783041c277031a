"""Sets of classes that contain the true class with a stated probability, by split conformal prediction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError
from hybrid.pipelines.adjusted import AdjustedHead
from hybrid.pipelines.folds import kept_together
from hybrid.pipelines.ranks import exceeds, groups_needed, rank_shares

_MOST_VALUES = 60_000  # probabilities that are kept, with their classes and groups less than 1 MB


@dataclass(frozen=True, eq=False)
class CalibrationScores:
    """The probabilities that a model gives to the true classes of images that it was not fitted to.

    :func:`~hybrid.pipelines.make_calibration` makes them, :func:`~hybrid.save_model` keeps them with a model, and the
    method `sets` turns them into prediction sets.

    Attributes
    ----------
    probabilities : ndarray of float32 of shape (n,) or (n, n_labels)
        Probability of the true class, or of the true value of each label.
    codes : ndarray of int of shape (n,) or (n, n_labels)
        The number of the true class, or the true value of each label, 0 or 1.
    groups : ndarray of int of shape (n,)
        Number of the group of each image, such as its patient.
    source : str
        Which images these are, in words.
    """

    probabilities: NDArray[np.float32]
    codes: NDArray[np.int32]
    groups: NDArray[np.int32]
    source: str = "calibration images"

    @property
    def multilabel(self) -> bool:
        """Whether there are several labels, with a set of values for each."""
        return self.codes.ndim == 2

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.codes)

    @property
    def n_groups(self) -> int:
        """Number of groups; of images if there are no groups."""
        return len(np.unique(self.groups))

    def sets(
        self, proba: ArrayLike, coverage: float = 0.9, *, per_class: bool = False, names: Sequence[Any] | None = None
    ) -> NDArray[np.bool_]:
        """Return the prediction set of each image.

        Parameters
        ----------
        proba : array-like of shape (n, k)
            Probabilities of new images, before a calibration, prevalence or threshold of an `AdjustedHead`.
        coverage : float, default=0.9
            Probability with which the set of a new image contains its true class. It is a mean over new images, and
            over the images that calibrate: a single calibration can lie a little below it.
        per_class : bool, default=False
            Whether this holds for the images of each class by itself, which needs enough images of each class.
        names : sequence of length k, optional
            Names of the classes or labels in error messages.

        Returns
        -------
        ndarray of bool of shape (n, k), or (n, n_labels, 2) for several labels
            Whether the set contains each class; or for each label, whether it contains the values 0 and 1. A set can
            be empty: then every class is less probable than the true classes of nearly all images that calibrate.

        Raises
        ------
        InputError
            If there are too few images, or groups of them, for this coverage.

        Notes
        -----
        A class is in the set if its probability is not among the lowest that true classes received, which is the score
        of Sadinle, Lei and Wasserman, Least ambiguous set-valued classifiers with bounded error levels, JASA 114, 2019.
        With groups, each group counts as much as any other, and the statement holds for an image of a new group (Lee,
        Barber and Willett, Distribution-free inference with hierarchical data, 2023). For several labels it holds for
        each label by itself, not for all together.

        Examples
        --------
        >>> scores = CalibrationScores(
        ...     np.linspace(0.02, 1, 50, dtype=np.float32), np.arange(50) % 2, np.arange(50), "validation images"
        ... )
        >>> scores.sets([[0.97, 0.03], [0.6, 0.4]], coverage=0.9).tolist()
        [[True, False], [True, True]]
        """
        values = np.asarray(proba, np.float64)
        needed, targets = groups_needed(coverage), self.codes.T if self.multilabel else self.codes[None]
        true = self.probabilities.T if self.multilabel else self.probabilities[None]
        n_values = 2 if self.multilabel else values.shape[1]
        shown = [str(name) for name in (range(values.shape[1]) if names is None else names)]
        self._check_enough(targets, n_values, needed, coverage, per_class, shown)
        found = np.empty((len(values), len(targets), n_values), bool)
        for target, (codes, given) in enumerate(zip(targets, true, strict=True)):
            columns = np.stack([1 - values[:, target], values[:, target]], axis=1) if self.multilabel else values
            new = columns.astype(np.float32)  # as those that are kept, so that equal probabilities are equal
            for value in range(n_values):
                rows = codes == value if per_class else np.ones(len(codes), bool)
                shares = rank_shares(-given[rows], -new[:, value], self.groups[rows])
                found[:, target, value] = exceeds(shares, 1 - coverage)
        return found if self.multilabel else found[:, 0]

    def counts(self, n_classes: int) -> list[tuple[int, int]]:
        """Return the number of images and of groups of each class; of several labels, with the label."""
        rows = self.codes.T == 1 if self.multilabel else [self.codes == code for code in range(n_classes)]
        return [(int(mask.sum()), len(np.unique(self.groups[mask]))) for mask in rows]

    def _check_enough(
        self, targets: NDArray, n_values: int, needed: int, coverage: float, per_class: bool, names: list[str]
    ) -> None:
        """Raise `InputError` if there are too few groups, or too few of a class."""
        grouped = self.n_groups < self.images
        unit = "groups of images, such as patients" if grouped else "images"
        wish = f"a coverage of {coverage:g} needs at least {needed}"
        if self.n_groups < needed:
            raise InputError(
                f"Prediction sets cannot be made: {wish} {unit}, and the model was calibrated with {self.n_groups}. "
                "Give a lower --coverage (coverage=), or fit the model with more validation images."
            )
        if not per_class:
            return
        for codes, label in zip(targets, names if self.multilabel else [""], strict=True):
            for value in range(n_values):
                found = len(np.unique(self.groups[codes == value]))
                if found < needed:
                    name = f"with {label}={value}" if self.multilabel else f"of the class {names[value]}"
                    raise InputError(
                        f"Prediction sets for each class cannot be made: {wish} {unit} of each class, and the model "
                        f"was calibrated with {found} {name}. Give a lower --coverage (coverage=), leave out "
                        "--per-class (per_class=), or fit the model with more validation images."
                    )


def make_calibration(
    pipeline: Pipeline,
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    source: str = "calibration images",
) -> CalibrationScores:
    """Return the scores from which a saved model makes prediction sets.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline.
    X : array-like of shape (n, ...)
        Images or embeddings, as the pipeline takes them, that it was not fitted to: no image, copy or patient of train.
    y : array-like of shape (n,) or (n, n_labels)
        Their labels.
    groups : array-like of shape (n,), optional
        Group of each image, such as its patient. Copies of an image are one group, too.
    source : str, default="calibration images"
        Which images these are, in words, such as ``"validation images"``.

    Returns
    -------
    CalibrationScores

    Raises
    ------
    InputError
        If there are no images, or a label is not a class of the pipeline.
    """
    proba = uncalibrated(pipeline).predict_proba(X)
    return scores_of(proba, y, pipeline.classes_, kept_together(X, groups), source)


def scores_of(
    proba: ArrayLike, y: ArrayLike, classes: ArrayLike, groups: NDArray | None, source: str
) -> CalibrationScores:
    """Return the calibration scores of given probabilities.

    Parameters
    ----------
    proba : array-like of shape (n, k)
    y : array-like of shape (n,) or (n, k)
    classes : array-like of shape (k,)
        The classes, in the order of the probabilities.
    groups : ndarray of shape (n,), or None
    source : str
        Which images these are, in words.
    """
    values, truth, known = np.asarray(proba, np.float64), np.asarray(y), np.asarray(classes)
    if not len(values) or not np.isfinite(values).all():
        raise InputError(
            f"{len(values)} images were given for prediction sets; expected some, with finite probabilities."
        )
    if truth.ndim == 2:
        codes = truth.astype(np.int32)
        true = np.where(codes == 1, values, 1 - values)
    else:
        if unknown := set(truth.tolist()) - set(known.tolist()):
            raise InputError(f"The label {min(map(str, unknown))!r} was given, which is not a class of the model.")
        codes = np.searchsorted(known, truth).astype(np.int32)
        true = values[np.arange(len(values)), codes]
    group = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1].ravel()
    scores = CalibrationScores(true.astype(np.float32), codes, group.astype(np.int32), source)
    return _limited(scores)


def uncalibrated(pipeline: Pipeline) -> Pipeline:
    """Return a fitted pipeline without the calibration, prevalence and threshold of its `AdjustedHead`, if it has one.

    Calibration and threshold may have been chosen on the very images that calibrate prediction sets. The sets are
    therefore made from the probabilities before them.
    """
    head = pipeline[-1]
    if not isinstance(head, AdjustedHead):
        return pipeline
    plain = Pipeline([*pipeline.steps[:-1], (pipeline.steps[-1][0], head.head_)])
    if hasattr(pipeline, "views"):
        from hybrid.pipelines.views import ViewPipeline

        return ViewPipeline(plain.steps, views=pipeline.views)
    return plain


def _limited(scores: CalibrationScores) -> CalibrationScores:
    """Return the scores of as many randomly drawn groups as fit into 1 MB."""
    most = _MOST_VALUES // (scores.codes.shape[1] if scores.multilabel else 1)
    if scores.images <= most:
        return scores
    numbers, size = np.unique(scores.groups, return_counts=True)
    order = np.random.default_rng(0).permutation(len(numbers))
    taken = numbers[order[: int(np.searchsorted(np.cumsum(size[order]), most, side="right"))]]
    rows = np.isin(scores.groups, taken)
    return replace(
        scores, probabilities=scores.probabilities[rows], codes=scores.codes[rows], groups=scores.groups[rows]
    )
