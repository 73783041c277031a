"""Groups of images that must stay together in a split, such as the images of one patient."""

import re
from collections.abc import Sequence

import numpy as np

from hybrid.errors import InputError
from hybrid.wording import first_few, number


def groups_by_pattern(pattern: str, ids: Sequence[str]) -> np.ndarray:
    r"""Return each image's group: what the first parentheses of a regular expression find in its id.

    An id in which nothing is found is a group of its own.

    Parameters
    ----------
    pattern : str
        A regular expression with one pair of parentheses, searched anywhere in the id.
    ids : sequence of str, (n,)

    Returns
    -------
    ndarray of str, (n,)

    Raises
    ------
    InputError
        If the pattern is none, has no parentheses, or is found in no id.

    Examples
    --------
    >>> groups_by_pattern(r"(person\d+)_", ["person1_6.jpeg", "person1_7.jpeg", "x.jpeg"]).tolist()
    ['person1', 'person1', 'x.jpeg']
    """
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise InputError(f"The group pattern {pattern!r} is no regular expression: {error}.") from error
    if not regex.groups:
        raise InputError(f"The group pattern {pattern!r} needs parentheses round what names the group.")
    found = [match.group(1) if (match := regex.search(name)) else None for name in ids]
    if not any(found):
        raise InputError(f"The group pattern {pattern!r} is found in no image's id, such as {first_few(ids)}.")
    return np.array([group or name for group, name in zip(found, ids, strict=True)], dtype=np.str_)


def own_groups(groups: object, ids: Sequence[str]) -> np.ndarray:
    """Return groups as words; an image without one becomes a group of its own, named by its id."""
    values = np.asarray(groups).tolist()
    if len(values) != len(ids):
        raise InputError(f"There are {number(len(ids), 'image')} but {number(len(values), 'group')}: give one each.")
    alone = [value is None or value == "" or value != value for value in values]
    return np.array([name if a else str(v) for v, name, a in zip(values, ids, alone, strict=True)], dtype=np.str_)


def divided_groups(groups: np.ndarray, split: np.ndarray) -> list[str]:
    """Return the groups that have images in more than one split."""
    pairs = np.unique(np.stack([groups, split]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    return names[counts > 1].tolist()


def connected(size: int, edges: np.ndarray) -> np.ndarray:
    """Return the number of the connected component that each node of a graph is in.

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


def merge_groups(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return groups in which all images stay together that share a group in either of two groupings.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        The number of each image's group, from 0.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> merge_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    # The groups of both groupings are the nodes of a graph, and each image is an edge between its two groups.
    offset = int(first.max(initial=-1)) + 1
    size = offset + int(second.max(initial=-1)) + 1
    return connected(size, np.column_stack([first, offset + second]))[first]
