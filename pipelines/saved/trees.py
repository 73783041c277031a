"""Check the decision trees of a loaded model, because scikit-learn and XGBoost follow their indices unchecked."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree

from hybrid.errors import InputError
from hybrid.pipelines.saved.walk import parts_of


def check_trees(model: Any) -> None:
    """Check every scikit-learn tree inside an object, because a manipulated tree could read outside its arrays.

    Parameters
    ----------
    model : object
        An estimator or Pipeline; every tree inside it is checked.

    Raises
    ------
    InputError
        If a node points outside its tree or backwards, splits on a column that does not exist, or holds NaN or
        infinity.
    """
    for width, tree in _trees(model, math.inf, set()):
        if tree.node_count != tree.capacity:
            raise _damaged()
        if not np.isfinite(tree.threshold).all() or not np.isfinite(tree.value).all():
            raise InputError("The model has a decision tree that holds NaN or infinity: fit and save the model again.")
        check_nodes(tree.children_left, tree.children_right, tree.feature, min(width, tree.n_features))


def check_widths(model: Any) -> None:
    """Raise `InputError` if a scikit-learn tree has more columns than an estimator that holds it."""
    if any(tree.n_features > width for width, tree in _trees(model, math.inf, set())):
        raise _damaged()


def check_nodes(
    left: NDArray, right: NDArray, column: NDArray, width: float, stop: NDArray[np.int64] | None = None
) -> None:
    """Check the nodes of one tree or of several consecutive trees, given as one array per field.

    Parameters
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        Indices of the children of each node, which come after their parent. A node is a leaf if `left` is -1.
    column : ndarray of int, shape (n_nodes,)
        The column that each inner node compares with its threshold.
    width : int
        Number of columns.
    stop : ndarray of int, shape (n_nodes,), optional
        For each node, the index after the last node of its tree. By default all nodes belong to one tree.

    Raises
    ------
    InputError
        If a node points outside its tree or backwards, or splits on a column that does not exist.
    """
    inner = np.flatnonzero(left != -1)
    children = np.stack([left[inner], right[inner]])
    inside = (children > inner) & (children < (len(left) if stop is None else stop[inner]))
    if not len(left) or not inside.all() or not ((column[inner] >= 0) & (column[inner] < width)).all():
        raise _damaged()


def _trees(value: Any, width: float, visited: set[tuple[int, float]]) -> Iterator[tuple[float, Tree]]:
    """Yield each tree with the smallest number of columns among the estimators that hold it; not all check theirs."""
    if isinstance(value, Tree):
        yield width, value
        return
    items = parts_of(value)
    width = min(width, getattr(value, "n_features_in_", width))
    if not items or (id(value), width) in visited:
        return
    visited.add((id(value), width))
    for item in items:
        yield from _trees(item, width, visited)


def _damaged() -> InputError:
    return InputError("The model has a damaged decision tree: a node points outside it. Fit and save the model again.")
