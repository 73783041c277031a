"""Holm's correction for several tests, as adjusted p-values and as the level at which each hypothesis was tested."""

from collections.abc import Sequence


def holm_steps(p_values: Sequence[float | None], alpha: float) -> list[tuple[float, int] | None]:
    """Return the adjusted p-value of each test (Holm 1979), and the number by which its level was divided.

    The smallest p-value is compared with `alpha` divided by the number of tests, the next with `alpha` divided by one
    less, and so on until one is too large; the rest is compared with the same level as this one.

    Parameters
    ----------
    p_values : sequence of float or None
        Tests without a p-value do not count.
    alpha : float
        The familywise level.

    Returns
    -------
    list of (float, int) or None
        None for tests without a p-value.

    Examples
    --------
    >>> holm_steps([0.25, 0.01, None, 0.5], 0.05)
    [(0.5, 2), (0.03, 3), None, (0.5, 2)]
    """
    ordered = sorted((p_value, i) for i, p_value in enumerate(p_values) if p_value is not None)
    steps: list[tuple[float, int] | None] = [None] * len(p_values)
    largest, rejected = 0.0, 0
    for rank, (p_value, i) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_value))
        rejected += largest < alpha
        steps[i] = largest, len(ordered) - min(rank, rejected)
    return steps
