"""The fitted learning curve: an inverse power law with the uncertainty of its extrapolation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from hybrid.errors import InputError

Array = NDArray[np.float64]

FEWEST_SIZES = 5  # of different numbers of images, for three parameters
FEWEST_REPEATS = 4
DRAWS = 1000
_EXPONENTS = np.geomspace(0.1, 2.0, 40)
_POINTS = 60  # at which the curve is drawn
_WIDEST = 0.15  # band of a score between 0 and 1, above which a forecast is useless
_SURE = 3.0  # standard errors by which a falling curve, or a lack of fit, exceeds chance


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """An inverse power law, score = asymptote − scale · n^(−exponent), fitted to repeated scores.

    If a lower score is better, the sign of `scale` is negative.

    Attributes
    ----------
    asymptote, scale, exponent : float
        The score that would be reached with any number of images, the distance from it for one image, and how fast it
        is approached. They are much less certain than the curve itself.
    sizes, value, low, high : ndarray of float64, shape (m,)
        Numbers of training images, the curve there, and its band.
    now, target : tuple of float
        Number of training images, score, lower and upper bound of the band: with all images that there are, and with
        the larger number that is asked for.
    level : float
        Share of cases in which the band should hold.
    reason : str
        Why the curve must not be extrapolated; "" if it may.
    """

    asymptote: float
    scale: float
    exponent: float
    sizes: Array
    value: Array
    low: Array
    high: Array
    now: tuple[float, float, float, float]
    target: tuple[float, float, float, float]
    level: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        names = ("images", "value", "low", "high")
        points = {name: dict(zip(names, getattr(self, name), strict=True)) for name in ("now", "target")}
        fitted = {name: getattr(self, name) for name in ("asymptote", "scale", "exponent", "level", "reason")}
        return fitted | points


def fit_power_law(
    sizes: Any,
    scores: Any,
    *,
    n: int | None = None,
    factor: float = 2.0,
    best: float = 1.0,
    higher_is_better: bool = True,
    level: float = 0.9,
    random_state: int = 0,
) -> Extrapolation:
    """Fit an inverse power law to scores on nested shares of the training images, and extrapolate it.

    Parameters
    ----------
    sizes : array-like of shape (m,)
        Numbers of training images, ascending.
    scores : array-like of shape (repeats, m) or (repeats, folds, m)
        The score of a model fitted to so many images. The images of a repeat are nested. All repeats are scored on the
        same images, and each fold on its own.
    n : int, optional
        Number of all images from which the shares were drawn. By default the largest size.
    factor : float, default=2.0
        How many times as many images the extrapolation is for.
    best : float, default=1.0
        The best possible score, which the asymptote does not exceed.
    higher_is_better : bool, default=True
        Whether a higher score is better.
    level : float, default=0.9
        Share of cases in which the band should hold.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    Extrapolation

    Notes
    -----
    The law is fitted to the mean scores by weighted least squares, with weights that follow from the spread over
    repeats. For each of 40 exponents from 0.1 to 2 the other parameters follow from a linear fit with bounds: no
    better than `best` at infinity, and never worse with more images.

    The band holds for the score of a model that is fitted to `factor` times as many images from the same source, on
    the same validation images. It contains the uncertainty of the fit, from bootstrap draws of whole repeats, so that
    nested shares stay together, and the chance of which training images were collected. The latter is the spread
    between models on different images of this number, extrapolated from the spread over repeats, which is corrected
    for the share of the images that all repeats have in common.

    Examples
    --------
    >>> n = np.array([50, 100, 200, 400, 800])
    >>> noise = np.random.default_rng(0).normal(size=(10, 5)) * 0.1 / n**0.5
    >>> fit = fit_power_law(n, 0.95 - 0.5 * n**-0.5 + noise)
    >>> round(fit.target[1], 2), round(0.95 - 0.5 * 1600**-0.5, 2)
    (0.94, 0.94)
    """
    sizes, scores = np.asarray(sizes, np.float64), np.atleast_2d(np.asarray(scores, np.float64))
    if scores.shape[-1] != len(sizes) or not np.isfinite(scores).all():
        raise InputError(f"The scores have shape {scores.shape}; expected finite scores for {len(sizes)} sizes.")
    total = float(sizes[-1] if n is None else n)
    losses = (best - scores) if higher_is_better else scores - best
    loss = losses.mean(axis=1) if losses.ndim == 3 else losses
    grid = np.unique(np.r_[np.geomspace(sizes[0], factor * total, _POINTS), total, factor * total])
    repeats, mean = len(loss), loss.mean(axis=0)
    spread = _spread(sizes, losses, total)
    weights = 1 / spread(sizes) ** 2
    (alpha, beta, exponent), curve = _fitted(sizes, mean[None], weights, grid)
    rng = np.random.default_rng(random_state)
    drawn = loss[rng.integers(0, repeats, (DRAWS, repeats))].mean(axis=1)
    _, draws = _fitted(sizes, drawn, weights, grid)
    share = (1 + level) / 2
    few = float(stdtrit(max(repeats - 1, 1), share) / ndtri(share))  # both parts are estimated from few repeats
    wider = few * (repeats / max(repeats - 1, 1)) ** 0.5
    luck = few * spread(np.array([total]))[0] * np.sqrt(np.maximum(1 - total / grid, 0))
    draws = curve + wider * (draws - curve) + luck * rng.standard_normal((DRAWS, 1))
    low, high = np.maximum(np.quantile(draws, [1 - share, share], axis=0), 0.0)
    low, high = np.minimum(low, curve[0]), np.maximum(high, curve[0])
    sign = -1.0 if higher_is_better else 1.0
    value, ends = best + sign * curve[0], np.sort([best + sign * low, best + sign * high], axis=0)
    now, target = (
        (float(grid[row]), float(value[row]), float(ends[0][row]), float(ends[1][row]))
        for row in np.searchsorted(grid, [total, factor * total])
    )
    return Extrapolation(
        asymptote=float(best + sign * alpha[0]),
        scale=float(-sign * beta[0]),
        exponent=float(exponent[0]),
        sizes=grid,
        value=value,
        low=ends[0],
        high=ends[1],
        now=now,
        target=target,
        level=level,
        reason=_reason(sizes, loss, target),
    )


def _fitted(sizes: Array, losses: Array, weights: Array, grid: Array) -> tuple[tuple[Array, Array, Array], Array]:
    """Fit alpha + beta · n^(−c) to rows of mean losses, (draws, m); return the parameters and the curves on a grid.

    Neither alpha nor beta is negative.
    """
    best = np.full(len(losses), np.inf)
    found = np.zeros((3, len(losses)))
    w = weights / weights.sum()
    for exponent in _EXPONENTS:
        x = sizes**-exponent
        centre, middle = float(w @ x), losses @ w
        beta = np.maximum((losses - middle[:, None]) @ (w * (x - centre)) / float(w @ (x - centre) ** 2), 0.0)
        alpha = middle - beta * centre
        through = losses @ (w * x) / float(w @ x**2)  # without alpha, which would be negative
        beta, alpha = np.where(alpha < 0, through, beta), np.maximum(alpha, 0.0)
        error = ((losses - alpha[:, None] - beta[:, None] * x) ** 2) @ w
        better = error < best
        best[better] = error[better]
        found[:, better] = np.array([alpha, beta, np.full(len(losses), exponent)])[:, better]
    alpha, beta, exponents = found
    return (alpha, beta, exponents), alpha[:, None] + beta[:, None] * grid ** -exponents[:, None]


def _spread(sizes: Array, losses: Array, total: float) -> Callable[[Array], Array]:
    """Return a function from numbers of images to the standard deviation of the score over training sets of this size.

    Repeats that draw a share f of the same images differ less than such training sets: their variance is multiplied by
    1 − f. Folds also differ because of the images that they are scored on, so that the mean of each is subtracted. The
    variance is a power of the number of images.
    """
    m = len(sizes)
    if losses.ndim == 3:
        rows = (losses - losses.mean(axis=2, keepdims=True)).reshape(-1, m) * (m / max(m - 1, 1)) ** 0.5
    else:
        rows = losses
    variance = rows.var(axis=0, ddof=1) if len(rows) > 1 else np.zeros(m)
    free = 1 - sizes / total
    used = (free > 0.05) & (variance > 0)
    least = max(1e-4, 0.02 * float(np.ptp(rows.mean(axis=0))))
    if used.sum() < 2:
        level = float(np.sqrt(variance[used] / free[used]).mean()) if used.any() else least
        return lambda n: np.full(np.shape(n), max(level, least))
    logs, values = np.log(sizes[used]), np.log(variance[used] / free[used])
    slope = float(np.clip(np.polyfit(logs, values, 1)[0], -2.0, 0.0))
    constant = float(np.mean(values - slope * logs))
    return lambda n: np.maximum(np.exp((constant + slope * np.log(n)) / 2), least)


def _reason(sizes: Array, loss: Array, target: tuple[float, ...]) -> str:
    """Return why the curve must not be extrapolated; "" if it may."""
    if len(sizes) < FEWEST_SIZES:
        return f"there are only {len(sizes)} different numbers of images, and a curve needs {FEWEST_SIZES}"
    if len(loss) < FEWEST_REPEATS:
        return f"there are only {len(loss)} repeats, and a curve needs {FEWEST_REPEATS}"
    fall = loss[:, -1] - loss[:, len(sizes) // 2]
    error = float(fall.std(ddof=1)) / len(fall) ** 0.5
    if fall.mean() > _SURE * error and fall.mean() > 0.002:
        return "the scores fall with more images, which no learning curve describes"
    if target[3] - target[2] > _WIDEST:
        return f"the band is {target[3] - target[2]:.2f} wide: the scores vary too much from one share to the next"
    return ""
