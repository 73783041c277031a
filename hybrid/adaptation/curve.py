"""How many labelled images of a new site are needed: scores of each method against their number, over many draws."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adaptation.automatic import adapt_automatically, choose_method
from hybrid.adaptation.draws import draw_images
from hybrid.adaptation.methods import AUTO, METHODS, NONE, Parent, SiteImages, adapt_with
from hybrid.errors import InputError
from hybrid.evaluation import LOWER_IS_BETTER, evaluate
from hybrid.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 10


@dataclass(frozen=True)
class CurvePoint:
    """Scores of one method with one number of adapting images, over the draws.

    Attributes
    ----------
    method : str
    images : int
        Number of adapting images.
    metric : str
    mean, sd : float or None
        Mean and standard deviation over the draws; None if no draw has a score.
    low, high : float or None
        The lowest and the highest score of the draws.
    gain, gain_sd : float or None
        Mean and standard deviation of the improvement over the model as it is, on the same images; above 0 is better,
        also for losses.
    better : int
        Number of draws in which the score is better than that of the model as it is.
    draws : int
        Number of draws with a score.
    """

    method: str
    images: int
    metric: str
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    gain: float | None
    gain_sd: float | None
    better: int
    draws: int


@dataclass(frozen=True)
class AdaptingCurve:
    """Scores of each method against the number of adapting images.

    Attributes
    ----------
    points : tuple of CurvePoint
    draws : int
        Number of draws.
    judging : tuple of int
        Number of images that each draw is judged on, which are the same for all its numbers of adapting images.
    metrics : tuple of str
        The first one is the main metric.
    fixed : bool
        Whether all draws are judged on the same images, those of the other splits.
    failures : dict of str to str
        Why a method could not be used in some draws, by "METHOD with N images".
    """

    points: tuple[CurvePoint, ...]
    draws: int
    judging: tuple[int, ...]
    metrics: tuple[str, ...]
    fixed: bool = False
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the curve."""
        return tuple(dict.fromkeys(point.method for point in self.points))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of adapting images."""
        return tuple(dict.fromkeys(point.images for point in self.points))

    def point(self, method: str, images: int, metric: str | None = None) -> CurvePoint:
        """Return the point of a method, a number of images and a metric, by default the main one."""
        wanted = (method, images, metric or self.metrics[0])
        return next(one for one in self.points if (one.method, one.images, one.metric) == wanted)

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as JSON values."""
        return asdict(self)

    def table(self) -> "pd.DataFrame":
        """Return the points as a DataFrame."""
        import pandas as pd

        return pd.DataFrame([vars(point) for point in self.points])


def adapting_curve(
    parent: Parent,
    images: SiteImages,
    sizes: Sequence[int],
    metrics: Sequence[str],
    *,
    judging: SiteImages | None = None,
    methods: Sequence[str] | None = None,
    draws: int = DRAWS,
    random_state: int = 0,
    progress: Progress | None = None,
) -> AdaptingCurve:
    """Adapt a model to draws of images with every method, and score it on images of other groups.

    In each draw, the smaller numbers of adapting images are parts of the larger ones, and all of them are judged on the
    same images.

    Parameters
    ----------
    parent : Parent
    images : SiteImages
        The images to draw from and, without `judging`, to judge on.
    sizes : sequence of int
        Numbers of adapting images.
    metrics : sequence of str
        Names of overall scores, beginning with the main one.
    judging : SiteImages, optional
        Images to judge every draw on. By default those of the groups that are not drawn.
    methods : sequence of str, optional
        By default all that the model can be adapted with, and ``"auto"``.
    draws : int, default=10
        Number of draws.
    random_state : int, default=0
        Seed of the first draw; the others have the following ones.
    progress : callable, optional
        Called with the number of finished fits and their total number.

    Returns
    -------
    AdaptingCurve
    """
    if draws < 1:
        raise InputError(f"draws={draws} was given; expected at least 1.")
    methods = tuple(methods or [*(name for name in METHODS if name not in parent.unavailable), AUTO])
    scores = np.full((len(methods), len(sizes), draws, len(metrics)), np.nan)
    failures: dict[str, str] = {}
    judged = []
    for draw in range(draws):
        drawn = draw_images(images.y, images.groups, max(sizes), random_state + draw)
        held_out = images.take(drawn.judging) if judging is None else judging
        judged.append(len(held_out))
        for column, size in enumerate(sizes):
            part = images.take(drawn.order[:size])
            for row, found in enumerate(_adapted(methods, parent, part)):
                if isinstance(found, InputError):
                    failures[f"{methods[row]} with {size} images"] = str(found)
                else:
                    scores[row, column, draw] = _scores(parent, held_out, found.predict(held_out), metrics)
            if progress:
                progress(draw * len(sizes) + column + 1, draws * len(sizes))
    points = [
        _point(method, size, metric, scores[row, column, :, number], scores[methods.index(NONE), column, :, number])
        for row, method in enumerate(methods)
        for column, size in enumerate(sizes)
        for number, metric in enumerate(metrics)
    ]
    return AdaptingCurve(tuple(points), draws, tuple(judged), tuple(metrics), judging is not None, failures)


def _adapted(methods: Sequence[str], parent: Parent, images: SiteImages) -> list[Any]:
    """Return the model that each method adapts to the images, or the error why it cannot."""
    choice = choose_method(parent, images) if AUTO in methods else None
    found: list[Any] = []
    for method in methods:
        try:
            refitted = choice.refit if choice and method == "refit" else None
            if method == AUTO:
                found.append(adapt_automatically(parent, images, choice))
            else:
                found.append(adapt_with(method, parent, images, refitted))
        except InputError as error:
            found.append(error)
    return found


def _scores(
    parent: Parent, images: SiteImages, predictions: tuple[NDArray, NDArray], metrics: Sequence[str]
) -> list[float]:
    proba, predicted = predictions
    classes = parent.classes.tolist()
    result = evaluate(images.y, proba, classes, y_pred=predicted, pos_label=parent.positive, n_boot=0)
    values = [result.metrics[metric].value for metric in metrics]
    return [np.nan if value is None else value for value in values]


def _point(method: str, size: int, metric: str, scores: NDArray, plain: NDArray) -> CurvePoint:
    has = np.isfinite(scores) & np.isfinite(plain)
    gains = (scores - plain)[has] * (-1 if metric in LOWER_IS_BETTER else 1)
    if not has.any():
        return CurvePoint(method, size, metric, None, None, None, None, None, None, better=0, draws=0)
    kept, several = scores[has], int(has.sum()) > 1
    return CurvePoint(
        method,
        size,
        metric,
        float(kept.mean()),
        float(kept.std(ddof=1)) if several else None,
        float(kept.min()),
        float(kept.max()),
        float(gains.mean()),
        float(gains.std(ddof=1)) if several else None,
        better=int((gains > 0).sum()),
        draws=int(has.sum()),
    )
