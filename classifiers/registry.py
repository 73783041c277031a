"""The table of heads: adding a head is one row here and one file beside it."""

from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from hybrid.errors import unknown_name

if TYPE_CHECKING:
    from hybrid.classifiers.base import Head


@dataclass(frozen=True)
class HeadRow:
    """One head: its name on the command line, where its class is, and one line about it.

    Parameters
    ----------
    name : str
        The name a user types.
    target : str
        The class, as ``"module:Class"``.
    summary : str
        One line for lists and help pages.
    """

    name: str
    target: str
    summary: str

    @property
    def module(self) -> str:
        """The dotted name of the module that holds the class."""
        return self.target.partition(":")[0]

    @property
    def class_name(self) -> str:
        """The name of the class in its module."""
        return self.target.partition(":")[2]

    def load(self) -> type["Head"]:
        """Import the class and return it."""
        return getattr(import_module(self.module), self.class_name)


HEADS: dict[str, HeadRow] = {
    row.name: row
    for row in (
        HeadRow("svm", "hybrid.classifiers.svm:LinearSVM", "linear support vector machine, calibrated"),
        HeadRow("forest", "hybrid.classifiers.forest:RandomForest", "random forest"),
        HeadRow("xgboost", "hybrid.classifiers.xgboost:XGBoost", "gradient-boosted trees (XGBoost)"),
        HeadRow("softmax", "hybrid.classifiers.softmax:Softmax", "multinomial logistic regression"),
        HeadRow("logistic", "hybrid.classifiers.softmax:Softmax", "another name for softmax: the same head"),
        HeadRow("knn", "hybrid.classifiers.knn:KNN", "k-nearest neighbours, cosine distance"),
    )
}

# The heads that are fitted when none is named: by `compare`, by recipes, and as the members of an ensemble. Those that
# came later are fitted only where they are named, so that the results of earlier scripts stay the same.
DEFAULT_HEADS = ("svm", "forest", "xgboost", "softmax")


def make_head(name: str, **params: Any) -> "Head":
    """Return a new, unfitted head.

    Parameters
    ----------
    name : str
        A name in `HEADS`.
    **params
        Parameters of that head; those not given keep their defaults.

    Returns
    -------
    Head
        The scikit-learn classifier.

    Raises
    ------
    InputError
        If there is no such head, or the head has no such parameter.

    Examples
    --------
    >>> make_head("svm", C=0.01)
    LinearSVM(C=0.01)
    """
    if name not in HEADS:
        raise unknown_name("head", name, HEADS)
    head = HEADS[name].load()
    known = signature(head).parameters
    for param in params:
        if param not in known:
            raise unknown_name(f"{name} parameter", param, known)
    return head(**params)
