"""One class or label against the rest, for results that exist for two classes only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.groups import group_strata
from hybrid.evaluation.inputs import CheckedInput, check_problem
from hybrid.wording import and_more


@dataclass(frozen=True, eq=False)
class OneClass:
    """The images of a test set as those of one class and the rest.

    Attributes
    ----------
    name : object
        The class or label.
    truth, predicted : ndarray of bool, shape (n,)
        Whether each image is of the class, and whether it is predicted as the class.
    proba : ndarray of float64, shape (n,), or None
        The probability of the class; None if only predicted labels were given.
    groups : ndarray of int, shape (n,), or None
        The number of each image's group; None if all images are independent.
    fixed : bool
        Whether intervals hold for the same share of the class. With groups that have images of the class and others,
        and for a label, the share always varies.
    """

    name: Any
    truth: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray | None
    groups: np.ndarray | None
    fixed: bool

    @property
    def strata(self) -> np.ndarray:
        """The stratum of each group, (n_groups,), or of each image if there are no groups, (n,)."""
        strata = self.truth.astype(np.intp) if self.fixed else np.zeros(len(self.truth), np.intp)
        return strata if self.groups is None else group_strata(self.groups, strata)


def one_class(
    y_true: Any,
    proba: Any,
    classes: Sequence | None,
    y_pred: Any,
    pos_label: Any,
    groups: Any,
    fixed_classes: bool,
    what: str,
) -> OneClass:
    """Check the input as :func:`hybrid.evaluate` does, and return the named class against the rest.

    Parameters
    ----------
    y_true, proba, classes, y_pred, groups, fixed_classes
        As in :func:`hybrid.evaluate`.
    pos_label : object
        A class or label. It may be None for two classes only.
    what : str
        What the class is needed for, for the message if it is missing: ``"A decision curve"``.
    """
    problem = check_problem(y_true, proba, classes, y_pred, None, groups, fixed_classes)
    names = problem.classes
    if problem.task == "binary":
        problem = check_problem(y_true, proba, classes, y_pred, pos_label, groups, fixed_classes)
        return of_class(problem, names.index(problem.positive))
    kind = "label" if problem.task == "multilabel" else "class"
    if pos_label is None:
        listed = and_more([*map(str, names)], 8)
        raise InputError(f"{what} is that of one {kind} against the rest: name it as pos_label ({listed}).")
    if pos_label not in names:
        raise unknown_name(kind, pos_label, map(str, names))
    return of_class(problem, names.index(pos_label))


def of_class(problem: CheckedInput, k: int) -> OneClass:
    """Return class or label number `k` of checked input against the rest."""
    proba = None if problem.probabilities is None else problem.probabilities[:, k]
    truth, predicted = problem.truth[:, k], problem.predicted[:, k]
    return OneClass(problem.classes[k], truth, predicted, proba, problem.drawn_groups, problem.is_stratified)
