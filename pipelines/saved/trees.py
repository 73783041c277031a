"""Check the decision trees of a loaded model: scikit-learn and XGBoost follow their indices without looking."""

import math
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree

from hybrid.errors import InputError


def check_trees(model: Any) -> None:
    """Check every scikit-learn tree inside an object: a crafted one would read outside its arrays.

    Raises
    ------
    InputError
        If a node leads out of its tree or backwards, asks for a column that there is not, or holds no finite number.
    """
    for width, tree in _trees(model, math.inf, set()):
        if tree.node_count != tree.capacity:
            raise _damaged()
        if not np.isfinite(tree.threshold).all() or not np.isfinite(tree.value).all():
            raise InputError("The model holds a decision tree with NaN or infinity in it: fit and save it again.")
        check_nodes(tree.children_left, tree.children_right, tree.feature, min(width, tree.n_features))


def check_nodes(left: NDArray, right: NDArray, column: NDArray, width: float) -> None:
    """Check one tree, given as arrays over its nodes; -1 on the left makes a leaf.

    Parameters
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        The children; both come after their parent.
    column : ndarray of int, shape (n_nodes,)
        What an inner node asks for.
    width : int
        Number of columns.

    Raises
    ------
    InputError
        If a node leads out of the tree or backwards, or asks for a column that there is not.
    """
    inner = np.flatnonzero(left != -1)
    children = np.stack([left[inner], right[inner]])
    inside = (children > inner) & (children < len(left))
    if not len(left) or not inside.all() or not ((column[inner] >= 0) & (column[inner] < width)).all():
        raise _damaged()


def _trees(value: Any, width: float, seen: set[tuple[int, float]]) -> Iterator[tuple[float, Tree]]:
    """Yield each tree with the least input width of the estimators that lead to it: not all of them look again."""
    if isinstance(value, Tree):
        yield width, value
        return
    items = inside(value)
    width = min(width, getattr(value, "n_features_in_", width))
    if not items or (id(value), width) in seen:
        return
    seen.add((id(value), width))
    for item in items:
        yield from _trees(item, width, seen)


def inside(value: Any) -> Collection[Any]:
    """Return what a container, an array of objects or an instance of a class holds."""
    if isinstance(value, (list, tuple, set)):
        return value
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype == object else ()
    return () if isinstance(value, type) else getattr(value, "__dict__", {}).values()


def _damaged() -> InputError:
    return InputError("The model holds a damaged decision tree: a node leads out of it. Fit and save the model again.")
