"""The table of heads. To add a head, add one row here and one file in this folder."""

from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from hybrid.errors import unknown_name

if TYPE_CHECKING:
    from hybrid.classifiers.base import Head


@dataclass(frozen=True)
class HeadRow:
    """One row of the table of heads.

    Parameters
    ----------
    name : str
        Name of the head on the command line and in recipes.
    target : str
        The class, as ``"module:Class"``.
    summary : str
        One-line description for lists and help pages.
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

# The heads that `compare`, recipes and ensembles use by default. Heads that were added later are used only if they are
# named, so that existing scripts give the same results.
DEFAULT_HEADS = ("svm", "forest", "xgboost", "softmax")


def make_head(name: str, **params: Any) -> "Head":
    """Return a new, unfitted head.

    Parameters
    ----------
    name : str
        A name in `HEADS`.
    **params
        Parameters of that head. Parameters that are not given keep their defaults.

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
