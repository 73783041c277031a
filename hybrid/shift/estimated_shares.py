"""Estimate the class proportions of images without labels from predictions, if the images of each class are alike."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.groups import check_groups
from hybrid.workspace.predictions import Predictions

METHODS = ("em", "bbse")
_DRAWS = 200
_ITERATIONS = 200
_TOLERANCE = 1e-6
_LEAST = 1e-9


@dataclass(frozen=True)
class EstimatedShares:
    """Estimated class proportions of new images, with 95% intervals.

    Attributes
    ----------
    classes : tuple
    shares : tuple of float
        Estimated share of each class.
    low, high : tuple of float
        Bounds of the interval of each share.
    method : str
        ``"em"`` or ``"bbse"``.
    """

    classes: tuple[Any, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    method: str

    def outside(self, shares: Any) -> np.ndarray:
        """Return for each class whether another share differs from the estimate, ndarray of bool of shape (k,).

        The intervals are widened as the number of classes requires (Bonferroni), so that with many classes, too, a
        share that is right is called different in at most 5% of the cases.
        """
        normal = NormalDist()
        independent = 1 if len(self.classes) == 2 and abs(sum(self.shares) - 1) < _TOLERANCE else len(self.classes)
        factor = normal.inv_cdf(1 - 0.025 / independent) / normal.inv_cdf(0.975)
        value, low, high, other = map(np.array, (self.shares, self.low, self.high, shares))
        return (other < value - factor * (value - low)) | (other > value + factor * (high - value))

    def excludes(self, shares: Any) -> bool:
        """Return whether the estimate excludes other shares: that of any class differs by :meth:`outside`."""
        return bool(self.outside(shares).any())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "classes": [str(label) for label in self.classes],
            "shares": list(self.shares),
            "low": list(self.low),
            "high": list(self.high),
            "method": self.method,
        }


def estimate_class_shares(
    y: Any,
    proba: Any,
    new_proba: Any,
    classes: Any = None,
    *,
    method: str = "em",
    groups: Any = None,
    new_groups: Any = None,
    random_state: int = 0,
) -> EstimatedShares:
    """Estimate the class proportions of new images from a model's probabilities, without labels of these images.

    It is assumed that only the proportions differ (label shift): images of one class are like those of the same class
    on which `proba` was measured. If they are not, as on images from another camera, the estimate is wrong, so test
    this first with :func:`hybrid.shift.two_sample_test`.

    Parameters
    ----------
    y : array-like of shape (n,)
        True labels of images that the model was not fitted to, such as those of validation.
    proba : array-like of shape (n, k)
        The model's probabilities for these images.
    new_proba : array-like of shape (m, k)
        The model's probabilities for the new images.
    classes : array-like of shape (k,), optional
        The classes in the order of the columns. By default the sorted labels.
    method : {"em", "bbse"}, default="em"
        ``"em"`` maximises the likelihood of the probabilities [1]_, which should be calibrated; ``"bbse"`` solves the
        equations of the confusion matrix [2]_, and needs no calibration.
    groups, new_groups : array-like of shape (n,) and (m,), optional
        Group of each image, such as its patient. Groups are drawn for the intervals.
    random_state : int, default=0
        Seed of the 200 bootstrap draws for the intervals.

    Returns
    -------
    EstimatedShares

    Raises
    ------
    InputError
        If the arrays do not fit together, a class has no labelled image, or labels are several per image: estimate the
        share of each label then, as two classes.

    References
    ----------
    .. [1] Saerens, M., Latinne, P., Decaestecker, C. "Adjusting the outputs of a classifier to new a priori
       probabilities." Neural Computation 14, 2002.
    .. [2] Lipton, Z. C., Wang, Y.-X., Smola, A. "Detecting and correcting for label shift with black box predictors."
       ICML 2018.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, new_y = rng.random(2000) < 0.5, rng.random(2000) < 0.2
    >>> x, new_x = rng.normal(2.0 * y), rng.normal(2.0 * new_y)
    >>> proba, new_proba = (np.column_stack([1 - p, p]) for p in (1 / (1 + np.exp(2 - 2 * v)) for v in (x, new_x)))
    >>> shares = estimate_class_shares(y, proba, new_proba)
    >>> shares.low[1] < 0.2 < shares.high[1]
    True
    """
    labels, known, new = np.asarray(y), np.asarray(proba, float), np.asarray(new_proba, float)
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if labels.ndim != 1:
        raise InputError("The labels are several per image: estimate the share of each label, as two classes.")
    names = np.unique(labels) if classes is None else np.asarray(classes)
    expected = (len(labels), len(names))
    if known.shape != expected or new.ndim != 2 or new.shape[1] != len(names):
        raise InputError(
            f"The probabilities have the shapes {known.shape} and {new.shape}; expected {expected} and "
            f"(m, {len(names)}), one column for each class."
        )
    truth = labels[:, None] == names[None, :]
    if missing := [str(name) for name, any_ in zip(names, truth.any(axis=0), strict=True) if not any_]:
        raise InputError(f"No labelled image is of class {missing[0]}: its share cannot be estimated.")
    of_known, of_new = (check_groups(given, len(rows)) for given, rows in ((groups, known), (new_groups, new)))
    rng = np.random.default_rng(random_state)
    value = _estimate(truth, known, new, np.ones(len(known)), np.ones(len(new)), method)
    drawn = np.array([
        _estimate(truth, known, new, _weights(of_known, len(known), rng), _weights(of_new, len(new), rng), method)
        for _ in range(_DRAWS)
    ])  # fmt: skip
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    shares, lowest, highest = (tuple(part.tolist()) for part in (value, low, high))
    return EstimatedShares(tuple(names.tolist()), shares, lowest, highest, method)


def misled_estimate(known: Predictions, new: Predictions, which: str = "test") -> str:
    """Return a sentence if the class proportions that predictions suggest are wrong, because the images differ.

    Parameters
    ----------
    known : Predictions
        Predictions of a model for images that it was not fitted to, with every class among them.
    new : Predictions
        Its predictions for the new images, with their true labels.
    which : str, default="test"
        What the new images are called.

    Returns
    -------
    str
        "" for several labels per image, if a class is missing, or if the estimate contains the true proportions.
    """
    if known.y.ndim == 2 or not len(known) or not np.isin(known.classes, known.y).all():
        return ""
    estimated = estimate_class_shares(
        known.y, known.proba, new.proba, known.classes, groups=known.groups, new_groups=new.groups
    )
    true = [float(np.mean(new.y == label)) for label in known.classes]
    if not estimated.excludes(true):
        return ""
    k = max(range(len(true)), key=lambda one: abs(estimated.shares[one] - true[one]))
    ends = f"95% interval {estimated.low[k]:.0%} to {estimated.high[k]:.0%}"
    return (
        f"From the model's probabilities alone, {known.classes[k]} would be estimated in {estimated.shares[k]:.0%} of "
        f"the {which} images ({ends}, by expectation maximisation); it is in {true[k]:.0%}. The images of a class "
        "differ, so that a correction for other class proportions would be misled."
    )


def _weights(group: np.ndarray | None, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each image is in a bootstrap draw of groups."""
    group = np.arange(n) if group is None else group
    count = int(group.max()) + 1
    return np.bincount(rng.integers(0, count, count), minlength=count)[group].astype(float)


def _estimate(
    truth: np.ndarray, proba: np.ndarray, new: np.ndarray, weight: np.ndarray, new_weight: np.ndarray, method: str
) -> np.ndarray:
    prior = (weight @ truth) / weight.sum()
    if (prior == 0).any():
        return np.full(len(prior), np.nan)
    return _em(new, prior, new_weight) if method == "em" else _bbse(truth, proba, new, weight, new_weight)


def _em(new: np.ndarray, prior: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the shares of largest likelihood, by expectation maximisation from the known shares."""
    kept = weight > 0
    likelihood, weight = np.maximum(new[kept], _LEAST) / prior, weight[kept] / weight[kept].sum()
    shares = prior
    for _ in range(_ITERATIONS):
        joint = likelihood * shares
        updated = weight @ (joint / joint.sum(axis=1, keepdims=True))
        if np.abs(updated - shares).max() < _TOLERANCE:
            return updated
        shares = updated
    return shares


def _bbse(
    truth: np.ndarray, proba: np.ndarray, new: np.ndarray, weight: np.ndarray, new_weight: np.ndarray
) -> np.ndarray:
    """Return the shares that give the observed frequencies of predictions, as near as shares can."""
    from scipy.optimize import nnls

    predicted, of_new = (np.eye(truth.shape[1])[rows.argmax(axis=1)] for rows in (proba, new))
    rates = (predicted * weight[:, None]).T @ truth / np.maximum(weight @ truth, _LEAST)
    shares = nnls(np.vstack([rates, np.ones(truth.shape[1])]), np.append(new_weight @ of_new / new_weight.sum(), 1))[0]
    return shares / max(shares.sum(), _LEAST)
