"""Check the decision trees of a loaded model: scikit-learn and XGBoost follow their indices without looking."""

from collections.abc import Iterator
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
        If a node leads out of its tree or backwards, or asks for a column that there is not.
    """
    for width, tree in _trees(model, None, set()):
        if tree.node_count != tree.capacity or (width is not None and tree.n_features != width):
            raise _damaged()
        check_nodes(tree.children_left, tree.children_right, tree.feature, tree.n_features)


def check_nodes(left: NDArray, right: NDArray, column: NDArray, width: int) -> None:
    """Check one tree, given as arrays over its nodes; -1 on the left makes a leaf.

    Parameters
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        The children; both come after their parent.
    column : ndarray of int, shape (n_nodes,)
        What an inner node asks for.
    width : int
        Number of columns.
    """
    inner = np.flatnonzero(left != -1)
    children = np.stack([left[inner], right[inner]])
    inside = (children > inner) & (children < len(left))
    if not len(left) or not inside.all() or not ((column[inner] >= 0) & (column[inner] < width)).all():
        raise _damaged()


def _trees(value: Any, width: int | None, seen: set[int]) -> Iterator[tuple[int | None, Tree]]:
    """Yield each tree with the width of the outermost estimator's input that leads to it."""
    if isinstance(value, Tree):
        yield width, value
        return
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist() if value.dtype == object else None
    items = value if isinstance(value, (list, tuple, set)) else None
    if isinstance(value, dict):
        items = list(value.values())
    elif items is None and hasattr(value, "__dict__"):
        items = list(vars(value).values())
        width = getattr(value, "n_features_in_", width)
    if items is None or id(value) in seen:
        return
    seen.add(id(value))
    for item in items:
        yield from _trees(item, width, seen)


def _damaged() -> InputError:
    return InputError("The model holds a damaged decision tree: a node leads out of it. Fit and save the model again.")
