"""Groups of models that cannot be told apart, as in a compact letter display."""

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase

from hybrid.evaluation import PairedTest


def alike_groups(names: Sequence[str], tests: Iterable[PairedTest]) -> list[tuple[str, ...]]:
    """Return the largest groups of models of which no two can be told apart.

    A model can be in several groups: if a and b cannot be told apart, and b and c cannot either, a and c may differ.
    The groups are found by inserting each difference and absorbing what is contained in another group [1]_.

    Parameters
    ----------
    names : sequence of str
        The models, in the order in which they are shown.
    tests : iterable of PairedTest
        The tests of all pairs by one metric. Models of a pair without a test count as models that cannot be told apart.

    Returns
    -------
    list of tuple of str
        The groups in the order of their first models. Each model is in at least one group.

    References
    ----------
    .. [1] H.-P. Piepho, An algorithm for a letter-based representation of all-pairwise comparisons, Journal of
       Computational and Graphical Statistics 13 (2004) 456-466.

    Examples
    --------
    >>> test = PairedTest("a", "c", "f1", 0.1, None, None, 0.001, 0.001, "paired bootstrap", 99)
    >>> alike_groups(["a", "b", "c"], [test])
    [('a', 'b'), ('b', 'c')]
    """
    groups = [frozenset(names)]
    for test in tests:
        if test.distinguishable:
            pair = {test.first, test.second}
            parts = [group - {name} for group in groups if pair <= group for name in pair]
            groups = _absorbed([*(group for group in groups if not pair <= group), *parts])
    position = {name: number for number, name in enumerate(names)}
    ordered = [tuple(sorted(group, key=position.__getitem__)) for group in groups]
    return sorted(ordered, key=lambda group: [position[name] for name in group])


def group_letters(names: Sequence[str], groups: Sequence[Sequence[str]]) -> Mapping[str, str]:
    """Return the letters of each model; models that have a letter in common cannot be told apart.

    Examples
    --------
    >>> group_letters(["a", "b", "c"], [("a", "b"), ("b", "c")])
    {'a': 'a', 'b': 'a b', 'c': 'b'}
    """
    signs = [ascii_lowercase[k] if k < len(ascii_lowercase) else str(k + 1) for k in range(len(groups))]
    return {name: " ".join(sign for sign, group in zip(signs, groups, strict=True) if name in group) for name in names}


def _absorbed(groups: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Return the groups without those that are contained in another one."""
    different = set(groups)
    return [group for group in different if not any(group < other for other in different)]
