"""Groups of rows that stay together in every fold: those of a given group, and copies."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_PREFIX = 8  # columns that are compared first, because rows rarely agree in them


def fold_groups(groups: ArrayLike | None, copies: NDArray | None) -> NDArray[np.intp] | None:
    """Return the number of each row's group in folds, which joins given groups that share copies of a row.

    Every fold that is drawn anywhere divides the groups that this function returns, never the rows themselves. With a
    copy of a test row in training, even noise can be predicted.

    Parameters
    ----------
    groups : array-like of shape (n,), or None
        Group of each row, such as its patient. None makes every row a group of its own.
    copies : ndarray of shape (n, ...), or None
        Rows with the same values here are copies: digests of images, numbers of clusters, or the embeddings themselves.

    Returns
    -------
    ndarray of int of shape (n,), or None
        None if there are neither groups nor copies.

    Examples
    --------
    >>> fold_groups(["a", "b", "c", "c"], np.array([[1.0], [1.0], [2.0], [3.0]])).tolist()
    [0, 0, 1, 1]
    >>> fold_groups(None, np.array([[1.0], [2.0]])) is None
    True
    """
    copy_of = None if copies is None else _numbers_of_equal(copies)
    if copy_of is None:
        return None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    return copy_of if groups is None else merge_groups(copy_of, np.unique(np.asarray(groups), return_inverse=True)[1])


def merge_groups(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the finest grouping in which rows that share a group in either of two groupings are together.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        The number of each row's group, from 0.

    Returns
    -------
    ndarray of int, shape (n,)
        The number of each row's merged group.

    Examples
    --------
    >>> merge_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    # The groups of both groupings are the nodes of a graph, and each row is an edge between its two groups.
    offset = int(first.max(initial=-1)) + 1
    size = offset + int(second.max(initial=-1)) + 1
    return connected(size, np.column_stack([first, offset + second]))[first]


def connected(size: int, edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the number of each node's connected component in a graph.

    Parameters
    ----------
    size : int
        Number of nodes.
    edges : ndarray of int, shape (m, 2)
        Pairs of nodes.

    Returns
    -------
    ndarray of int, shape (size,)
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges), bool), tuple(edges.T)), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def _numbers_of_equal(rows: NDArray) -> NDArray[np.intp] | None:
    """Return a number for each row that only equal rows share; None if no two rows are equal."""
    table = np.ascontiguousarray(rows.reshape(len(rows), -1))
    same_start = _numbers(table[:, :_PREFIX])
    repeated = np.flatnonzero(np.bincount(same_start)[same_start] > 1)
    number = np.arange(len(rows))
    first_of: dict[bytes, int] = {}
    for row in repeated.tolist():
        number[row] = first_of.setdefault(table[row].tobytes(), row)
    numbers = np.unique(number, return_inverse=True)[1]
    return numbers if numbers.max(initial=-1) + 1 < len(rows) else None


def _numbers(table: NDArray) -> NDArray[np.intp]:
    rows = np.ascontiguousarray(table)
    return np.unique(rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").ravel(), return_inverse=True)[1].ravel()
