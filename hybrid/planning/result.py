"""`LearningCurve`: scores against the number of training images, in words, as a table and as JSON."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.evaluation import METRICS
from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.metrics import format_score
from hybrid.planning.interval_widths import IntervalWidths
from hybrid.planning.power_law import Extrapolation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class ScoreCurve:
    """One score against the number of training images.

    Attributes
    ----------
    metric : str
        Name of the metric.
    label : object or None
        The class or label of the score; None for an overall score.
    images : int
        Number of training images of this class, or of all.
    scores : ndarray of float64, shape (repeats, m)
        The score of each repeat at each size.
    fit : Extrapolation
        The fitted curve.
    """

    metric: str
    label: Any
    images: int
    scores: NDArray[np.float64]
    fit: Extrapolation

    @property
    def title(self) -> str:
        """Name of the score in a sentence."""
        name = METRICS[self.metric].title
        return name if self.label is None else f"{name} of {self.label}"


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores against the number of training images, with a fitted curve and its extrapolation.

    Attributes
    ----------
    model : str
        Name of the model or head.
    task : {"binary", "multiclass", "multilabel"}
    sizes : ndarray of int, shape (m,)
        Numbers of training images, ascending.
    groups : ndarray of int, shape (m,), or None
        Mean number of groups among them.
    n, n_groups : int, int or None
        Number of all training images, and of their groups.
    repeats : int
        How often nested shares were drawn.
    folds : int or None
        Number of folds of the cross-validation inside train; None if scores are those on validation.
    scored_on : int
        Number of images that each score is computed on.
    factor : float
        How many times as many images the extrapolation is for.
    overall, rarest : ScoreCurve
        The score of the task, and that of the rarest class or label.
    interval_widths : IntervalWidths
        The width of intervals against the number of test images.
    notes : tuple of str
        Remarks on the curve.
    group_name : str
        What a group is called in words, such as "patient".
    """

    model: str
    task: str
    sizes: NDArray[np.intp]
    groups: NDArray[np.intp] | None
    n: int
    n_groups: int | None
    repeats: int
    folds: int | None
    scored_on: int
    factor: float
    overall: ScoreCurve
    rarest: ScoreCurve
    interval_widths: IntervalWidths
    notes: tuple[str, ...] = ()
    group_name: str = GROUP

    @property
    def where(self) -> str:
        """Which images the scores are computed on, in a few words."""
        if self.folds is None:
            return f"the {self.scored_on:,} validation images"
        return f"{self.folds} folds of the {self.n:,} training images"

    def sentences(self) -> list[str]:
        """Return in words what more training images would bring, overall and for the rarest class."""
        kind = "label" if self.task == "multilabel" else "class"
        rarest = self.rarest
        of = f"the rarest {kind}, {rarest.label} ({rarest.images:,} of {self.n:,} training images)"
        return [
            self._forecast(self.overall, f"the {METRICS[self.overall.metric].title}"),
            self._forecast(rarest, f"the {METRICS[rarest.metric].title} of {of}"),
        ]

    def _forecast(self, score: ScoreCurve, name: str) -> str:
        fit, more = score.fit, f"{_times(self.factor)} as many training images"
        if fit.reason:
            return f"It cannot be said what {more.lower()} would bring for {name}: {fit.reason}."
        (_, now, *_), (_, then, low, high) = fit.now, fit.target
        band = f"({fit.level:.0%} band {format_score(low)} to {format_score(high)})"
        change = f"from {format_score(now)} to {format_score(then)} {band}"
        better = METRICS[score.metric].higher_is_better
        if low > now if better else high < now:
            return f"{more} would likely {'raise' if better else 'lower'} {name} {change}."
        return f"{more} would likely change {name} {change}, so that there may be no improvement."

    def table(self) -> "pd.DataFrame":
        """Return one row for each number of training images: mean, lowest and highest score, and the fitted curve."""
        import pandas as pd

        rows: dict[str, Any] = {"images": self.sizes}
        if self.groups is not None:
            rows["groups"] = self.groups
        for name, score in (("overall", self.overall), ("rarest", self.rarest)):
            rows |= {
                f"{name}_mean": score.scores.mean(axis=0),
                f"{name}_low": score.scores.min(axis=0),
                f"{name}_high": score.scores.max(axis=0),
                f"{name}_fit": np.interp(self.sizes, score.fit.sizes, score.fit.value),
            }
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        names = ("model", "task", "n", "n_groups", "repeats", "folds", "scored_on", "factor")
        curves = {
            name: {"metric": one.metric, "label": one.label, "images": one.images, "scores": one.scores.tolist()}
            | one.fit.to_dict()
            for name, one in (("overall", self.overall), ("rarest", self.rarest))
        }
        return (
            {name: getattr(self, name) for name in names}
            | {"sizes": self.sizes.tolist(), "groups": None if self.groups is None else self.groups.tolist()}
            | curves
            | {
                "sentences": self.sentences(),
                "notes": list(self.notes),
                "interval_widths": self.interval_widths.to_dict(),
            }
        )

    def __str__(self) -> str:
        return "\n".join([*self.sentences(), *self.notes])


def _times(factor: float) -> str:
    return "Twice" if factor == 2 else f"{factor:g} times"
