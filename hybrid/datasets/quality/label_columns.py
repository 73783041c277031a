"""Count the classes by each value of a column, such as the hospital, and find columns that predict the label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hybrid.classifiers.fold_groups import fold_groups
from hybrid.evaluation.association import EXCHANGES, exchange_tests, predicted_areas
from hybrid.evaluation.holm import holm_steps
from hybrid.evaluation.paired_test import p_text
from hybrid.evaluation.subgroups.partition import MOST_SUBGROUPS, Partition, as_number, make_partitions

PREDICTING = "label_columns"  # name of the check
LEVEL = 0.05
ADVICE = (
    "A model can use such a column without looking at what matters: score it on each value (hybrid compare --by "
    "COLUMN), and leave one value out at a time (--cv-domains COLUMN). Some columns, such as age, may predict the "
    "label rightly."
)


@dataclass(frozen=True)
class LabelColumn:
    """The number of images of each class by the values of a column, and whether the column predicts the label.

    Attributes
    ----------
    name : str
        The column, with its bins, or several joined by "+", as for ``--by``.
    counts : dict of str to dict of str to int
        Number of images of each class by value.
    images : dict of str to int
        Number of images by value.
    p_value, p_adjusted : float or None
        P-value of the exchange test of association with the label, and with Holm's correction for all columns that
        were tested; None if the column has one value or there is one group.
    label : str or None
        The class that the column predicts best.
    auc, low, high : float or None
        ROC AUC with which the column alone tells this class from all others, with its 95% interval.
    note : str
        How numbers were divided into bins; "" if none were.
    """

    name: str
    counts: dict[str, dict[str, int]]
    images: dict[str, int]
    p_value: float | None = None
    p_adjusted: float | None = None
    label: str | None = None
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def predicts(self) -> bool:
        """Whether the association is more than chance."""
        return self.p_adjusted is not None and self.p_adjusted <= LEVEL

    def shares(self) -> str:
        """Return the highest and the lowest share of the class that is predicted best, as text.

        Values with fewer than ten images are left out if there are others.
        """
        enough = [value for value, n in self.images.items() if n >= 10]
        values = enough if len(enough) > 1 else list(self.images)
        share = {value: self.counts[value][self.label or ""] / self.images[value] for value in values}
        most, least = max(values, key=lambda value: share[value]), min(values, key=lambda value: share[value])
        return f"{share[most]:.0%} of the images of {most!r} are {self.label!r}, and {share[least]:.0%} of {least!r}"

    def size(self) -> str:
        """Return in words how closely the column is associated with the label."""
        if self.auc is None:
            return f"adjusted p {p_text(self.p_adjusted)}"
        bounds = "" if self.low is None else f", 95% interval {self.low:.2f} to {self.high:.2f}"
        return (
            f"alone it tells {self.label!r} from the rest with a ROC AUC of {self.auc:.2f}{bounds}, adjusted p "
            f"{p_text(self.p_adjusted)}: {self.shares()}"
        )

    def sentence(self) -> str:
        """Return what the test found, as a sentence."""
        if self.p_value is None:
            return f"{self.name} was not tested: all images have the same value, or are of one group."
        if self.predicts:
            return f"{self.name} predicts the label: {self.size()}."
        return f"{self.name} is not associated with the label beyond chance (adjusted p {p_text(self.p_adjusted)})."


def label_columns(
    columns: Mapping[str, np.ndarray],
    y: np.ndarray,
    classes: np.ndarray,
    groups: np.ndarray | None = None,
    copies: np.ndarray | None = None,
    by: Sequence[str] | None = None,
) -> tuple[LabelColumn, ...]:
    """Return the counts and tests of columns.

    Parameters
    ----------
    columns : mapping of str to ndarray of str, shape (n,)
        Further columns of a dataset.
    y : ndarray of shape (n,) or (n, k)
    classes : ndarray of shape (k,)
    groups : ndarray of str, shape (n,), or None
        Group of each image, such as its patient.
    copies : ndarray of shape (n, ...), or None
        Digests of the images. Copies count as images of one group.
    by : sequence of str, optional
        Divisions as for ``--by``. By default all columns with at most 50 values whose values are not just identifiers
        of the images or groups.

    Returns
    -------
    tuple of LabelColumn

    Raises
    ------
    InputError
        If a column that is asked for is unknown or cannot be used.
    """
    together = fold_groups(groups, copies)
    unit = np.arange(len(y)) if together is None else together
    partitions = make_partitions(columns, by, len(y)) if by else _suitable(columns, unit)
    truth = (y if y.ndim == 2 else y[:, None] == classes[None, :]).astype(np.uint8)
    testable = [one for one in partitions if len(one.names) > 1 and len(np.unique(unit)) > 1]
    exchanges = max(EXCHANGES, 50 * len(testable) - 1)  # the smallest p-value must stay small when it is adjusted
    p_values = exchange_tests([one.code for one in testable], truth, unit, exchanges)
    adjusted = [step[0] for step in holm_steps(p_values, LEVEL) if step]
    tested = {one.name: (p, q) for one, p, q in zip(testable, p_values, adjusted, strict=True)}
    return tuple(_described(one, truth, list(map(str, classes)), unit, tested.get(one.name)) for one in partitions)


def _suitable(columns: Mapping[str, np.ndarray], unit: np.ndarray) -> list[Partition]:
    """Return the divisions by the columns that are tested without being named."""
    found = []
    for name, values in columns.items():
        known = values != ""
        distinct = len(np.unique(values[known]))
        if distinct == len(np.unique(unit[known])) > 1:  # an identifier, whose order is often that of the classes
            continue
        numbers = all(as_number(value) is not None for value in np.unique(values[known]).tolist())
        if distinct < MOST_SUBGROUPS or numbers:
            found += make_partitions({name: values})
    return [one for one in found if len(one.names) > 1]


def _described(
    partition: Partition, truth: np.ndarray, classes: list[str], unit: np.ndarray, tested: tuple[float, float] | None
) -> LabelColumn:
    rows = {value: partition.code == number for number, value in enumerate(partition.names)}
    counts = {value: dict(zip(classes, truth[row].sum(axis=0).tolist(), strict=True)) for value, row in rows.items()}
    images = {value: int(row.sum()) for value, row in rows.items()}
    column = LabelColumn(partition.name, counts, images, note=partition.note)
    if tested is None:
        return column
    p_value, p_adjusted = tested
    column = replace(column, p_value=p_value, p_adjusted=p_adjusted)
    areas = predicted_areas(partition.code, truth, unit)
    known = [(area, label) for area, label in zip(areas, classes, strict=True) if area]
    if not known:
        return column
    two_classes = len(classes) == 2 and bool((truth.sum(axis=1) == 1).all())
    area, label = known[1] if two_classes else max(known, key=lambda pair: pair[0].value)
    return replace(column, label=label, auc=area.value, low=area.low, high=area.high)
