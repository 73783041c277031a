"""Classifier two-sample test: can a classifier tell the images of two samples apart by their embeddings?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from hybrid.classifiers.fold_groups import fold_groups
from hybrid.errors import InputError
from hybrid.evaluation.intervals import Interval
from hybrid.shift.areas import Area, area, areas
from hybrid.shift.exchange import Exchange, make_exchange
from hybrid.shift.separation import Separation
from hybrid.shift.strata import joined_groups, joined_strata

FOLDS = 5
PERMUTATIONS = 199
LEAST_UNITS = 10  # images or groups of each sample
MOST_UNITS = 4000  # of each sample: more would take longer and say the same
ALPHA = 0.05
_FOR_ERRORS = 20  # exchanges whose standard errors are computed
_AT_ONCE = 100  # permutations; bounds the memory


@dataclass(frozen=True)
class TwoSampleTest:
    """Whether a classifier can tell the images of two samples apart.

    Attributes
    ----------
    n_reference, n_new : int
        Number of images of each sample.
    units_reference, units_new : int
        Number of groups, or of images if every group has one.
    auc : float or None
        Share of the pairs of a reference and a new image in which the classifier, fitted to other images, recognises
        the new one: 0.5 is chance, 1 is every pair. None if there is no test.
    interval : (float, float) or None
        95% interval of `auc` for other images like these, with a classifier that is fitted to as many.
    p_value : float or None
        How often a share at least as large occurs if labels are exchanged between the samples at random.
    permutations : int
        Number of random exchanges.
    by_class : bool
        Whether images were compared with images of the same class only, so that different class proportions alone
        are no difference.
    reason : str
        Why there is no test; "" if there is one.
    """

    n_reference: int
    n_new: int
    units_reference: int
    units_new: int
    auc: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    permutations: int = 0
    by_class: bool = False
    reason: str = ""

    @property
    def found(self) -> bool:
        """Whether the samples differ, at the level of 5%."""
        return self.p_value is not None and self.p_value <= ALPHA

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "images_reference": self.n_reference,
            "images_new": self.n_new,
            "groups_reference": self.units_reference,
            "groups_new": self.units_new,
            "auc": self.auc,
            "low": self.interval[0] if self.interval else None,
            "high": self.interval[1] if self.interval else None,
            "p_value": self.p_value,
            "permutations": self.permutations,
            "by_class": self.by_class,
            "found": self.found,
            "reason": self.reason,
        }


def two_sample_test(
    reference: Any,
    new: Any,
    *,
    y_reference: Any = None,
    y_new: Any = None,
    groups_reference: Any = None,
    groups_new: Any = None,
    permutations: int = PERMUTATIONS,
    random_state: int = 0,
) -> TwoSampleTest:
    """Test whether two samples of embeddings come from one distribution.

    A linear classifier learns on four fifths of both samples to tell them apart and is tried on the rest, in turn
    [1]_. Its ROC AUC, over pairs of images of one fold, is compared with those after random exchanges of the labels
    "reference" and "new". Groups stay together in the folds and in the exchanges, and copies (images with the same
    embedding) in the folds.

    Parameters
    ----------
    reference : array-like of shape (n, width)
        Embeddings of the images that a model learnt from.
    new : array-like of shape (m, width)
        Embeddings of new images by the same network.
    y_reference, y_new : array-like of shape (n,) and (m,), or (n, k) and (m, k), optional
        Labels. If both are given, images are compared with images of the same class, and labels are exchanged between
        these only: the test is then about the images, whatever the proportions of the classes. Without labels, other
        proportions are a difference as well. Of several labels the combination is the class; combinations of fewer
        than five images in a sample are taken together.
    groups_reference, groups_new : array-like of shape (n,) and (m,), optional
        Group of each image, such as its patient. The same name in both samples is the same group. If only one is
        given, each image of the other is a group of its own.
    permutations : int, default=199
        Number of random exchanges.
    random_state : int, default=0
        Seed of folds and exchanges.

    Returns
    -------
    TwoSampleTest
        Without a value if a sample has fewer than ten groups, or no class has images in both.

    Raises
    ------
    InputError
        If the arrays do not fit together, or hold NaN or infinity.

    Notes
    -----
    The classifier is a ridge regression on the labels, which has the direction of linear discriminant analysis. Its
    factorisations in the folds do not depend on the labels, so each exchange costs two products of matrices. Of more
    than 4,000 groups of a sample, 4,000 are drawn.

    Labels are exchanged within the folds and classes; the class of a group is that of most of its images, and with very
    many classes groups of all classes are exchanged. A group with images in both samples exchanges the labels of its
    own images. If the samples are random parts of one, all these arrangements are equally probable, so the p-value is
    exact.

    References
    ----------
    .. [1] Lopez-Paz, D., Oquab, M. "Revisiting classifier two-sample tests." ICLR 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, test = rng.normal(size=(200, 8)), rng.normal(size=(60, 8))
    >>> two_sample_test(train, test).found, two_sample_test(train, test + 0.5).found
    (False, True)
    """
    X, is_new = _joined(reference, new)
    strata = joined_strata(y_reference, y_new, is_new)
    parts = joined_groups(groups_reference, groups_new, is_new)
    return compare_rows(X, is_new, strata, fold_groups(parts, X), permutations, random_state, parts)


def compare_rows(
    X: np.ndarray,
    is_new: np.ndarray,
    strata: np.ndarray | None,
    groups: np.ndarray | None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    parts: np.ndarray | None = None,
) -> TwoSampleTest:
    """Return the test of the rows of one array, of which `is_new` says the sample; see :func:`two_sample_test`.

    Parameters
    ----------
    X : ndarray of shape (n, width)
    is_new : ndarray of bool, shape (n,)
    strata, groups : ndarray of int, shape (n,), or None
        Class of each image, and the group in which it stays with its copies, from 0.
    permutations, seed : int
    parts : ndarray of int, shape (n,), or None
        Group of each image before copies are joined, such as its patient.
    """
    rng = np.random.default_rng(seed)
    counts = int((~is_new).sum()), int(is_new.sum())
    group = np.arange(len(X)) if groups is None else groups
    kept = _drawn(group, is_new, rng)
    X, is_new, strata = X[kept], is_new[kept], None if strata is None else strata[kept]
    parts = None if parts is None else np.unique(parts[kept], return_inverse=True)[1].ravel()
    group = np.unique(group[kept], return_inverse=True)[1].ravel()
    exchange = make_exchange(is_new, strata, group, FOLDS, rng, parts)
    by_class, units = strata is not None, exchange.n_units
    if reason := _reason(exchange):
        return TwoSampleTest(*counts, *units, by_class=by_class, reason=reason)
    drawn, errors = np.empty(0), []
    with threadpool_limits(1, "blas"):  # the products are small, so that several threads mostly wait for each other
        separation = Separation.of(X, exchange, rng)
        observed = area(separation.scores(is_new[:, None])[:, 0], is_new, exchange.cell, group)
        assert observed is not None  # _reason has looked for pairs
        for start in range(0, permutations, _AT_ONCE):
            labels = exchange.draws(min(_AT_ONCE, permutations - start), rng)
            scores = separation.scores(labels)
            drawn = np.append(drawn, areas(scores, labels, exchange.cell))
            if not start:
                columns = range(min(_FOR_ERRORS, labels.shape[1]))
                errors = [area(scores[:, k], labels[:, k], exchange.cell, group) for k in columns]
    p_value = (1 + int((drawn >= observed.value - 1e-9).sum())) / (1 + permutations)
    interval = observed.interval(_widening(drawn, errors))
    return TwoSampleTest(*counts, *units, observed.value, interval, p_value, permutations, by_class)


def _widening(drawn: np.ndarray, errors: list[Area | None]) -> float:
    """Return by what factor the standard error is too small, because the folds' classifiers share training images.

    It is the standard deviation of the areas after random exchanges, divided by their standard errors, and at least 1.
    """
    expected = [one.error for one in errors if one is not None and one.error > 0]
    return max(1.0, float(np.nanstd(drawn)) / float(np.sqrt(np.mean(np.square(expected))))) if expected else 1.0


def _joined(reference: Any, new: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of both samples in one array, and whether each is new."""
    parts = [np.asarray(rows, np.float32) for rows in (reference, new)]
    shapes = " and ".join(str(part.shape) for part in parts)
    if any(part.ndim != 2 for part in parts) or parts[0].shape[1] != parts[1].shape[1]:
        raise InputError(
            f"The samples have the shapes {shapes}; expected (n, width) and (m, width), embeddings by one network."
        )
    X = np.concatenate(parts)
    if not np.isfinite(X).all():
        raise InputError("The embeddings contain NaN or infinity: leave these images out, or repair the network.")
    return X, np.arange(len(X)) >= len(parts[0])


def _drawn(group: np.ndarray, is_new: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of at most `MOST_UNITS` groups of each sample, ndarray of int."""
    kept = np.ones(len(group), bool)
    for side in (False, True):
        of_side = np.unique(group[is_new == side])
        if len(of_side) > MOST_UNITS:
            kept &= (is_new != side) | np.isin(group, rng.permutation(of_side)[:MOST_UNITS])
    return np.flatnonzero(kept)


def _reason(exchange: Exchange) -> str:
    """Return why the samples cannot be tested; "" if they can."""
    units = exchange.n_units
    if min(units) < LEAST_UNITS:
        images = len(np.unique(exchange.unit)) == len(exchange.unit)
        what = "images" if images else "groups"
        return f"at least {LEAST_UNITS} {what} of each are needed, and there are {units[0]} and {units[1]}"
    both = np.bincount(exchange.cell[exchange.is_new], minlength=exchange.cell.max() + 1) > 0
    if not both[exchange.cell[~exchange.is_new]].any():
        return "no class has images in both"
    return ""
