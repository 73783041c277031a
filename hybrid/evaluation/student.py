"""P-values and intervals of an estimate with a standard error, by Student's or the normal distribution."""

from statistics import NormalDist

_NORMAL = NormalDist()


def lower_tail(z: float, degrees: float | None = None) -> float:
    """Return the probability of a value of at most z, by Student's distribution or, without degrees, the normal one.

    Examples
    --------
    >>> round(lower_tail(-1.96), 4), round(lower_tail(-1.96, 10), 4)
    (0.025, 0.0392)
    """
    from scipy.special import stdtr

    return _NORMAL.cdf(z) if degrees is None else float(stdtr(degrees, z))


def two_sided(value: float, error: float, degrees: float | None = None) -> float:
    """Return the two-sided p-value of the hypothesis that the true value is 0."""
    return 2 * lower_tail(-abs(value) / error, degrees)


def bounds(value: float, error: float, degrees: float | None, level: float) -> tuple[float, float]:
    """Return the interval that contains 0 exactly if the two-sided p-value is at least 1 − `level`.

    Examples
    --------
    >>> [round(bound, 2) for bound in bounds(1.0, 0.5, None, 0.95)]
    [0.02, 1.98]
    """
    from scipy.special import stdtrit

    share = (1 + level) / 2
    half = error * (_NORMAL.inv_cdf(share) if degrees is None else float(stdtrit(degrees, share)))
    return value - half, value + half
