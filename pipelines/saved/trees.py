"""Check the decision trees of a loaded model: scikit-learn and XGBoost follow their indices without looking."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree

from hybrid.errors import InputError
from hybrid.pipelines.saved.walk import parts_of


def check_trees(model: Any) -> None:
    """Check every scikit-learn tree inside an object: a crafted one would read outside its arrays.

    Raises
    ------
    InputError
        If a node leads out of its tree or backwards, asks for a column that does not exist, or holds NaN or infinity.
    """
    for width, tree in _trees(model, math.inf, set()):
        if tree.node_count != tree.capacity:
            raise _damaged()
        if not np.isfinite(tree.threshold).all() or not np.isfinite(tree.value).all():
            raise InputError("The model holds a decision tree with NaN or infinity in it: fit and save it again.")
        check_nodes(tree.children_left, tree.children_right, tree.feature, min(width, tree.n_features))


def check_widths(model: Any) -> None:
    """Raise `InputError` if a scikit-learn tree inside an object is wider than an estimator that leads to it."""
    if any(tree.n_features > width for width, tree in _trees(model, math.inf, set())):
        raise _damaged()


def check_nodes(
    left: NDArray, right: NDArray, column: NDArray, width: float, stop: NDArray[np.int64] | None = None
) -> None:
    """Check one tree, or several one after another, given as arrays over the nodes; -1 on the left makes a leaf.

    Parameters
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        Positions of the children in these arrays; both come after their parent.
    column : ndarray of int, shape (n_nodes,)
        The column that an inner node compares with its threshold.
    width : int
        Number of columns.
    stop : ndarray of int, shape (n_nodes,), optional
        The position after the last node of each node's tree. By default all nodes are of one tree.

    Raises
    ------
    InputError
        If a node leads out of its tree or backwards, or asks for a column that does not exist.
    """
    inner = np.flatnonzero(left != -1)
    children = np.stack([left[inner], right[inner]])
    inside = (children > inner) & (children < (len(left) if stop is None else stop[inner]))
    if not len(left) or not inside.all() or not ((column[inner] >= 0) & (column[inner] < width)).all():
        raise _damaged()


def _trees(value: Any, width: float, seen: set[tuple[int, float]]) -> Iterator[tuple[float, Tree]]:
    """Yield each tree with the smallest input width of the estimators that lead to it: not all of them check it."""
    if isinstance(value, Tree):
        yield width, value
        return
    items = parts_of(value)
    width = min(width, getattr(value, "n_features_in_", width))
    if not items or (id(value), width) in seen:
        return
    seen.add((id(value), width))
    for item in items:
        yield from _trees(item, width, seen)


def _damaged() -> InputError:
    return InputError("The model holds a damaged decision tree: a node leads out of it. Fit and save the model again.")
