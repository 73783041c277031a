"""Folds that leave out one domain at a time, such as one hospital, and the choice of a model by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybrid.comparison.choice import Choice
from hybrid.comparison.cross_validation_result import CrossValidation
from hybrid.embeddings.joined_set import JoinedSet
from hybrid.embeddings.same_order import in_order_of
from hybrid.errors import InputError
from hybrid.evaluation.labels import both_values, truth_matrix
from hybrid.evaluation.subgroups.few import FEWEST
from hybrid.evaluation.subgroups.partition import NOT_KNOWN, Partition, make_partitions
from hybrid.wording import joined, number

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]
FEW_DOMAINS = 5


@dataclass(frozen=True, eq=False)
class DomainFolds:
    """Folds in which one domain at a time is left out.

    Attributes
    ----------
    column : str
        What divides the images into domains.
    names : tuple of str
        The domain that each fold leaves out.
    folds : list of (ndarray, ndarray)
        Training and test rows of each fold.
    notes : tuple of str
        Sentences about domains that are never left out, and about how few they are.
    """

    column: str
    names: tuple[str, ...]
    folds: list[Fold]
    notes: tuple[str, ...]


def domain_folds(partition: Partition, y: NDArray, groups: NDArray | None = None) -> DomainFolds:
    """Return folds that leave out one domain at a time.

    Images of the same group, such as the same patient, as an image of the domain that is left out are not trained on.
    Images whose domain is not known are only trained on.

    Parameters
    ----------
    partition : Partition
        The domain of each image.
    y : ndarray of shape (n,) or (n, k)
        Labels.
    groups : ndarray of shape (n,), optional
        The group of each image.

    Raises
    ------
    InputError
        If fewer than two domains can be left out.

    Examples
    --------
    >>> [partition] = make_partitions({"site": ["a"] * 20 + ["b"] * 20 + [""] * 2})
    >>> found = domain_folds(partition, np.array([0, 1] * 21))
    >>> found.names, [(len(train), len(test)) for train, test in found.folds]
    (('a', 'b'), [(22, 20), (22, 20)])
    """
    truth, names, folds, kept = truth_matrix(y), [], [], {}
    for code in partition.used:
        name, inside = partition.names[code], partition.code == code
        if name == NOT_KNOWN:
            kept[name] = "which it is, is not known"
            continue
        test, train = np.flatnonzero(inside), np.flatnonzero(~inside)
        if groups is not None:
            train = train[~np.isin(groups[train], groups[test])]
        if len(test) < FEWEST:
            kept[name] = f"it has {number(len(test), 'image')}"
        elif not both_values(truth[test]).any():
            kept[name] = "all its images have the same label"
        elif not len(train) or not both_values(truth[train]).all():
            kept[name] = "without it, a class has no images"
        else:
            names.append(name)
            folds.append((train, test))
    never = [f"{partition.name} {name} is never left out, because {why}." for name, why in kept.items()]
    if len(names) < 2:
        raise InputError(
            f"{partition.name!r} has {number(len(names), 'domain')} that can be left out; expected 2 or more, each "
            f"with {FEWEST} images of train and validation and two labels or more. {' '.join(never)}".strip()
        )
    return DomainFolds(partition.name, tuple(names), folds, (*never, *_few(partition.name, len(names))))


def _few(column: str, domains: int) -> list[str]:
    few = (
        f"The interval is that of the mean score on another {column} like these {domains}, if they were drawn at random"
    )
    wide = ", and with so few of them it is wide: look at the worst one, too" if domains < FEW_DOMAINS else ""
    return [f"{few}{wide}."]


def domains_of(sets: Sequence[JoinedSet], by: str) -> Partition:
    """Return the domain of each image of train and validation, in the order of the first set.

    Raises
    ------
    InputError
        If no set has the column.
    """
    first = sets[0]
    columns: Mapping[str, NDArray] = {}
    for embeddings in sets:
        for part in embeddings.sets:
            columns = {**in_order_of(first.sets[0], part).columns, **columns}
    if not columns:
        raise InputError(
            f"The column {by!r} is not known: the embedding set {first.name!r} has no columns. Run `hybrid extract` "
            "again, with the same options and --columns, --column-pattern or --table if the data have no such columns "
            "yet; the embeddings are in the store, so nothing is computed."
        )
    return make_partitions(columns, by, len(first))[0].take(first.split != "test")


def choice_by_domains(crossed: CrossValidation) -> Choice:
    """Return the model with the best mean score over the domains that were left out."""
    row, mean = crossed.rows[0], crossed.means[0]
    value = "not defined" if mean.value is None else f"{mean.value:.3f}"
    others = f"the best of {len(crossed.rows)} models" if len(crossed.rows) > 1 else "the only model"
    reason = (
        f"{row['model']} is chosen by leaving out each {crossed.domain} in turn ({joined(crossed.domains)}): its mean "
        f"{crossed.metric} on the one that is left out is {value}, {others}"
    )
    if row["worst_domain"] is not None:
        reason += f"; its lowest is {row['worst']:.3f}, on {row['worst_domain']}"
    return Choice(
        row["model"], crossed.metric, mean.value, row["model"], (row["model"],), f"{reason}.", crossed.images,
        len(crossed.domains) < FEW_DOMAINS,
    )  # fmt: skip
