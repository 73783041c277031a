"""Whether the classes have other proportions in two samples of labelled images."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.shift.exchange import make_exchange
from hybrid.wording import joined

PERMUTATIONS = 999
ALPHA = 0.05
_MOST_NAMED = 3


@dataclass(frozen=True)
class ClassShares:
    """The proportions of the classes, or the frequencies of labels, in two samples.

    Attributes
    ----------
    classes : tuple of str
    reference, new : tuple of float
        Share of the images of each sample that have each class.
    p_value : float
        How often random exchanges of the samples' labels change the proportions at least as much.
    """

    classes: tuple[str, ...]
    reference: tuple[float, ...]
    new: tuple[float, ...]
    p_value: float

    @property
    def found(self) -> bool:
        """Whether the proportions differ, at the level of 5%."""
        return self.p_value <= ALPHA

    def sentence(self, which: str = "test", reference: str = "training and validation") -> str:
        """Return the difference in words; of many classes those that differ most."""
        changes = sorted(range(len(self.classes)), key=lambda k: -abs(self.new[k] - self.reference[k]))
        if len(self.classes) == 2 and abs(sum(self.new) - 1) < 1e-6:
            changes = [1]
        named = [f"{self.classes[k]} {self.new[k]:.0%} against {self.reference[k]:.0%}" for k in changes[:_MOST_NAMED]]
        verb = "differ" if self.found else "do not differ by more than chance"
        return (
            f"The class proportions of {which} images and {reference} images {verb} ({joined(named)}; "
            f"p {p_text(self.p_value)})."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "classes": list(self.classes),
            "reference": list(self.reference),
            "new": list(self.new),
            "p_value": self.p_value,
            "found": self.found,
        }


def compare_class_shares(
    y: np.ndarray, classes: np.ndarray, is_new: np.ndarray, groups: np.ndarray | None = None, seed: int = 0
) -> ClassShares:
    """Test whether classes have other proportions in new images, by exchanging groups between the samples at random.

    The statistic is that of Pearson's chi-squared test; of several labels per image, the sum of those of all labels.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        Labels; k columns of 0 and 1 of a multi-label task.
    classes : ndarray of shape (k,)
    is_new : ndarray of bool, shape (n,)
        Whether each image is in the new sample.
    groups : ndarray of int, shape (n,), optional
        Group of each image, from 0.
    seed : int, default=0

    Returns
    -------
    ClassShares
    """
    rng = np.random.default_rng(seed)
    has = y.astype(np.float32) if y.ndim == 2 else (y[:, None] == classes[None, :]).astype(np.float32)
    exchange = make_exchange(is_new, None, groups, 1, rng)
    labels = np.column_stack([is_new, exchange.draws(PERMUTATIONS, rng)])
    observed, *drawn = _statistic(has, labels, several=y.ndim == 2)
    p_value = (1 + int((np.array(drawn) >= observed - 1e-9).sum())) / (1 + PERMUTATIONS)
    reference, new = (tuple(has[side].mean(axis=0).astype(float).tolist()) for side in (~is_new, is_new))
    return ClassShares(tuple(map(str, classes.tolist())), reference, new, p_value)


def _statistic(has: np.ndarray, labels: np.ndarray, several: bool) -> np.ndarray:
    """Return the chi-squared statistic of each labelling of the images, ndarray of shape (m,)."""
    counts = (has.T @ labels.astype(np.float32)).astype(np.float64)
    n, new, total = len(has), labels.sum(axis=0), has.sum(axis=0, dtype=np.float64)[:, None]
    squares = (counts - total * new / n) ** 2
    variance = total * (n - total if several else n) / n * new * (n - new) / n**2
    return np.divide(squares, variance, out=np.zeros_like(squares), where=variance > 0).sum(axis=0)


def p_text(p_value: float) -> str:
    """Return a p-value as text behind "p".

    Examples
    --------
    >>> p_text(0.0005), p_text(0.034), p_text(0.5)
    ('< 0.001', '= 0.034', '= 0.50')
    """
    if p_value < 0.001:
        return "< 0.001"
    return f"= {p_value:.3f}" if p_value < 0.1 else f"= {p_value:.2f}"
